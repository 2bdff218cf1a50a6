"""Image files → documents, where text recognition is installed.

Knows nothing of how text is recognised, nor of what a page is made of otherwise.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.documents import recognition
from core.documents.blocks import ParsedDocument
from core.documents.pdf import document_of
from core.documents.pdf_lines import PdfPage
from core.documents.scans import DOTS_PER_POINT, read_picture
from core.errors import DocumentError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
MOST_PIXELS = 60_000_000  # of an image file, unpacked
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")


def parse_picture(data: bytes) -> ParsedDocument:
    """Parse an image file: a photo, a screenshot, or all the pages of a fax.

    Raises:
        DocumentError: it is damaged, too large, or of another format than its name says.
    """
    return document_of([_page(frame, number) for number, frame in enumerate(_frames(data), start=1)])


def _page(frame: Image, number: int) -> PdfPage:
    import numpy as np  # noqa: PLC0415 - only who reads pictures waits for it

    return read_picture(np.asarray(frame), number, max(frame.size) / recognition.LONGEST_SIDE * DOTS_PER_POINT)


def _frames(data: bytes) -> Iterator[Image]:
    """The pictures in an image file, upright, on white and no larger than they are read."""
    from PIL import Image, ImageSequence, UnidentifiedImageError  # noqa: PLC0415 - as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a damaged file says of itself
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(image)
                for number, frame in enumerate(ImageSequence.Iterator(image)):
                    if number == recognition.MOST_PICTURES:
                        raise DocumentError(f"It has over {number} pages. Split it.")
                    yield _readable(frame)
        except Image.DecompressionBombError:
            raise DocumentError("It has far too many pixels. Make it smaller.") from None
        except UnidentifiedImageError:
            raise DocumentError("It is damaged or not an image of the format that its name says.") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise DocumentError(f"It is damaged ({error}). Save it again.") from None


def _check_size(image: Image) -> None:
    """Raises DocumentError where it would not fit in memory; a photo is made smaller as it is unpacked."""
    image.draft("RGB", (recognition.LONGEST_SIDE, recognition.LONGEST_SIDE))
    if image.width * image.height > MOST_PIXELS:
        raise DocumentError(f"It has {image.width:,} by {image.height:,} pixels. Make it smaller.")


def _readable(frame: Image) -> Image:
    from PIL import Image, ImageOps  # noqa: PLC0415 - as above

    _check_size(frame)
    upright = ImageOps.exif_transpose(frame).convert("RGBA")
    page = Image.new("RGBA", upright.size, "white")
    page.alpha_composite(upright)
    page.thumbnail((recognition.LONGEST_SIDE, recognition.LONGEST_SIDE))
    return page.convert("RGB")
