"""A page of a PDF → its tables and its lines of text in reading order, with their size and weight.

Most text of a page makes it upright: a page that lies on its side is turned first. What runs in another direction, as a
note in the margin does, follows at its end. Knows nothing of headings, paragraphs or other pages.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from core.documents.garbled import is_garbled
from core.documents.pdf_extras import Extra, extras, large_pictures
from core.documents.pdf_letters import PdfWord, is_right_to_left, letters, main_direction, rows, rows_of_words
from core.documents.pdf_order import in_order, is_stand_in
from core.documents.tables import Cell

MAX_RULES = 3_000  # of a page, each compared with all that cross it: four a box; a drawing has more than a table
_NO_LETTER = re.compile(r"\(cid:\d+\)")  # a sign whose font does not say what it is
_CELL_GAP = 1.8  # of the type's size: between the cells of a table without rules
_MOST = 0.5  # of a page, that its picture covers
_STAMP = 100  # letters over a picture, such as a page number, that are not what the page says
_OUTLINES = 100  # curves, of letters that were made drawings
_QUARTER_TURNS = {90, 180, 270}
_NOWHERE = 1e9  # points: beyond any page
_COPIES, _COPIED = 4, 100_000  # times a table's characters, and more of them, that its cells say where they span
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PdfLine:
    """A line of text and where it stands, in points from the top left; `aside` runs in another direction."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    aside: bool = False


