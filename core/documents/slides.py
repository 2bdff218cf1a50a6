"""PPTX → blocks: each slide a section under its title, with lists, tables and the speaker's notes.

Charts, diagrams and pictures are left out. Knows nothing of files or passages.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from core.documents import packages
from core.documents.blocks import BlockKind, Outline, ParsedDocument
from core.documents.properties import core_properties
from core.documents.tables import Cell, add_table, grid
from core.errors import DocumentError
from core.text.words import whole_number

_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_REFERENCE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DEEPEST = 8  # level of a paragraph that PowerPoint knows
_SHAPES = {f"{_SLIDES}sp", f"{_SLIDES}graphicFrame"}
_TABLE = f"{_DRAWING}tbl"
_TITLES = {"title", "ctrTitle"}
_FURNITURE = {"dt", "ftr", "sldNum", "hdr", "sldImg"}  # date, footer, number, header, the picture above the notes


def parse_slides(data: bytes) -> ParsedDocument:
    """Parse a PPTX file; a slide's number is its page. Hidden slides are left out."""
    with packages.opened(data) as package:
        properties = core_properties(package)
        outline = Outline(properties.title or "\0")  # no slide is the title
        for number, place in enumerate(_places(package), start=1):
            slide = packages.part_of(package, place)
            if slide is not None and slide.get("show") not in {"0", "false"}:
                _add_slide(outline, slide, number)
                _add_notes(outline, package, place, number)
    return properties.applied(outline.document())


def _places(package: zipfile.ZipFile) -> list[str]:
    presentation = packages.part_of(package, "ppt/presentation.xml")
    if presentation is None:
        raise DocumentError("It is not a presentation. Save it again.")
    targets = packages.related(package, "ppt/presentation.xml")
    listed = [slide.get(_REFERENCE, "") for slide in presentation.iter(f"{_SLIDES}sldId")]
    return list(dict.fromkeys(targets[reference] for reference in listed if reference in targets))  # each is read once


def _add_slide(outline: Outline, slide: ET.Element, number: int) -> None:
    shapes = [shape for shape in slide.iter() if shape.tag in _SHAPES]
    roles = [_role(shape) for shape in shapes]
    titles = [shape for shape, role in zip(shapes, roles, strict=True) if role in _TITLES]
    named = " ".join(" ".join(text for _, text in _paragraphs(shape)) for shape in titles)
    outline.heading(1, named or f"Slide {number}", 0, number)
    for shape, role in zip(shapes, roles, strict=True):
        if role not in _TITLES | _FURNITURE:
            _add_shape(outline, shape, number)


def _add_shape(outline: Outline, shape: ET.Element, number: int) -> None:
    for table in _own(shape, _TABLE):
        rows = [[_cell(cell) for cell in row if _covers(cell)] for row in table.iterfind(f"{_DRAWING}tr")]
        filled = [(row, 0) for row in grid(rows) if any(cell.text for cell in row)]
        add_table(outline, filled, number)
    if shape.tag == f"{_SLIDES}sp":
        paragraphs = list(_paragraphs(shape))
        if len(paragraphs) > 1:
            text = "\n".join(f"{'  ' * level}- {text}" for level, text in paragraphs)
            outline.add(BlockKind.LIST, text, 0, number)
        elif paragraphs:
            outline.add(BlockKind.PARAGRAPH, paragraphs[0][1], 0, number)


def _add_notes(outline: Outline, package: zipfile.ZipFile, place: str, number: int) -> None:
    for notes in packages.related(package, place, "/notesSlide").values():
        page = packages.part_of(package, notes)
        for shape in page.iter(f"{_SLIDES}sp") if page is not None else ():
            if _role(shape) == "body":
                text = "\n".join(text for _, text in _paragraphs(shape))
                outline.add(BlockKind.PARAGRAPH, f"Notes: {text}" if text else "", 0, number)


def _role(shape: ET.Element) -> str:
    """What a shape is for on its slide, where the layout says so."""
    placeholder = shape.find(f".//{_SLIDES}nvPr/{_SLIDES}ph")
    return placeholder.get("type", "") if placeholder is not None else ""


def _paragraphs(shape: ET.Element) -> Iterator[tuple[int, str]]:
    """Level and text of each paragraph that holds text."""
    for paragraph in _own(shape, f"{_DRAWING}p"):
        properties = paragraph.find(f"{_DRAWING}pPr")
        level = properties.get("lvl", "0") if properties is not None else "0"
        if text := _text(paragraph):
            yield whole_number(level, _DEEPEST) or 0, text


def _own(shape: ET.Element, tag: str) -> Iterator[ET.Element]:
    """The elements of this tag in a shape, but not those in each other or in shapes inside it, which are others'."""
    waiting = list(reversed(shape))
    while waiting:
        element = waiting.pop()
        if element.tag == tag:
            yield element
        elif element.tag not in _SHAPES:
            waiting.extend(reversed(element))


def _text(paragraph: ET.Element) -> str:
    texts = {f"{_DRAWING}t", f"{_DRAWING}br"}
    parts = [part.text or " " for part in paragraph.iter() if part.tag in texts]
    return re.sub(r"\s+", " ", "".join(parts)).strip()


def _covers(cell: ET.Element) -> bool:
    """Whether this is a cell, and none that another one covers."""
    return cell.tag == f"{_DRAWING}tc" and not {cell.get("hMerge"), cell.get("vMerge")} & {"1", "true"}


def _cell(cell: ET.Element) -> Cell:
    text = " ".join(text for _, text in _paragraphs(cell))
    rows, columns = (whole_number(cell.get(span, "")) or 1 for span in ("rowSpan", "gridSpan"))
    return Cell(text, rows, columns)
