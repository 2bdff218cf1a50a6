"""How long a text may be, as its request says it: "max 50 words", "in five bullets", "one paragraph", "zwei Sätze".

A model is asked for it, and hardly counts: so a text ends with its last whole sentence or item inside the limits, as it
grows, and what is too much is never shown. English and German. Pure; knows nothing of models or of what a text is of.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, fields, replace

from core.answering.cutting import MARK
from core.domain import CutOff, Piece, QueuePosition, Verdicts
from core.text.words import whole_number

Event = Piece | QueuePosition | Verdicts | CutOff

_NUMBERS = (
    "a one two three four five six seven eight nine ten eleven twelve",
    "ein eine zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
)
_NUMBER = {word: max(place, 1) for line in _NUMBERS for place, word in enumerate(line.split())}
_NUMBER |= dict.fromkeys(("single", "einem", "einen", "einzigen"), 1)
_COUNT = rf"(?:\d{{1,4}}|{'|'.join(sorted(_NUMBER, key=len, reverse=True))})"
_AT_MOST = (
    r"(?:under |below |less than |fewer than |up to |within |(?:at )?max(?:imum|\.)?(?: of)? |at most |no more than "
    r"|not more than |no longer than |keep it (?:to|under|below) |limit(?:ed)? to |unter |weniger als "
    r"|bis zu |höchstens "
    r"|maximal |nicht mehr als )"
)
_SO_MANY = r"(?:about |around |roughly |etwa |ungefähr )"
_FORM = r"(?:in |with |mit )"
_BEHIND = r"(?: (?:long|max(?:imum|\.)?|at most|or (?:less|fewer)|tops|maximal|höchstens|lang)){0,2}"
_STRICTLY = re.compile(r"\b(?:under|below|less than|fewer than|unter|weniger als) ", re.IGNORECASE)
_ROUGHLY = re.compile(r"\b(?:about|around|roughly|etwa|ungefähr) ", re.IGNORECASE)
_LEAST = re.compile(
    r"(?:\bat least|\bmin(?:imum|\.)?(?: of)?|\bnot?|\bover|\bmore than|\bmindestens|\bnicht|\bkein|\bmehr als) $",
    re.IGNORECASE,
)
_ENDS = r"(?=\s*$|\s*[,.;:!?)]|\s(?:about|on|of|for|to|from|how|what|the|and|or|please|in|with|as|über"
r"|zu[mr]?|an|für|wie|bitte|auf|mit|als)\b)"
_OPENS = (
    r"(?:^|(?<=[,;:(–-] )|(?<=[,;:(–-])|(?<=\bwrite )|(?<=\bdraft )|(?<=\bgive )|(?<=\bme )|(?<=\bus )|(?<=\bmir ))"
)
_UNITS = {
    "words": r"words?|wörtern?|worten?|worte",
    "characters": r"characters?|chars|zeichen",
    "sentences": r"sentences?|sätzen?|satz",
    "items": r"bullets?(?: ?points?)?|points|items|steps|lines|punkten?|stichpunkten?|schritten?|zeilen",
    "paragraphs": r"paragraphs?|absatz|absätzen?",
}


def _limit_of(name: str, unit: str) -> re.Pattern[str]:
    """A number is a limit where something says so: facts have numbers, too ("passwords need 16 characters")."""
    count = rf"(?<![\w.])(?:{_COUNT}(?: ?(?:to|or|-|–|bis|oder) ?))?(?P<COUNT>{_COUNT})"
    units = rf" (?:short |brief |quick |kurzen? |single |knappen? )?(?:{unit})\b(?! (?:each|per|je|pro)\b)"
    loose = "" if name == "characters" else rf"(?:{_FORM}{_SO_MANY}?|{_OPENS})"
    roughly = "" if name == "items" else rf"|{_SO_MANY}"
    ways = (
        rf"\b{_FORM}?(?:{_AT_MOST}{_SO_MANY}?{roughly}){count}{units}{_BEHIND}",
        rf"{loose}{count}{units}{_ENDS}" if loose else "",
        rf"{count}{units}{_BEHIND.replace('{0,2}', '{1,2}')}",
        rf"{count}-(?:{unit})\b",
    )
    said = "|".join(way.replace("COUNT", f"count{place}") for place, way in enumerate(ways) if way)
    return re.compile(said, re.IGNORECASE)


_LIMITS = {name: _limit_of(name, unit) for name, unit in _UNITS.items()}
_TWEET = re.compile(r"\btweet\b", re.IGNORECASE)
_TWEET_CHARACTERS = 280
_ROUGH = 1.2  # times as many as "about" so many are allowed
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+(?=\S)")
_HEADING = re.compile(r"[ \t]*(?:#{1,6}\s.*|\*\*[^*]+\*\*:?|.*:)[ \t]*\n?")
_FRAME = re.compile(  # what an e-mail has around what it says
    r"(?:\**(?:subject|betreff)\**:.*"
    r"|(?:hi|hello|hey|dear|hallo|liebe[rs]?|guten tag|sehr geehrte[rs]?)\b(?: [^\s,]+){0,4}[,!:.]?"
    r"|(?:(?:best|kind|warm|many|beste|viele|liebe|herzliche|mit (?:freundlichen|besten)) )?"
    r"(?:regards|wishes|thanks|thank you|cheers|best|sincerely|danke|grüße|grüßen|dank)\b(?: [^\s,]+)?[,!.]?)",
    re.IGNORECASE,
)
_BLANK = re.compile(r"\n[ \t]*\n\s*$")
_END = re.compile(r"[.!?…]+[\"'”’)\]*_`]*\s+|\n+")
_NO_END = re.compile(
    r"(?:^|\s)(?:\w|\d+|(?:\w\.)+\w|e\.g|i\.e|etc|approx|no|vs|z\. ?b|d\. ?h|bzw|ca|nr|dr|mr|ms)\.\s+$", re.IGNORECASE
)


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

    def within(self, other: Limits) -> Limits:
        """These, and where they say nothing, those of `other`."""
        return Limits(**{each.name: getattr(self, each.name) or getattr(other, each.name) for each in fields(self)})


def limits_in(request: str) -> Limits:
    """What `request` says of how long a text may be."""
    found = {name: _limit(pattern, request) for name, pattern in _LIMITS.items()}
    if not found["characters"] and _TWEET.search(request):
        found["characters"] = _TWEET_CHARACTERS
    return Limits(**found)


def without_limits(request: str) -> str:
    """`request` without what it says of how long a text may be."""
    for pattern in _LIMITS.values():
        request = pattern.sub(lambda found: found[0] if _is_least(found) else " ", request)
    return " ".join(request.split())


def _limit(pattern: re.Pattern[str], request: str) -> int:
    found = next((one for one in pattern.finditer(request) if not _is_least(one)), None)
    if found is None:
        return 0
    said = next(filter(None, found.groups())).lower()
    given = whole_number(said)
    count = _NUMBER[said] if given is None else given
    if _ROUGHLY.search(found[0]):
        return round(count * _ROUGH)
    return max(count - bool(_STRICTLY.search(found[0])), 1)


def _is_least(found: re.Match[str]) -> bool:
    """Whether what stands before it makes it a least: "at least 50 words", "not under 50 words"."""
    return _LEAST.search(found.string[: found.start()]) is not None


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
        for found in _END.finditer(self._waiting):
            if "\n" in found[0] or not _NO_END.search(self._waiting[: found.end()]):
                return found.end()
        return 0

    def _take(self, unit: str) -> str:
        """`unit` as it may be shown; nothing where it is too much."""
        starts_line, self._starts_line = self._starts_line, unit.endswith("\n")
        if starts_line:
            self._skipping = False
        if not unit.strip():
            return self._show(unit) if self._shown and not self._skipping else ""
        if starts_line and self._as_list and not (_ITEM.match(unit) or _HEADING.fullmatch(unit)):
            unit, self._starts_line = f"- {unit.strip()}\n", True
        is_item = starts_line and _ITEM.match(unit) is not None
        if self._skipping or (is_item and self._limits.items and self._items >= self._limits.items):
            self._skipping = True
            return self._show("\n") if unit.endswith("\n\n") else ""
        counts = not (starts_line and (_FRAME.fullmatch(unit.strip()) or _HEADING.fullmatch(unit)))
        opens = counts and (not self._sentences or _BLANK.search(self._shown) is not None)
        self._sentences += counts
        self._paragraphs += opens
        if self._is_too_much(unit):
            self.full = True
            return self._show(self._beginning(unit)) if self._sentences <= 1 else ""
        self._items += is_item
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
        return f"{kept} {MARK}" if kept else "" if self._shown.strip() else unit


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
