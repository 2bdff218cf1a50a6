"""PDF → blocks: paragraphs, lists and tables under headings, which are told by their type; each with its page.

What repeats at the edge of pages is left out. Pages that are pictures are recognised where that is installed; what
is not read is said. Knows nothing of files or passages.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeGuard

from core.documents import recognition
from core.documents.blocks import BlockKind, Outline, ParsedDocument, pipe_table
from core.documents.pdf_lines import PdfLine, PdfPage, PdfTable, read_page
from core.documents.properties import language_tag
from core.documents.scans import recognised
from core.errors import DocumentError

if TYPE_CHECKING:
    from pdfplumber.pdf import PDF

MAX_PAGES = 2_000
_EDGE = 0.09  # of a page's height, where headers and footers stand
_LARGER = 1.12  # a heading's type, beside that of running text
_HEADING_CHARACTERS = 150
_BOLD_HEADING = re.compile(r"(?=[^a-z]*[A-Z])[^:]{2,79}[^:.,;]")  # a label with its value is none
_LEVELS = 4
_BULLET = re.compile(r"^(?:[•‣◦▪●○■–\uf0b7]|[-*](?=\s))\s*")
_NUMBERED = re.compile(r"^(?:\d{1,2}|[a-z])[.)]\s+")
_NO_NAME = re.compile(r"\(?(?:anonymous|unspecified|unknown|author|user)\)?|about:blank", re.IGNORECASE)  # of tools
_NO_TITLE = re.compile(
    r"untitled.*|unbenannt.*|do[ck]ument ?\d*|pr(?:e|ä)sentation ?\d*|(?:book|mappe|slide|folie) ?\d+"
    r"|powerpoint[ -]pr(?:e|ä)sentation|microsoft (?:word|powerpoint|excel) ?- .*"
    r"|.*\.(?:docx?|pptx?|xlsx?|odt|odp|rtf|indd|dvi|tex|pdf)",
    re.IGNORECASE,
)
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)")


def parse_pdf(data: bytes) -> ParsedDocument:
    """Parse a PDF file whose text can be selected."""
    from core.documents.pdf_streams import bounded  # noqa: PLC0415 - only who reads PDF waits for it

    with _opened(data) as pdf:
        _check_pages(_stated_pages(pdf))  # before all of them are looked up
        _check_pages(len(pdf.pages))
        with bounded(pdf, len(data)):
            pages = recognised(data, list(_read(pdf)))
        named = _named(pdf.metadata, "Title")
        document = document_of(pages, "" if _NO_TITLE.fullmatch(named) else named)
        changed = _DATE.match(_named(pdf.metadata, "ModDate") or _named(pdf.metadata, "CreationDate"))
        return replace(
            document,
            author=_named(pdf.metadata, "Author"),
            date="-".join(changed.groups()) if changed else "",
            language=language_tag(_text(pdf.doc.catalog.get("Lang", ""))),
        )


@contextmanager
def _opened(data: bytes) -> Iterator[PDF]:
    import pdfplumber  # noqa: PLC0415 - only who reads PDF waits for it
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect  # noqa: PLC0415
    from pdfplumber.utils.exceptions import PdfminerException  # noqa: PLC0415

    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            yield pdf
    except PdfminerException as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, MemoryError | DocumentError):
            raise cause from None
        if isinstance(cause, PDFPasswordIncorrect | PDFEncryptionError):
            raise DocumentError("It is protected by a password. Save it without one.") from None
        raise DocumentError(f"It is damaged or not a PDF ({cause or type(cause).__name__}). Save it again.") from None


def _stated_pages(pdf: PDF) -> int:
    from pdfminer.pdftypes import resolve1  # noqa: PLC0415

    root = resolve1(pdf.doc.catalog.get("Pages"))
    stated = resolve1(root.get("Count")) if isinstance(root, dict) else 0
    return stated if isinstance(stated, int) else 0


def _check_pages(count: int) -> None:
    if count > MAX_PAGES:
        raise DocumentError(f"It has {count:,} pages; the limit is {MAX_PAGES:,}. Split it.")


def _read(pdf: PDF) -> Iterator[PdfPage]:
    """The pages; of those that draw the very same only the first."""
    from core.documents.pdf_streams import drawn_by  # noqa: PLC0415 - as above

    seen = set()
    for page in pdf.pages:
        drawn = drawn_by(page)
        if drawn and drawn in seen:
            yield PdfPage(page.page_number, float(page.height), repeats=True)
        else:
            yield read_page(page)
            seen.add(drawn)
        page.close()  # lets go of its characters: a long document would not fit in memory


def _notes(pages: Sequence[PdfPage]) -> tuple[str, ...]:
    """What a person has to know of what was not read, or read in another way.

    Raises:
        DocumentError: nothing was.
    """
    garbled = [page.number for page in pages if page.garbled and not page.scanned]
    unread = [page.number for page in pages if page.scanned and not page.recognised and not page.garbled]
    if garbled and not any(page.parts for page in pages):
        raise DocumentError(
            f"Its text comes out garbled: its fonts do not say which letters they draw. {_how_to_mend()}"
        )
    if unread and not any(page.parts for page in pages):
        raise DocumentError(f"It holds only images of pages ({len(pages)}), no text. {recognition.how_to_read()}")
    found = {
        "The text of some pages comes out garbled and was left out: {}. " + _how_to_mend(): garbled,
        "Some pages are images without text and were not read: {}. " + recognition.how_to_read(): unread,
        "Some pages have so many lines that their tables were read as text: {}.": [
            page.number for page in pages if not page.ruled
        ],
        "Some pages repeat earlier ones and were read only once: {}.": [page.number for page in pages if page.repeats],
        "Some pages are images, whose text was recognised: {}.": [
            page.number for page in pages if page.recognised and page.parts and page.scanned
        ],
        "The text of some pages is garbled; it was recognised from how they look: {}.": [
            page.number for page in pages if page.recognised and page.parts and not page.scanned
        ],
        "No text that can be read was found on some pages that are images: {}.": [
            page.number for page in pages if page.recognised and not page.parts and page.number not in garbled
        ],
        "Some text in images could not be read for certain and was left out: pages {}.": [
            page.number for page in pages if page.unsure
        ],
    }
    return tuple(note.format(_listed(numbers)) for note, numbers in found.items() if numbers)


def _how_to_mend() -> str:
    return "Save it again from where it was written" + (
        "." if recognition.is_installed() else f", or read it as it looks. {recognition.HOW_TO_GET}"
    )


def _listed(pages: Sequence[int]) -> str:
    return ", ".join(map(str, pages[:10])) + (", …" if len(pages) > 10 else "")  # noqa: PLR2004 - a line's worth


def document_of(pages: Sequence[PdfPage], title: str = "") -> ParsedDocument:
    """The document that the pages make; without a title, its main heading is that.

    Raises:
        DocumentError: not one of them could be read.
    """
    pages = [replace(page, parts=()) if page.garbled else page for page in pages]
    notes = _notes(pages)
    pages = _without_furniture(pages)
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    outline = Outline(title)
    headings = sorted({_size(line) for page in pages for line in page.lines if _is_large(line, body)}, reverse=True)
    groups = [(group, page.number) for page in pages for group in _groups(page, body)]
    largest = sum(_is_heading(group, body) and _size(group[0]) == headings[0] for group, _ in groups)
    levels = {size: min(level, _LEVELS) for level, size in enumerate(headings, start=1 if largest == 1 else 2)}
    for group, number in groups:
        _add(outline, group, number, levels, body)
    return replace(outline.document(), notes=notes)


def _without_furniture(pages: Sequence[PdfPage]) -> list[PdfPage]:
    """Pages without what stands at the edge of most of them."""
    seen = Counter(key for page in pages for key in {_key(line) for line in page.lines if _is_at_edge(line, page)})
    repeated = {key for key, count in seen.items() if count > 2 and count * 2 > len(pages)}  # noqa: PLR2004 - pages
    return [
        replace(page, parts=tuple(part for part in page.parts if not _is_furniture(part, page, repeated)))
        for page in pages
    ]


def _is_furniture(part: PdfLine | PdfTable, page: PdfPage, repeated: Collection[str]) -> bool:
    return isinstance(part, PdfLine) and _is_at_edge(part, page) and _key(part) in repeated


def _is_at_edge(line: PdfLine, page: PdfPage) -> bool:
    return line.aside or line.bottom < _EDGE * page.height or line.top > (1 - _EDGE) * page.height


def _key(line: PdfLine) -> str:
    return re.sub(r"\d+", "#", line.text)


def _size(line: PdfLine) -> float:
    return round(line.size * 2) / 2


def _is_large(line: PdfLine, body: float) -> bool:
    """Whether it is a heading, as what runs across the page, a watermark, is not."""
    large = line.size > _LARGER * body and len(line.text) <= _HEADING_CHARACTERS
    return large and not line.aside and any(map(str.isalpha, line.text))


def _groups(page: PdfPage, body: float) -> Iterator[PdfTable | list[PdfLine]]:
    """Tables, and lines that belong together, in order."""
    group: list[PdfLine] = []
    for part in page.parts:
        if group and (isinstance(part, PdfTable) or not _continues(group, part, body)):
            yield group
            group = []
        if isinstance(part, PdfTable):
            yield part
        else:
            group.append(part)
    if group:
        yield group


def _continues(group: Sequence[PdfLine], line: PdfLine, body: float) -> bool:
    """Whether `line` belongs to the lines above it."""
    last = group[-1]
    if _is_large(line, body) or _is_large(last, body):
        return _is_large(line, body) and _is_large(last, body) and _size(line) == _size(last) and _near(last, line)
    listed = [bool(_BULLET.match(one.text) or _NUMBERED.match(one.text)) for one in (group[0], line)]
    if listed[0] and listed[1]:
        return line.top - last.bottom < 2 * last.size
    return not listed[1] and last.bold == line.bold and _near(last, line)


def _near(above: PdfLine, below: PdfLine) -> bool:
    return -above.size < below.top - above.bottom < 0.7 * above.size


def _add(
    outline: Outline, group: PdfTable | list[PdfLine], page: int, levels: Mapping[float, int], body: float
) -> None:
    if isinstance(group, PdfTable):
        _add_table(outline, group, page)
        return
    text = _joined(group)
    if _is_heading(group, body):
        outline.heading(levels[_size(group[0])], text, 0, page)
    elif group[0].bold and len(group) == 1 and _BOLD_HEADING.fullmatch(text):
        outline.heading(_LEVELS + 1, text, 0, page)
    elif text.startswith("- ") or _NUMBERED.match(text):
        outline.add(BlockKind.LIST, text, 0, page)
    else:
        outline.add(BlockKind.PARAGRAPH, text, 0, page)


def _is_heading(group: PdfTable | list[PdfLine], body: float) -> TypeGuard[list[PdfLine]]:
    return isinstance(group, list) and _is_large(group[0], body) and len(_joined(group)) <= _HEADING_CHARACTERS


def _add_table(outline: Outline, table: PdfTable, page: int) -> None:
    """A table; rows above its header that hold one cell are text, as a box above a form is."""
    lead = list(takewhile(lambda row: sum(bool(cell.strip()) for cell in row) == 1, table.rows))
    for row in lead:
        outline.add(BlockKind.PARAGRAPH, " ".join(" ".join(row).split()), 0, page)
    outline.add(BlockKind.TABLE, pipe_table(table.rows[len(lead) :]), 0, page)


def _joined(lines: Sequence[PdfLine]) -> str:
    """Lines as running text; one that ends early ends there, as in an address or a table without rules."""
    edge = max(line.right for line in lines)
    start = min(line.left for line in lines)
    parts: list[str] = []
    for before, line in zip([None, *lines], lines, strict=False):
        said = _BULLET.sub("- ", line.text)
        begins = said.startswith("- ") or _NUMBERED.match(said)
        if before is None:
            parts.append(said)
        elif begins or before.right < edge - 0.2 * (edge - start):
            parts.append(f"\n{said}")
        elif parts[-1].endswith("-") and parts[-1][-2:-1].isalpha() and said[:1].islower():
            parts[-1:] = [parts[-1][:-1], said]
        else:
            parts.append(f" {said}")
    return "".join(parts)


def _named(metadata: Mapping[str, Any], name: str) -> str:
    found = " ".join(_text(metadata.get(name) or "").split())
    return "" if _NO_NAME.fullmatch(found) else found


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
