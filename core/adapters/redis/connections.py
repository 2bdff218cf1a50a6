"""What clients of one server and of several share: connections, pauses, and which servers hold what is kept.

Knows nothing of how a server is found.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.backoff import ExponentialBackoff

RETRIES = 6  # about four seconds with these pauses: a server says "loading" while it reads its file back
FAILOVER_RETRIES = 35  # half a minute: a copy takes over when its server was away for 15 seconds or more
CONNECTIONS = 64  # of one process to one server; more commands at once wait for each other
BACKOFF = ExponentialBackoff(cap=1.0, base=0.05)  # seconds
TURN = 30.0  # seconds that a command may wait for its connection


class CancellableConnection(AbstractConnection):
    """A connection that does not swallow cancellations.

    redis-py sends under `asyncio.wait_for`, which in Python 3.11 drops one that comes when all is sent: whoever cancels
    once and waits for the end, as a shutdown does, would wait for ever.
    """

    __slots__ = ()

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's
        """Send; where that was cancelled meanwhile, the connection ends, since nobody reads the reply."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


class ServerGroup(ABC):
    """A client of several servers, of which each key has one that writes and maybe others that copy."""

    @abstractmethod
    async def primaries(self) -> Sequence[Redis]:
        """Clients of those that write."""

    @abstractmethod
    async def servers(self) -> Sequence[Redis]:
        """Clients of all of them, also of those that are away."""


async def primaries_of(client: object) -> Sequence[Redis]:
    """Clients of the servers that together hold every key once."""
    return await client.primaries() if isinstance(client, ServerGroup) else [cast("Redis", client)]


async def servers_of(client: object) -> Sequence[Redis]:
    """Clients of the servers on whose disks something of what is kept may stand."""
    return await client.servers() if isinstance(client, ServerGroup) else [cast("Redis", client)]


def has_copies(client: object) -> bool:
    """Whether others may copy what the client's server writes, and take its place."""
    return isinstance(client, ServerGroup)


def cancellable(kind: type[AbstractConnection]) -> Any:
    """The same kind of connection, which heeds cancellations."""
    return type(f"Cancellable{kind.__name__}", (CancellableConnection, kind), {})
