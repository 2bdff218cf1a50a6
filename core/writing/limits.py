"""How long a text may be, as its request says it: "max 50 words", "in five bullets", "one paragraph", "zwei Sätze".

A model is asked for it, and hardly counts: so a text ends with its last whole sentence or item inside the limits, as it
grows, and what is too much is never shown. English and German. Pure; knows nothing of models or of what a text is of.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, fields, replace

from core.answering.cutting import MARK
from core.domain import CutOff, Piece, QueuePosition, Verdicts
from core.text.growing import is_abbreviated
from core.text.languages import SMALL_WORDS
from core.text.words import STOP_WORDS, whole_number

Event = Piece | QueuePosition | Verdicts | CutOff

_NUMBERS = (
    "a one two three four five six seven eight nine ten eleven twelve",
    "ein eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
)
_NUMBER = {word: max(place, 1) for line in _NUMBERS for place, word in enumerate(line.split())}
_TENS = (
    "ten twenty thirty forty fifty sixty seventy eighty ninety hundred",
    "zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig hundert",
)
_NUMBER |= {word: 10 * place for line in _TENS for place, word in enumerate(line.split(), start=1)}
_NUMBER |= dict.fromkeys(("single", "einem", "einen", "einzigen"), 1)
COUNT = rf"(?:\d{{1,3}}[.,]\d{{3}}|\d{{1,4}}|{'|'.join(sorted(_NUMBER, key=len, reverse=True))})"
_AT_MOST = (
    r"(?:(?:under|below|(?:less|fewer) than|up to|within|between|(?:at )?max(?:imum|\.)?(?: of)?|at most"
    r"|(?:no|not) (?:more|longer) than|unter|weniger als|bis zu|höchstens|maximal|nicht (?:mehr|länger) als|zwischen) )"
)
_ROUGH_COUNT = r"(?:about|around|roughly|etwa|ungefähr) "
_MARK = (
    r"(?P<mark>(?:(?:keep|limit|cut|shorten) it (?:down )?)?(?:(?:in|of|with|to|mit|von|auf) )?"
    rf"{_AT_MOST}{{0,2}}(?:{_ROUGH_COUNT})?)"
)
_BEHIND = r"(?P<behind>(?: (?:long|max(?:imum|\.)?|at most|or (?:less|fewer)|tops|maximal|höchstens|lang)\b){0,2})"
_UNITS = {
    "words": r"words?|wörtern?|worten?|worte",
    "characters": r"characters?|chars|zeichen",
    "sentences": r"sentences?|sätzen?|satz",
    "items": r"bullets?(?: ?points?)?|points|items|steps|lines|(?:stich|kern|aufzählungs)?punkten?|schritten?|zeilen",
    "paragraphs": r"paragraphs?|absatz|absätzen?",
}
_LIMITS = {
    name: re.compile(
        rf"(?<![\w.,]){_MARK}(?:{COUNT} ?(?:to|or|and|-|–|bis|oder|und) ?)?(?P<count>{COUNT})(?P<joint>[ -])"
        rf"(?P<sort>(?!(?:of|or|and|to|for|in|von|oder|und|zu) )[^\W\d]+ )?(?P<unit>{unit})\b(?! (?:each"
        rf"|per|je|pro)\b){_BEHIND}",
        re.IGNORECASE,
    )
    for name, unit in _UNITS.items()
}
_IS_AT_MOST = re.compile(_AT_MOST, re.IGNORECASE)
_STRICTLY = re.compile(r"(?:under|below|less than|fewer than|unter|weniger als) ", re.IGNORECASE)
_ROUGHLY = re.compile(_ROUGH_COUNT, re.IGNORECASE)
_NO_LIMIT_BEHIND = (
    re.compile(  # a least, a part of another limit ("2 paragraphs of 30 words"), and facts: "the 3 steps"
        r"\b(?:at least|min(?:imum|\.)?(?: of)?|not?|over|more than|mindestens|nicht|keine?|mehr als"
        rf"|the|these|those|our|my|your|die|der|den|diese[nr]?|unsere[nr]?|{'|'.join(_UNITS.values())}) $",
        re.IGNORECASE,
    )
)
_OPENS = re.compile(r"(?:^|[,;:(–-] ?|\b(?:write|draft|give|me|us|mir|uns|schreibe?|gib) )$", re.IGNORECASE)
_BEFORE_A_NOUN = frozenset({"word", "sentence", "bullet", "paragraph"})  # "a 50 word note"
_LEFT_OVER = re.compile(r"\(\s*\)|[<≤]=?(?=\s|$)")  # of a limit that is taken out
ENDS = re.compile(
    rf"\s*(?:$|[^\w\s-]|(?:{'|'.join(sorted(STOP_WORDS | SMALL_WORDS['german'] | {'please', 'bitte'}))})\b)",
    re.IGNORECASE,
)
"""What stands behind a phrase that is at its end: nothing, punctuation, or a word without a topic of its own."""
_TWEET = re.compile(r"\btweet\b", re.IGNORECASE)
_TWEET_CHARACTERS = 280
_ROUGH = 1.2  # times as many as "about" so many are allowed
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+(?=\S)")
_ROW = re.compile(r"[ \t]*\|")
_HEADING = re.compile(r"[ \t]*(?:#{1,6}\s.*|\*\*[^*]+\*\*:?|.*:)[ \t]*\n?")
_SUBJECT = re.compile(r"[*_]*(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]*_`]*$")
_FRAME_WORDS = 8  # of a greeting, a heading or a signature, which end no sentence …
_CALL_WORDS = 3  # … or with "!"
_BLANK = re.compile(r"\n[ \t]*\n\s*$")
_END = re.compile(r"[.!?…]+[\"'”’)\]*_`]*\s+|\n+")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a text may have of each; 0 where nothing is said of it."""

    words: int = 0
    characters: int = 0
    sentences: int = 0
    items: int = 0
    paragraphs: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))


