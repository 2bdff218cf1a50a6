"""`GuardedServer`: a client of the server that sentinels name, whichever of several that is at the moment.

One of them writes, the others copy; when it is gone, the sentinels agree on another one. Knows nothing of what is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
)
from redis.exceptions import RedisError

from core.adapters.redis import addresses
from core.adapters.redis.connections import BACKOFF, FAILOVER_RETRIES, ServerGroup, cancellable


class GuardedServer(ServerGroup, Redis):  # type: ignore[misc]  # redis-py's own bases differ
    """A client whose connections are to the one that writes."""

    def __init__(self, pool: SentinelConnectionPool, sentinel: Sentinel, service: str, options: dict[str, Any]) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True
        self._sentinel, self._service, self._options = sentinel, service, options
        self._copies: dict[tuple[str, int], Redis] = {}

    async def primaries(self) -> Sequence[Redis]:
        """This one."""
        return [self]

    async def servers(self) -> Sequence[Redis]:
        """This one and its copies, also those that are away."""
        told = await self._told()
        places = [(str(one["ip"]), int(one["port"])) for one in told]
        for host, port in {*places} - self._copies.keys():
            self._copies[host, port] = Redis(host=host, port=port, retry=Retry(BACKOFF, 1), **self._options)
        return [self, *(self._copies[place] for place in places)]

    async def _told(self) -> Sequence[Any]:
        """The copies, by the first Sentinel that answers."""
        *others, last = self._sentinel.sentinels
        for one in others:
            with suppress(RedisError, OSError):
                return cast("Sequence[Any]", await one.sentinel_slaves(self._service))
        return cast("Sequence[Any]", await last.sentinel_slaves(self._service))

    async def end(self) -> None:
        """Close all connections."""
        for client in (self, *self._copies.values()):
            await client.aclose()
        await self._sentinel.aclose()


class GuardedConnection(SentinelManagedConnection):
    """A connection that asks the sentinels whenever it connects: redis-py's goes back to the server that it had."""

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - redis-py's
        """Connect once: another try may be to another server."""
        if not self.is_connected:
            self.host, self.port = await self.connection_pool.get_master_address()
        await super().connect_check_health(check_health, retry_socket_connect=False)


class GuardedSSLConnection(GuardedConnection, SSLConnection):
    """The same, encrypted."""


@asynccontextmanager
async def guarded(url: str) -> AsyncIterator[Redis]:
    """A client of the server that the sentinels at `url` name. Nothing is sent before the first command."""
    found = addresses.parse(url)
    options = dict(found.options)
    kind = GuardedSSLConnection if options.get("ssl") else GuardedConnection
    once = {"retry": Retry(BACKOFF, 0)}  # another sentinel knows, too
    sentinel = Sentinel(found.places, sentinel_kwargs={**found.of_sentinels, **once})  # type: ignore[no-untyped-call]
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
        found.service,
        sentinel,
        connection_class=cancellable(kind),
        retry=Retry(BACKOFF, FAILOVER_RETRIES),
        **{name: value for name, value in options.items() if name != "ssl"},
    )
    client = GuardedServer(pool, sentinel, found.service, options)
    try:
        yield client
    finally:
        await client.end()
