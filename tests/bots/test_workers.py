"""The answering half, over the real inbox and a platform whose every message can be read."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import replace

import pytest
import structlog
from redis.asyncio import Redis

from bots import texts
from bots.dialogue import Dialogue
from bots.language import Voice
from bots.platform import Delivery
from bots.service import workers
from bots.service.slots import Pace
from bots.service.workers import Workers
from core.adapters.redis.inbox import RedisInbox
from core.domain import Answer, Conversation
from core.inbox import Allowance, Event
from tests.bots.fake_engine import FakeEngine
from tests.doubles.chat import NAME, Chat, ChatReceiver, ChatSender, to_event

GENEROUS = Allowance(person_minute=10_000, workspace_minute=10_000, waiting=5_000, share=1.0)
LONG = " ".join(["word"] * 200)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with Chat().running() as chat:
        yield chat


@pytest.fixture
def inbox(redis: Redis) -> RedisInbox:
    return RedisInbox(redis, GENEROUS, lease=2.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease of two seconds, and everything else in proportion."""
    monkeypatch.setattr(workers, "BEAT", 0.4)
    monkeypatch.setattr(workers, "LISTEN", 0.2)
    monkeypatch.setattr(workers, "IMPATIENCE", 0.3)
    monkeypatch.setattr(workers, "SHORTEST_PAUSE", 0.05)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """No log: drawing tracebacks takes longer than a lease."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def until(true: Callable[[], bool | Awaitable[bool]], *, seconds: float = 30) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        result = true()
        if result if isinstance(result, bool) else await result:
            return
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(chat: Chat, inbox: RedisInbox, engine: FakeEngine, *, at_once: int = 8, grace: float = 20.0):
    async with AsyncExitStack() as stack:
        sender = ChatSender(chat.url, Dialogue(engine))
        await stack.enter_async_context(sender.sending())
        await stack.enter_async_context(Workers(inbox, {NAME: sender}, Pace(at_once, grace)).working())
        await stack.enter_async_context(ChatReceiver(chat.url).receiving(inbox))
        yield


async def is_empty(inbox: RedisInbox) -> bool:
    depth = await inbox.depth()
    return depth.waiting == depth.working == 0


async def test_a_message_is_answered_once_however_often_it_comes(chat: Chat, inbox: RedisInbox) -> None:
    """Deliveries may repeat; the person sees one message, which ends as the answer."""
    engine = FakeEngine("Twenty weeks.")
    async with serving(chat, inbox, engine):
        await asyncio.gather(*[chat.deliver("1", "c", "ann", "How long?") for _ in range(5)])
        await until(lambda: is_empty(inbox))
        await chat.deliver("1", "c", "ann", "How long?")
        await until(lambda: is_empty(inbox))
    assert [shown.text for shown in chat.messages] == ["Twenty weeks."]
    assert len(engine.asked) == 1


async def test_a_conversation_is_answered_in_order_and_others_meanwhile(chat: Chat, inbox: RedisInbox) -> None:
    """The second message begins when the first has its answer; another conversation does not wait."""
    engine = FakeEngine("one two three four", pace=0.1)
    async with serving(chat, inbox, engine):
        for key in ("1", "2", "3"):
            await chat.deliver(key, "c", "ann", "?")
        await chat.deliver("x", "d", "ben", "?")
        await until(lambda: is_empty(inbox))
    spans = {shown.key: (shown.versions[0][0], shown.versions[-1][0]) for shown in chat.messages}
    assert spans["chat:1"][1] <= spans["chat:2"][0]
    assert spans["chat:2"][1] <= spans["chat:3"][0]
    assert spans["chat:x"][0] < spans["chat:1"][1]


async def test_stop_ends_the_answer_and_the_next_message_goes_on(chat: Chat, inbox: RedisInbox) -> None:
    """The model stops, the person sees that it did, and nothing of it comes later."""
    engine = FakeEngine(LONG, pace=0.05)
    async with serving(chat, inbox, engine):
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: any("word" in shown.text for shown in chat.messages))
        await chat.deliver("s", "c", "ann", "/stop")
        await until(lambda: chat.messages[0].text.endswith(texts.STOPPED))
        assert engine.closed
        engine.text = "Short."
        await chat.deliver("2", "c", "ann", "?")
        await until(lambda: is_empty(inbox))
    assert [shown.text.split()[-1] for shown in chat.messages] == [texts.STOPPED, "Short."]


async def test_what_waits_can_be_stopped(chat: Chat, inbox: RedisInbox) -> None:
    """The person is told, and the model is not asked."""
    engine = FakeEngine("one two three", pace=0.3)
    async with serving(chat, inbox, engine, at_once=1):
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: len(engine.asked) == 1)
        await chat.deliver("2", "d", "ben", "?")
        await chat.deliver("s", "d", "ben", "/stop")
        await until(lambda: is_empty(inbox))
    assert {shown.key: shown.text for shown in chat.messages}["chat:2"] == texts.STOPPED_WAITING
    assert len(engine.asked) == 1


async def test_who_waits_is_told_so_and_the_answer_takes_the_place_of_the_notice(chat: Chat, inbox: RedisInbox) -> None:
    """One message stands for the question from the notice to the answer."""
    engine = FakeEngine("one two three four five six", pace=0.4)
    async with serving(chat, inbox, engine, at_once=1):
        for number in range(3):
            await chat.deliver(str(number), f"c{number}", f"u{number}", "?")
        await until(lambda: is_empty(inbox), seconds=60)
    assert [shown.text for shown in chat.messages] == ["one two three four five six"] * 3
    first = {shown.key: shown.versions[0][1] for shown in chat.messages}
    assert first["chat:1"] == texts.in_line(0)
    assert first["chat:2"] == texts.in_line(1)


async def test_who_waits_is_told_so_in_their_language(inbox: RedisInbox) -> None:
    """A platform that knows somebody's language says so with the event, and the service speaks it."""
    told: list[str] = []

    class Silent:
        def sending(self) -> AbstractAsyncContextManager[None]:
            return nullcontext()

        async def handle(self, event: Event, delivery: Delivery) -> None:  # noqa: ARG002
            await asyncio.sleep(2)

        async def voice(self, event: Event) -> Voice:
            return Voice(event.language)

        async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
            told.append(sentence)
            await delivery.note(event.key)

        async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
            """Nothing is apologised for."""

    for number, language in enumerate(("", "de")):
        event = to_event({"key": str(number), "channel": f"c{number}", "user": f"u{number}", "text": "?"})
        await inbox.put(replace(event, language=language))
    async with Workers(inbox, {NAME: Silent()}, Pace(1, 5.0)).working():
        await until(lambda: bool(told))
    assert told == ["Ich bin beschäftigt. Du bist als Nächstes dran…"]


