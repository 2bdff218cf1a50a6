"""Attune in a fake Slack: the real slack-bolt, the real dialogue and engine, and a small stand-in for the inbox."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field

from redis.asyncio import Redis

from bots.dialogue import Dialogue
from bots.language import speaking
from bots.lessons import Lessons
from bots.on_slack.actions import Actions
from bots.on_slack.clients import Clients
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.digests import SlackDigests
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.events import OWN_COMMANDS
from bots.on_slack.members import Members
from bots.on_slack.receiver import Connection, SlackReceiver
from bots.on_slack.sender import SlackSender
from bots.on_slack.side_messages import SideMessages
from bots.on_slack.texts import HELP_HINT
from bots.operator_lists import OperatorLists
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import RedisUsage
from core.documents.teaching import Lesson
from core.domain import Conversation, Passage, Person
from core.engine import AnswerLimits, Engine
from core.errors import LessonError
from core.inbox import Event, Receipt
from core.learning.course_files import CourseFolder
from core.people.access import Access
from tests.doubles.slack_people import People, text_of
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Workspace
from tests.fakes import HashingEmbedder, ScriptedGenerator

SCOPES = {
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write", "commands",
    "files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:history",
    "mpim:read", "reactions:read", "usergroups:read", "users:read",
}  # fmt: skip
TEXTS = {
    "Transit": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
    "Travel": "Book travel with the agency and keep every receipt for the voucher",
    "Leave": "Annual leave is requested in the calendar two weeks before",
}
GROUP = "group:slack/T1/S1"
QUESTION = "How long does transit enrolment take?"


@dataclass
class Shown:
    """A `Delivery` that is kept in memory."""

    hub: Hub
    event: Event
    attempt: int = 1
    shown: tuple[str, ...] = ()
    stopped: bool = False
    over: bool = False

    async def note(self, message_id: str) -> None:
        self.shown = (*self.shown, message_id)
        self.hub.noted[self.event.conversation.channel, message_id] = self

    async def ended(self, answer: str = "") -> None:
        self.over = True
        for message_id in self.shown:
            self.hub.answers[self.event.conversation.channel, message_id] = answer

    def learning(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def messages_of(self, answer: str) -> tuple[str, ...]:
        return tuple(ts for (_, ts), named in self.hub.answers.items() if named == answer)

    async def answer_of(self, message_id: str) -> str | None:
        return self.hub.answers.get((self.event.conversation.channel, message_id)) or None


@dataclass
class Hub:
    """An `Inlet` and its worker: each key once, one at a time in each conversation, and again after a death."""

    sender: SlackSender
    deliveries: dict[str, Shown] = field(default_factory=dict)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: dict[tuple[str, str], Shown] = field(default_factory=dict)
    refuse: Receipt | None = None
    broken: int = 0  # so many of the next events cannot be kept
    sorry: list[str] = field(default_factory=list)
    paused: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._lanes: dict[Conversation, asyncio.Queue[Shown]] = defaultdict(asyncio.Queue)
        self._workers: dict[Conversation, asyncio.Task[None]] = {}
        self._running: dict[Conversation, tuple[Shown, asyncio.Task[None]]] = {}

    async def put(self, event: Event) -> Receipt:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("the store is away")
        if event.key in self.deliveries:
            return Receipt.KNOWN
        if self.refuse is not None and event.asks:
            return self.refuse
        self.deliveries[event.key] = Shown(self, event)
        self._lanes[event.conversation].put_nowait(self.deliveries[event.key])
        if event.conversation not in self._workers:
            self._workers[event.conversation] = asyncio.create_task(self._work(event.conversation))
        return Receipt.ACCEPTED

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        delivery, task = self._running.get(conversation, (None, None))
        if delivery is None or task is None or delivery.event.person != person:
            return False
        delivery.stopped = True
        task.cancel()
        return True

    async def kill(self) -> None:
        """End whatever is being handled as a dying process does; it is handled again."""
        for delivery, task in list(self._running.values()):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            delivery.attempt += 1
            self._lanes[delivery.event.conversation].put_nowait(delivery)

    async def _work(self, conversation: Conversation) -> None:
        while True:
            delivery = await self._lanes[conversation].get()
            task = asyncio.create_task(self._handle(delivery))
            self._running[conversation] = delivery, task
            await asyncio.gather(task, return_exceptions=True)
            del self._running[conversation]
            self._lanes[conversation].task_done()

    async def _handle(self, delivery: Shown) -> None:
        if delivery.over:
            return
        try:
            with speaking(*await self.sender.voice(delivery.event)):
                await self.sender.handle(delivery.event, delivery)
        except Exception as error:  # noqa: BLE001 - as the worker does
            self.sorry.append("".join(traceback.format_exception(error)[-3:]))
            await self.sender.apologise(delivery.event, delivery, "Something went wrong.")

    async def idle(self) -> None:
        """Return when everything that was put is handled."""
        while any(lane._unfinished_tasks for lane in self._lanes.values()):
            for lane in list(self._lanes.values()):
                await lane.join()

    async def close(self) -> None:
        for task in [*self._workers.values(), *(task for _, task in self._running.values())]:
            task.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)


@dataclass
class Lists:
    """The operator's lists, which tests change, before the real `Access`."""

    allowed: set[str] = field(default_factory=lambda: {"workspace:slack/T1"})
    operators: set[str] = field(default_factory=set)

    def over(self, redis: Redis) -> Access:
        return Access(RedisPairings(redis), self)  # type: ignore[arg-type] - `Doors`, but open to change


