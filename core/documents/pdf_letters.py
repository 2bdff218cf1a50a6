"""The letters of a page of a PDF → words in rows, for each direction in which text runs.

Text that is turned is laid upright first; letters that are drawn twice, as some programs do for bold type, count once;
letters that stand apart for emphasis become words again. Knows nothing of columns, tables or paragraphs.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median_low
from typing import Any

_QUARTER = 90  # degrees
_SKEW = 10  # degrees by which a scanned page, or its text, may be off a quarter turn
_TWICE = 0.16  # of the type's size: how far the second drawing of a letter is off the first; no two letters are so near
_WORD_GAP = 0.15  # of the type's size
_LOOSE = 0.1  # of the type's size: between letters that stand apart
_LOOSE_LETTERS = 5  # so many of them are a word, fewer may be a list
_LOOSEST = 1.2  # of the type's size: what is further apart is a table
_LIGATURES = {ligature: unicodedata.normalize("NFKC", ligature) for ligature in "ﬀﬁﬂﬃﬄﬅﬆ"}
_ACCENTS = {"´": "\u0301", "`": "\u0300", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˚": "\u030a"}


@dataclass(frozen=True, slots=True)
class PdfWord:
    """A word, or a letter on its way to one, and where it stands, in points from the top left."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    place: int = 0  # in the file, where it comes before or after others

    @property
    def middle(self) -> float:
        """The height at which it stands."""
        return (self.top + self.bottom) / 2


def direction(char: Mapping[str, Any]) -> int:
    """How far a letter of pdfplumber is turned, in degrees: 0, 90, 180, 270 or, where it is slanted, others."""
    a, b, *_ = char["matrix"]
    degrees = round(math.degrees(math.atan2(b, a))) % 360
    quarter = round(degrees / _QUARTER) * _QUARTER
    return quarter % 360 if abs(degrees - quarter) <= _SKEW else degrees


def main_direction(chars: Sequence[Mapping[str, Any]]) -> int:
    """The direction of most letters."""
    found = Counter(direction(char) for char in chars if not char["text"].isspace())
    return found.most_common(1)[0][0] if found else 0


def letters(chars: Iterable[Mapping[str, Any]], width: float, height: float) -> dict[int, list[PdfWord]]:
    """The letters of pdfplumber, each once, by their direction, as they stand on a page that is turned upright."""
    found: dict[int, list[PdfWord]] = defaultdict(list)
    for place, char in enumerate(chars):
        turned = direction(char)
        found[turned].append(replace(_letter(char, turned, width, height), place=place))
    return {turned: _once(each) for turned, each in found.items()}


def rows(letters: Iterable[PdfWord]) -> Iterator[list[PdfWord]]:
    """The words that letters make, row by row, each from left to right."""
    return (_words(row) for row in rows_of_words(letters))


