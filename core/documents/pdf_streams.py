"""Has a PDF drawn by work that grows with its size: a file may draw one of its streams on every page, again and again.

Knows nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdftypes import PDFStream, resolve1
from pdfplumber import page as pages
from pdfplumber.pdf import PDF

from core.errors import DocumentError

_TIMES = 4  # a file's size is drawn from streams, such as a letterhead on every page
_INTERPRETER = "PDFPageInterpreter"  # by this name pdfplumber has what draws
_FEW = 50  # resources
_LEAST = 1_000_000  # bytes of them, whatever the file's size …
_EACH_PAGE = 100_000  # … and for each page: a logo that is drawn again counts as what it is unpacked


class _Room(PDFResourceManager):
    """How many bytes of streams may still be drawn."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left


class _Interpreter(PDFPageInterpreter):
    """Draws as long as there is room."""

    def render_contents(
        self, resources: dict[object, object], streams: Sequence[object], *args: Any, **kw: Any
    ) -> None:
        if isinstance(self.rsrcmgr, _Room):
            drawn = [resolve1(stream) for stream in streams]
            self.rsrcmgr.left -= sum(len(one.rawdata or one.data or b"") for one in drawn if isinstance(one, PDFStream))
            if self.rsrcmgr.left < 0:
                raise DocumentError("It draws the same parts over and over. Print it to a new PDF file.")
        super().render_contents(resources, streams, *args, **kw)


@contextmanager
def bounded(pdf: PDF, size: int) -> Iterator[None]:
    """Keep what is drawn of `pdf`, a file of `size` bytes, within bounds.

    Raises:
        DocumentError: it goes beyond.
    """
    pdf.rsrcmgr = _Room(_TIMES * size + _LEAST + _EACH_PAGE * len(pdf.pages))
    usual = vars(pages)[_INTERPRETER]
    setattr(pages, _INTERPRETER, _Interpreter)
    try:
        yield
    finally:
        setattr(pages, _INTERPRETER, usual)


def drawn_by(page: Any) -> tuple[object, ...]:
    """What a page draws, and with which resources: pages of which both are the same show the same; empty if unknown."""
    attributes = page.page_obj.attrs
    contents = attributes.get("Contents")
    parts = contents if isinstance(contents, list) else [contents]
    ids = tuple(getattr(part, "objid", None) for part in parts)
    return () if None in ids else (*ids, _name(attributes.get("Resources")), *page.page_obj.mediabox)


def _name(resources: Any) -> object:
    """The same for the same resources, without a look through long ones."""
    if isinstance(resources, dict) and sum(len(of) for of in resources.values() if isinstance(of, dict)) < _FEW:
        return repr(resources)
    return getattr(resources, "objid", id(resources))
