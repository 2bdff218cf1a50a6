"""Scanned pages and image files → pages and documents, where text recognition is installed.

Knows nothing of how text is recognised, nor of what a page is made of otherwise.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.documents import recognition
from core.documents.blocks import ParsedDocument
from core.documents.pdf_lines import PdfPage, page_of
from core.errors import DocumentError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
MOST_PIXELS = 60_000_000  # of an image file, unpacked
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_DOTS_PER_POINT = 190 / 72  # in which a page is drawn, at most


def recognised(data: bytes, pages: Sequence[PdfPage]) -> list[PdfPage]:
    """The pages of a PDF file, and what the scanned ones say."""
    scanned = [at for at, page in enumerate(pages) if page.scanned][: recognition.MOST_PICTURES]
    read = list(pages)
    if scanned and recognition.is_installed():
        for at, page in zip(scanned, _drawn(data, [pages[at] for at in scanned]), strict=True):
            read[at] = page if page.parts else replace(page, parts=pages[at].parts)
    return read


def parse_picture(data: bytes) -> ParsedDocument:
    """Parse an image file: a photo, a screenshot, or all the pages of a fax.

    Raises:
        DocumentError: it is damaged, too large, or of another format than its name says.
    """
    from core.documents.pdf import document_of  # noqa: PLC0415 - it reads scanned pages itself

    return document_of([_page(frame, number) for number, frame in enumerate(_frames(data), start=1)])


def _drawn(data: bytes, pages: Sequence[PdfPage]) -> Iterator[PdfPage]:
    """These pages as they are drawn, read; one that cannot be drawn stays as it is."""
    import pypdfium2  # noqa: PLC0415 - only who reads pictures waits for it

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        yield from pages
        return
    for page in pages:
        try:
            drawn = pdf[page.number - 1]
            scale = min(_DOTS_PER_POINT, recognition.LONGEST_SIDE / max(1.0, *drawn.get_size()))
            picture = drawn.render(scale=scale, rev_byteorder=True).to_numpy()[:, :, :3]
        except pypdfium2.PdfiumError:
            yield page
            continue
        yield replace(_read(picture, page.number, scale), ruled=page.ruled)


def _read(picture: Any, number: int, scale: float) -> PdfPage:
    import numpy as np  # noqa: PLC0415 - as above

    recognition.on_picture.get()(number)
    found = recognition.recognise(np.ascontiguousarray(picture))
    words = [
        replace(
            word,
            left=word.left / scale,
            right=word.right / scale,
            top=word.top / scale,
            bottom=word.bottom / scale,
            size=word.size / scale,
        )
        for word in found.words
    ]
    page = page_of(words, number, found.height / scale)
    return replace(page, scanned=True, recognised=True, unsure=found.unsure)


def _page(frame: Image, number: int) -> PdfPage:
    import numpy as np  # noqa: PLC0415 - as above

    return _read(np.asarray(frame), number, max(frame.size) / recognition.LONGEST_SIDE * _DOTS_PER_POINT)


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
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
            raise DocumentError(f"It is damaged or not an image ({error}). Save it again.") from None


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
