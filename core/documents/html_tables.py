"""Tables of HTML → tables of a document: headers, spans and captions as a browser would draw them.

A table that only places things on the page is left to the walk over the page. Knows nothing of inline markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.documents.blocks import BlockKind, Outline
from core.documents.html_tree import Element
from core.documents.tables import Cell, NumberedRow, add_table, grid, is_across
from core.text.words import whole_number

_CELLS = ("td", "th")
_HEADINGS = tuple(f"h{level}" for level in range(1, 7))
_CELL_CHARACTERS = 400  # of a cell with a table inside that is data; a column of a page is longer
_MOST = 65_534  # rows that a cell may span, as in browsers

Words = Callable[[Element], str]


def is_layout(table: Element) -> bool:
    """Whether a table is a box around other things: one cell a row, or tables in its one row or its long cells."""
    rows = [list(_own(row, *_CELLS)) for row in _own(table, "tr")]
    if all(len(row) <= 1 for row in rows):
        return True
    cells = [cell for row in rows for cell in row]
    if table.find("table") is None or any(cell.name == "th" for cell in cells):
        return False
    is_box = table.attributes.get("role") in {"none", "presentation"} or sum(len(row) > 1 for row in rows) == 1
    return is_box or any(cell.find(*_HEADINGS) or len(cell.text()) > _CELL_CHARACTERS for cell in cells)


def boxes(table: Element) -> Iterator[Element]:
    """What a table around other things holds, row by row."""
    return _own(table, "caption", *_CELLS)


def add_html_table(outline: Outline, table: Element, line: int, words: Words) -> None:
    """Add a table of data that begins on `line`; `words` says what an element reads."""
    caption = " ".join(map(words, _own(table, "caption")))
    groups = list(_own(table, "thead", "tbody", "tfoot"))
    heads = [row for group in groups if group.name == "thead" for row in _drawn(group, words)]
    body = _drawn(table, words)
    body += [row for group in groups if group.name == "tbody" for row in _drawn(group, words)]
    foot = [row for group in groups if group.name == "tfoot" for row in _drawn(group, words)]
    is_parted = bool(heads and foot) and any(is_across(row) for row, _ in body)
    # a foot is drawn below, wherever it stands, and sums up all parts
    tables = [[*heads, *body], [*heads, *foot]] if is_parted else [[*heads, *body, *foot]]
    for rows in tables:
        _add(outline, [(row, line + below - table.line) for row, below in rows], len(heads), caption, line)


def _add(outline: Outline, rows: Sequence[NumberedRow], heads: int, caption: str, line: int) -> None:
    headed = heads or any(cell.is_header for row, _ in rows[:1] for cell in row[1:])
    if headed or any(len(row) > 2 for row, _ in rows):  # noqa: PLR2004 - a key and its value
        add_table(outline, rows, headers=heads or None, caption=caption)
        return
    outline.add(BlockKind.PARAGRAPH, caption, line)
    items = [": ".join(dict.fromkeys(cell.text for cell in row if cell.text)) for row, _ in rows]
    outline.add(BlockKind.LIST, "\n".join(f"- {item}" for item in items), line)


def _drawn(group: Element, words: Words) -> list[NumberedRow]:
    """The rows of a table or of a part of it, without blank ones; no cell reaches out of its part."""
    rows = [row for row in _own(group, "tr", "thead", "tbody", "tfoot") if row.name == "tr"]
    drawn = grid([[_cell(cell, words) for cell in _own(row, *_CELLS)] for row in rows])
    return [(row, element.line) for row, element in zip(drawn, rows, strict=True) if any(cell.text for cell in row)]


def _cell(cell: Element, words: Words) -> Cell:
    rows, columns = (cell.attributes.get(name, "").strip() for name in ("rowspan", "colspan"))
    below = _MOST if rows == "0" else whole_number(rows, _MOST) or 1
    text = " ".join(words(cell).split())
    return Cell(text, below, whole_number(columns) or 1, cell.name == "th")


def _own(parent: Element, *names: str) -> Iterator[Element]:
    """The elements of these names that are the parent's own: not in each other, nor in a table inside."""
    waiting = [child for child in reversed(parent.children) if isinstance(child, Element)]
    while waiting:
        element = waiting.pop()
        if element.name in names:
            yield element
        elif element.name != "table":
            waiting.extend(child for child in reversed(element.children) if isinstance(child, Element))
