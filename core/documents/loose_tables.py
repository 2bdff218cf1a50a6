"""Rows of cells that only lie beside and below each other → tables: of sheets and of separated values.

What stands alone above a header is its caption, and columns without a value go. Knows nothing
of the format that the rows are from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from core.documents.blocks import BlockKind, Outline
from core.documents.tables import NumberedRow, Row, add_table, is_across
from core.errors import DocumentError

MAX_CELLS = 2_000_000  # of one file
_CAPTION_CHARACTERS = 200


def add_tables(outline: Outline, tables: Iterable[Sequence[NumberedRow]]) -> None:
    """Add tables, of whose rows none is blank."""
    for table in tables:
        lead = list(takewhile(lambda row: _is_lone(row[0]), table))
        body = table[len(lead) :]
        lines = [(" ".join(dict.fromkeys(cell.text for cell in row if cell.text)), number) for row, number in lead]
        caption = ": ".join(text for text, _ in lines)
        if body and len(caption) <= _CAPTION_CHARACTERS:
            add_table(outline, _narrowed(body), caption=caption)
            continue
        if len(lines) > 1 and not body:
            outline.add(BlockKind.LIST, "\n".join(f"- {text}" for text, _ in lines), lines[0][1])
        else:
            for text, number in lines:
                outline.add(BlockKind.PARAGRAPH, text, number)
        if body:
            add_table(outline, _narrowed(body))


def too_many_cells() -> DocumentError:
    """The refusal of a file with more cells than are read."""
    return DocumentError(f"It has over {MAX_CELLS:,} cells. Split it, or leave it out.")


def _is_lone(row: Row) -> bool:
    """Whether one cell is all that the row has."""
    return sum(bool(cell.text) for cell in row) == 1 or is_across(row)


def _narrowed(rows: Sequence[NumberedRow]) -> list[NumberedRow]:
    """Without the columns that hold nothing."""
    kept = {column for row, _ in rows for column, cell in enumerate(row) if cell.text}
    return [([cell for column, cell in enumerate(row) if column in kept], number) for row, number in rows]
