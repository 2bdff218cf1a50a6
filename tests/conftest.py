"""The stores that tests share: one embedded Valkey for the whole run, emptied for each test."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters import companion, keeper, valkey


def wait_until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until `true()`, and fail where that takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def runs(data: Path, name: str) -> bool:
    """Whether a server called `name` or its keeper lives: the kernel knows by their lock."""
    lock = keeper.open_lock(companion.run_folder(data) / f"{name}.server.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder of its own; every server over it has ended afterwards, or the test fails."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        yield Path(folder)
        wait_until(lambda: not any(runs(Path(folder), name) for name in ("valkey", "index")))


@pytest.fixture(scope="session")
def valkey_data() -> Iterator[Path]:
    """The data folder of the one server that the tests share, which stays up from its first use to the end."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        lock = keeper.open_lock(companion.run_folder(Path(folder)) / "valkey.clients.lock")
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield Path(folder)
        os.close(lock)
        wait_until(lambda: not runs(Path(folder), "valkey"))


@pytest.fixture
async def redis(valkey_data: Path) -> AsyncIterator[Redis]:
    """A client of an empty server."""
    async with valkey.embedded(valkey_data) as client:
        await client.flushall()
        yield client
