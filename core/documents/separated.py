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
from itertools import chain, islice

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
_END = "\ue000"  # a character for private use, on a line of its own below the last
_NAMED = re.compile(r"sep=(.)\n")  # as Excel understands it
_UNCLOSED = "A quotation mark is never closed, so quotation marks were read as they are. Close it, or save it again."


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
    rows = _rows(text, delimiter, csv.QUOTE_MINIMAL)
    notes = () if rows is not None else (_UNCLOSED,)
    found = rows if rows is not None else _rows(text, delimiter, csv.QUOTE_NONE)
    add_tables(outline, _tables(found or []))
    return replace(outline.document(), notes=notes)


def _rows(text: str, delimiter: str, quoting: int) -> list[NumberedRow] | None:
    """Rows by the line they begin on; None where a quotation mark that is never closed holds all the rest."""
    lines = chain(io.StringIO(text, newline=""), [_END])
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=delimiter != "\t")
    rows: list[NumberedRow] = []
    cells = above = 0
    try:
        for row in reader:
            cells += len(row)
            if cells > MAX_CELLS:
                raise too_many_cells()
            rows.append(([Cell(cell.strip()) for cell in row], above + 1))
            above = reader.line_num
    except csv.Error as error:
        if quoting == csv.QUOTE_MINIMAL:
            return None
        raise DocumentError(f"Line {reader.line_num} is not a row of values ({error}). Save it again.") from None
    last = rows.pop()[0]
    return rows if [cell.text for cell in last] == [_END] else None


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
