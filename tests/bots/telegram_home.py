"""Telegram's receiving and answering halves around a strict server, over HTTP, with an inbox in memory between them.

The inbox keeps what the real one promises of order and of one claim at a time, and can kill and repeat: `kill` ends an
attempt as a crash would, and the event is handled again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bots.dialogue import Dialogue
from bots.telegram_bot import TelegramReceiver, Webhook, new_bot
from bots.telegram_entrance import Entrance, Membership
from bots.telegram_pace import ChatPace, Rate
from bots.telegram_sender import OWN_COMMANDS, Services, TelegramSender
from core.domain import Conversation, Person, Use
from core.errors import LessonError, PersonError, StoreError
from core.gaps import Gap
from core.inbox import DeadLetter, Event, Receipt
from core.readers import Readers, person_reader
from core.teaching import Lesson
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

QUICK = Rate(1000, 1000, reserve=0)
CODE = "ABCD-2345"


@dataclass
class MemoryDelivery:
    """What was shown for one event."""

    inlet: MemoryInlet
    event: Event
    attempt: int = 1
    noted: list[str] = field(default_factory=list)
    stopped: bool = False
    over: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(self.noted)

    async def note(self, message_id: str) -> None:
        self.noted.append(message_id)

    async def ended(self, answer: str = "") -> None:
        self.over = True
        if answer:
            for message in self.noted:
                self.inlet.answers[self.event.conversation.channel, message] = answer

    async def answer_of(self, message_id: str) -> str | None:
        return self.inlet.answers.get((self.event.conversation.channel, message_id))

    async def messages_of(self, answer: str) -> tuple[str, ...]:
        channel = self.event.conversation.channel
        return tuple(m for (place, m), found in self.inlet.answers.items() if place == channel and found == answer)


@dataclass
class MemoryInlet:
    """An inbox that a test can look into."""

    sender: TelegramSender
    known: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)  # what the next puts are answered with
    away: int = 0  # puts that find no store
    failed: list[BaseException] = field(default_factory=list)
    running: dict[str, tuple[asyncio.Task[None], MemoryDelivery]] = field(default_factory=dict)
    lanes: dict[Conversation, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def put(self, event: Event) -> Receipt:
        if self.away:
            self.away -= 1
            raise StoreError("The store is away.")
        if event.key in self.known:
            return Receipt.KNOWN
        self.known.add(event.key)
        if self.receipts:
            return self.receipts.pop(0)
        self.events.append(event)
        task = asyncio.create_task(self._see_to(event))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return Receipt.ACCEPTED

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        for task, delivery in self.running.values():
            if delivery.event.conversation == conversation and delivery.event.person == person:
                delivery.stopped = True
                task.cancel()
                return True
        return False

    def kill(self) -> int:
        """End all attempts as a crash does; they begin again."""
        for task, _ in self.running.values():
            task.cancel()
        return len(self.running)

    async def _see_to(self, event: Event) -> None:
        delivery = MemoryDelivery(self, event)
        async with self.lanes[event.conversation]:
            while not delivery.over:
                handling = asyncio.create_task(self.sender.handle(event, delivery))
                self.running[event.key] = handling, delivery
                await asyncio.wait({handling})
                del self.running[event.key]
                if not handling.cancelled() and (error := handling.exception()) is not None:
                    self.failed.append(error)
                    await self.sender.apologise(event, delivery, "Something went wrong.")
                    return
                if not handling.cancelled() or delivery.stopped:
                    return
                delivery.attempt += 1


@dataclass
class OpenAccess:
    """Lets in who is named; everybody where nobody is."""

    names: set[str] = field(default_factory=set)
    operators: set[int] = field(default_factory=set)

    async def admits(self, person: Person, names: Collection[str]) -> bool:
        return not self.names or bool(self.names & {person_reader(person), *names})

    async def is_operator(self, person: Person) -> bool:
        return int(person.user) in self.operators

    async def pair(self, person: Person, typed: str, now: datetime) -> object:  # noqa: ARG002
        if typed.replace("-", "").upper() != CODE.replace("-", ""):
            raise PersonError("That code is not valid.")
        self.names.add(person_reader(person))
        return None


@dataclass
class MemoryTeacher:
    """Lessons in memory."""

    taught: dict[str, tuple[Lesson, bytes]] = field(default_factory=dict)
    refuse: str = ""

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        if self.refuse:
            raise LessonError(self.refuse)
        lesson = Lesson(f"{len(self.taught):032x}", name, author, readers, at)
        self.taught[lesson.id] = lesson, data
        return lesson

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        return await self.learn_file(f"{title}.md", text.encode(), author, readers, at)

    async def forget(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        lesson = self.taught[id_][0]
        if lesson.author != person and not operator:
            raise LessonError("Only whoever taught it, or an operator, can change that.")
        del self.taught[id_]
        return lesson

    async def lessons(self, audience: Collection[str]) -> list[Lesson]:
        return [lesson for lesson, _ in self.taught.values() if set(audience) & set(lesson.readers)]


@dataclass
class MemoryDesk:
    """What operators see."""

    unanswered: list[Gap] = field(default_factory=list)
    used: dict[str, Use] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)

    async def gaps(self) -> list[Gap]:
        return self.unanswered

    async def uses(self) -> dict[str, Use]:
        return self.used

    async def dead(self) -> list[DeadLetter]:
        return self.letters


@dataclass
class Home:
    """Everything around the server."""

    double: TelegramDouble
    inlet: MemoryInlet
    access: OpenAccess
    teacher: MemoryTeacher
    desk: MemoryDesk
    engine: Any


@asynccontextmanager
async def telegram_home(engine: Any, **options: Any) -> AsyncIterator[Home]:
    """A bot that receives and answers. Options: streaming, webhook, groups, pace, double, access."""
    double: TelegramDouble = options.get("double") or TelegramDouble()
    async with double.serving(), telegram_bot(double, engine, **options) as home:
        yield home


@asynccontextmanager
async def telegram_bot(double: TelegramDouble, engine: Any, **options: Any) -> AsyncIterator[Home]:
    """The same around a server that runs."""
    access = options.get("access") or OpenAccess()
    teacher, desk = MemoryTeacher(), MemoryDesk()
    groups, pace = tuple(options.get("groups", ())), options.get("pace") or (QUICK, QUICK)
    bots = [new_bot(TOKEN, double.url, ChatPace(*pace)) for _ in range(2)]
    services = Services(Dialogue(engine, own_commands=OWN_COMMANDS), teacher, access, desk)
    sender = TelegramSender(bots[0], services, groups, options.get("streaming", "edit"))
    webhook: Webhook | None = options.get("webhook")
    receiver = TelegramReceiver(bots[1], Entrance(access, Membership(bots[1], groups)), webhook)
    inlet = MemoryInlet(sender)
    async with sender.sending():
        async with receiver.receiving(inlet):
            yield Home(double, inlet, access, teacher, desk, engine)
        for task in list(inlet.tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for task, _ in list(inlet.running.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert inlet.failed == []
