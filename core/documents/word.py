"""DOCX → blocks: mammoth makes HTML of it, with headings, lists, tables and links, which the HTML parser reads.

Where Word noted on which page a run begins, the page is kept: a character for private use stands for each break.
Comments, headers and footers are left out, with a note. Knows nothing of files or passages.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace

from core.documents import leftovers, packages
from core.documents.blocks import Block, ParsedDocument
from core.documents.html import parse_html
from core.documents.properties import core_properties

_BREAK = "\ue000"
_BODY = "word/document.xml"
_RENDERED_BREAK = re.compile(rb"<w:lastRenderedPageBreak\s*/>")
_TYPED_BREAK = re.compile(rb'<w:br\s+w:type="page"\s*/>')
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"


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
                changed.writestr(part.filename, _mark(content) if part.filename == _BODY else content)
    return copy.getvalue()


def _mark(body: bytes) -> bytes:
    """A break that someone typed is rendered too, so only one kind is counted."""
    breaks = _RENDERED_BREAK if _RENDERED_BREAK.search(body) else _TYPED_BREAK
    return breaks.sub(f"<w:t>{_BREAK}</w:t>".encode(), body)


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