def limits_in(request: str) -> Limits:
    """What `request` says of how long a text may be."""
    found = {name: next((_most(one) for one in _found(name, request)), 0) for name in _LIMITS}
    if not found["characters"] and _TWEET.search(request):
        found["characters"] = _TWEET_CHARACTERS
    return Limits(**found)


def without_limits(request: str) -> str:
    """`request` without what it says of how long a text may be."""
    for name in _LIMITS:
        for found in reversed([*_found(name, request)]):
            request = f"{request[: found.start()]} {request[found.end() :]}"
    return " ".join(_LEFT_OVER.sub(" ", request).split())


def _found(name: str, request: str) -> Iterator[re.Match[str]]:
    return (found for found in _LIMITS[name].finditer(request) if _is_limit(name, found))


def _is_limit(name: str, found: re.Match[str]) -> bool:
    """Whether it is said to be one: facts have numbers, too ("passwords need 16 characters")."""
    before, behind, mark = found.string[: found.start()], found.string[found.end() :], found["mark"].lower()
    unit, count = found["unit"].lower(), _number(found)
    if _NO_LIMIT_BEHIND.search(before) or (unit == "word" and count == 1):  # "in a word": in short
        return False
    if found["behind"] or found["joint"] == "-" or _IS_AT_MOST.search(mark):
        return True
    if name == "characters":
        return mark.startswith(("in ", "keep ", "limit ")) or _ROUGHLY.search(mark) is not None
    if name == "items" and _ROUGHLY.match(mark):  # "an email about 3 steps"
        return False
    if unit in _BEFORE_A_NOUN and count > 1:
        return True
    is_placed = bool(mark or _OPENS.search(before)) or not (found["sort"] or behind.strip(" .!?"))
    return is_placed and (unit not in _BEFORE_A_NOUN or ENDS.match(behind) is not None)


def _most(found: re.Match[str]) -> int:
    count = _number(found)
    if _ROUGHLY.search(found["mark"]):
        return round(count * _ROUGH)
    return max(count - bool(_STRICTLY.search(found["mark"])), 1)


def _number(found: re.Match[str]) -> int:
    said = re.sub(r"[.,]", "", found["count"].lower())
    given = whole_number(said)
    return _NUMBER[said] if given is None else given


def word_count(text: str) -> int:
    """The words of `text` as a person would count them."""
    return len(re.findall(r"\S*\w\S*", text))


