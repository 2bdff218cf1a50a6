"""`RedisDump`: all keys of Attune as they are at one moment, and all of them put back.

By type, not as the server's own dumps, which another version of it, or Redis in the place of Valkey, may refuse. One
script reads them all, so that no key is newer than another; the server does nothing else meanwhile. The nodes of a
cluster are read one after the other while none of them takes anything in. Knows nothing of what is in them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis.connections import primaries_of
from core.adapters.redis.keys import convert_errors
from core.adapters.redis.memory import ANSWER_KEY
from core.errors import MemoryUnavailableError
from core.storage.backup import Entry, RedisType

PATTERNS = ("attune:*", "{attune:*")
SECRETS = {ANSWER_KEY.encode()}
STILL = 60.0  # seconds
TOGETHER = 1000  # values in one command, keys in one round

_ADDING = {RedisType.HASH: "HSET", RedisType.LIST: "RPUSH", RedisType.SET: "SADD", RedisType.ZSET: "ZADD"}

_READ = """
local found = {}
for _, pattern in ipairs(ARGV) do
    for _, key in ipairs(redis.call('KEYS', pattern)) do
        local kind, value = redis.call('TYPE', key)['ok'], false
        if kind == 'string' then value = {redis.call('GET', key)}
        elseif kind == 'hash' then value = redis.call('HGETALL', key)
        elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
        elseif kind == 'set' then value = redis.call('SMEMBERS', key)
        elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
        elseif kind == 'stream' then
            value = {}
            local about = redis.call('XINFO', 'STREAM', key)
            for place = 1, #about, 2 do
                if about[place] == 'last-generated-id' then value[1] = about[place + 1] end
            end
            for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
                value[#value + 1] = entry[1]
                value[#value + 1] = tostring(#entry[2])
                for _, part in ipairs(entry[2]) do value[#value + 1] = part end
            end
        end
        if kind ~= 'none' then found[#found + 1] = {key, kind, redis.call('PEXPIRETIME', key), value} end
    end
end
return found
"""


class RedisDump:
    """The keys of Attune on one server. Whoever made the client closes it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def entries(self) -> list[Entry]:
        """Every key with its value, all as of the same moment; without secrets, of which new ones are made.

        Raises:
            MemoryUnavailableError: the server does not answer, or holds what cannot be read.
        """
        with convert_errors():
            servers = await primaries_of(self._client)
            async with _standing_still(servers):
                read = [cast("list[list[Any]]", await server.eval_ro(_READ, 0, *PATTERNS)) for server in servers]
        return [_entry(*one) for found in read for one in found if one[0] not in SECRETS]

    async def count(self) -> int:
        """How many keys there are."""
        return len([key async for key in self._keys()])

    async def replace(self, entries: Iterable[Entry]) -> None:
        """Put `entries` in the place of all keys of Attune that there are."""
        with convert_errors():
            async for key in self._keys():
                await self._client.unlink(key)
            pipe = self._client.pipeline(transaction=False)
            for entry in entries:
                _put(pipe, entry)
                if len(pipe) >= TOGETHER:
                    await pipe.execute()
            await pipe.execute()

    async def _keys(self) -> AsyncIterator[bytes]:
        with convert_errors():
            for pattern in PATTERNS:
                async for key in self._client.scan_iter(match=pattern, count=TOGETHER):
                    yield key


@asynccontextmanager
async def _standing_still(servers: Sequence[Redis]) -> AsyncIterator[None]:
    """No server takes anything in meanwhile; of one alone a script sees to that. Whoever is killed holds none up long.

    Raises:
        MemoryUnavailableError: it took so long that they went on.
    """
    if len(servers) == 1:
        yield
        return
    until = time.monotonic() + STILL
    try:
        for server in servers:
            await server.client_pause(round(1000 * STILL), all=False)
        yield
        if time.monotonic() > until:
            raise MemoryUnavailableError(f"The memory could not be read within {STILL:.0f} seconds. Try again later.")
    finally:
        for server in servers:
            await server.client_unpause()


def _entry(key: bytes, kind: bytes, expires: int, value: list[bytes] | None) -> Entry:
    if value is None or kind.decode() not in set(RedisType):
        raise MemoryUnavailableError(f"The key {key.decode(errors='replace')} has a type that Attune does not use.")
    return Entry(key, RedisType(kind.decode()), max(0, expires), value)


def _put(pipe: Pipeline, entry: Entry) -> None:
    """Have `entry` written; what it wrote before goes. In parts, as a command has an end."""
    key, value = entry.key, entry.value
    step = TOGETHER - TOGETHER % 2
    parts = [value[start : start + step] for start in range(0, len(value), step)]
    if entry.kind is RedisType.STRING:
        pipe.set(key, value[0])
    elif entry.kind is RedisType.STREAM:
        _put_stream(pipe, key, value)
    else:
        for part in parts:
            pipe.execute_command(_ADDING[entry.kind], key, *(_scored(part) if entry.kind is RedisType.ZSET else part))
    if entry.expires:
        pipe.pexpireat(key, entry.expires)


def _scored(part: list[bytes]) -> list[bytes]:
    """Members with their scores as they are written: the score first."""
    return [word for member, score in zip(part[::2], part[1::2], strict=True) for word in (score, member)]


def _put_stream(pipe: Pipeline, key: bytes, value: list[bytes]) -> None:
    """Entries under the names they had; then the last name that was given, so that none is given twice."""
    last, place = value[0], 1
    while place < len(value):
        count = int(value[place + 1])
        pipe.execute_command("XADD", key, value[place], *value[place + 2 : place + 2 + count])
        place += 2 + count
    if len(value) == 1 and last != b"0-0":
        pipe.execute_command("XADD", key, last, b"", b"")
        pipe.execute_command("XDEL", key, last)
    elif len(value) > 1:
        pipe.execute_command("XSETID", key, last)
