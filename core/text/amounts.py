"""Whether a word with a number in it states one that is known: counts, amounts, dates, times, versions.

In doubt it is known, since a right answer cut is worse than a small invention missed:

- a number up to ten is only looked at where it measures something (days, dollars, percent, people) or names a place
  (room 5); elsewhere it counts what is listed. 0, 1 and the numbers of steps, options and notes are never looked at;
- a number may be worked out of two that were just said or asked: sum, difference, product, quotient, percentage.

Pure; knows nothing of addresses or commands, or of how an answer comes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.text import numerals
from core.text.words import whole_number, words_of

EDGES = "*_~\"'“”„‚‘’«»()[]{}<>.,;:!?…`"  # what may stand around a word
_SMALL = 10
_FREE = frozenset({0.0, 1.0})
_STRUCTURE = words_of(
    "step steps question option part point item example figure note tip phase schritt frage punkt teil beispiel "
    "möglichkeit paso pregunta opción parte ejemplo étape partie exemple"
)
_PLACES = words_of(
    "room floor building gate version level grade form extension port page chapter raum zimmer etage stock gebäude "
    "stufe seite durchwahl kapitel"
)
_EVERYDAY = words_of("24/7 9/11 2fa mp3 mp4 utf-8 b2b b2c h1 h2 h3 a4 oauth2 e2e covid-19")  # words with digits
_ENDINGS = words_of("st nd rd th s er e º ª")  # 15th, 1990s
_PREFIXES = words_of("v usd eur us")  # 15 in v15 is a number of its own
_HALVES = re.compile(r"a\.?m|p\.?m|uhr|o'clock")
_SIGNS = re.compile(r"[$€£¥%‰]")
_RUN = re.compile(r"([^\W\d_]*)(\d+(?:[.,'’:]\d+)*)([^\W\d_]*)")
_ENDED = re.compile(r"[.,;:!?)]\W*$")
_WORKDAYS = re.compile(r"week(?:day|end)|werktag|businessday|workingday")
_DAYS = range(1, 32)
_LAST_HOUR = 24
_HOURS = frozenset(map(float, range(_LAST_HOUR + 1)))
_EXACT = 0.005
_ALL = 100  # percent
_MAX_STRUCTURE = 99


@dataclass(frozen=True, slots=True)
class WordContext:
    """Where a word stands: the words `before` and `after` it, in lower case, and the numbers `said` just before."""

    before: Sequence[str] = ()
    after: Sequence[str] = ()
    said: Collection[float] = ()

    @classmethod
    def of(cls, word: str, before: Sequence[str], after: Sequence[str], said: Collection[float]) -> WordContext:
        """The place of `word`; nothing behind it belongs to it where it ends a clause, unless it is a German date."""
        ends = _ENDED.search(word) and not re.fullmatch(r"\W*\d{1,2}\.", word)
        return cls([bare(one) for one in before[-2:]], [] if ends else [bare(one) for one in after], said)


def bare(word: str) -> str:
    """`word` in lower case, without what stands around it."""
    return word.strip(EDGES).lower()


class Amounts:
    """The numbers of a text, and those that were `asked` with."""

    def __init__(self, text: str, asked: str) -> None:
        self._known = numerals.figures(text)
        self._asked = numerals.figures(asked)
        self._compact = _compact(text)
        self._words = frozenset(re.findall(r"[^\W\d_]+", text.lower()))

    def hold(self, word: str, place: WordContext) -> bool:
        """Whether each number, date and time of `word` is known."""
        plain = bare(word)
        if not any(character.isdecimal() for character in plain):
            return self._has_words(plain, place)
        if plain in _EVERYDAY or (not plain.isdecimal() and self._is_written(plain)):
            return True
        if dates := list(numerals.dates(plain)):
            return all(self._has_date(*date) for date in dates)
        if place.before and place.before[-1] in _STRUCTURE and whole_number(plain, _MAX_STRUCTURE) is not None:
            return True
        strict = bool(_SIGNS.search(word)) or bool(place.before and place.before[-1] in _PLACES)
        return all(self._has_run(run, here, strict=strict) for run, here in _runs(plain, place))

    def _has_words(self, plain: str, place: WordContext) -> bool:
        if (month := numerals.month(plain)) is not None and (day := _day(_first(place))):
            return self._has_day(month, day)
        if (month := numerals.month(plain, alone=True)) is not None:
            return month in self._known.months or bool(self._asked.months)
        if (weekday := numerals.weekday(plain, alone=True)) is not None:
            days = self._known.weekdays
            return weekday in days or len(days) > 1 or bool(_WORKDAYS.search(self._compact))
        first, *rest = plain.split("-")
        value = numerals.spelled(first)
        if value is None:
            return True
        here = WordContext(place.before, [*rest, *place.after], place.said)
        tens = list(numerals.compounded(first, _first(here)))
        return self._has_number(tens or [float(value)], here, strict=False)

    def _has_date(self, year: int, one: int, other: int) -> bool:
        return year in self._known.numbers and bool({(one, other), (other, one)} & self._known.days)

    def _has_day(self, month: int, day: float) -> bool:
        """Whether the date is known, or may be counted from one that was asked with."""
        return (month, day) in self._known.days or (bool(self._asked.days) and day in self._known.numbers)

    def _has_run(self, run: re.Match[str], place: WordContext, *, strict: bool) -> bool:
        """Whether digits with the letters at them are known: 1,200, 5pm, 15th, GS14, v1.2.3."""
        before, digits, after = run.groups()
        if (before or after) and self._is_written(run[0]):
            return True
        if before and before not in _PREFIXES and before not in self._words:
            return False
        values = numerals.readings(digits)
        if ":" in digits or (_HALVES.fullmatch(_first(place)) and set(values) & _HOURS):
            return self._has_time(digits, _first(place))
        if not values:
            return self._is_written(digits) or self._has_all(digits.split(","))
        month = _month_beside(place)
        if month is not None and values[0] in _DAYS:
            return self._has_day(month, values[0])
        return self._has_number(values, place, strict=strict)

    def _has_time(self, digits: str, half: str) -> bool:
        hour = whole_number(re.split(r"\D", digits)[0], _LAST_HOUR)
        if hour is None:
            return self._is_written(digits)
        stated = set(numerals.times(f"{digits} {half}"))
        on_the_hour = any(time % 60 == 0 for time in stated) and bool({hour, hour - 12} & self._known.numbers)
        return bool(stated & self._known.times) or on_the_hour or self._is_written(digits)

    def _has_number(self, values: Sequence[float], place: WordContext, *, strict: bool) -> bool:
        scales, after = numerals.scale(_first(place)), list(place.after[:2])
        if scales is not None:
            either = values if _first(place) == "m" else ()
            values, after = [*either, *(round(value * scales, 6) for value in values)], list(place.after[1:])
        if any(length in self._known.durations for value in values for length in _lengths(value, after)):
            return True
        if not strict and all(value <= _SMALL for value in values) and not any(map(numerals.measures, after)):
            return True
        if not strict and set(values) <= _FREE:
            return True
        return any(value in self._known.numbers or self._is_worked_out(value, place.said) for value in values)

    def _has_all(self, parts: Iterable[str]) -> bool:
        return all(part.isdecimal() and float(part) in self._known.numbers for part in parts)

    def _is_worked_out(self, value: float, said: Collection[float]) -> bool:
        """Whether two numbers that are at hand make `value`, or all those just said make its sum."""
        asked, known = self._asked.numbers - _FREE, self._known.numbers - _FREE
        pairs = itertools.chain(
            itertools.permutations((set(said) - _FREE) | asked, 2),
            itertools.product(asked, known),
            itertools.product(known, asked),
        )
        return abs(sum(said) - value) < _EXACT or any(_makes(one, other, value) for one, other in pairs)

    def _is_written(self, part: str) -> bool:
        part = _compact(part)
        return re.search(rf"{_edge(part[:1], '<!')}{re.escape(part)}{_edge(part[-1:], '!')}", self._compact) is not None


def _compact(text: str) -> str:
    """`text` without what separates: "GS-14" is "GS 14", and "401(k)" is "401k". Points between digits stay."""
    joined = re.sub(r"(?<=\d)[^\w.,:]+(?=\d)", " ", text.lower())
    return re.sub(r"[^\w.,: ]+|(?<!\d) | (?!\d)|_+|(?<!\d)[.,:]+|[.,:]+(?!\d)", "", joined)


def _edge(character: str, side: str) -> str:
    return rf"(?{side}\d)" if character.isdecimal() else ""


def _runs(plain: str, place: WordContext) -> Iterator[tuple[re.Match[str], WordContext]]:
    """Each run of digits in a word, and its place: what follows it in the word stands before what follows the word."""
    runs = list(_RUN.finditer(plain))
    ends = [*(run.start() for run in runs[1:]), len(plain)]
    for run, end in zip(runs, ends, strict=True):
        ending = [] if not run[3] or run[3] in _ENDINGS else [run[3]]
        behind = [*ending, *re.findall(r"[^\W\d_]+", plain[run.end() : end])]
        yield (
            run,
            WordContext(place.before, [*behind, *(["percent"] if "%" in plain else []), *place.after], place.said),
        )


def _first(place: WordContext) -> str:
    return place.after[0] if place.after else ""


def _day(word: str) -> int:
    """The day of the month that is written as `word`, or 0."""
    found = re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?", word)
    return int(found[1]) if found and int(found[1]) in _DAYS else 0


def _month_beside(place: WordContext) -> int | None:
    """The month that a day of the month stands beside: 3 November, 3rd of November, November 3."""
    after = [word for word in place.after[:2] if word not in {"of", "de"}][:1]
    near = [numerals.month(word) for word in (*after, *place.before[-1:])]
    return next((month for month in near if month is not None), None)


def _lengths(value: float, after: Iterable[str]) -> Iterator[tuple[str, float]]:
    return itertools.chain.from_iterable(numerals.durations(value, unit) for unit in after)


def _makes(one: float, other: float, value: float) -> bool:
    """Whether `value` is worked out of two numbers, to the cent; a quotient or a share may be rounded."""
    quotient = one / other if other else 0.0
    shares = (quotient, 100 * quotient if value <= _ALL else 0.0, one * other / 100)
    made = (one + other, one - other, one * other, *shares, *map(round, shares))
    return any(abs(each - value) < _EXACT for each in made)
