"""`RedisClients`: which programs may ask, in one hash of a Redis or Valkey, by name.

A record that cannot be read lets nobody in, and stays for the version of Attune that can; its name is taken until it
is removed. Each command touches one key, so that a Cluster holds them too. A backup has them as well, and with them no
key: of those there are only hashes. Knows nothing of what a key looks like, or of what a program may ask.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from core.adapters.redis.keys import convert_errors
from core.adapters.redis.records import CLIENT, UnreadableNotes
from core.people.clients import ApiClient

CLIENTS = "attune:clients"


class RedisClients:
    """The port `ClientRecords` over a client of redis-py. Whoever made that closes it."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._unreadable = UnreadableNotes(client)

    async def add(self, client: ApiClient) -> bool:
        """Keep a client where there is none of its name: of two at once one is kept."""
        written = CLIENT.dump_json(client).decode()
        with convert_errors():
            return bool(await self._client.hsetnx(CLIENTS, client.name, written))

    async def find(self, name: str) -> ApiClient | None:
        """The client of that name; what cannot be read is none."""
        with convert_errors():
            stored = await cast("Awaitable[bytes | None]", self._client.hget(CLIENTS, name))
        return await self._unreadable.read(CLIENT, CLIENTS, name, stored)

    async def all(self) -> list[ApiClient]:
        """All that can be read."""
        with convert_errors():
            stored = await cast("Awaitable[dict[bytes, bytes]]", self._client.hgetall(CLIENTS))
        return [client for _, client in await self._unreadable.read_all(CLIENT, CLIENTS, stored.items())]

    async def remove(self, name: str) -> bool:
        """Forget a client, readable or not."""
        with convert_errors():
            return bool(await self._client.hdel(CLIENTS, name))
