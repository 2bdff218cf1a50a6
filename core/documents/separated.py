"""Separated values → tables: CSV in its dialects, and TSV, whose values stand between tabs.

Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from core.documents.blocks import Outline, ParsedDocument
from core.documents.loose_tables import MAX_CELLS, add_tables, too_many_cells
from core.documents.tables import Cell, NumberedRow
from core.errors import DocumentError

_DELIMITERS = "\t;|,"  # the comma last: it stands in numbers and sentences, too
_SAMPLE = 64 * 1024  # characters
_SAMPLE_ROWS = 300
_REGULAR = 0.9  # of the rows: so many sentences do not have as many commas as each other
_NONE = "\x1f"  # no text has it
_FIELD_CHARACTERS = 1_000_000
_MOST_BROKEN = 100  # rows of one file: each may be looked for down to its end
_CELL_LINES = 2  # of one value, each with as many delimiters as a row; three such lines are rows
_LISTED = 5  # lines in a note
_NAMED = re.compile(r"sep=(.)\n")  # as Excel understands it
_END = "\ue000"  # a line below one whose quotation marks may be open


def parse_tsv(text: str) -> ParsedDocument:
    """Parse tab-separated values; a file without any tab as other separated values."""
    return _parsed(text, "\t") if "\t" in text else parse_csv(text)


def parse_csv(text: str) -> ParsedDocument:
    """Parse values separated by commas, semicolons, tabs or bars, whichever it looks like."""
    if named := _NAMED.match(text):
        return _parsed("\n" + text[named.end() :], named[1])
    return _parsed(text, _delimiter(text[:_SAMPLE]))


def _parsed(text: str, delimiter: str) -> ParsedDocument:
    csv.field_size_limit(_FIELD_CHARACTERS)
    outline = Outline()
    records = _Records(text, delimiter)
    add_tables(outline, _tables(records.rows()))
    return replace(outline.document(), notes=tuple(records.notes()))


class _Records:
    """One reading of a text, row by row; a row whose quotation marks are broken is one line, and swallows no other."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._lines = list(io.StringIO(text, newline=""))
        self._delimiter = delimiter
        self._broken: list[int] = []  # lines whose quotation marks were read as they are
        self._begin(0)

    def rows(self) -> list[NumberedRow]:
        """Each row with the line that it begins on."""
        rows: list[NumberedRow] = []
        at = cells = 0
        while at < len(self._lines):
            row, end = self._next(at)
            if end < 0:
                row, end = self._line(at), at + 1
                self._begin(end)
            cells += len(row)
            if cells > MAX_CELLS:
                raise too_many_cells()
            rows.append(([Cell(cell.strip()) for cell in row], at + 1))
            at = end
        return rows

    def notes(self) -> Iterator[str]:
        if self._broken:
            listed = ", ".join(map(str, self._broken[:_LISTED]))
            more = f" and {len(self._broken) - _LISTED} more" if len(self._broken) > _LISTED else ""
            yield f"A quotation mark is never closed, so those in these lines were read as they are: {listed}{more}."

    def _begin(self, start: int) -> None:
        """Read on from a line; once too many are broken, quotation marks are letters."""
        self._start = start
        quoting = csv.QUOTE_NONE if len(self._broken) > _MOST_BROKEN else csv.QUOTE_MINIMAL
        lines = map(self._lines.__getitem__, range(start, len(self._lines)))
        self._reader = csv.reader(lines, strict=True, quoting=quoting, **self._dialect())

    def _dialect(self) -> dict[str, Any]:
        return {"delimiter": self._delimiter, "skipinitialspace": self._delimiter != "\t"}

    def _next(self, at: int) -> tuple[list[str], int]:
        """The next row and where it ends; -1 where its quotation marks are broken, or hold together what are rows."""
        try:
            row = next(self._reader)
        except csv.Error:
            return [], -1
        lines = self._lines[at : self._start + self._reader.line_num]
        shortest = 1 if self._delimiter == "\t" else _CELL_LINES
        is_several = len(lines) > shortest and all(line.count(self._delimiter) == len(row) - 1 for line in lines)
        return row, -1 if is_several and len(row) > 1 else at + len(lines)

    def _line(self, at: int) -> list[str]:
        """A line that is no row by the rules; outside of TSV its quotation marks count if they close."""
        line = self._lines[at]
        try:
            if self._delimiter != "\t":
                reader = csv.reader([line, _END], **self._dialect())
                row = next(reader)
                if reader.line_num == 1:
                    return row
            self._broken.append(at + 1)
            return next(csv.reader([line], quoting=csv.QUOTE_NONE, **self._dialect()))
        except csv.Error as error:
            raise DocumentError(f"Line {at + 1} is not a row of values ({error}). Save it again.") from None


def _tables(rows: Sequence[NumberedRow]) -> Iterator[list[NumberedRow]]:
    """Rows without the blank ones; below one, rows of another length than the first are another table."""
    table: list[NumberedRow] = []
    follows_blank = False
    for row, number in rows:
        if not any(cell.text for cell in row):
            follows_blank = True
            continue
        if table and follows_blank and len(row) != len(table[0][0]):
            yield table
            table = []
        table.append((row, number))
        follows_blank = False
    yield table


def _delimiter(sample: str) -> str:
    """What parts the most rows into one number of values; nothing where all of it is lines of text."""
    shares = {delimiter: _share(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: shares[delimiter])
    return best if shares[best] else _NONE


def _share(sample: str, delimiter: str) -> float:
    """The share of rows that have the most frequent number of values, of those over one; 0 of what looks like text."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        widths = Counter(len(row) for row in islice(reader, _SAMPLE_ROWS) if any(row))
    except csv.Error:
        return 0
    share = max((count for width, count in widths.items() if width > 1), default=0) / max(1, widths.total())
    in_sentences = sample.count(f"{delimiter} ") * 2 > sample.count(delimiter)
    return 0 if in_sentences and delimiter in ",;" and share < _REGULAR else share
