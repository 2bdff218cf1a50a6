"""Marked runs of text → messages within Telegram's limits, each with entities that it accepts.

A message has at most 4,096 UTF-16 units and 100 entities. Cuts fall between paragraphs, lines or words as far as they
can, and outside of code and links; what has to be cut goes on in the next message with the same mark. Entities nest as
the Bot API asks. Pure; knows nothing of Markdown.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TEXT_UNITS = 4096  # UTF-16 code units of one message
ENTITIES = 100  # of one message
UNCUT = 600  # characters of code or a link that would rather move to the next message than be cut

_LAST_OF_BMP = 0xFFFF
_EMPTY = re.compile(  # what Telegram counts as nothing
    "[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff\U000e0000-\U000e01ef]*"
)
_WHOLE = {"pre", "code", "text_link"}


@dataclass(frozen=True, slots=True, eq=False)
class EntityStyle:
    """What some text is; two marks are the same only if they are one object."""

    kind: str
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Text with the marks it stands in, the outermost first."""

    text: str
    marks: tuple[EntityStyle, ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A mark on a message; offset and length in UTF-16 units."""

    kind: str
    offset: int
    length: int
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One message."""

    text: str
    entities: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True)
class _Span:
    """A mark from one character to another."""

    mark: EntityStyle
    start: int
    end: int


def units(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text) + sum(ord(character) > _LAST_OF_BMP for character in text)


def pages(runs: Iterable[Run], limit: int = TEXT_UNITS, entities: int = ENTITIES) -> list[MessagePage]:
    """The messages that show `runs`, none of them empty."""
    text, spans = _joined(runs)
    made, start = [], 0
    while start < len(text):
        if text[start] == "\n" or (text[start] == " " and not _in_code(spans, start)):
            start += 1
            continue
        end = _end(text, spans, start, limit, entities)
        page = _page(text, spans, start, end)
        if page is not None:
            made.append(page)
        start = end
    return made


def _in_code(spans: Sequence[_Span], place: int) -> bool:
    return any(span.mark.kind == "pre" and span.start <= place < span.end for span in spans)


def _joined(runs: Iterable[Run]) -> tuple[str, list[_Span]]:
    """The text as a whole, and each mark once for every stretch that it covers without a gap."""
    parts: list[str] = []
    spans: list[_Span] = []
    opened: dict[EntityStyle, int] = {}
    at = 0
    for run in [*(run for run in runs if run.text), Run("")]:
        closed = [mark for mark in opened if mark not in run.marks]
        spans.extend(_Span(mark, opened.pop(mark), at) for mark in closed)
        for mark in run.marks:
            opened.setdefault(mark, at)
        parts.append(run.text)
        at += len(run.text)
    return "".join(parts), sorted(spans, key=lambda span: (span.start, -span.end))


def _end(text: str, spans: Sequence[_Span], start: int, limit: int, entities: int) -> int:
    """Where the message that begins at `start` ends."""
    furthest = _within_units(text, start, limit)
    begun = [span for span in spans if span.start < furthest and span.end > start]
    if len(begun) > entities:
        furthest = max(begun[entities].start, start + 1)
    if furthest == len(text):
        return furthest
    return _cut(text, spans, start, furthest)


def _within_units(text: str, start: int, limit: int) -> int:
    if len(text) - start <= limit // 2:
        return len(text)
    sizes = itertools.accumulate(1 + (ord(character) > _LAST_OF_BMP) for character in text[start : start + limit])
    return start + sum(size <= limit for size in sizes)


def _cut(text: str, spans: Sequence[_Span], start: int, furthest: int) -> int:
    """The best place to cut in the later half of what fits: see `_worth`; the last one of the best."""
    earliest = start + (furthest - start) // 2
    whole = [span for span in spans if span.mark.kind in _WHOLE and span.start < furthest and span.end > earliest]
    places = [place for place in range(max(earliest, start + 1), furthest + 1) if _may_cut(text, place)]
    if not places:
        return furthest
    return max(places, key=lambda place: (_worth(text, whole, place, start), place))


def _may_cut(text: str, place: int) -> bool:
    """Whether what is one character to a reader stays one."""
    here, before = text[place], text[place - 1]
    joins = {"\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}"}
    return not (unicodedata.combining(here) or here in joins or before == "\N{ZERO WIDTH JOINER}")


def _worth(text: str, whole: Sequence[_Span], place: int, start: int) -> int:
    """How good a place is: between paragraphs, lines, sentences or words, and not in code or in a link."""
    if text.startswith("\n\n", place) or text[max(place - 2, 0) : place] == "\n\n":
        worth = 5
    elif text[place] == "\n" or text[place - 1] == "\n":
        worth = 4
    elif text[place].isspace():
        worth = 3 if text[place - 1] in ".!?:;" else 2
    else:
        worth = 0
    inside = next((span for span in whole if span.start < place < span.end), None)
    if inside is None:
        return worth + 4 if worth or any(place in {span.start, span.end} for span in whole) else worth
    movable = inside.end - inside.start <= UNCUT and inside.start > start
    return worth - 6 if movable else worth


def _page(text: str, spans: Sequence[_Span], start: int, end: int) -> MessagePage | None:
    """The message from `start` to `end`; None where nothing would be seen."""
    shown = text[start:end].rstrip()
    if _EMPTY.fullmatch(shown):
        return None
    offsets = [0, *itertools.accumulate(1 + (ord(character) > _LAST_OF_BMP) for character in shown)]
    clipped = (_clipped(span, shown, start) for span in spans if span.start < end and span.end > start)
    return MessagePage(shown, tuple(_entity(span, offsets) for span in clipped if span is not None))


def _entity(span: _Span, offsets: Sequence[int]) -> Entity:
    begin, end, mark = offsets[span.start], offsets[span.end], span.mark
    return Entity(mark.kind, begin, end - begin, mark.url, mark.language)


def _clipped(span: _Span, shown: str, start: int) -> _Span | None:
    """`span` as far as it lies in `shown`, without blanks at its ends; None where nothing is left."""
    first, last = max(span.start - start, 0), min(span.end - start, len(shown))
    while last > first and shown[last - 1].isspace():
        last -= 1
    while span.mark.kind not in {"pre", "blockquote"} and first < last and shown[first].isspace():
        first += 1
    if _EMPTY.fullmatch(shown[first:last]):
        return None
    return _Span(span.mark, first, last)
