"""A table as it was drawn → rows as long as each other: each cell stands in every place that it covers.

Several rows of header become one ("Q1 / Amount"); a row across the whole table names what stands below it. Knows
nothing of the format that the cells are from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from core.documents.blocks import BlockKind, Outline

_MOST_COLUMNS = 1_000  # that a cell may span, as in browsers
_COPIES = 4  # times as many characters as a table has may be said again where its cells span others
_COPIED = 100_000  # characters, on top of these
_MOST_HEADERS = 6  # rows of a header that nothing marks as one
_PAIR = 2  # columns: a key and its value, which read well as they are
_NAME_CHARACTERS = 200  # of a row across the table that names those below it; a longer one is text


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell says, and how many rows and columns it covers. `is_header`: it says what others are."""

    text: str
    rows: int = 1
    columns: int = 1
    is_header: bool = False


Row = list[Cell]
NumberedRow = tuple[Row, int]
"""A row and its line in the file."""
_BLANK = Cell("")
_NUMBER = re.compile(r"[^\w]*\d[\W\d]*")
_MOMENT = re.compile(r"(?:19|20)\d\d(?:[-/]\d\d){0,2}|\d\d?\.\d\d?\.(?:\d{4})?|\d\d?[:.]\d\d|\d\d?/\d\d?(?:/\d{2,4})?")


def add_table(
    outline: Outline,
    rows: Sequence[NumberedRow],
    page: int = 0,
    *,
    headers: int | None = None,
    caption: str = "",
) -> None:
    """Add the rows of a grid, each with its line in the file, as tables: one for each part that a row names.

    `headers` is how many rows the header has, where the format says so. Each part has header and caption.
    """
    titles = list(takewhile(lambda row: is_across(row[0]), rows))
    caption = ": ".join(dict.fromkeys(text for text in (caption, *(row[0].text for row, _ in titles)) if text))
    rest = _upright(rows[len(titles) :])
    if not rest:
        outline.add(BlockKind.PARAGRAPH, caption, rows[0][1] if rows else 0, page)
        return
    count = header_rows([row for row, _ in rest]) if headers is None else max(1, headers - len(titles))
    header = (_joined([row for row, _ in rest[:count]]), rest[0][1])
    for name, body in _parted(rest[count:]):
        if body or not name:
            texts = [header, *(([cell.text for cell in row], line) for row, line in body)]
            named = ": ".join(filter(None, (caption, name)))
            outline.table([text for text, _ in texts], [line for _, line in texts], page, named)
        else:
            outline.add(BlockKind.PARAGRAPH, name, 0, page)


def grid(rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """The cells of each row, those that reach into it from above or from the left included; blank where there is none.

    No row is added for a cell that claims to reach below the last one.
    """
    left = _COPIED + _COPIES * sum(len(cell.text) + 1 for row in rows for cell in row)  # characters to say again
    hanging: dict[int, tuple[Cell, int]] = {}  # by column: a cell from above, and how many rows it still covers
    done = []
    for row in rows:
        placed = {column: cell for column, (cell, _) in hanging.items()}
        left -= sum(len(cell.text) + 1 for cell in placed.values())
        hanging = {column: (cell, more - 1) for column, (cell, more) in hanging.items() if more > 1 and left > 0}
        column = 0
        for cell in row:
            while column in placed:
                column += 1
            width = max(1, min(cell.columns, _MOST_COLUMNS)) if left > 0 else 1
            left -= (width - 1) * (len(cell.text) + 1)
            for place in range(column, column + width):
                placed.setdefault(place, cell)
                if cell.rows > 1:
                    hanging.setdefault(place, (cell, cell.rows - 1))
        done.append([placed.get(place, _BLANK) for place in range(max(placed, default=-1) + 1)])
    return done


def header_rows(rows: Sequence[Row]) -> int:
    """How many rows at the top say what stands below: those of headers alone, or those that part a shared one."""
    marked = len(list(takewhile(lambda row: all(cell.is_header or not cell.text for cell in row), rows)))
    if 0 < marked < len(rows):
        return marked
    count = 1
    while count < min(len(rows) - 1, _MOST_HEADERS) and _parts_shared(rows[:count], rows[count]):
        count += 1
    return count


def is_across(row: Row) -> bool:
    """Whether one cell covers the whole row."""
    return len(row) > 1 and bool(row[0].text) and all(cell is row[0] for cell in row)


def _parts_shared(above: Sequence[Row], row: Row) -> bool:
    """Whether a row names the columns below shared headers, and says nothing new in the others."""
    last = above[-1]
    shared = [at for at, cell in enumerate(last[: len(row)]) if cell.columns > 1 and cell.rows == 1 and cell.text]
    if not shared or is_across(last) or is_across(row) or not _are_names(row[at] for at in shared):
        return False
    named = _joined(above)
    rest = [(row[at], named[at]) for at in {*range(min(len(row), len(named)))}.difference(shared)]
    parts = any(last[at] is last[at - 1] and row[at] is not row[at - 1] for at in shared if at)
    return parts and all(not name or cell.text in {"", name} for cell, name in rest)


def _are_names(cells: Iterable[Cell]) -> bool:
    """Whether cells can be headers: years, days, hours and numbers that count from 1 can, other numbers are values."""
    numbers = [cell.text for cell in dict.fromkeys(cells) if _NUMBER.fullmatch(cell.text)]
    others = [text for text in numbers if not _MOMENT.fullmatch(text)]
    return len(others) != 1 and others == [str(at) for at in range(1, len(others) + 1)]


def _joined(rows: Sequence[Row]) -> list[str]:
    """One header of several rows: in each column, what stands below each other."""
    width = max(map(len, rows))
    columns = ([row[place].text for row in rows if place < len(row)] for place in range(width))
    return [" / ".join(dict.fromkeys(filter(None, column))) for column in columns]


def _parted(rows: Sequence[NumberedRow]) -> Iterator[tuple[str, Sequence[NumberedRow]]]:
    """The rows below each row across the table, with what that says; without rows it is a note."""
    name = ""
    body: list[NumberedRow] = []
    for row, line in rows:
        if not is_across(row):
            body.append((row, line))
            continue
        if name or body:
            yield name, body
        name, body = row[0].text, []
        if len(name) > _NAME_CHARACTERS:
            yield name, []
            name = ""
    if name or body or not rows:
        yield name, body


def _upright(rows: Sequence[NumberedRow]) -> Sequence[NumberedRow]:
    """The rows, or the columns where each row begins with its header and there is no other."""
    width = len(rows[0][0]) if rows else 0
    sideways = width > _PAIR and all(len(row) == width and _starts_with_header(row) for row, _ in rows)
    return [([row[place] for row, _ in rows], rows[0][1]) for place in range(width)] if sideways else rows


def _starts_with_header(row: Row) -> bool:
    return row[0].is_header and not any(cell.is_header for cell in row[1:])
