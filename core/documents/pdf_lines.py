"""A page of a PDF → its tables and its lines of text in reading order, with their size and weight.

A page says only where each character stands; what is a line, a column or a table is found here. Knows nothing of
headings, paragraphs or other pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

MAX_RULES = 3_000  # of a page, each compared with all that cross it: four a box; a drawing has more than a table
_GUTTER_POINTS = 10.0  # between two columns, at least
_COLUMN_LINES = 6  # that both columns have beside each other, at least
_COLUMN_CHARACTERS = 22  # in the line of a column; fewer make it a table without rules
_NO_LETTER = re.compile(r"\(cid:\d+\)")  # a sign whose font does not say what it is
_CELL_GAP = 1.8  # of the type's size: between the cells of a table without rules


@dataclass(frozen=True, slots=True)
class PdfLine:
    """A line of text and where it stands, in points from the top left."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class PdfTable:
    """A table whose cells have rules around them, the first row its header."""

    rows: tuple[tuple[str, ...], ...]
    top: float


@dataclass(frozen=True, slots=True)
class PdfPage:
    """What a page holds; `height` in points."""

    number: int
    height: float
    lines: tuple[PdfLine, ...]
    tables: tuple[PdfTable, ...]
    pictures: int
    ruled: bool = True  # whether tables were looked for
    repeats: bool = False  # whether an earlier page shows the very same


def read_page(page: Any) -> PdfPage:
    """Read a page of pdfplumber."""
    ruled = len(page.edges) <= MAX_RULES
    found = [table for table in page.find_tables() if len(table.rows) > 1] if ruled else []
    tables = [(table.bbox, _rows(table.extract())) for table in found]
    tables = [(box, rows) for box, rows in tables if rows]
    outside = page.filter(lambda thing: not any(_is_in(thing, box) for box, _ in tables)) if tables else page
    words = outside.extract_words(extra_attrs=["size", "fontname"], x_tolerance_ratio=0.15)
    words = [word for word in words if _NO_LETTER.sub("", word["text"]).strip()]
    return PdfPage(
        page.page_number,
        float(page.height),
        tuple(_in_columns(list(_rows_of(words)), float(page.width))),
        tuple(PdfTable(rows, box[1]) for box, rows in tables),
        len(page.images),
        ruled,
    )


def _rows(extracted: Sequence[Sequence[str | None]]) -> tuple[tuple[str, ...], ...]:
    """The rows that hold something, if they are a table at all: two columns and two rows."""
    rows = [tuple(cell or "" for cell in row) for row in extracted]
    width = max(map(len, rows), default=0)
    rows = [(*row, *[""] * (width - len(row))) for row in rows]
    used = [at for at in range(width) if any(row[at].strip() for row in rows)]
    filled = [tuple(row[at] for at in used) for row in rows if any(cell.strip() for cell in row)]
    return tuple(filled) if len(used) > 1 and len(filled) > 1 else ()


def _is_in(thing: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    left, top, right, bottom = box
    across, down = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
    return bool(left <= across <= right and top <= down <= bottom)


def _rows_of(words: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Words that stand at one height, from left to right."""
    row: list[dict[str, Any]] = []
    for word in sorted(words, key=_middle):
        # they are sorted: the median is what stands in the middle
        if (
            row
            and _middle(word) > (_middle(row[len(row) // 2]) + _middle(row[(len(row) - 1) // 2])) / 2 + word["size"] / 3
        ):
            yield sorted(row, key=lambda word: float(word["x0"]))
            row = []
        row.append(word)
    if row:
        yield sorted(row, key=lambda word: float(word["x0"]))


def _middle(word: dict[str, Any]) -> float:
    return float(word["top"] + word["bottom"]) / 2


def _in_columns(rows: list[list[dict[str, Any]]], width: float) -> Iterator[PdfLine]:
    """Lines of one column after the other, between those that reach over both."""
    gutter = _gutter(rows, width)
    right: list[PdfLine] = []
    for row in rows:
        sides = _sides(row, gutter) if gutter else None
        if sides is None:
            yield from right
            right = []
            yield _line(row)
        else:
            yield from (_line(words) for words in sides[:1] if words)
            right += [_line(words) for words in sides[1:] if words]
    yield from right


def _gutter(rows: list[list[dict[str, Any]]], width: float) -> float | None:
    """Where the space between two columns of running text is, if the page has them."""
    places: list[float] = []
    for row in rows:
        gaps = [(b["x0"] - a["x1"], (a["x1"] + b["x0"]) / 2, at) for at, (a, b) in enumerate(pairwise(row), 1)]
        wide = max(gaps, default=(0.0, 0.0, 0))
        sides = [" ".join(word["text"] for word in words) for words in (row[: wide[2]], row[wide[2] :])]
        is_middle = 0.35 * width < wide[1] < 0.65 * width
        if wide[0] > _GUTTER_POINTS and is_middle and min(map(len, sides)) >= _COLUMN_CHARACTERS:
            places.append(wide[1])
    return median(places) if len(places) >= _COLUMN_LINES and len(places) * 3 > len(rows) else None


def _sides(row: list[dict[str, Any]], gutter: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """The words left and right of the gutter, or None where one stands in it."""
    if any(word["x0"] < gutter < word["x1"] for word in row):
        return None
    left = [word for word in row if word["x1"] <= gutter]
    right = [word for word in row if word["x0"] >= gutter]
    near = left and right and right[0]["x0"] - left[-1]["x1"] < _GUTTER_POINTS * 0.6
    return None if near else (left, right)


def _line(words: Sequence[dict[str, Any]]) -> PdfLine:
    text = words[0]["text"]
    for before, word in pairwise(words):
        gap = word["x0"] - before["x1"]
        text += ("   " if gap > _CELL_GAP * word["size"] else " ") + word["text"]
    weight = sum(len(word["text"]) for word in words if "bold" in word["fontname"].lower())
    return PdfLine(
        _NO_LETTER.sub("", text),
        min(word["x0"] for word in words),
        max(word["x1"] for word in words),
        min(word["top"] for word in words),
        max(word["bottom"] for word in words),
        round(median(word["size"] for word in words), 1),
        weight * 2 > len(text),
    )
