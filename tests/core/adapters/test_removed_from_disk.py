"""What was removed from Valkey is in none of its files, also where a process or the server was killed meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from core.adapters.redis import keys as redis_keys
from core.adapters.redis import valkey
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.keys import finish_removing, removed_from_disk
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.domain import Person
from core.people.people import People
from tests.contracts.test_inbox import event
from tests.core.adapters.test_clearing_away import holding

WORD = "xylozebra"
MARK = "attune:unwritten"


async def test_it_is_gone_from_all_files_when_it_returns(data: Path) -> None:
    """Also of several at the same time, and where another file is being written."""
    async with valkey.embedded(data) as redis:
        for number in range(9):
            await redis.set(f"k{number}", f"{WORD} {number}")
        assert holding(data / "valkey", WORD)

        async def remove(number: int) -> None:
            async with removed_from_disk(redis):
                await redis.delete(f"k{number}")

        await redis.bgsave()
        await asyncio.gather(*map(remove, range(9)))
        assert holding(data / "valkey", WORD) == []
        assert not await redis.exists(MARK)


async def test_snapshots_are_written_anew_where_there_are_any(data: Path) -> None:
    async with valkey.embedded(data) as redis:
        await redis.set("k", WORD)
        await redis.save()
        assert str(data / "valkey" / "dump.rdb") in holding(data / "valkey", WORD)
        async with removed_from_disk(redis):
            await redis.delete("k")
        assert holding(data / "valkey", WORD) == []


async def test_who_was_killed_between_removing_and_writing_is_gone_on_with(data: Path) -> None:
    """By whoever opens the memory next."""
    async with valkey.embedded(data) as redis:
        await redis.set("k", WORD)
        with suppress(ConnectionAbortedError):
            async with removed_from_disk(redis):
                await redis.delete("k")
                raise ConnectionAbortedError
        assert holding(data / "valkey", WORD)
        assert await redis.exists(MARK)
        await finish_removing(redis)
        assert holding(data / "valkey", WORD) == []
        assert not await redis.exists(MARK)


async def test_a_server_that_takes_these_commands_from_nobody_is_left_alone(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise ResponseError("unknown command")

    async with valkey.embedded(data) as redis:
        monkeypatch.setattr(redis, "bgrewriteaof", refused)
        async with removed_from_disk(redis):
            await redis.set("k", "v")
        assert not await redis.exists(MARK)


async def test_one_that_does_not_get_done_leaves_the_mark(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object) -> None:
        raise ResponseError("Background append only file rewriting already in progress")

    monkeypatch.setattr(redis_keys, "PATIENCE", 0.2)
    async with valkey.embedded(data) as redis:
        monkeypatch.setattr(redis, "bgrewriteaof", busy)
        async with removed_from_disk(redis):
            await redis.set("k", "v")
        assert await redis.exists(MARK)


async def test_words_of_dead_letters_go_with_their_person(data: Path) -> None:
    """Forgetting a person takes what was given up of theirs, and other people's stay."""
    ann, ben = Person("slack", "T1", "anna"), Person("slack", "T1", "ben")
    async with valkey.embedded(data) as redis:
        inbox = RedisInbox(redis)
        for key, person, word in (("1", ann, WORD), ("2", ben, "dodo")):
            await inbox.put(replace(event(key, person=person), body=f'{{"text": "{word}"}}'))
            claim = await inbox.claim("worker")
            assert claim is not None
            await inbox.bury(claim.token, "three workers ended over it")
        await People(RedisMemory(redis), RedisUsage(redis), inbox).forget(ann)
        assert [letter.event.person for letter in await inbox.dead()] == [ben]
        assert holding(data / "valkey", WORD) == []
        assert holding(data / "valkey", "dodo")


async def test_what_earlier_versions_and_killed_servers_left_is_removed_at_the_start(data: Path) -> None:
    """A snapshot that nobody reads, and drafts of a writer that is dead; one that writes is left alone."""
    async with valkey.embedded(data) as redis:
        await redis.set("k", "v")
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await ended.wait()
    store = data / "valkey"
    old = [store / "dump.rdb", store / f"temp-{ended.pid}.rdb", store / f"temp-rewriteaof-bg-{ended.pid}.aof"]
    new = store / f"temp-rewriteaof-{os.getpid()}.aof"
    for file in (*old, new):
        file.write_text(WORD)
    async with valkey.embedded(data) as redis:
        assert await value(redis) == b"v"
        assert not any(file.exists() for file in old)
        assert new.exists()


async def value(redis: Redis) -> bytes | None:
    found: bytes | None = await redis.get("k")
    return found
