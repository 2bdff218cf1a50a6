"""All keys as of one moment, and all of them put back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from redis.asyncio import Redis

from core.adapters.redis import valkey
from core.adapters.redis.dump import TOGETHER, RedisDump
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.storage.backup import Entry, RedisType
from tests.contracts.test_inbox import BEN, GENEROUS, OTHER, event, new_token

ODD = bytes(range(256)) + "Grüße ✓\r\n".encode()


async def fill(client: Redis) -> None:
    """Every type that Attune uses, with bytes of every kind, longer than one command takes, and with an end."""
    await client.set(b"attune:text", ODD)
    await client.set("attune:ends", "x", px=600_000)
    await client.hset("attune:hash", mapping={ODD: ODD, **{f"f{n}": f"v{n}" for n in range(TOGETHER + 7)}})
    await client.rpush("attune:list", *(f"line {n}" for n in range(2 * TOGETHER + 1)), ODD)
    await client.sadd("attune:set", ODD, "b")
    await client.zadd("attune:sorted", {"a": 1.5, "b": 1e17 + 1, ODD: -3, "c": 1767225600.123456})
    for number in range(5):
        await client.xadd("{attune:inbox}:lane", {"n": number, "odd": ODD})
    gone = await client.xadd("{attune:inbox}:empty", {"n": 1})
    await client.xdel("{attune:inbox}:empty", gone)


def read(entries: list[Entry]) -> dict[bytes, object]:
    """What the keys hold, where hashes and sets have no order."""
    found: dict[bytes, object] = {}
    for one in entries:
        value: object = one.value
        if one.kind is RedisType.HASH:
            value = dict(zip(one.value[::2], one.value[1::2], strict=True))
        elif one.kind is RedisType.SET:
            value = set(one.value)
        found[one.key] = (one.kind, one.expires, value)
    return found


async def test_every_type_comes_back_as_it_was(redis: Redis, data: Path) -> None:
    """On another server, in the place of what it had, with its end at the same moment; what others keep there stays."""
    await fill(redis)
    entries = await RedisDump(redis).entries()
    assert len(entries) == await RedisDump(redis).count() == 8
    async with valkey.embedded(data) as other:
        await other.set("attune:old", "gone")
        await other.set("somebody:else", "stays")
        await RedisDump(other).replace(entries)
        assert read(await RedisDump(other).entries()) == read(entries)
        assert await other.get("somebody:else") == b"stays"
        assert not await other.exists("attune:old")
        ends = await other.pexpiretime("attune:ends")
        assert ends == await redis.pexpiretime("attune:ends") > time.time() * 1000
        newest = await other.xadd("{attune:inbox}:empty", {"n": 2})
        (stream,) = [one for one in entries if one.key.endswith(b"empty")]
        assert newest > stream.value[0]


async def test_the_key_of_answers_is_in_no_backup(redis: Redis) -> None:
    """Whoever reads a backup cannot name answers; a new key is made where it is missing."""
    before = await RedisMemory(redis).answer_key()
    await redis.set("attune:other", "x")
    entries = await RedisDump(redis).entries()
    assert [one.key for one in entries] == [b"attune:other"]
    await RedisDump(redis).replace(entries)
    assert await RedisMemory(redis).answer_key() != before


async def test_what_ended_before_it_was_restored_does_not_come_back(redis: Redis) -> None:
    """A code that was good for a while gets no second while."""
    await redis.set("attune:code", "x", px=50)
    entries = await RedisDump(redis).entries()
    await asyncio.sleep(0.1)
    await RedisDump(redis).replace(entries)
    assert not await redis.exists("attune:code")


async def test_it_is_of_one_moment_while_others_write(redis: Redis) -> None:
    """Two keys that are always written together are never of two moments."""
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            pipe = redis.pipeline(transaction=True)
            for key in ("attune:one", "attune:z:two"):
                pipe.set(key, number)
            await pipe.execute()

    await redis.rpush("attune:many", *range(20_000))
    writing = asyncio.create_task(write())
    try:
        for _ in range(20):
            values = {one.key: one.value for one in await RedisDump(redis).entries()}
            assert values.get(b"attune:one") == values.get(b"attune:z:two")
    finally:
        stop.set()
        await writing


async def test_a_restored_inbox_goes_on(redis: Redis, data: Path) -> None:
    """What waited is claimed in its order; what was in work is claimed again when its lease ends."""
    inbox = RedisInbox(redis, GENEROUS)
    for name in ("1", "2"):
        await inbox.put(event(name))
    await inbox.put(event("3", OTHER, BEN))
    entries = await RedisDump(redis).entries()
    async with valkey.embedded(data) as other:
        await RedisDump(other).replace(entries)
        restored = RedisInbox(other, GENEROUS)
        claims = [await restored.claim(new_token()) for _ in range(2)]
        assert sorted(claim.event.key for claim in claims if claim) == ["slack:1", "slack:3"]
        assert (await restored.depth()).waiting == 1