async def test_one_person_with_a_thousand_messages_delays_another_by_one(chat: Chat, inbox: RedisInbox) -> None:
    """Between Ben's question and his answer, at most one further answer to Anna begins."""
    engine = FakeEngine("yes", pace=0.002)
    async with serving(chat, inbox, engine, at_once=1):
        await asyncio.gather(*[chat.deliver(f"a{n}", f"c{n % 50}", "anna", "?") for n in range(1000)])
        before = len(engine.asked)
        assert before < 900, "Anna's messages are not waiting"
        await chat.deliver("b", "d", "ben", "?")
        begun = len(
            engine.asked
        )  # Ben's message is in the inbox: one answer may be on its way from there to the engine
        await until(lambda: any(asked.person.user == "ben" for asked in engine.asked))
        place = next(n for n, asked in enumerate(engine.asked) if asked.person.user == "ben")
    assert place <= begun + 1


async def test_a_message_that_ends_its_workers_is_given_up(chat: Chat, inbox: RedisInbox, redis: Redis) -> None:
    """After three deaths the person reads a sentence with an error id, and the operator finds it by that id."""
    quick = RedisInbox(redis, GENEROUS, lease=0.2)
    engine = FakeEngine("fine")
    async with serving(chat, inbox, engine, at_once=0):
        await chat.deliver("poison", "c", "ann", "?")
        await chat.deliver("next", "c", "ann", "?")
    for number in range(3):
        await until(lambda number=number: _is(quick.claim(f"dead{number}")))
        await asyncio.sleep(0.3)
    async with serving(chat, inbox, engine):
        await until(lambda: is_empty(inbox))
    (letter,) = await inbox.dead()
    assert letter.event.key == "chat:poison"
    said = {shown.key: shown.text for shown in chat.messages}
    trace = re.search(r"`([0-9a-f]{8})`", said["chat:poison"])
    assert trace is not None
    assert said["chat:poison"] == texts.given_up(trace[1])
    assert trace[1] in letter.reason
    assert said["chat:next"] == "fine"


async def _is(claim: Awaitable[object]) -> bool:
    return await claim is not None


async def test_a_mistake_in_a_platform_ends_in_a_sentence(chat: Chat, inbox: RedisInbox) -> None:
    """Whatever a sender raises, the person learns that there is no answer, with an error id."""

    class Clumsy(ChatSender):
        async def handle(self, event, delivery):
            await self._view(event, delivery, "…")
            raise ValueError("secret of the person")

    async with AsyncExitStack() as stack:
        sender = Clumsy(chat.url, Dialogue(FakeEngine()))
        await stack.enter_async_context(sender.sending())
        await stack.enter_async_context(Workers(inbox, {NAME: sender}).working())
        await stack.enter_async_context(ChatReceiver(chat.url).receiving(inbox))
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: is_empty(inbox))
    (shown,) = chat.messages
    assert re.sub("`.*`", "`x`", shown.text) == texts.unexpected("x")


