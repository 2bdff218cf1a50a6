"""Workbooks → tables: each sheet that is shown a section, each value as its sheet shows it.

Merged cells count in each place that they cover; values that the file lacks are computed from its formulas. Knows
nothing of files or passages.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from itertools import islice
from typing import Any

from core.documents import leftovers, packages
from core.documents.blocks import Outline, ParsedDocument
from core.documents.cell_formats import Number, formatted
from core.documents.formulas import Place, Value, computed
from core.documents.loose_tables import MAX_CELLS, add_tables, too_many_cells
from core.documents.properties import core_properties
from core.documents.sheet_layout import SheetLayout, layout_of
from core.documents.tables import Cell, NumberedRow
from core.errors import DocumentError

MAX_ROWS = 1_048_576  # of a sheet, as in every office program: what claims to lie below it is no cell
_COPIED = 4_000_000  # characters that merged cells say again
_LISTED = 5  # places in a note
_SPREADSHEETS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True, slots=True)
class _Formula:
    """A formula without a value, and the format of its cell."""

    text: str
    code: str


Raw = str | bool | Number | _Formula | None


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    is_shown: bool
    rows: list[tuple[int, list[Raw]]]
    layout: SheetLayout


def parse_workbook(data: bytes) -> ParsedDocument:
    """Parse an XLSX file: each sheet that is shown is a section of tables, the row number their line."""
    from openpyxl import load_workbook  # noqa: PLC0415 - only who reads workbooks waits for it

    with packages.opened(data) as package:
        parts = list(_sheets(package))
        layouts = {title: layout_of(package.read(part)) for title, part in parts}
        names = _names(package)
        properties = core_properties(package)
        left_out = list(leftovers.of_workbook(package, parts))
    outline = Outline(properties.title or "\0")  # no sheet is the title
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    sheets = list(_read(book.worksheets, layouts))
    book.close()
    notes = [*_compute(sheets, names), *_hidden(sheets), *left_out]
    for sheet in sheets:
        if sheet.is_shown:
            outline.heading(1, sheet.title, 0)
            add_tables(outline, _parted(_drawn(sheet)))
    return replace(properties.applied(outline.document()), notes=tuple(notes))


def _sheets(package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Title and part of each worksheet; a part by many names is refused, as the library would read it for each."""
    relations, book = (packages.part_of(package, f"xl/{name}") for name in ("_rels/workbook.xml.rels", "workbook.xml"))
    if relations is None or book is None:
        return  # for the library to say
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    seen: set[str] = set()
    for sheet in book.iter(f"{_SPREADSHEETS}sheet"):
        target = next((targets.get(value, "") for key, value in sheet.items() if key.endswith("}id")), "")
        part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        if part in seen:
            raise DocumentError("Several of its sheets are the same file. Save it again with an office program.")
        seen.add(part)
        if packages.has_part(package, part):
            yield sheet.get("name", ""), part


def _names(package: zipfile.ZipFile) -> dict[str, str]:
    """What names stand for in the formulas of a workbook."""
    book = packages.part_of(package, "xl/workbook.xml")
    named = book.iter(f"{_SPREADSHEETS}definedName") if book is not None else ()
    return {name.get("name", ""): name.text or "" for name in named if name.get("localSheetId") is None}


def _read(worksheets: Iterable[Any], layouts: Mapping[str, SheetLayout]) -> Iterator[_Sheet]:
    """The sheets that are shown, and the others where formulas may need them."""
    incomplete = any(layout.formulas for layout in layouts.values())
    cells = 0
    for sheet in worksheets:
        is_shown = sheet.sheet_state == "visible"
        layout = layouts.get(sheet.title, SheetLayout())
        rows: list[tuple[int, list[Raw]]] = []
        if is_shown or incomplete:
            sheet.reset_dimensions()  # some programs state them wrongly
            for number, row in enumerate(islice(sheet.iter_rows(), MAX_ROWS), start=1):
                values = [_raw(cell, layout.formulas.get((number, column))) for column, cell in enumerate(row, start=1)]
                while values and values[-1] in {None, ""}:
                    values.pop()
                cells += len(values)
                if cells > MAX_CELLS:
                    raise too_many_cells()
                rows += [(number, values)] if values else []
        yield _Sheet(sheet.title, is_shown, rows, layout)


