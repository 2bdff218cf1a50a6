"""Rows of words → lines in the order in which a person reads them: column by column, and tables without rules by row.

A gutter is a space that runs down through many rows. What stands above it comes first, then what stands left of it,
then what stands right, then what stands below; each part is looked at again in the same way. Knows nothing of letters
or of what is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from core.documents.pdf_letters import PdfWord

Rows = Sequence[Sequence[PdfWord]]

_GUTTER_POINTS = 7.0  # between two columns, at least
_ROWS = 3  # of a column, at least
_CHARACTERS = 22  # in the line of a column of running text; it may be fewer …
_FEW_CHARACTERS = 10
_RUNNING = 0.25  # … where so many lines begin with a small letter, or in the middle of a list
_BESIDE = 0.5  # of the rows of a column, that stand beside one of the other: in a table, all of them do
_DEPTH = 12  # of parts in parts
_OPEN = 8  # gutters that are followed through one gap
_TRIED = 24  # gutters of a part, the longest first
_GAPS = 12  # of a row, that are looked at
_FAR = 1e9  # points: beyond any page
_FEW_ROWS = 2  # a heading's
_LARGER = 1.12  # a heading's type, beside that of what is below it
_SAME_EDGE = 3.0  # points
_BELOW, _FAR_BELOW = 0.8, 2.5  # of the type's size: above another paragraph, above something else
_CHANGES = 3  # of the side, in a file that holds one column after the other
_BULLETS = "•‣◦▪●○■–-*"


@dataclass(frozen=True, slots=True)
class _Gutter:
    """A space between `left` and `right` that runs through the rows from `first` up to `last`, which is out."""

    left: float
    right: float
    first: int
    last: int

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def in_order(rows: Rows, depth: int = 0) -> Iterator[Sequence[PdfWord]]:
    """The lines of `rows`."""
    rows = [row for row in rows if row]
    gutter = _best(rows) if depth < _DEPTH else None
    if gutter is None:
        yield from rows
        return
    band = rows[gutter.first : gutter.last]
    yield from in_order(rows[: gutter.first], depth + 1)
    for side in _sides(band, gutter.middle):
        yield from in_order(side, depth + 1)
    yield from in_order(rows[gutter.last :], depth + 1)


def _best(rows: Rows) -> _Gutter | None:
    """The longest gutter between columns."""
    found = sorted(
        filter(_is_bounded, _gutters(rows)), key=lambda gutter: (gutter.first - gutter.last, gutter.left - gutter.right)
    )
    for gutter in found[:_TRIED]:
        trimmed = _trimmed(rows, gutter)
        if _parts_columns(*_sides(rows[trimmed.first : trimmed.last], trimmed.middle)):
            return trimmed
    return None


def _is_bounded(gutter: _Gutter) -> bool:
    return gutter.left > -_FAR and gutter.right < _FAR


def _gutters(rows: Rows) -> Iterator[_Gutter]:
    """Every space that runs down through enough rows, as far as it goes."""
    running: list[_Gutter] = []
    for at, row in enumerate(rows):
        following: list[_Gutter] = []
        ended = set(running)
        for left, right in _gaps(row):
            through = [one for one in running if min(right, one.right) - max(left, one.left) >= _GUTTER_POINTS]
            ended -= set(through)
            longest: dict[tuple[float, float], _Gutter] = {}
            for one in (*through, _Gutter(left, right, at, len(rows))):
                space = max(left, one.left), min(right, one.right)
                longest.setdefault(space, _Gutter(*space, one.first, one.last))
            following += sorted(longest.values(), key=_is_bounded, reverse=True)[:_OPEN]
        yield from (replace(one, last=at) for one in ended if at - one.first >= _ROWS)
        running = following
    yield from (one for one in running if one.last - one.first >= _ROWS)


def _gaps(row: Sequence[PdfWord]) -> list[tuple[float, float]]:
    """The widest spaces of a row, those at its ends among them."""
    ends = [-_FAR]
    for word in row:
        ends.append(max(ends[-1], word.right))
    gaps = list(zip(ends, [*(word.left for word in row), _FAR], strict=True))
    wide = [gap for gap in gaps if gap[1] - gap[0] >= _GUTTER_POINTS]
    return wide if len(wide) <= _GAPS else sorted(sorted(wide, key=lambda gap: gap[0] - gap[1])[:_GAPS])


def _sides(rows: Rows, middle: float) -> tuple[list[list[PdfWord]], list[list[PdfWord]]]:
    """What stands left and right of a gutter, row by row."""
    return (
        [[word for word in row if word.right <= middle] for row in rows],
        [[word for word in row if word.right > middle] for row in rows],
    )


def _trimmed(rows: Rows, gutter: _Gutter) -> _Gutter:
    """Without rows at its ends that stand on one side only and belong to what is above or below."""
    first, last = gutter.first, gutter.last
    left, right = _sides(rows[first:last], gutter.middle)
    edge = _edge(right[_FEW_ROWS:])
    while first < gutter.first + _FEW_ROWS and not left[first - gutter.first]:
        begins = right[first - gutter.first][0].left
        if abs(begins - edge) < _SAME_EDGE and _space_above(rows, first + 1) <= _FAR_BELOW:
            break  # a column that begins higher than the one beside it
        first += 1
    at = last
    while at > first and not right[at - 1 - gutter.first]:
        at -= 1
        apart = _space_above(rows, at)
        if apart > _FAR_BELOW or (apart > _BELOW and last - at <= _FEW_ROWS and gutter.last < len(rows)):
            last = at
    return replace(gutter, first=first, last=last)


def _edge(rows: Rows) -> float:
    """Where most rows begin."""
    return Counter(row[0].left for row in rows if row).most_common(1)[0][0] if any(rows) else -_FAR


def _space_above(rows: Rows, at: int) -> float:
    """Between a row and the one above, as a share of the type's size."""
    bottom = max(word.bottom for word in rows[at - 1])
    return (min(word.top for word in rows[at]) - bottom) / max(rows[at][0].size, 1.0)


