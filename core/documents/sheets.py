"""Spreadsheets → tables: a workbook's sheets and CSV files, each with its header row.

Values are shown as the sheet shows them: dates as dates, shares as per cent. Knows nothing of files or passages.
"""

from __future__ import annotations

import csv
import io
import posixpath
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

from core.documents import packages
from core.documents.blocks import BlockKind, Outline, ParsedDocument
from core.documents.properties import core_properties
from core.errors import DocumentError

MAX_CELLS = 2_000_000  # of one file
MAX_ROWS = 1_048_576  # of a sheet, as in every office program: what claims to lie below it is no cell
_DIALECT_SAMPLE = 16 * 1024  # characters
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
_FIELD_CHARACTERS = 1_000_000

Row = tuple[int, list[str]]
"""The number of a row in its sheet, counted from 1, and its cells as text."""


def parse_csv(text: str) -> ParsedDocument:
    """Parse comma-, semicolon-, tab- or pipe-separated values, whichever it looks like."""
    csv.field_size_limit(_FIELD_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text[:_DIALECT_SAMPLE]))
    outline = Outline()
    try:
        _add_table(outline, [(number, row) for number, row in _numbered(reader) if any(row)])
    except csv.Error as error:
        raise DocumentError(f"Line {reader.line_num} is not a row of values ({error}). Save it again.") from None
    return outline.document()


def parse_workbook(data: bytes) -> ParsedDocument:
    """Parse an XLSX file: each sheet that is shown is a section of tables, the row number their line."""
    from openpyxl import load_workbook  # noqa: PLC0415 - only who reads workbooks waits for it

    with packages.opened(data) as package:
        _check_sheets(package)
        properties = core_properties(package)
        outline = Outline(properties.title or "\0")  # no sheet is the title
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        cells = 0
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                outline.heading(1, sheet.title, 0)
                sheet.reset_dimensions()  # some programs state them wrongly
                rows = []
                for number, row in _shown(islice(sheet.iter_rows(), MAX_ROWS)):
                    cells += len(row)
                    if cells > MAX_CELLS:
                        raise DocumentError(f"It has over {MAX_CELLS:,} cells. Split it, or leave it out.")
                    rows += [(number, row)] if any(row) else []
                for table in _parted(rows):
                    _add_table(outline, table)
        book.close()
    return properties.applied(outline.document())


def _check_sheets(package: zipfile.ZipFile) -> None:
    """Refuse a workbook whose sheets are one part by many names, which the library would read for each."""
    relations, book = (packages.part_of(package, f"xl/{name}") for name in ("_rels/workbook.xml.rels", "workbook.xml"))
    if relations is None or book is None:
        return  # for the library to say
    places = {relation.get("Id"): posixpath.normpath(relation.get("Target", "")) for relation in relations}
    named = [places.get(value) for sheet in book.iter(_SHEET) for key, value in sheet.items() if key.endswith("}id")]
    if len(set(named)) < len(named):
        raise DocumentError("Several of its sheets are the same file. Save it again with an office program.")


def _shown(rows: Iterable[Sequence[Any]]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        cells = [_value(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield number, cells


def _value(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    return str(value).strip()


def _number(value: float, number_format: str) -> str:
    """A number as its format shows it, as far as its unit goes: per cent, or a currency."""
    unit = _unit(number_format)
    return f"{value * 100:.10g} %" if unit == "%" else f"{unit}{value:.15g}"


@lru_cache(maxsize=1000)  # a format is looked at once, not with every cell
def _unit(number_format: str) -> str:
    shown = number_format.split(";", maxsplit=1)[0]
    return "%" if "%" in shown else next((sign for sign in "$€£¥" if sign in shown.split("[$-")[0]), "")


def _add_table(outline: Outline, rows: Sequence[Row]) -> None:
    """Rows as a table; those with a lone cell above its header are lines of text."""
    lead = list(takewhile(lambda row: sum(map(bool, row[1])) == 1, rows))
    for number, row in lead:
        outline.add(BlockKind.PARAGRAPH, " ".join(cell for cell in row if cell), number)
    body = rows[len(lead) :]
    if body:
        outline.table(_narrowed([row for _, row in body]), [number for number, _ in body])


def _parted(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Tables that blank rows part."""
    table: list[Row] = []
    for number, row in rows:
        if table and number > table[-1][0] + 1:
            yield table
            table = []
        table.append((number, row))
    if table:
        yield table


def _narrowed(rows: list[list[str]]) -> list[list[str]]:
    """Without the columns that hold nothing."""
    kept = {column for row in rows for column, cell in enumerate(row) if cell}
    return [[cell for column, cell in enumerate(row) if column in kept] for row in rows]


def _numbered(reader: Any) -> Iterator[Row]:
    """Rows by the line they begin on."""
    cells = above = 0
    for row in reader:
        cells += len(row)
        if cells > MAX_CELLS:
            raise DocumentError(f"It has over {MAX_CELLS:,} cells. Split it, or leave it out.")
        yield above + 1, [cell.strip() for cell in row]
        above = reader.line_num


def _delimiter(sample: str) -> str:
    try:
        return csv.Sniffer().sniff(sample, delimiters=",;\t|").delimiter
    except csv.Error:
        return ","