@dataclass(frozen=True, slots=True)
class PdfTable:
    """A table whose cells have rules around them, each in every place that it covers."""

    rows: tuple[tuple[Cell, ...], ...]

    @property
    def text(self) -> str:
        """What its cells say."""
        return "\n".join(" ".join(cell.text for cell in row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class PdfPage:
    """What a page holds, in reading order; `height` in points."""

    number: int
    height: float
    parts: tuple[PdfLine | PdfTable, ...] = ()
    scanned: bool = False  # whether a picture shows what it says
    garbled: bool = False  # whether nobody can read its text
    ruled: bool = True  # whether tables were looked for
    recognised: bool = False  # whether its text was read from the picture
    unsure: int = 0  # pieces of text in the picture that could not be read for certain
    repeats: bool = False  # whether an earlier page shows the very same
    extras: frozenset[Extra] = frozenset()  # what else is on it, and is not read
    pictures: frozenset[int] = frozenset()  # beside its text

    @property
    def lines(self) -> Iterator[PdfLine]:
        """Its lines, without its tables."""
        return (part for part in self.parts if isinstance(part, PdfLine))


def read_page(page: Any) -> PdfPage:
    """Read a page of pdfplumber."""
    turned = main_direction(page.chars)
    if turned in _QUARTER_TURNS:
        page = _upright(page, turned)
    ruled = len(page.edges) <= MAX_RULES
    found = [table for table in page.find_tables() if len(table.rows) > 1] if ruled else []
    tables = [(table.bbox, PdfTable(_rows(table))) for table in found]
    tables = [(box, table) for box, table in tables if table.rows]
    chars = [char for char in page.chars if not any(_is_in(char, box) for box, _ in tables)]
    said = [char for char in chars if not _NO_LETTER.fullmatch(char["text"])]
    directions = letters(said, float(page.width), float(page.height))
    parts = list(_with_tables(list(rows(directions.pop(0, []))), tables))
    for _, each in sorted(directions.items()):
        parts += [_line(words, aside=True) for words in in_order(list(rows(each)))]
    text = "\n".join(part.text for part in parts)
    garbled = is_garbled(text, unmapped=len(chars) - len(said))
    scanned = _is_scan(page)
    pictures = frozenset() if scanned or garbled else large_pictures(page)
    read = PdfPage(page.page_number, float(page.height), tuple(parts), scanned, garbled, ruled)
    return replace(read, extras=extras(page), pictures=pictures)


def page_of(words: Iterable[PdfWord], number: int, height: float) -> PdfPage:
    """The page on which these words stand."""
    return PdfPage(number, height, tuple(_line(row) for row in in_order(list(rows_of_words(words)))))


def _is_scan(page: Any) -> bool:
    """Whether what a page says is a picture, or drawn as curves."""
    said = sum(not char["text"].isspace() for char in page.chars)
    area = float(page.width) * float(page.height)
    covered = max((float(image["width"]) * float(image["height"]) for image in page.images), default=0.0)
    if said:
        return covered > _MOST * area and said < _STAMP
    return bool(page.images) or len(page.curves) > _OUTLINES


def _upright(page: Any, degrees: int) -> Any:
    """The same page, turned so much further to the right."""
    inner = page.page_obj
    inner.rotate = (inner.rotate + degrees) % 360
    inner.attrs = {**inner.attrs, "Rotate": inner.rotate}
    page.close()
    return type(page)(page.pdf, inner, page.page_number, page.initial_doctop)


def _rows(table: Any) -> tuple[tuple[Cell, ...], ...]:
    """The rows and columns that hold something of their own, if they are a table at all: two of each."""
    found = table.extract()
    boxes: list[list[_Box | None]] = [list(row.cells) for row in table.rows]
    texts = {
        box: text or ""
        for row, said in zip(boxes, found, strict=True)
        for box, text in zip(row, said, strict=True)
        if box
    }
    own = [(number, at) for number, row in enumerate(boxes) for at, box in enumerate(row) if box and texts[box].strip()]
    across, down = {at for _, at in own}, {at for at, _ in own}
    if min(len(across), len(down)) < 2:  # noqa: PLR2004 - else it is no table
        return ()
    covered = [[box for at, box in enumerate(row) if at in across] for row in _filled(boxes, texts)]
    return _cells([row for at, row in enumerate(covered) if at in down], texts)


def _filled(boxes: Sequence[Sequence[_Box | None]], texts: Mapping[_Box, str]) -> list[list[_Box | None]]:
    """The cells of each row, those that reach into it from the left or from above included, within bounds."""
    lefts = [min((box[0] for row in boxes if (box := row[at])), default=_NOWHERE) for at in range(len(boxes[0]))]
    room = _COPIED + _COPIES * sum(map(len, texts.values()))  # characters to say again
    filled: list[list[_Box | None]] = []
    for row in boxes:
        top = next(box[1] for box in row if box)
        done: list[_Box | None] = []
        for at, own in enumerate(row):
            beside, above = done[-1] if done else None, filled[-1][at] if filled else None
            reaching = beside if beside and beside[2] > lefts[at] + 1 else above
            box = own or (reaching if reaching and reaching[3] > top + 1 else None)
            room -= len(texts[box]) if box else 0
            done.append(box if room > 0 else own)
        filled.append(done)
    return filled


def _cells(boxes: Sequence[Sequence[_Box | None]], texts: Mapping[_Box, str]) -> tuple[tuple[Cell, ...], ...]:
    tall = Counter(box for row in boxes for box in {*row})
    wide = {box: count for row in boxes for box, count in Counter(row).items()}
    cells = {box: Cell(texts[box], tall[box], wide[box]) for box in tall if box}
    return tuple(tuple(cells[box] if box else Cell("") for box in row) for row in boxes)


def _is_in(thing: dict[str, Any], box: _Box) -> bool:
    left, top, right, bottom = box
    across, down = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
    return bool(left <= across <= right and top <= down <= bottom)


def _with_tables(lines: list[list[PdfWord]], tables: Sequence[tuple[_Box, PdfTable]]) -> Iterator[PdfLine | PdfTable]:
    """Lines and tables in order: a table takes part as a word without text in each row that it stands beside."""
    places: dict[int, PdfTable] = {}
    for (left, top, right, bottom), table in sorted(tables, key=lambda found: found[0][1]):
        stand_in = PdfWord("", left, right, top, bottom, 10.0, bold=False)
        places[id(stand_in)] = table
        middles = [_middle(row) for row in lines]
        first, last = bisect(middles, top), bisect(middles, bottom)
        for row in lines[first:last]:
            row.insert(bisect([word.left for word in row], left), stand_in)
        if first == last:
            lines.insert(first, [stand_in])
    for ordered in in_order(lines):
        for is_table, group in groupby(ordered, key=is_stand_in):
            words = list(group)
            if is_table:
                yield from (places.pop(id(word)) for word in words if id(word) in places)
            else:
                yield _line(words)


def _middle(row: Sequence[PdfWord]) -> float:
    return median(word.middle for word in row)


def _line(words: Sequence[PdfWord], *, aside: bool = False) -> PdfLine:
    ordered = words[::-1] if is_right_to_left("".join(word.text for word in words)) else words
    text = ordered[0].text
    for before, word in pairwise(ordered):
        gap = max(word.left - before.right, before.left - word.right)
        text += ("   " if gap > _CELL_GAP * word.size else " ") + word.text
    return PdfLine(
        text,
        words[0].left,
        max(word.right for word in words),
        min(word.top for word in words),
        max(word.bottom for word in words),
        round(median(word.size for word in words), 1),
        sum(len(word.text) for word in words if word.bold) * 2 > len(text),
        aside,
    )
