"""An engine with a script, for tests of what a person sees. It keeps state; nothing is mocked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from core.domain import (
    Answer,
    AnswerEvent,
    Conversation,
    Message,
    Outcome,
    Passage,
    Person,
    Piece,
    RankedPassage,
    ReadingStarted,
    Source,
)
from core.people.feedback import Feedback, Verdict
from core.people.people import FeedbackOutcome
from core.people.preferences import Preferences, PreferenceSet
from core.people.profile import Profile
from core.people.traces import Trace

ANN = Person("console", "local", "ann")
HANDBOOK = Passage("p1", "/docs/handbook.md", "Handbook", ("Leave", "Parents"), "Twenty weeks.", 12, 0, 1, "v")


def message(text: str) -> Message:
    conversation = Conversation("console", "local", "ann")
    return Message("m1", conversation, ANN, text, datetime(2025, 1, 1, tzinfo=UTC))


class FakePeople:
    """Knows of people what was chosen."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def profile(self, person: Person) -> Profile:
        return Profile(person, await self.wishes(person))

    async def wishes(self, person: Person) -> PreferenceSet:
        return PreferenceSet(self.engine.saved.get(person, Preferences()))

    async def choose(self, person: Person, preferences: Preferences, **_: bool) -> None:
        self.engine.saved[person] = preferences

    async def recent(self, person: Person, limit: int) -> list[Trace]:
        asked = [each for each in reversed(self.engine.asked) if each.person == person][:limit]
        return [Trace("", person, each.text, each.sent_at, (), Outcome.ANSWERED) for each in asked]

    async def hear(self, feedback: Feedback) -> FeedbackOutcome:
        self.engine.heard.append(feedback)
        return FeedbackOutcome.TAKEN_BACK if feedback.verdict is Verdict.NONE else FeedbackOutcome.LEARNED

    async def documents(self, _: Person) -> set[str]:
        return set()

    async def export(self, person: Person, _: set[str]) -> str:
        return f'{{"who": "{person.user}"}}'

    async def forget(self, person: Person) -> None:
        self.engine.saved.pop(person, None)
        self.engine.forgotten.append(person)


class FakeConversations:
    """Keeps no turns."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def begin_anew(self, message: Message) -> None:
        self.engine.begun.append(message.conversation)

    async def has_begun(self, message: Message) -> bool:  # noqa: ARG002
        return False

    async def questions(self, message: Message) -> list[str]:
        return [each.text for each in self.engine.asked if each.person == message.person]


class FakeSources:
    """Has one source, of every answer."""

    async def visible(self, *_: object) -> set[str]:
        return set()

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    async def open(
        self,
        person: Person,
        answer: str,
        number: int,
        _at: datetime,
        *,
        looking: Message | None = None,  # noqa: ARG002
    ) -> Passage | None:
        self.engine.opened.append((person, answer, number))
        return self.engine.passage if number == 1 else None


class FakeEngine:
    """Answers every question with `text`, a word a piece; raises `error` after `fail_after` words."""

    def __init__(
        self,
        text: str = "Twenty weeks [1].",
        *,
        passage: Passage = HANDBOOK,
        nearest: tuple[Source, ...] = (),
        error: Exception | None = None,
        fail_after: int = 0,
        pace: float = 0.0,
        think: float = 0.0,
    ) -> None:
        self.text = text
        self.passage = passage
        self.nearest = nearest
        self.error = error
        self.fail_after = fail_after
        self.pace = pace
        self.think = think
        self.asked: list[Message] = []
        self.saved: dict[Person, Preferences] = {}
        self.forgotten: list[Person] = []
        self.plain = False
        self.reworks: Trace | None = None
        self.heard: list[Feedback] = []
        self.opened: list[tuple[Person, str, int]] = []
        self.people = FakePeople(self)
        self.conversations = FakeConversations(self)
        self.sources = FakeSources(self)
        self.begun: list[Conversation] = []
        self.closed = False
        self.started = asyncio.Event()

    def cuts(self, _: Message) -> int:
        return 0

    async def answer(
        self, message: Message, *, plain: bool = False, reworks: Trace | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        self.plain, self.reworks = plain, reworks
        self.asked.append(message)
        self.started.set()
        try:
            if self.error and not self.fail_after:
                raise self.error
            await asyncio.sleep(self.think)
            if self.nearest:
                yield Answer(self.text, Outcome.NOT_FOUND, (), self.nearest)
                return
            yield ReadingStarted((RankedPassage(self.passage, 1.0, 0.9, 3.0),))
            await asyncio.sleep(self.think)
            for number, word in enumerate(self.text.split(" ")):
                if self.error and number == self.fail_after:
                    raise self.error
                await asyncio.sleep(self.pace)
                yield Piece(word if number == 0 else f" {word}")
            yield Answer(self.text, Outcome.ANSWERED, (Source(1, self.passage),))
        finally:
            self.closed = True