def rows_of_words(words: Iterable[PdfWord]) -> Iterator[list[PdfWord]]:
    """Words, or letters, that stand at one height, from left to right, each row below the one before."""
    row: list[PdfWord] = []
    for word in sorted(words, key=lambda word: word.middle):
        # they are sorted: the median is what stands in the middle
        if row and word.middle > (row[len(row) // 2].middle + row[(len(row) - 1) // 2].middle) / 2 + word.size / 3:
            yield sorted(row, key=lambda word: word.left)
            row = []
        row.append(word)
    if row:
        yield sorted(row, key=lambda word: word.left)


def _letter(char: Mapping[str, Any], turned: int, width: float, height: float) -> PdfWord:
    x0, x1, top, bottom = char["x0"], char["x1"], char["top"], char["bottom"]
    if turned == 90:  # noqa: PLR2004 - degrees: it runs up the page
        x0, x1, top, bottom = height - bottom, height - top, x0, x1
    elif turned == 180:  # noqa: PLR2004
        x0, x1, top, bottom = width - x1, width - x0, height - bottom, height - top
    elif turned == 270:  # noqa: PLR2004
        x0, x1, top, bottom = top, bottom, width - x1, width - x0
    elif turned:
        x0, x1, top, bottom = _slanted(char, turned)
    text = _LIGATURES.get(char["text"], char["text"])
    return PdfWord(text, x0, x1, top, bottom, bottom - top, "bold" in char["fontname"].lower())


def _slanted(char: Mapping[str, Any], turned: int) -> tuple[float, float, float, float]:
    """Where a letter stands along its line of text and across."""
    a, b, c, d, x, y = char["matrix"]
    cosine, sine = math.cos(math.radians(turned)), math.sin(math.radians(turned))
    left, base = x * cosine + y * sine, x * sine - y * cosine
    size = math.hypot(c, d) if math.hypot(c, d) > 2 else char["size"]  # noqa: PLR2004 - else the size is the font's
    return left, left + float(char["adv"]) * max(1.0, math.hypot(a, b) / max(size, 1)), base - size, base


def _once(letters: Sequence[PdfWord]) -> list[PdfWord]:
    """Without those that stand where the same letter stands already."""
    kept: list[PdfWord] = []
    places: dict[tuple[str, int, int], PdfWord] = {}
    for letter in letters:
        step = max(_TWICE * letter.size, 0.1)
        across, down = round(letter.left / step), round(letter.top / step)
        near = (places.get((letter.text, across + x, down + y)) for x in (-1, 0, 1) for y in (-1, 0, 1))
        if not any(one and max(abs(one.left - letter.left), abs(one.top - letter.top)) < step for one in near):
            places[letter.text, across, down] = letter
            kept.append(letter)
    return kept


def _words(row: Sequence[PdfWord]) -> list[PdfWord]:
    """The words that the letters of a row make."""
    ordered = _accented(row)
    spaced = {id(b) for a, b in pairwise(ordered) if a.text.isspace()}
    inked = [letter for letter in ordered if not letter.text.isspace()]
    breaks = [_gap(a, b) > _WORD_GAP or id(b) in spaced for a, b in pairwise(inked)]
    for first, last in _loose_runs(inked):
        breaks[first:last] = _loose_breaks([_gap(a, b) for a, b in pairwise(inked[first : last + 1])])
    words: list[list[PdfWord]] = []
    for letter, apart in zip(inked, [True, *breaks], strict=True):
        if apart:
            words.append([])
        words[-1].append(letter)
    return [_word(each) for each in words]


def _gap(a: PdfWord, b: PdfWord) -> float:
    """The space between two letters, as a share of the type's size."""
    return (b.left - a.right) / max(b.size, 1.0)


def _accented(letters: Sequence[PdfWord]) -> list[PdfWord]:
    """With an accent that is drawn over a letter as part of it."""
    kept: list[PdfWord] = []
    for letter in letters:
        before = kept[-1] if kept else None
        if letter.text in _ACCENTS and before and _covers(before, letter):
            kept[-1] = replace(before, text=unicodedata.normalize("NFC", before.text + _ACCENTS[letter.text]))
        elif before and before.text in _ACCENTS and _covers(letter, before):
            kept[-1] = replace(letter, text=unicodedata.normalize("NFC", letter.text + _ACCENTS[before.text]))
        else:
            kept.append(letter)
    return kept


def _covers(letter: PdfWord, accent: PdfWord) -> bool:
    return letter.text.isalpha() and letter.left < (accent.left + accent.right) / 2 < letter.right


def _loose_runs(letters: Sequence[PdfWord]) -> Iterator[tuple[int, int]]:
    """From where to where letters stand apart from each other."""
    first = 0
    for at, (a, b) in enumerate(pairwise([*letters, None])):
        if a is not None and b is not None and _LOOSE < _gap(a, b) < _LOOSEST:
            continue
        run = letters[first : at + 1]
        if len(run) >= _LOOSE_LETTERS and sum(letter.text.isalpha() for letter in run) > 0.8 * len(run):
            yield first, at
        first = at + 1


def _loose_breaks(gaps: Sequence[float]) -> list[bool]:
    """Where words end among letters that stand apart."""
    usual = median_low(gaps)
    return [gap > 1.5 * usual and gap > usual + _WORD_GAP for gap in gaps]


def _word(letters: Sequence[PdfWord]) -> PdfWord:
    text = "".join(letter.text for letter in letters)
    if is_right_to_left(text):
        text = unicodedata.normalize("NFKC", text[::-1])
    return PdfWord(
        text,
        letters[0].left,
        max(letter.right for letter in letters),
        min(letter.top for letter in letters),
        max(letter.bottom for letter in letters),
        median_low(letter.size for letter in letters),
        sum(letter.bold for letter in letters) * 2 > len(letters),
        letters[0].place,
    )


def is_right_to_left(text: str) -> bool:
    """Whether most letters are of a script that runs so, which a page shows in the order in which they stand."""
    letters = [letter for letter in text if letter.isalpha()]
    return sum(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in letters) * 2 > len(letters)
