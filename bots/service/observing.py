"""Watching what is received and answered, without looking at anybody's words.

`Watcher` is told what happened; who counts it (`metrics.py`) is one. Knows no platform.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from bots import texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.platform import Inlet
from bots.replies import Delta, Final, Notice, PersonForgotten, Problem, Reply
from core.answering import prompt
from core.domain import Conversation, Message, Person
from core.engine import Engine
from core.inbox import Claim, Event, Receipt
from core.people.feedback import Feedback, Verdict

STOPPED, ANSWERED, NOT_FOUND, PROBLEM, COMMAND = "stopped", "answered", "not found", "problem", "command"


@dataclass(frozen=True, slots=True)
class AnswerTiming:
    """How one message was answered: its ending, and seconds from its beginning. `pieces` are about a token each."""

    ending: str
    seconds: float
    first_piece: float | None
    pieces: int


class Watcher:
    """What happens, for whoever wants to know; this one does not."""

    def received(self, platform: str, receipt: Receipt, seconds: float) -> None:
        """A platform handed something in, which took so long."""

    def not_understood(self, platform: str) -> None:
        """Something came from a platform that nobody can read; it was confirmed and left alone."""

    def receiver_ended(self, platform: str) -> None:
        """A receiver ended by itself, and is started again."""

    def began(self, claim: Claim) -> None:
        """A worker begins with an event."""

    def said(self, said: AnswerTiming) -> None:
        """A dialogue came to its end."""

    def failed(self, kind: str) -> None:
        """A person was given a sentence instead of an answer, because of an error of this kind."""

    def judged(self, verdict: Verdict) -> None:
        """A person did something with an answer."""

    def finished(self, event: Event, outcome: str) -> None:
        """An event is out of the worker's hands."""


class WatchedInlet:
    """An inlet that is watched."""

    def __init__(self, inlet: Inlet, watcher: Watcher) -> None:
        self._inlet = inlet
        self._watcher = watcher

    async def put(self, event: Event) -> Receipt:
        """Keep `event`."""
        start = time.perf_counter()
        receipt = await self._inlet.put(event)
        self._watcher.received(event.person.platform, receipt, time.perf_counter() - start)
        return receipt

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop an answer."""
        return await self._inlet.stop(conversation, person)


class WatchedDialogue(Dialogue):
    """A dialogue that is watched."""

    def __init__(
        self, engine: Engine, watcher: Watcher, *, own_commands: Iterable[str] = (), hint: str = texts.HELP_HINT
    ) -> None:
        super().__init__(engine, own_commands=own_commands, hint=hint)
        self._watcher = watcher

    async def respond(self, message: Message) -> AsyncGenerator[Reply, None]:
        """Everything to show for one message."""
        start, first, pieces, ending = time.perf_counter(), None, 0, STOPPED
        try:
            async with aclosing(super().respond(message)) as replies:
                async for reply in replies:
                    if isinstance(reply, Delta):
                        pieces += 1
                        first = first or time.perf_counter() - start
                    ending = _ending(reply, ending)
                    yield reply
        finally:
            self._watcher.said(AnswerTiming(ending, time.perf_counter() - start, first, pieces))

    async def feedback(self, feedback: Feedback) -> Notice | Problem:
        """Learn from what a person did with an answer."""
        self._watcher.judged(feedback.verdict)
        return await super().feedback(feedback)

    def _explained(self, error: Exception) -> Problem:
        self._watcher.failed(type(error).__name__)
        return super()._explained(error)


def _ending(reply: Reply, so_far: str) -> str:
    match reply:
        case Final():
            return NOT_FOUND if reply.nearest or reply.markdown == translated(prompt.NOT_FOUND) else ANSWERED
        case Problem():
            return PROBLEM
        case Notice() | PersonForgotten():
            return COMMAND
        case _:
            return so_far
