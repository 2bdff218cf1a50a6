"""`/write`: a text asked for by name, and what the buttons under a text do with it. Knows nothing of how one is made.

`/write an e-mail about travel` is what "write an e-mail about travel" is; behind `shorter`, `longer`, `formal` or
`copy` may stand the name of the text that is meant, or else it is the last one of the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from bots import texts
from bots.language import translated
from bots.replies import Notice, TextWanted
from core.answering.rewording import is_rewording
from core.domain import Message
from core.engine import Engine
from core.people.traces import Trace
from core.text.languages import language_of
from core.writing.requests import request_of

COPY = "copy"
REWORKINGS: Mapping[str, str] = {"shorter": "shorter", "longer": "longer", "formal": "more formal"}
_OF_A_TEXT = re.compile(rf"(?P<what>{COPY}|{'|'.join(REWORKINGS)})(?:\s+(?P<answer>[0-9a-f]{{16}}))?", re.IGNORECASE)
_LEAST_FENCE = 3  # backticks around code
_FENCES = re.compile("`+")


class WritingCommands:
    """Runs `/write`; `trace_of` finds an answer by its name, as far as it may be told of here."""

    def __init__(self, engine: Engine, trace_of: Callable[[Message, str], Awaitable[Trace | None]]) -> None:
        self._engine = engine
        self._trace_of = trace_of

    async def reply(self, message: Message, rest: str) -> Notice | TextWanted:
        """What `/write` and `rest` come to."""
        if not rest:
            return Notice(translated(texts.WRITE_WHAT))
        if found := _OF_A_TEXT.fullmatch(rest):
            return await self._of_a_text(message, found["what"].lower(), (found["answer"] or "").lower())
        if is_rewording(rest) or request_of(rest):
            return TextWanted(rest)
        german = language_of(rest) == "german"
        ways = ("schreib", "schreib einen Text", "schreib einen Text über") if german else ("write", "write a text")
        asked = [f"{way} {rest}" for way in (*ways, "write a text about")]
        return TextWanted(next(filter(request_of, asked), rest))

    async def _of_a_text(self, message: Message, what: str, answer: str) -> Notice | TextWanted:
        trace = await self._trace_of(message, answer) if answer else None
        text = await self._engine.conversations.text_of(message, trace) if trace or not answer else ""
        if not text:
            return Notice(translated(texts.TEXT_GONE))
        if what == COPY:
            return Notice(_fenced(text))
        return TextWanted(REWORKINGS[what], trace)


def _fenced(text: str) -> str:
    """`text` as code, though it may have fences of its own."""
    fence = "`" * max(_LEAST_FENCE, 1 + max(map(len, _FENCES.findall(text)), default=0))
    return f"{fence}\n{text}\n{fence}"
