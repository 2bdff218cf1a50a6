"""DOCX → blocks: mammoth makes HTML of it, with headings, lists, tables and links, which the HTML parser reads.

Where Word noted on which page a run begins, the page is kept: a character for private use stands for each break.
Comments, headers and footers are left out, with a note. Knows nothing of files or passages.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

from core.documents import leftovers, packages
from core.documents.blocks import Block, ParsedDocument
from core.documents.html import parse_html
from core.documents.properties import core_properties
from core.text.words import whole_number

_BREAK = "\ue000"
_MOST_COLUMNS = 63  # of a table, as in Word
_BODY = "word/document.xml"
_RENDERED_BREAK = re.compile(rb"<w:lastRenderedPageBreak\s*/>")
_TYPED_BREAK = re.compile(rb'<w:br\s+w:type="page"\s*/>')
_STYLES = "p[style-name='Title'] => h1.title:fresh\np[style-name='Subtitle'] => p:fresh"


def parse_word(data: bytes) -> ParsedDocument:
    """Parse a DOCX file; a line of style Title, or else a lone first heading of level 1, is the title."""
    import mammoth  # noqa: PLC0415 - only who reads Word files waits for it

    with packages.opened(data) as package:
        properties = core_properties(package)
        marked = _with_breaks(package)
        notes = tuple(leftovers.of_word(package))
    html = mammoth.convert_to_html(
        io.BytesIO(marked), style_map=_STYLES, convert_image=mammoth.images.img_element(lambda _: {"src": ""})
    )
    document = parse_html(html.value)
    return properties.applied(replace(document, blocks=_paged(document.blocks), notes=(*document.notes, *notes)))


def _with_breaks(package: zipfile.ZipFile) -> bytes:
    """The package with a character for each page break, and without pictures and fonts."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as changed:
        for part in package.infolist():
            if part.filename.endswith((".xml", ".rels")):
                content = package.read(part)
                packages.check_depth(content)
                changed.writestr(part.filename, _squared(_mark(content)) if part.filename == _BODY else content)
    return copy.getvalue()


def _mark(body: bytes) -> bytes:
    """A break that someone typed is rendered too, so only one kind is counted."""
    breaks = _RENDERED_BREAK if _RENDERED_BREAK.search(body) else _TYPED_BREAK
    return breaks.sub(f"<w:t>{_BREAK}</w:t>".encode(), body)


def _squared(body: bytes) -> bytes:
    """With cells where they are drawn: the library knows no rows that begin further right, and no hMerge."""
    if b"gridBefore" not in body and b"hMerge" not in body:
        return body
    root = packages.xml_of(body)
    for row in [element for element in root.iter() if element.tag.endswith("}tr")]:
        space = row.tag.removesuffix("tr")
        _merge(row, space)
        before = row.find(f"{space}trPr/{space}gridBefore")
        missing = whole_number(before.get(f"{space}val"), _MOST_COLUMNS) if before is not None else 0
        first = next((at for at, part in enumerate(row) if part.tag == f"{space}tc"), len(row))
        for _ in range(min(missing or 0, _MOST_COLUMNS)):
            cell = ET.Element(f"{space}tc")
            ET.SubElement(cell, f"{space}p")
            row.insert(first, cell)
    squared: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return squared


def _merge(row: ET.Element, space: str) -> None:
    """Make of blank cells that go on with the one before them columns that it spans."""
    wide: ET.Element | None = None
    covered: set[ET.Element] = set()
    for cell in row.findall(f"{space}tc"):
        merge = cell.find(f"{space}tcPr/{space}hMerge")
        if merge is None or merge.get(f"{space}val") == "restart":
            wide = cell.find(f"{space}tcPr") if merge is not None else None
        elif wide is not None and not any((text.text or "").strip() for text in cell.iter(f"{space}t")):
            span = wide.find(f"{space}gridSpan")
            span = span if span is not None else ET.SubElement(wide, f"{space}gridSpan", {f"{space}val": "1"})
            span.set(f"{space}val", str((whole_number(span.get(f"{space}val")) or 1) + 1))
            covered.add(cell)
    row[:] = [part for part in row if part not in covered]


def _paged(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Blocks with the page that each begins on, if any page is known, and without lines, which were the HTML's."""
    known = any(_BREAK in block.text for block in blocks)
    page, paged = 1, []
    for block in blocks:
        leading = len(block.text) - len(block.text.lstrip(_BREAK))
        text = block.text.replace(_BREAK, "").strip()
        headings = tuple(heading.replace(_BREAK, "") for heading in block.headings)
        if text:
            paged.append(Block(block.kind, text, headings, 0, page + leading if known else 0))
        page += block.text.count(_BREAK)
    return tuple(paged)
