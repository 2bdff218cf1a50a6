"""Slack over the real inbox and its workers: what the stand-in of the other scenarios cannot show."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from bots.on_slack.clients import Clients
from bots.on_slack.receiver import Connection, SlackReceiver
from bots.service.slots import Pace
from bots.service.workers import Workers
from core.adapters.redis.inbox import RedisInbox
from core.domain import Person
from core.people.interests import Action
from tests.bots.slack_world import QUESTION, TEXTS, World, world
from tests.fakes import many_words


@asynccontextmanager
async def served(redis: Redis, script: str = "", pace: float = 0.0) -> AsyncIterator[World]:
    """The world's people and answering half, with the inbox on Redis between Slack and them."""
    async with world(redis, script=script, pace=pace) as there:
        inbox = RedisInbox(redis)
        connection = Connection(app_token="xapp-1")  # noqa: S106 - the fake's
        receiver = SlackReceiver(Clients("xoxb-1", there.server.api), connection, there.server.api)
        workers = Workers(inbox, {"slack": there.hub.sender}, Pace(4, 5.0))
        for old in there.server.sockets:  # the world's own receiver gets nothing more
            old.going = False
        async with workers.working(), receiver.receiving(inbox):
            yield there
        assert there.space.violations == []
        assert there.hub.deliveries == {}


async def until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def finished(there: World, channel: str, root: str) -> list[str]:
    """The answers in a thread that have their buttons."""
    found = there.space.answers(channel, root)
    return [there.answers(channel, root)[number] for number, each in enumerate(found) if each.get("blocks")]


async def test_questions_are_answered_in_order_and_emoji_find_their_answer(redis: Redis) -> None:
    """Two questions of one thread, one answer each, in order; a thumb on the second is a verdict on the second."""
    async with served(redis) as there:
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await until(lambda: finished(there, "C1", ts))
        there.people.say("UANN", "C1", "How do I book travel with the agency?", thread=ts)
        await until(lambda: len(finished(there, "C1", ts)) == 2)
        first, second = finished(there, "C1", ts)
        assert (TEXTS["Transit"] in first, TEXTS["Travel"] in second) == (True, True)
        there.people.react("UANN", "C1", there.space.answers("C1", ts)[1]["ts"], "+1")
        ann, acts = Person("slack", "T1", "UANN"), []
        deadline = time.monotonic() + 60
        while not acts and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
            signals = await there.engine.people._memory.signals(ann)
            acts = [signal for signal in signals if signal.act is Action.UP]
        recent = await there.engine.people.recent(ann, 1)
        assert [recent[0].answer in act.id for act in acts] == [True]
        assert recent[0].question.startswith("How do I book travel")


async def test_stop_reaches_the_worker(redis: Redis) -> None:
    """`stop` in the thread goes by the inbox to whoever answers; what was said stays, marked as stopped."""
    words = " ".join(many_words(300))
    async with served(redis, words, 0.02) as there:
        ts = there.people.say("UANN", "C1", f"<@UBOT> {QUESTION}")
        await until(lambda: there.space.answers("C1", ts))
        there.people.say("UANN", "C1", "stop", thread=ts)
        await until(lambda: there.answers("C1", ts)[0].endswith("_Stopped._"))
        assert there.answers("C1", ts)[0].startswith("wordaaa")
        assert len(there.answers("C1", ts)) == 1