async def test_a_platform_that_is_down_gets_the_answer_later(chat: Chat, inbox: RedisInbox) -> None:
    """Nothing is lost while nothing can be posted."""
    async with serving(chat, inbox, FakeEngine("At last.")):
        chat.broken = True
        await chat.deliver("1", "c", "ann", "?")
        await asyncio.sleep(0.5)
        chat.broken = False
        await until(lambda: is_empty(inbox))
    assert chat.messages[-1].text == "At last."


async def test_ending_finishes_what_is_in_work(chat: Chat, inbox: RedisInbox) -> None:
    """Within the grace an answer comes to its end, and what waits is kept for the next worker."""
    engine = FakeEngine("one two three", pace=0.2)
    async with serving(chat, inbox, engine, at_once=1):
        await chat.deliver("1", "c", "ann", "?")
        await chat.deliver("2", "c", "ann", "?")
        await until(lambda: len(engine.asked) == 1)
    assert [shown.text for shown in chat.messages] == ["one two three"]
    assert (await inbox.depth()).waiting == 1


async def test_ending_without_grace_hands_over(chat: Chat, inbox: RedisInbox) -> None:
    """What cannot be finished goes on elsewhere at once, in the same message."""
    async with serving(chat, inbox, FakeEngine(LONG, pace=0.05), grace=0.0):
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: any("word" in shown.text for shown in chat.messages))
    assert (await inbox.depth()).waiting == 1
    async with serving(chat, inbox, FakeEngine("Done by the next.")):
        await until(lambda: is_empty(inbox))
    assert [shown.text for shown in chat.messages] == ["Done by the next."]


async def test_a_worker_that_was_too_slow_stops_showing(chat: Chat, inbox: RedisInbox, redis: Redis) -> None:
    """Its claim was taken over: it writes nothing more, and least of all that it was stopped."""
    engine = FakeEngine(LONG, pace=0.05)
    async with serving(chat, inbox, engine):
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: any("word" in shown.text for shown in chat.messages))
        lane = (await redis.zrange("{attune:inbox}:leases", 0, 0))[0]
        await redis.zadd("{attune:inbox}:leases", {lane: 0})
        assert await inbox.claim("another") is not None
        await until(lambda: engine.closed)
        await asyncio.sleep(0.5)
        assert texts.STOPPED not in chat.messages[0].text
        await inbox.done("another")
    assert len(chat.messages) == 1


async def test_a_reaction_finds_its_answer(chat: Chat, inbox: RedisInbox) -> None:
    """The message that holds an answer is known by the platform's id of it."""

    class Naming(FakeEngine):
        async def answer(self, message):
            async for step in super().answer(message):
                yield dataclasses.replace(step, id="a1") if isinstance(step, Answer) else step

    async with serving(chat, inbox, Naming("Twenty weeks.")):
        await chat.deliver("1", "c", "ann", "?")
        await until(lambda: is_empty(inbox))
    assert await inbox.answer_of(Conversation(NAME, "w", "c"), chat.messages[0].id) == "a1"


class Lessons:
    """A platform on which people ask and teach; a lesson ends when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.taught = asyncio.Event()

    def sending(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def handle(self, event: Event, delivery: Delivery) -> None:
        if event.person.user.startswith("teacher"):
            async with delivery.learning():
                self.begun.append(event.person.user)
                await self.taught.wait()
        self.ended.append(event.person.user)
        await delivery.ended()

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Nobody reads it."""

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        raise AssertionError((event.key, delivery.attempt, sentence))


def said_by(user: str) -> Event:
    return to_event({"key": user, "channel": f"c-{user}", "user": user, "text": "?"})


async def test_questions_are_answered_while_more_people_teach_than_there_are_slots(inbox: RedisInbox) -> None:
    """Every question has its answer before a single lesson has its end, and only so many lessons are read at once."""
    platform = Lessons()
    async with Workers(inbox, {NAME: platform}, Pace(at_once=2, grace=5.0, lessons=2)).working():
        for number in range(8):
            await inbox.put(said_by(f"teacher{number}"))
        await until(lambda: len(platform.begun) == 2)
        for number in range(20):
            await inbox.put(said_by(f"asker{number}"))
        await until(lambda: len(platform.ended) == 20)
        assert all(user.startswith("asker") for user in platform.ended)
        assert len(platform.begun) == 2
        platform.taught.set()
        await until(lambda: len(platform.ended) == 28)
    assert platform.begun == [f"teacher{number}" for number in range(8)], "first come, first served"


async def test_waiting_for_a_place_to_learn_does_not_use_up_the_time_for_it(
    inbox: RedisInbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson that waited longer than one may take is still learned."""
    monkeypatch.setattr(workers, "LONGEST", 1.0)
    platform = Lessons()

    async def soon() -> None:
        await asyncio.sleep(0.6)

    platform.taught.wait = soon  # type: ignore[method-assign, assignment]
    async with Workers(inbox, {NAME: platform}, Pace(at_once=8, grace=5.0, lessons=1)).working():
        for number in range(4):
            await inbox.put(said_by(f"teacher{number}"))
        await until(lambda: len(platform.ended) == 4)
    assert platform.ended == [f"teacher{number}" for number in range(4)]