@dataclass
class World:
    """Everything that a scenario touches."""

    server: SlackServer
    people: People
    hub: Hub
    generator: ScriptedGenerator
    access: Lists
    doors: Access
    engine: Engine
    index: QdrantIndex
    teacher: Teacher

    @property
    def space(self) -> Workspace:
        return self.server.workspace

    @property
    def taught(self) -> list[tuple[str, str, tuple[str, ...]]]:
        return self.teacher.taught

    async def settled(self) -> None:
        """Everything was acknowledged and handled, and nothing unexpected happened on the way."""
        for _ in range(3):
            await self.server.settled()
            await self.hub.idle()
            await asyncio.sleep(0.02)

    async def until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "it did not happen in time"
            await asyncio.sleep(0.01)

    def answers(self, channel: str, root: str) -> list[str]:
        return [text_of(each) for each in self.space.answers(channel, root)]

    def check(self) -> None:
        """Slack was never misused, and every event was acknowledged."""
        assert self.space.violations == []
        assert not self.hub.sorry, self.hub.sorry[0]
        assert [sent.payload for sent in self.server.sent if not sent.acked] == []
        assert not any(message.get("streaming") for each in self.space.messages.values() for message in each.values())


@asynccontextmanager
async def world(
    redis: Redis,
    *,
    http: bool = False,
    script: str = "",
    pace: float = 0.0,
    scopes: Collection[str] = SCOPES,
    courses: CourseFolder | None = None,
) -> AsyncIterator[World]:
    """Attune, connected to a Slack with two people in a channel, one in a private channel, and a guest."""
    space = Workspace(scopes=set(scopes))
    for user in ("UANN", "UBEN"):
        space.add_user(user)
    space.add_user("UGUEST", is_restricted=True)
    space.add_user("UEXT", team_id="T9", is_stranger=True)
    space.add_channel("C1", ["UANN", "UBEN", "UGUEST", "UEXT", "UBOT"], name="general")
    space.add_channel("G1", ["UANN", "UBOT"], name="secret", is_private=True)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SlackServer(space))
        index = await stack.enter_async_context(
            QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=HashingEmbedder.dimension)
        )
        generator = ScriptedGenerator((lambda _prompt: script) if script else None, pace=pace)
        engine = await engine_of(redis, index, generator, courses)
        lists, taught = Lists(), Teacher()
        access = lists.over(redis)
        hub = hub_of(server.api, "xoxb-1", engine, access, taught, redis)
        stack.push_async_callback(hub.close)
        connection = Connection(app_token="" if http else "xapp-1", signing_secret="shh", port=0)  # noqa: S106
        receiver = SlackReceiver(Clients("xoxb-1", server.api), connection, server.api)
        await stack.enter_async_context(receiver.receiving(hub))
        if http:
            server.events_url = f"http://127.0.0.1:{receiver.port}/slack/events"
        yield World(server, People(server), hub, generator, lists, access, engine, index, taught)


