"""What cannot be read stops nobody: the workers go on, the operator sees it, and no platform raises anything else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.dialogue import Dialogue
from bots.on_slack import events as slack_events
from bots.on_telegram import events as telegram_events
from bots.service import workers
from bots.service.metrics import Metrics
from bots.service.slots import Pace
from bots.service.workers import Workers
from core.adapters.redis import inbox as redis_inbox
from core.adapters.redis.inbox import PREFIX, RedisInbox
from core.bootstrap import open_inbox
from core.inbox import Event
from core.settings import Settings
from core.storage.stored import UnreadableRecordError
from tests.bots.fake_engine import FakeEngine
from tests.bots.test_command import attune
from tests.bots.test_workers import GENEROUS, _silent, is_empty, until  # noqa: F401 - a fixture that works by itself
from tests.doubles.chat import NAME, Chat, ChatSender, to_event
from tests.write_store import asked, tapped

SECRET = "what nobody else may read"  # noqa: S105


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with Chat().running() as chat:
        yield chat


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LISTEN", 0.1)
    monkeypatch.setattr(workers, "SHORTEST_PAUSE", 0.02)
    monkeypatch.setattr(redis_inbox, "READ_AGAIN", 0.1)


async def put(inbox: RedisInbox, key: str, user: str, text: str = "?") -> None:
    await inbox.put(to_event({"key": key, "channel": user, "user": user, "text": text}))


async def spoil(redis: Redis, user: str) -> None:
    """Make what this person wrote unreadable, as a version that calls a field otherwise would."""
    lane = f"{PREFIX}:lane:{NAME}:w:{user}:"
    ((id_, fields),) = await redis.xrange(lane)
    await redis.delete(lane)
    await redis.xadd(lane, {**fields, b"body": fields[b"body"].replace(b"received_at", b"arrived_at")}, id=id_)


async def test_one_unreadable_event_stops_no_worker(chat: Chat, redis: Redis) -> None:
    """The other twenty-eight people are answered at once, by one worker with one hand."""
    inbox = RedisInbox(redis, GENEROUS)
    await put(inbox, "poison", "zoe")
    await spoil(redis, "zoe")
    for number in range(28):
        await put(inbox, str(number), f"u{number}")
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        sender = ChatSender(chat.url, Dialogue(FakeEngine("fine")))
        await stack.enter_async_context(sender.sending())
        await stack.enter_async_context(Workers(inbox, {NAME: sender}, Pace(1, 5.0), metrics).working())
        await until(lambda: is_empty(inbox), seconds=20)
    assert sorted(shown.key for shown in chat.messages) == sorted(f"chat:{number}" for number in range(28))
    assert [one.key for one in await inbox.aside()] == ["chat:poison"]
    assert b'attune_inbox{state="aside"} 1.0' in metrics.page(await inbox.depth(), {})


async def test_what_a_platform_cannot_read_is_set_aside_after_three_tries(chat: Chat, redis: Redis) -> None:
    """Its person is told once, and what they wrote next is answered."""
    inbox, tries = RedisInbox(redis, GENEROUS), []

    class Puzzled(ChatSender):
        async def handle(self, event, delivery):
            if event.key == "chat:1":
                tries.append(delivery.attempt)
                raise UnreadableRecordError("it lacks something")
            await super().handle(event, delivery)

    await put(inbox, "1", "ann", SECRET)
    await put(inbox, "2", "ann")
    async with AsyncExitStack() as stack:
        sender = Puzzled(chat.url, Dialogue(FakeEngine("fine")))
        await stack.enter_async_context(sender.sending())
        await stack.enter_async_context(Workers(inbox, {NAME: sender}).working())
        await until(lambda: is_empty(inbox))
    assert tries == [1, 2, 3]
    (aside,) = await inbox.aside()
    said = {shown.key: shown.text for shown in chat.messages}
    assert aside.reason.partition("trace ")[2] in said["chat:1"]
    assert said["chat:2"] == "fine"


BODIES = ["", "x", "[]", "7", "null", "{}", '{"kind": "new kind"}', '{"kind": 7, "chat": "x"}', "[" * 100_000, "\ud800"]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize(
    ("read", "event"),
    [(telegram_events.from_event, tapped(1)), (slack_events.said_in, asked(1))],
    ids=["telegram", "slack"],
)
def test_a_body_that_cannot_be_read_is_said_to_be_so(read: Callable[[Event], object], event: Event, body: str) -> None:
    """One error, whatever is wrong with it, which quotes nothing."""
    with pytest.raises(UnreadableRecordError) as raised:
        read(replace(event, body=body))
    assert body not in str(raised.value) or len(body) < 2


@pytest.mark.parametrize("kind", ["", "new kind", "ASK"])
def test_a_kind_of_a_later_version_is_said_to_be_so(kind: str) -> None:
    """What Slack delivered and this version has no way to handle."""
    with pytest.raises(UnreadableRecordError):
        slack_events.kind_of(replace(asked(1), kind=kind))


def test_the_operator_sees_what_was_set_aside(data: Path) -> None:
    """By kind, key and reason, without what the person wrote; an event can be dropped."""

    async def leave() -> None:
        async with open_inbox(Settings(home=data / "home")) as inbox:
            await inbox.put(to_event({"key": "1", "channel": "c", "user": "ann", "text": SECRET}))
            assert await inbox.claim("token") is not None
            await inbox.set_aside("token", "a newer Attune wrote it, in version 2 of its format")

    asyncio.run(leave())
    lesson = Settings(home=data / "home").learned_folder / ("0" * 32)
    lesson.mkdir(parents=True)
    (lesson / ".lesson.json").write_text('{"version": 2}', encoding="utf-8")
    shown = attune("inbox", cwd=data).stdout
    assert "2 unreadable entries were set aside" in shown
    assert all(word in shown for word in ("chat:1", "newer", "lesson"))
    listed = attune("inbox", "--json", cwd=data).stdout
    assert [(one["kind"], one["key"]) for one in json.loads(listed)["aside"]] == [
        ("event", "chat:1"),
        ("lesson", "0" * 32),
    ]
    assert "a newer Attune wrote it, in version 2 of its format" in listed
    assert SECRET not in shown + listed
    assert attune("inbox", "drop", "all", cwd=data).stdout == "1 message discarded.\n"
    assert [one["kind"] for one in json.loads(attune("inbox", "--json", cwd=data).stdout)["aside"]] == ["lesson"]
