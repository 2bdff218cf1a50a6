"""`ChatLog`: what is written in chats that want it kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.redis import chats
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.keeping import RedisKeeping
from core.adapters.redis.memory import RedisMemory
from core.domain import Conversation, Person
from core.threads.chats import KEPT_FOR, ChatPost
from tests.conftest import all_keys

TEAM, OTHER = Conversation("telegram", "", "-100500"), Conversation("telegram", "", "-100600")
ANN, BEN = Person("telegram", "", "7"), Person("telegram", "", "8")


def post(number: int, text: str = "Hello", person: Person | None = ANN, age: timedelta = timedelta()) -> ChatPost:
    return ChatPost(number, person, "Ann", text, datetime.now(UTC) - age)


async def texts(log: RedisChats, chat: Conversation = TEAM) -> list[str]:
    return [kept.text for kept in await log.posts(chat)]


async def test_only_what_a_chat_wants_is_kept(redis: Redis) -> None:
    """From the beginning to the end that it wants; the end deletes."""
    log = RedisChats(redis)
    await log.add(TEAM, post(1, "before"))
    assert not await log.keeps(TEAM)
    await log.begin(TEAM)
    await log.add(TEAM, post(2, "kept"))
    await log.add(OTHER, post(1, "elsewhere"))
    assert (await log.keeps(TEAM), await texts(log), await texts(log, OTHER)) == (True, ["kept"], [])
    await log.end(TEAM)
    await log.add(TEAM, post(3, "after"))
    assert await all_keys(redis, "*heard*") == await all_keys(redis, "*catchup*") == []


async def test_when_somebody_came_is_known_as_long_as_messages_are(redis: Redis) -> None:
    """The last time; only where something is kept, and no longer than that."""
    log, now = RedisChats(redis), datetime.now(UTC).replace(microsecond=0)
    await log.arrived(TEAM, ANN, now)
    assert await log.arrival(TEAM, ANN) is None
    await log.begin(TEAM)
    for person, at in ((ANN, now), (ANN, now - timedelta(days=1)), (BEN, now - KEPT_FOR - timedelta(hours=1))):
        await log.arrived(TEAM, person, at)
    assert (await log.arrival(TEAM, ANN), await log.arrival(OTHER, ANN)) == (now, None)
    await RedisKeeping(redis).sweep()
    assert (await log.arrival(TEAM, ANN), await log.arrival(TEAM, BEN)) == (now, None)
    await log.end(TEAM)
    assert await all_keys(redis, "*arrived*") == []


async def test_whoever_is_forgotten_sees_no_more_than_before(redis: Redis) -> None:
    """Nor anybody else whom nobody saw coming; that it was they who came is not kept."""
    log, now = RedisChats(redis), datetime.now(UTC).replace(microsecond=0)
    await log.begin(TEAM)
    await log.arrived(TEAM, ANN, now)
    await log.arrived(TEAM, BEN, now - timedelta(days=1))
    await RedisMemory(redis).forget(ANN)
    assert await log.arrival(TEAM, ANN) == now
    assert await log.arrival(TEAM, BEN) == now - timedelta(days=1)
    [key] = await all_keys(redis, "*arrived*")
    assert ANN.user.encode() not in await redis.zrange(key, 0, -1)


async def test_an_edited_message_takes_the_place_of_what_it_was(redis: Redis) -> None:
    """And the same message twice is there once, in its place."""
    log = RedisChats(redis)
    await log.begin(TEAM)
    for each in (post(1, "one"), post(2, "two"), post(1, "one, edited"), post(2, "two")):
        await log.add(TEAM, each)
    assert await texts(log) == ["one, edited", "two"]


async def test_the_oldest_go(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the kept number, and beyond the kept time, which ends by itself."""
    monkeypatch.setattr(chats, "KEPT_POSTS", 2)
    log = RedisChats(redis)
    await log.begin(TEAM)
    for number in range(1, 5):
        await log.add(TEAM, post(number, str(number)))
    assert await texts(log) == ["3", "4"]
    await log.add(TEAM, post(3, "old", age=KEPT_FOR + timedelta(seconds=1)))
    assert await texts(log) == ["4"]
    [key] = await all_keys(redis, "*heard*")
    assert 0 < await redis.ttl(key) <= KEPT_FOR.total_seconds()
    assert await redis.zcard(key) == 1


async def test_a_shorter_retention_holds_here_too(redis: Redis) -> None:
    """What people leave is kept for a day: so are these messages, also where nobody writes any more."""
    day = timedelta(days=1)
    await RedisChats(redis).begin(TEAM)
    await RedisChats(redis).add(TEAM, post(1, age=2 * day))
    assert await texts(RedisChats(redis, day)) == []
    assert await texts(RedisChats(redis)) == ["Hello"]
    await RedisKeeping(redis, day).sweep()
    assert await all_keys(redis, "*heard*") == []


async def test_whoever_is_forgotten_is_forgotten_here(redis: Redis) -> None:
    """Their own messages go, in every chat; those of others, and of nobody, stay."""
    log = RedisChats(redis)
    for chat in (TEAM, OTHER):
        await log.begin(chat)
        for each in (post(1, "Ann's"), post(2, "Ben's", BEN), post(3, "the group's", None)):
            await log.add(chat, each)
    await RedisMemory(redis).forget(ANN)
    assert await texts(log) == await texts(log, OTHER) == ["Ben's", "the group's"]
    await RedisMemory(redis).forget_history(BEN)
    assert await texts(log) == ["the group's"]


async def test_what_cannot_be_read_is_left_out(redis: Redis) -> None:
    """A broken record costs nobody the others."""
    log = RedisChats(redis)
    await log.begin(TEAM)
    await log.add(TEAM, post(2, "whole"))
    [key] = await all_keys(redis, "*heard*")
    await redis.zadd(key, {b"{broken": 3})
    assert await texts(log) == ["whole"]
    await RedisMemory(redis).forget(ANN)
    assert await all_keys(redis, "*heard*") == []