async def engine_of(
    redis: Redis, index: QdrantIndex, generator: ScriptedGenerator, courses: CourseFolder | None = None
) -> Engine:
    embedder = HashingEmbedder()
    passages = [
        Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{title}.md", title, (), text, 1, 0, 1, "v")
        for n, (title, text) in enumerate(TEXTS.items())
    ]
    await index.upsert(passages, await embedder.embed(list(TEXTS.values())))
    return Engine(
        embedder=embedder,
        index=index,
        memory=RedisMemory(redis),
        usage=RedisUsage(redis),
        generator=generator,
        limits=AnswerLimits(passages=2, relevance=0.15),
        histories=RedisHistories(redis),
        courses=courses,
    )


def operator_lists(redis: Redis, access: Access) -> OperatorLists:
    return OperatorLists(RedisUsage(redis), RedisInbox(redis), access)


def hub_of(  # noqa: PLR0917 - what a platform is given
    api: str, token: str, engine: Engine, access: Access, teacher: Teacher, redis: Redis
) -> Hub:
    """The answering half behind a stand-in for the inbox."""
    clients, members = Clients(token, api), Members({GROUP})
    door, dialogue = SlackEntrance(access, members), Dialogue(engine, own_commands=OWN_COMMANDS, hint=HELP_HINT)
    talk, lessons = SlackConversation(dialogue, members, hurry=True), Lessons(teacher, access)
    actions = Actions(clients, dialogue, talk, door, lessons)
    asides = SideMessages(talk, lessons, operator_lists(redis, access))
    digests, chats = SlackDigests(clients, dialogue, talk, door), RedisChats(redis)
    return Hub(
        SlackSender(clients, dialogue, members, door, actions, asides=asides, digests=digests, chats=chats, hurry=True)
    )


class Teacher:
    """Keeps what it is taught, in memory."""

    def __init__(self) -> None:
        self.taught: list[tuple[str, str, tuple[str, ...]]] = []
        self.known: dict[str, Lesson] = {}
        self.forgotten: dict[str, Lesson] = {}

    async def learn_file(self, name, data, author, readers, at):
        return self._learned(name, data.decode(), author, readers, at)

    async def learn_text(self, title, text, author, readers, at):
        return self._learned(f"{title}.md", text, author, readers, at)

    def _learned(self, name, text, author, readers, at):
        self.taught.append((name, text, readers))
        lesson = Lesson(f"{len(self.taught):032x}", name, author, readers, at)
        self.known[lesson.id] = lesson
        return lesson

    async def forget(self, id_, person, *, operator=False):
        return self._moved(self.known, self.forgotten, id_, person, operator=operator)

    async def bring_back(self, id_, person, *, operator=False):
        return self._moved(self.forgotten, self.known, id_, person, operator=operator)

    @staticmethod
    def _moved(from_, to, id_, person, *, operator):
        if id_ not in from_ or (from_[id_].author != person and not operator):
            raise LessonError("There is no such lesson, or it is somebody else's.")
        to[id_] = from_.pop(id_)
        return to[id_]

    async def lessons(self, audience):
        found = [lesson for lesson in self.known.values() if set(audience) & set(lesson.readers)]
        return sorted(found, key=lambda lesson: lesson.taught_at, reverse=True)
