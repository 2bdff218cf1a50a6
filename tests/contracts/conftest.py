"""The stores of the contracts run on one server and on a cluster of three."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.redis import valkey
from evals.valkeys import cluster


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """The address of a cluster that lasts as long as the run."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder, asyncio.Runner() as runner:
        made = cluster(Path(folder))
        yield runner.run(made.__aenter__()).url
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(params=["one server", "cluster"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where the store is; empty for the embedded one."""
    return request.getfixturevalue("cluster_url") if request.param == "cluster" else ""


@pytest.fixture
async def other_redis(redis_url: str, shared_data: Path) -> AsyncIterator[Redis]:
    """A client of another process."""
    async with valkey.remote(redis_url) if redis_url else valkey.embedded(shared_data) as client:
        yield client


@pytest.fixture
async def redis(redis_url: str, shared_data: Path) -> AsyncIterator[Redis]:
    """A client of an empty store."""
    async with valkey.remote(redis_url) if redis_url else valkey.embedded(shared_data) as client:
        await client.flushall()
        yield client