def _parts_columns(left: Rows, right: Rows) -> bool:
    """Whether these are read one after the other, not row by row as a table."""
    if any(a and b and (_holds_stand_in(a) or _holds_stand_in(b)) for a, b in zip(left, right, strict=True)):
        return True
    lefts, rights = ([row for row in side if row and not _holds_stand_in(row)] for side in (left, right))
    least = min(len(lefts), len(rights))
    if least < _ROWS:
        return False
    beside = sum(bool(a and b) for a, b in zip(left, right, strict=True))
    if beside < _BESIDE * least:
        return True
    long = min(_characters(lefts), _characters(rights)) >= _CHARACTERS
    return long or (
        ((_runs(lefts) and _runs(rights)) or (_is_headed(lefts) and _is_headed(rights)))
        and _is_written_apart(lefts, rights)
    )


def _is_headed(rows: Rows) -> bool:
    """Whether these are lines under a heading in larger type."""
    return rows[0][0].size > _LARGER * median(word.size for row in rows[1:] for word in row)


def _is_written_apart(lefts: Rows, rights: Rows) -> bool:
    """Whether the file holds all of one side before the other: it was written so, too."""
    places = sorted(
        [(word.place, 0) for row in lefts for word in row] + [(word.place, 1) for row in rights for word in row]
    )
    return sum(a != b for (_, a), (_, b) in pairwise(places)) <= _CHANGES


def _characters(rows: Rows) -> float:
    return sum(len(word.text) + 1 for row in rows for word in row) / len(rows)


def _runs(rows: Rows) -> bool:
    """Whether these may be short lines of running text, or of a list."""
    firsts = [row[0].text for row in rows]
    running = sum(text[0].lower() == text[0] or text[0] in _BULLETS for text in firsts)
    return _characters(rows) >= _FEW_CHARACTERS and running >= _RUNNING * len(rows)


def _holds_stand_in(row: Sequence[PdfWord]) -> bool:
    return is_stand_in(row[0]) or is_stand_in(row[-1])


def is_stand_in(word: PdfWord) -> bool:
    """Whether it holds the place of something that is no text."""
    return not word.text
