"""`RedisPairings`: who was let in by a code, and the codes that are out, in a Redis or Valkey.

Each command touches one key, so that a Cluster holds them too. Knows nothing of who may do what.
"""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from redis.asyncio import Redis

from core.adapters.redis.keys import convert_errors
from core.adapters.redis.records import PAIRING, UnreadableNotes, read
from core.people.access import Pairing

_PAIRED, _CODE, _TRIES = "attune:paired", "attune:pairing:code:", "attune:pairing:tries:"

# Whoever changed it meanwhile is not overwritten: the caller looks again.
_REPLACE = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') == ARGV[2] then
    return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) + 1
end
return 0
"""


class RedisPairings:
    """The port `Pairings` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._unreadable = UnreadableNotes(client)

    async def save_code(self, code: str, *, operator: bool, lasts: timedelta) -> None:
        """Keep a code for as long as it lasts."""
        with convert_errors():
            await self._client.set(_CODE + code, int(operator), px=lasts)

    async def take_code(self, code: str) -> bool | None:
        """Use a code up; None where there is none."""
        with convert_errors():
            operator = await self._client.getdel(_CODE + code)
        return None if operator is None else operator == b"1"

    async def count_try(self, person: str, *, within: timedelta) -> int:
        """Count one more code of `person`."""
        with convert_errors():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.incr(_TRIES + person)
                pipe.expire(_TRIES + person, within, nx=True)
                tries, _ = await pipe.execute()
        return int(tries)

    async def save(self, pairing: Pairing) -> Pairing:
        """Let somebody in, and forget their tries. Whoever is in already keeps what they had: one call, one winner."""
        with convert_errors():
            while True:
                before = await self._client.hget(_PAIRED, pairing.person) or b""
                kept = pairing.beside(read(PAIRING, before))
                values = (pairing.person, before, PAIRING.dump_json(kept))
                if await self._client.eval(_REPLACE, 1, _PAIRED, *values):
                    break
            await self._client.delete(_TRIES + pairing.person)
        return kept

    async def find(self, person: str) -> Pairing | None:
        """How somebody was let in, if so; what cannot be read lets nobody in."""
        with convert_errors():
            stored = await self._client.hget(_PAIRED, person)
        return await self._unreadable.read(PAIRING, _PAIRED, person, cast("bytes | None", stored))

    async def all(self) -> list[Pairing]:
        """Everyone who was let in."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(_PAIRED))
        return [pairing for _, pairing in await self._unreadable.read_all(PAIRING, _PAIRED, stored.items())]

    async def remove(self, person: str) -> bool:
        """Let somebody in no longer."""
        with convert_errors():
            return bool(await self._client.hdel(_PAIRED, person))
