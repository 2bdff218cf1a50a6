"""What tests share: one embedded Valkey and one index for the whole run, emptied for each test; the tiny models."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis import companion, keeper, valkey
from core.models.store import ModelStore
from core.settings import Settings
from tests.fakes import HashingEmbedder

SERVERS = ("valkey", "index")
TINY_MODEL = "smollm2-135m-instruct"
EMBEDDER = "all-minilm-l6-v2"


def wait_until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until `true()`, and fail where that takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


async def all_keys(redis: Redis, pattern: str = "*") -> list[bytes]:
    """The keys there are, on all servers of a cluster, too."""
    return [key async for key in redis.scan_iter(pattern)]


def runs(data: Path, name: str) -> bool:
    """Whether a server called `name` or its keeper lives over the data folder `data`."""
    return _held(companion.run_folder(data) / f"{name}.server.lock")


def any_runs(folder: Path) -> bool:
    """Whether a server or a keeper lives over a data folder that is `folder` or lies in it, as a home's does."""
    try:
        return any(_held(lock) for lock in folder.rglob("*.server.lock"))
    except FileNotFoundError:  # what goes while it is looked at was some server's
        return True


def _held(path: Path) -> bool:
    """Whether some process holds the lock: the kernel knows."""
    lock = keeper.open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_whoever_runs_this() -> Iterator[None]:
    """The folder for configuration is an empty one."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", folder)
        yield


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder of its own, or a home; every server under it has ended afterwards, or the test fails."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        yield Path(folder)
        wait_until(lambda: not any_runs(Path(folder)))


@pytest.fixture(scope="session")
def shared_data() -> Iterator[Path]:
    """The data folder of the servers that tests share: they stay up from their first use to the end."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        run = companion.run_folder(Path(folder))
        locks = [keeper.open_lock(run / f"{name}.clients.lock") for name in SERVERS]
        for lock in locks:
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield Path(folder)
        for lock in locks:
            os.close(lock)
        wait_until(lambda: not any_runs(Path(folder)))


@pytest.fixture
async def redis(shared_data: Path) -> AsyncIterator[Redis]:
    """A client of an empty server."""
    async with valkey.embedded(shared_data) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def shared_index(shared_data: Path) -> AsyncIterator[SharedIndex]:
    """The embedded index, empty, for vectors of `HashingEmbedder`."""
    async with SharedIndex(shared_data, HashingEmbedder.dimension) as index:
        for document in await index.documents():
            await index.remove(document.source)
        yield index


@pytest.fixture
async def edge_index(data: Path) -> AsyncIterator[EdgeIndex]:
    """The embedded index in this process, empty."""
    async with EdgeIndex(data / "index", HashingEmbedder.dimension) as index:
        yield index


@pytest.fixture
async def qdrant_index() -> AsyncIterator[QdrantIndex]:
    """The index of a server, which Qdrant's local mode stands in for, empty."""
    dimension = HashingEmbedder.dimension
    async with QdrantIndex.at(":memory:", api_key=None, collection="attune", dimension=dimension) as index:
        yield index


@pytest.fixture(scope="session")
def models() -> Path:
    """The models folder of whoever runs the tests, with the tiny model and the embedder: fetched once and kept."""
    folder = Settings.from_env(os.environ).models_folder
    for name in (TINY_MODEL, EMBEDDER):
        ModelStore(folder).resolve(name)
    return folder


@pytest.fixture(scope="session")
def ray_cluster(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a cluster on this machine: two replicas of the tiny model at /none, one that judges at /first."""
    pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, as it is imported
        from deploy.ray_serve import cluster_here, deployed  # noqa: PLC0415
        from evals.ray_material import judging_adapter  # noqa: PLC0415

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adapter = judging_adapter(tmp_path_factory.mktemp("adapter") / "first")
    model = str(ModelStore(models).resolve(TINY_MODEL).path)
    values = {"ATTUNE_MODEL": model, "ATTUNE_CACHE_MB": "256", "ATTUNE_THREADS": "1"}
    with cluster_here(cpus=3, port=port):
        deployed(values, name="none", num_replicas=2)
        deployed(values, name="first", user_config={"adapter": str(adapter)})
        yield f"http://127.0.0.1:{port}"