def _raw(cell: Any, formula: str | None) -> Raw:
    from openpyxl.utils.datetime import to_excel  # noqa: PLC0415

    value = cell.value
    if value is None:
        return _Formula(formula, str(cell.number_format)) if formula else None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, date | time | timedelta):
        to_days: Callable[[object], float] = to_excel
        value = to_days(value)
    return (float(value), str(cell.number_format)) if isinstance(value, int | float) else str(value)


def _compute(sheets: Sequence[_Sheet], names: Mapping[str, str]) -> Iterator[str]:
    """Put the values of formulas in their places, or the formulas themselves; notes on both."""
    values: dict[Place, Value] = {}
    formulas: dict[Place, _Formula] = {}
    rows = {(sheet.title, number): row for sheet in sheets for number, row in sheet.rows}
    for (title, number), row in rows.items() if any(sheet.layout.formulas for sheet in sheets) else ():
        for column, raw in enumerate(row, start=1):
            if isinstance(raw, _Formula):
                formulas[title, number, column] = raw
            elif raw is not None:
                values[title, number, column] = raw[0] if isinstance(raw, tuple) else raw
    found = computed(values, {place: formula.text for place, formula in formulas.items()}, names)
    for (title, number, column), formula in formulas.items():
        value = found.get((title, number, column), f"{formula.text} (not computed)")
        rows[title, number][column - 1] = value if isinstance(value, bool | str) else (float(value), formula.code)
    yield from _on_formulas([place for place in formulas if place in found], [*formulas.keys() - found.keys()])


def _on_formulas(known: Sequence[Place], unknown: Sequence[Place]) -> Iterator[str]:
    if known:
        yield f"The file does not hold the values of some formulas; they were computed: {_listed(known)}."
    if unknown:
        yield (
            f"The file does not hold the values of some formulas, which are shown instead: {_listed(sorted(unknown))}. "
            "Open it with a spreadsheet program and save it."
        )


def _listed(places: Sequence[Place]) -> str:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    named = [f"{title}!{get_column_letter(column)}{row}" for title, row, column in places[:_LISTED]]
    more = len(places) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _hidden(sheets: Sequence[_Sheet]) -> Iterator[str]:
    hidden = [sheet.title for sheet in sheets if not sheet.is_shown]
    partly = [sheet.title for sheet in sheets if sheet.is_shown and sheet.layout.hides]
    if hidden:
        yield f"Hidden sheets were left out: {', '.join(hidden)}."
    if partly:
        yield f"Hidden rows and columns were read, too, in these sheets: {', '.join(partly)}."


def _drawn(sheet: _Sheet) -> list[NumberedRow]:
    """The rows of a sheet as cells, those that are merged in each place that they cover."""
    shown = formatted([raw for _, row in sheet.rows for raw in row if isinstance(raw, tuple)])
    rows = {number: [Cell(_text(raw, shown)) for raw in row] for number, row in sheet.rows}
    numbers, widest = list(rows), max(map(len, rows.values()), default=0)
    left = _COPIED
    for (top, first), (bottom, last) in sheet.layout.merged:
        cell = rows[top][first - 1] if top in rows and first <= len(rows[top]) else Cell("")
        merged = replace(cell, rows=bottom - top + 1, columns=last - first + 1)
        for number in numbers[bisect_left(numbers, top) : bisect_right(numbers, bottom)] if cell.text else ():
            row, end = rows[number], min(last, widest)
            left -= (end - first + 1) * (len(cell.text) + 1)
            if left > 0:
                row += [Cell("")] * (end - len(row))
                row[first - 1 : end] = [merged] * (end - first + 1)
    return list(zip(rows.values(), numbers, strict=True))


def _text(raw: Raw, numbers: Iterator[str]) -> str:
    """What a cell shows; a number is the next of those that were formatted."""
    if isinstance(raw, tuple):
        return next(numbers)
    return str(raw).upper() if isinstance(raw, bool) else str(raw or "").strip()


def _parted(rows: Iterable[NumberedRow]) -> Iterator[list[NumberedRow]]:
    """Tables that blank rows part."""
    table: list[NumberedRow] = []
    for row, number in rows:
        if not any(cell.text for cell in row):
            continue
        if table and number > table[-1][1] + 1:
            yield table
            table = []
        table.append((row, number))
    if table:
        yield table
