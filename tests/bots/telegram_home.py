"""Telegram's receiving and answering halves around a strict server, over HTTP, with an inbox in memory between them.

The inbox keeps what the real one promises of order and of one claim at a time, and can kill and repeat: `kill` ends an
attempt as a crash would, and the event is handled again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis

from bots.dialogue import Dialogue
from bots.language import speaking
from bots.lessons import Lessons
from bots.on_telegram.entrance import Membership, TelegramEntrance, listed_groups
from bots.on_telegram.pace import ChatPace, Rate
from bots.on_telegram.receiver import TelegramReceiver, new_bot
from bots.on_telegram.screen import Streaming
from bots.on_telegram.sender import OWN_COMMANDS, Services, TelegramSender
from bots.on_telegram.webhook import Webhook
from bots.operator_lists import OperatorLists
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import RedisUsage
from core.documents.ingest import Ingester
from core.documents.teaching import Teacher
from core.domain import Conversation, Passage, Person, Vectors
from core.engine import AnswerLimits, Engine
from core.errors import StoreError
from core.inbox import DeadLetter, Event, Receipt
from core.learning.course_files import CourseFolder
from core.people.access import Access, AccessLists
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble
from tests.fakes import HashingEmbedder, ScriptedGenerator

QUICK = Rate(1000, 1000, reserve=0)


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

    def learning(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

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
                with speaking(event.language):
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


TEXTS = {
    "Leave": "Parental leave is twenty weeks and you ask your lead for it",
    "Travel": "Book travel with the agency and keep every receipt for the voucher",
    "Transit": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
}


class Searching(HashingEmbedder):
    """An embedder that a test can hold up, and with it every search."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.may.set()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        await self.may.wait()
        return await super().embed(texts)


@dataclass
class DeadLetters:
    """What was given up: nothing, unless a test says so."""

    letters: list[DeadLetter] = field(default_factory=list)

    async def dead(self) -> list[DeadLetter]:
        return self.letters


@dataclass
class Home:
    """Everything around the server; the model says what `generator.script` makes of a prompt."""

    double: TelegramDouble
    inlet: MemoryInlet
    access: Access
    teacher: Teacher
    desk: DeadLetters
    generator: ScriptedGenerator
    memory: RedisMemory
    embedder: Searching
    index: QdrantIndex
    engine: Engine


@dataclass
class Wishes:
    """How a test wants its bot."""

    streaming: Streaming = "edit"
    webhook: Webhook | None = None
    allowed: frozenset[str] = frozenset(f"person:telegram//{user}" for user in (7, 8))
    pace: tuple[Rate, Rate] = (QUICK, QUICK)
    double: TelegramDouble = field(default_factory=TelegramDouble)
    texts: Mapping[str, str] = field(default_factory=lambda: TEXTS)


@asynccontextmanager
async def telegram_home(redis: Redis, folder: Path, wishes: Wishes | None = None) -> AsyncIterator[Home]:
    """A bot that receives and answers: Ann (7) and Ben (8) are let in, and Olga (9), its operator."""
    wishes = wishes or Wishes()
    async with AsyncExitStack() as stack:
        if not wishes.double.url:
            await stack.enter_async_context(wishes.double.serving())
        index = await stack.enter_async_context(
            QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=HashingEmbedder.dimension)
        )
        yield await stack.enter_async_context(_bot(redis, folder, wishes, index))


@asynccontextmanager
async def _bot(redis: Redis, folder: Path, wishes: Wishes, index: QdrantIndex) -> AsyncIterator[Home]:
    embedder, usage, memory = Searching(), RedisUsage(redis), RedisMemory(redis)
    await index.upsert(_passages(wishes.texts), await embedder.embed(list(wishes.texts.values())))
    generator = ScriptedGenerator(lambda prompt: f"**{prompt.passages[0].text}**", pace=0.005)
    limits = AnswerLimits(passages=2, relevance=0.15)
    engine = Engine(
        embedder=embedder,
        index=index,
        memory=memory,
        usage=usage,
        generator=generator,
        limits=limits,
        histories=RedisHistories(redis),
        courses=CourseFolder(folder / "courses"),
    )
    teacher = Teacher(folder / "learned", Ingester(embedder, index, passage_tokens=80), index)
    access = Access(RedisPairings(redis), AccessLists(wishes.allowed, frozenset({"person:telegram//9"})))
    groups, desk = listed_groups(wishes.allowed), DeadLetters()
    bots = [new_bot(TOKEN, wishes.double.url, ChatPace(*wishes.pace)) for _ in range(2)]
    lists = OperatorLists(usage, desk, access)
    dialogue, chats = Dialogue(engine, own_commands=OWN_COMMANDS), RedisChats(redis)
    services = Services(dialogue, Lessons(teacher, access), access, lists, chats)
    sender = TelegramSender(bots[0], services, groups, wishes.streaming)
    entrance = TelegramEntrance(access, Membership(bots[1], groups))
    receiver = TelegramReceiver(bots[1], entrance, chats, wishes.webhook)
    inlet = MemoryInlet(sender)
    async with sender.sending():
        async with receiver.receiving(inlet):
            yield Home(wishes.double, inlet, access, teacher, desk, generator, memory, embedder, index, engine)
        handling = [task for task, _ in inlet.running.values()]
        if handling:
            await asyncio.wait(handling, timeout=1)  # what was answered is still learned from
        for task in [*inlet.tasks, *handling]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert inlet.failed == []


def _passages(texts: Mapping[str, str]) -> list[Passage]:
    return [
        Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{title}.md", title, (), text, 1, 0, 1, "v")
        for n, (title, text) in enumerate(texts.items())
    ]
