"""An inlet and a dialogue that tell a `Watcher` what goes through them. Knows no platform."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from bots import texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.platform import Inlet
from bots.replies import Delta, Final, Notice, PersonForgotten, Problem, Reply
from bots.watching import ANSWERED, COMMAND, NOT_FOUND, PROBLEM, STOPPED, AnswerTiming, Watcher
from core.answering import prompt
from core.domain import Conversation, Message, Person
from core.engine import Engine
from core.inbox import Event, Receipt
from core.people.feedback import Feedback


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
        self,
        engine: Engine,
        watcher: Watcher,
        *,
        own_commands: Iterable[str] = (),
        hint: str = texts.HELP_HINT,
        embedder: str = "",
        digest_gaps: bool = True,
    ) -> None:
        super().__init__(engine, own_commands=own_commands, hint=hint, embedder=embedder, digest_gaps=digest_gaps)
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
