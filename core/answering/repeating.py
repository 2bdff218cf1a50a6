"""A text ends where its model only says again what it said: what comes then is no more than that.

A line that grows out of the line before is shown only with something new in it, and once: a third one is not. What a
line says three times in a row ends it. What is shown is never taken back. Pure; any script.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from core.domain import CutOff, Piece, QueuePosition, Verdicts
from core.text.words import STOP_WORDS, words

Event = Piece | QueuePosition | Verdicts | CutOff

LEAST = 4  # words of a line that another one may repeat: "- Laptop" and "- Laptop bag" are two things
LONGEST = 12  # words of what a line says over and over …
TIMES = 3  # … at least so often, where it has LEAST words or more
_MARKER = re.compile(r"^\s*(?:(?:[-*+•>]|#{1,6}|\d{1,3}[.)])\s+)*(?:\[[ xX]\]\s)?")


class Repetition:
    """What was said of one text, as far as the next line may repeat it; `ends` once it does."""

    def __init__(self) -> None:
        self.ends = False
        self.holds = False  # what comes may be no more than the line before
        self._line = ""
        self._before: list[str] = []
        self._grown = False  # the line before out of the one before that

    def feed(self, text: str) -> None:
        """Hear more of a line, or its end."""
        self._line += text
        said, before = words(_MARKER.sub("", self._line)), self._before
        whole = said if self._line[-1:].isspace() else said[:-1]  # the last one may be part of a word
        is_long = len(before) >= LEAST
        grows = is_long and said[: len(before)] == before
        repeats = grows and (self._grown or STOP_WORDS.union(before).issuperset(whole))
        if not text.endswith("\n"):
            self.ends = self.ends or _circles(whole)
            self.holds = repeats or (is_long and len(whole) <= len(before) and whole == before[: len(whole)])
            return
        self.ends = self.ends or repeats or _circles(whole)
        self.holds, self._line = False, ""
        if said:
            self._before, self._grown = said, grows


async def unrepeated(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
    """`events` of a generator, up to where they repeat themselves."""
    repetition, held = Repetition(), list[Piece]()
    async with aclosing(events):
        async for event in events:
            if not isinstance(event, Piece):
                yield event
                continue
            for line in event.text.splitlines(keepends=True):
                repetition.feed(line)
                if repetition.ends:
                    return
                held.append(replace(event, text=line))
                if not repetition.holds:
                    for piece in held:
                        yield piece
                    held = []
    repetition.feed("\n")
    for piece in [] if repetition.ends else held:
        yield piece


def _circles(said: Sequence[str]) -> bool:
    """Whether the last words of a line are one thing over and over."""
    return any(
        len(last) == TIMES * length and last[:-length] == last[length:] and len(last) >= 2 * LEAST
        for length in range(1, LONGEST + 1)
        if (last := said[-TIMES * length :])
    )
