"""Numbers, dates and times as people write them in English, German, Spanish and French: what a text states in figures.

`figures` collects them, so that "1,200" is "1.200", "five" is 5, "Nov 3" is "3 November" and "5 pm" is "17:00". Pure;
knows nothing of answers, of passages, or of what may be said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.text.words import words_of

Day = tuple[int, int]
"""Month and day of the month."""

_HALF_DAY = 720  # minutes; 5:00 and 17:00 are one time, since few say which they mean
_LARGEST = 1e15  # number that is reckoned with
_ROUNDED = 6  # digits behind the point that numbers are compared by


def _table(*lines: str, first: int = 0, step: int = 1) -> dict[str, int]:
    """The words of each line with their numbers; words joined by `/` share one."""
    return {
        word: first + step * place
        for line in lines
        for place, words in enumerate(line.split())
        for word in words.split("/")
    }


# Left out: "once" (Spanish 11), "quince" and "seize", which are English words, too.
_ONES = _table(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
    "null ein/eins/eine/einen/einem/einer zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
    "fünfzehn sechzehn siebzehn achtzehn neunzehn",
    "cero uno/una dos tres cuatro cinco seis siete ocho nueve diez",
    "zéro un/une deux trois quatre cinq six sept huit neuf dix onze douze",
)
_TENS = _table(
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "zwanzig dreißig/dreissig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "vingt trente quarante cinquante soixante",
    first=20,
    step=10,
)
_ORDINALS = _table("first second third fourth fifth sixth seventh eighth ninth tenth", first=1)
_SPELLED = _ONES | _TENS | {"dozen": 12, "dutzend": 12, "docena": 12, "douzaine": 12}
_GERMAN = re.compile(rf"({'|'.join(_ONES)})und({'|'.join(_TENS)})")
_SCALES = {
    **dict.fromkeys(words_of("hundred hundert cien cent"), 100),
    **dict.fromkeys(words_of("k thousand tausend mil mille"), 1_000),
    **dict.fromkeys(words_of("m mio million millions millionen millón millones"), 1_000_000),
    **dict.fromkeys(words_of("bn billion billions milliarde milliarden milliard milliards"), 1_000_000_000),
}

_MONTHS = _table(
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep/sept oct nov dec",
    "januar/jänner februar märz april mai juni juli august september oktober november dezember",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    first=1,
)
_ALSO_WORDS = frozenset({"may", "march", "mar", "mars", "jan", "sept"})  # months only beside a number
_WEEKDAYS = _table(
    "monday tuesday wednesday thursday friday saturday sunday",
    "mon tue/tues wed thu/thur/thurs fri sat sun",
    "montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag",
    "lunes martes miércoles jueves viernes sábado domingo",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
)

# What a number counts, where it is a fact even if it is small. Durations with minutes or months.
_MINUTES = (
    (1, "minute min minuten minuto minutos minutes"),
    (60, "hour hours hr hrs stunde stunden hora horas heure heures"),
    (1440, "day days daily tag tage tagen täglich día días jour jours"),
    (10080, "week weeks weekly woche wochen wöchentlich semana semanas semaine semaines"),
    (20160, "fortnight fortnights fortnightly"),
)
_IN_MONTHS = (
    (1, "month months monthly monat monate monaten monatlich mes meses mois"),
    (3, "quarter quarters quarterly quartal quartale trimestre trimestres"),
    (12, "year years yearly annual annually jahr jahre jahren jährlich año años ans année années"),
)
_DURATIONS = {word: ("minutes", size) for size, words in _MINUTES for word in words.split()} | {
    word: ("months", size) for size, words in _IN_MONTHS for word in words.split()
}
_ONE = words_of(  # of those, the ones that say "one" by themselves
    "hour day daily week weekly fortnight month monthly quarter quarterly year yearly annual annually stunde tag "
    "täglich woche wöchentlich monat quartal jahr jährlich hora día semana mes trimestre año heure jour semaine mois "
    "année"
)
_JOINING = words_of("st nd rd th the of to and or through until bis und den der de al y et au le")  # days of a month
_MEASURES = words_of(
    "second seconds sekunde sekunden segundo segundos seconde secondes percent prozent pct percentage "
    "dollar dollars euro euros pound pounds cents usd eur gbp chf mile miles km kilometers kilometres meilen kilometer "
    "meter meters metres feet foot inch inches kg kilo gram grams lb lbs kb mb gb tb megabyte megabytes gigabyte "
    "gigabytes people persons personen leute personas personnes uhr nights night"
)

_TOKEN = re.compile(r"\d+(?:[.,'’]\d+)*|[^\W\d_]+")
_TIME = re.compile(
    r"(?<![\d.:])(\d{1,2})(?:[:.h](\d\d))?[ ]?(a\.?m\b|p\.?m\b|uhr\b|o'clock\b)?(?![\d:])", re.IGNORECASE
)
_DATE = re.compile(r"(?<![\d./-])(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[./](\d{1,2})[./](\d{4}|\d\d))(?![\d/-])")
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,'’])\d{3})(?:\1\d{3})*")
_MIXED = re.compile(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:[.'’]\d{3})+,\d+")


@dataclass(slots=True)
class ParsedNumbers:
    """The numbers, days, times, durations, months and weekdays that a text states, whichever way they are written."""

    numbers: set[float] = field(default_factory=set)
    days: set[Day] = field(default_factory=set)
    times: set[int] = field(default_factory=set)  # minutes since midnight or noon
    durations: set[tuple[str, float]] = field(default_factory=set)
    months: set[int] = field(default_factory=set)
    weekdays: set[int] = field(default_factory=set)


def figures(text: str) -> ParsedNumbers:
    """What `text` states."""
    found = ParsedNumbers(times=set(times(text)))
    tokens = ["", *_TOKEN.findall(text.lower()), ""]
    for place, token in enumerate(tokens[1:-1], start=1):
        before, after = tokens[place - 1], tokens[place + 1]
        for value in (*_values(token), *compounded(token, after)):
            found.numbers |= {value, float(round(value)), round(value * (scale(after) or 1), _ROUNDED)}
            found.durations |= set(durations(value, after))
        if token in _ONE and not any(_values(before)):  # a day, per year
            found.durations |= set(durations(1.0, token))
        if (number := month(token)) is not None:
            found.months.add(number)
            found.days |= {(number, day) for day in (*_days(tokens[place + 1 :]), *_days(tokens[place - 1 :: -1]))}
        if (number := weekday(token)) is not None:
            found.weekdays.add(number)
    for year, one, other in dates(text):
        found.numbers.add(year)
        found.days |= {(one, other), (other, one)}
        found.months |= {one, other}
    return found


def _days(tokens: Iterable[str]) -> Iterator[int]:
    """The days at the beginning of `tokens`, which stand beside a month: 3rd of, 3 to 7, the first."""
    for token in tokens:
        days = [int(value) for value in _values(token) if value in range(1, 32)]
        if not days and token not in _JOINING:
            return
        yield from days


def _values(token: str) -> Iterator[float]:
    if token[:1].isdecimal():
        yield from readings(token)
        if not _THOUSANDS.fullmatch(token):  # a version holds its parts, and so does a list
            yield from filter(_is_exact, (float(part) for part in re.split(r"[.,'’]", token)))
    elif (value := spelled(token)) is not None:
        yield float(value)
    elif token in _ORDINALS:
        yield float(_ORDINALS[token])


def compounded(first: str, second: str) -> Iterator[float]:
    """The number that two words make: twenty five."""
    if first in _TENS and _ONES.get(second, 0) in range(1, 10):
        yield float(_TENS[first] + _ONES[second])


def readings(digits: str) -> tuple[float, ...]:
    """The numbers that a run of digits and separators may mean: "1.200" is 1200 or 1.2. None where it is no number."""
    found: list[float] = []
    if _THOUSANDS.fullmatch(digits):
        found.append(float(re.sub(r"\D", "", digits)))
    if _MIXED.fullmatch(digits):
        whole, _, rest = digits.rpartition("." if "," in digits[: digits.rfind(".")] else ",")
        found.append(float(f"{re.sub(r'[^0-9]', '', whole)}.{rest}"))
    if re.fullmatch(r"\d+(?:[.,]\d+)?", digits):
        found.append(float(digits.replace(",", ".")))
    return tuple(round(value, _ROUNDED) for value in found if _is_exact(value))


def _is_exact(value: float) -> bool:
    """Whether a number can be reckoned with: documents hold serial numbers and worse of any length."""
    return value <= _LARGEST


def spelled(word: str) -> int | None:
    """The number that is written as `word`, in lower case."""
    if word in _SPELLED:
        return _SPELLED[word]
    joined = _GERMAN.fullmatch(word) if "und" in word else None
    return _TENS[joined[2]] + _ONES[joined[1]] if joined else None


def scale(word: str) -> int | None:
    """What a number is multiplied by that stands before `word`."""
    return _SCALES.get(word)


def month(word: str, *, alone: bool = False) -> int | None:
    """The month named `word`, in lower case; `alone` of those names only that are nothing else."""
    return None if alone and (word in _ALSO_WORDS or len(word) <= len("sep")) else _MONTHS.get(word)


def weekday(word: str, *, alone: bool = False) -> int | None:
    """The day of the week named `word`, in lower case."""
    return None if alone and len(word) < len("lundi") else _WEEKDAYS.get(word)


def measures(word: str) -> bool:
    """Whether a number before `word` measures something: time, money, size, people."""
    return word in _DURATIONS or word in _MEASURES


def durations(value: float, unit: str) -> Iterator[tuple[str, float]]:
    """How long `value` of `unit` is, where it is one of time: in minutes, or in months."""
    if unit in _DURATIONS:
        kind, size = _DURATIONS[unit]
        yield kind, round(value * size, _ROUNDED)


def times(text: str) -> Iterator[int]:
    """The times of day in `text`, in minutes since midnight or noon."""
    for hour, minutes, named in _TIME.findall(text):
        if (minutes or named) and int(hour) <= 24 and int(minutes or 0) < 60:  # noqa: PLR2004 - hours, minutes
            yield (60 * int(hour) + int(minutes or 0)) % _HALF_DAY


def dates(text: str) -> Iterator[tuple[int, int, int]]:
    """Dates in digits: the year, then month and day in the order they stand in."""
    for year, month_, day, one, other, short in _DATE.findall(text):
        if year:
            yield int(year), int(month_), int(day)
        else:
            yield int(short) if len(short) > 2 else 2000 + int(short), int(one), int(other)  # noqa: PLR2004 - digits
