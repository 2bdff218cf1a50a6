"""Pages of PDF files that are pictures → pages with text, where text recognition is installed.

Knows nothing of how text is recognised, nor of what a page is made of otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from core.documents import recognition
from core.documents.garbled import is_garbled
from core.documents.pdf_lines import PdfPage, page_of

DOTS_PER_POINT = 190 / 72  # in which a page is drawn, at most


def recognised(data: bytes, pages: Sequence[PdfPage]) -> list[PdfPage]:
    """The pages of a PDF file, and what those say that are pictures, or whose text nobody can read."""
    scanned = [at for at, page in enumerate(pages) if page.scanned or page.garbled][: recognition.MOST_PICTURES]
    read = list(pages)
    if scanned and recognition.is_installed():
        for at, page in zip(scanned, _drawn(data, [pages[at] for at in scanned]), strict=True):
            read[at] = page if page.parts or pages[at].garbled else replace(page, parts=pages[at].parts)
    return read


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
            scale = min(DOTS_PER_POINT, recognition.LONGEST_SIDE / max(1.0, *drawn.get_size()))
            picture = drawn.render(scale=scale, rev_byteorder=True).to_numpy()[:, :, :3]
        except pypdfium2.PdfiumError:
            yield page
            continue
        yield replace(read_picture(picture, page.number, scale), ruled=page.ruled, scanned=page.scanned)


def read_picture(picture: Any, number: int, scale: float) -> PdfPage:
    """The page that `picture` (height, width, 3) shows, drawn with `scale` pixels a point."""
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
    garbled = is_garbled("\n".join(part.text for part in page.parts))
    return replace(page, scanned=True, recognised=True, unsure=found.unsure, garbled=garbled)