class Bounds:
    """One text's limits as it grows: `feed` gives what may be shown of it, `full` says that no more may.

    With `as_list` each sentence becomes an item, where it is none: somebody asked for so many of them.
    """

    def __init__(self, limits: Limits, *, as_list: bool = False) -> None:
        self.full = False
        self._limits = limits
        self._as_list = as_list
        self._waiting = ""
        self._shown = ""
        self._sentences = 0  # and paragraphs, without what only frames them
        self._paragraphs = 0
        self._items = 0
        self._indent = 0  # of the first item: what stands deeper belongs to one
        self._starts_line = True
        self._skipping = False  # an item too many, up to the end of its line

    def feed(self, text: str) -> str:
        """What may be shown now that `text` came, too: whole sentences and lines."""
        self._waiting += text
        shown = ""
        while not self.full and (end := self._unit_end()):
            unit, self._waiting = self._waiting[:end], self._waiting[end:]
            shown += self._take(unit)
        return shown

    def finish(self) -> str:
        """What may be shown at the end."""
        rest, self._waiting = self._waiting, ""
        return "" if self.full or not rest.strip() else self._take(rest)

    def _unit_end(self) -> int:
        is_row = self._starts_line and _ROW.match(self._waiting) is not None
        for found in _END.finditer(self._waiting):
            if "\n" in found[0] or not (is_row or _goes_on(self._waiting[: found.end()].split()[-1])):
                return found.end()
        return 0

    def _take(self, unit: str) -> str:
        """`unit` as it may be shown; nothing where it is too much."""
        starts_line, self._starts_line = self._starts_line, "\n" in unit[len(unit.rstrip()) :]
        indent = len(unit) - len(unit.lstrip())
        if starts_line and unit.strip():  # what is under an item too many is too much, too
            self._skipping = self._skipping and indent > self._indent
        if not unit.strip():
            return self._show(unit) if self._shown and not self._skipping else ""
        if starts_line and self._as_list and not (_ITEM.match(unit) or _HEADING.fullmatch(unit)):
            unit, self._starts_line = f"- {unit.strip()}\n", True
        is_item = starts_line and _ITEM.match(unit) is not None
        if is_item and not self._items:
            self._indent = indent
        counts = is_item and indent <= self._indent
        if self._skipping or (counts and self._limits.items and self._items >= self._limits.items):
            self._skipping = True
            return self._show("\n") if unit.endswith("\n\n") else ""
        if is_item or not (starts_line and _is_frame(unit)):
            self._paragraphs += not self._sentences or _BLANK.search(self._shown) is not None
            self._sentences += 1
        if self._is_too_much(unit):
            self.full = True
            goes = self._sentences > 1 or (_ROW.match(unit) is not None and self._shown.strip() != "")
            return "" if goes else self._show(self._beginning(unit))
        self._items += counts
        return self._show(unit)

    def _show(self, text: str) -> str:
        self._shown += text
        return text

    def _is_too_much(self, unit: str) -> bool:
        limits, said = self._limits, self._shown + unit.rstrip()
        return (
            (0 < limits.words < word_count(said))
            or (0 < limits.characters < len(said.strip()))
            or (0 < limits.sentences < self._sentences)
            or (0 < limits.paragraphs < self._paragraphs)
        )

    def _beginning(self, unit: str) -> str:
        """As many whole words of a first sentence as may be said, and the mark."""
        kept = ""
        for word in re.findall(r"\s*\S+", unit):
            if self._is_too_much(f"{kept}{word} {MARK}"):
                break
            kept += word
        if kept:
            return f"{kept} {MARK}"
        return "" if self._shown.strip() else unit


def _goes_on(word: str) -> bool:
    """Whether a sentence may go on behind `word` and its full stop: "Dr. Smith", "am 3. Mai"."""
    return is_abbreviated(word) or word.rstrip(".").isdecimal()


def _is_frame(line: str) -> bool:
    """Whether a line only stands around what is said: a subject, a greeting, a heading, a signature."""
    said = line.strip()
    if _SUBJECT.match(said):
        return True
    most = _CALL_WORDS if said.endswith("!") else 0 if _SENTENCE_END.search(said) else _FRAME_WORDS
    return word_count(said) <= most


async def bounded(events: AsyncGenerator[Event, None], bounds: Bounds) -> AsyncGenerator[Event, None]:
    """`events` of a generator, up to the limits."""
    last = Piece("")
    async with aclosing(events):
        async for event in events:
            if not isinstance(event, Piece):
                yield event
                continue
            last = event
            if text := bounds.feed(event.text):
                yield replace(event, text=text)
            if bounds.full:
                return
    if text := bounds.finish():
        yield replace(last, text=text)
