"""Servers beside the product: shared, ended after the last client, and losing nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis

from core.adapters.index import files as index_files
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis import companion, valkey
from core.adapters.redis.companion import Companion
from core.adapters.redis.memory import KEPT_TURNS, RedisMemory
from core.domain import EVERYONE, Conversation
from core.errors import IndexUnavailableError, MemoryUnavailableError, StoreError
from tests.conftest import runs, wait_until

ROOT = Path(companion.__file__).parents[2]
CHANNEL = Conversation("slack", "T1", "C1")

# Clients that run as processes of their own, so that they can be killed. Each prints what was acknowledged.
VISITOR = """
async with valkey.embedded(data) as client:
    print((await client.info("server"))["process_id"], flush=True)
    await asyncio.Event().wait()
"""
WRITER = """
async with valkey.embedded(data) as client:
    memory, anna = RedisMemory(client), Person("slack", "T1", "anna")
    for number in range(10_000):
        turn = Turn(anna, str(number), "", datetime.now(UTC))
        await memory.append(Conversation("slack", "T1", "C1"), turn)
        print(number, flush=True)
"""
INGESTER = """
async with SharedIndex(data, 8) as index:
    vectors = np.ones((40, 8), np.float32)
    for number in range(10_000):
        ids = [str(uuid.uuid4()) for _ in range(40)]
        passages = [Passage(one, f"{number}.md", "", (), "text", 1, 0, 40, "1") for one in ids]
        await index.upsert(passages, vectors)
        print(*ids, flush=True)
"""


@contextmanager
def client_process(body: str, data: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `body` in a process of its own, killed at the latest at the end."""
    code = f"""\
import asyncio, signal, sys, uuid
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from core.adapters.redis import valkey
from core.adapters.redis.memory import RedisMemory
from core.adapters.index.shared_index import SharedIndex
from core.domain import Conversation, Passage, Person, Turn

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background

async def main(data):
{textwrap.indent(body, "    ")}
asyncio.run(main(Path(sys.argv[1])))
"""
    arguments = [sys.executable, "-c", code, str(data)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next `count` lines that the process prints, each of which means: acknowledged."""
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def rest(process: subprocess.Popen[str]) -> list[str]:
    """What the process printed until it ended; a line that was cut off was not acknowledged."""
    return [line.rstrip("\n") for line in process.stdout if line.endswith("\n")]


def processes(data: Path, what: str) -> list[int]:
    """Processes whose command line says `what` and runs over `data`."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True)  # noqa: S607
    found = [line.split(maxsplit=1) for line in listed.stdout.splitlines() if str(data) in line]
    return [int(pid) for pid, command in found if re.search(what, command)]


def servers(data: Path, what: str) -> list[int]:
    """The servers themselves, without the keepers, whose command lines name them too."""
    keepers = processes(data, r"keeper\.py")
    return [pid for pid in processes(data, what) if pid not in keepers]


async def server_process(client: Redis) -> int:
    return (await client.info("server"))["process_id"]


@pytest.fixture
async def client(data: Path) -> AsyncIterator[Redis]:
    """A client in this process of a server of its own."""
    async with valkey.embedded(data) as client:
        yield client


async def test_no_snapshot_keeps_what_was_forgotten(data: Path) -> None:
    """The server writes none, and one that an earlier version left is gone; the append-only file has all."""
    stale = data / "valkey" / "dump.rdb"
    async with valkey.embedded(data) as client:
        assert (await client.config_get("save"))["save"] == ""
        await client.set("kept", "1")
        await client.shutdown()
        assert not stale.exists()
    stale.write_bytes(b"REDIS0011 what somebody had forgotten")
    async with valkey.embedded(data) as client:
        assert await client.get("kept") == b"1"
    assert not stale.exists()


@pytest.mark.parametrize("by_address", [False, True])
async def test_a_cancellation_is_heeded_whenever_it_comes(data: Path, by_address: bool) -> None:  # noqa: FBT001
    """Whoever cancels once and waits for the end does not wait for ever."""

    async def work(client: Redis) -> None:
        for _ in range(20):
            await client.get("a")

    async with valkey.embedded(data) as own, valkey.remote(f"unix://{data}/run/valkey.sock") as named:
        await own.ping()
        client, heeded = named if by_address else own, []
        for number in range(300):
            task = asyncio.create_task(work(client))
            for _ in range(number % 30):
                await asyncio.sleep(0)
            heeded.append(task.cancel())
            await asyncio.wait([task])
            heeded[-1] = heeded[-1] <= task.cancelled()
        assert all(heeded)


def test_processes_share_one_server(data: Path) -> None:
    """However many start at the same moment, one server runs."""
    with ExitStack() as stack:
        visitors = [stack.enter_context(client_process(VISITOR, data)) for _ in range(4)]
        assert len({lines(visitor, 1)[0] for visitor in visitors}) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_its_last_client(data: Path, how: signal.Signals) -> None:
    """Whichever way clients end, the server outlives all but the last, and no process is left."""
    with client_process(VISITOR, data) as first, client_process(VISITOR, data) as second:
        lines(first, 1)
        server = lines(second, 1)
        first.send_signal(how)
        first.wait()
        with client_process(VISITOR, data) as third:
            assert lines(third, 1) == server
            third.kill()
        second.send_signal(how)
        second.wait()
        wait_until(lambda: not runs(data, "valkey"))
    assert processes(data, "valkey-server") == []


async def test_a_client_that_follows_at_once_is_served(data: Path) -> None:
    """Starting while the last server ends neither fails nor loses anything."""
    for number in range(8):
        async with valkey.embedded(data) as client:
            assert await client.incr("starts") == number + 1
        await asyncio.sleep(0.01 * number)


async def test_acknowledged_turns_survive_when_all_are_killed(data: Path) -> None:
    """Client and server are killed in the middle of writing: every acknowledged turn is there."""
    for _ in range(3):
        with client_process(WRITER, data) as writer:
            told = lines(writer, 150)
            for pid in (*servers(data, "valkey-server"), writer.pid):
                os.kill(pid, signal.SIGKILL)
            told += rest(writer)
        async with valkey.embedded(data) as client:
            kept = {turn.question for turn in await RedisMemory(client).turns(CHANNEL, limit=KEPT_TURNS)}
            # One turn more may have been kept whose acknowledgement never arrived.
            assert set(told[-KEPT_TURNS + 1 :]) <= kept
            await client.flushall()


async def test_a_killed_server_comes_back_for_the_next_call(client: Redis) -> None:
    """A live client notices nothing but a pause, time and again."""
    for number in range(4):
        assert await client.incr("calls") == number + 1
        os.kill(await server_process(client), signal.SIGKILL)


async def test_many_calls_at_once_bring_back_one_server(client: Redis, data: Path) -> None:
    """Tasks that all find the server gone start one, not many."""
    os.kill(await server_process(client), signal.SIGKILL)
    await asyncio.gather(*[client.incr(f"key{number}") for number in range(30)])
    assert len(servers(data, "valkey-server")) == 1


async def test_a_killed_keeper_is_replaced(client: Redis, data: Path) -> None:
    """Calls go on, and a keeper is there again that ends the server afterwards (the fixture waits for it)."""
    await client.set("key", "kept")
    for pid in processes(data, r"keeper\.py"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not runs(data, "valkey"))
    assert await client.get("key") == b"kept"
    assert await client.dbsize() == 1


async def test_a_server_that_cannot_start_is_explained(data: Path) -> None:
    """The operator reads what it said last, and where the rest is."""
    command = [sys.executable, "-c", "import sys; sys.exit('the disk is full')"]
    folder = companion.run_folder(data)
    async with Companion("broken", command, folder, error=MemoryUnavailableError) as broken:
        with pytest.raises(MemoryUnavailableError, match="the disk is full") as caught:
            await broken.ensure()
    assert str(folder / "broken.log") in str(caught.value)


async def test_a_slow_index_is_waited_for_as_long_as_its_files_may_be_read(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was not closed is read before it listens, which takes longer than another server's start."""
    monkeypatch.setattr(companion, "PATIENCE", 0.0)
    async with SharedIndex(data, 8) as index:
        assert index._companion._patience >= index_files.READING_SECONDS + 15
        assert await index.count() == 0


async def test_a_failed_start_is_final_for_a_call(client: Redis, data: Path) -> None:
    """A call fails with the reason, in the store's own error, instead of trying for minutes."""
    folder = companion.run_folder(data)
    os.kill(await server_process(client), signal.SIGKILL)
    wait_until(lambda: not runs(data, "valkey"))
    for file in (data / "valkey" / "appendonlydir").iterdir():
        file.write_text("damaged")
    with pytest.raises(MemoryUnavailableError, match=re.escape(str(folder / "valkey.log"))):
        await RedisMemory(client).ping()


async def test_a_long_data_path_is_reached_through_a_short_link(data: Path) -> None:
    """Sockets of any data folder can be reached, and nothing but the link lies elsewhere."""
    deep = data / ("x" * 60) / ("y" * 60)
    folder = companion.run_folder(deep)
    try:
        assert len(os.fsencode(companion.socket_path(folder, "valkey"))) <= companion.SOCKET_PATH_BYTES
        assert folder.resolve() == (deep / "run").resolve()
        assert companion.run_folder(deep) == folder
        async with valkey.embedded(deep) as client:
            assert await client.ping()
        wait_until(lambda: not runs(deep, "valkey"))
        folder.unlink()
        folder.mkdir()
        with pytest.raises(StoreError, match="should be a link"):
            companion.run_folder(deep)
    finally:
        folder.rmdir() if not folder.is_symlink() else folder.unlink()


def test_the_run_folder_is_private(data: Path) -> None:
    """Nobody else can reach the sockets, even in a folder that stood open before."""
    (data / "run").mkdir(mode=0o755)
    assert companion.run_folder(data).stat().st_mode & 0o777 == 0o700


async def test_acknowledged_passages_survive_a_killed_index(data: Path) -> None:
    """The service is killed over and over while passages come in: none that was acknowledged is lost."""
    with client_process(INGESTER, data) as ingester:
        told = []
        for _ in range(4):
            told += lines(ingester, 12)
            for pid in servers(data, "index.service"):
                os.kill(pid, signal.SIGKILL)
        told += lines(ingester, 3)
        for pid in (ingester.pid, *servers(data, "index.service")):
            os.kill(pid, signal.SIGKILL)
        told += rest(ingester)
    ids = [one for line in told for one in line.split()]
    async with SharedIndex(data, 8) as index:
        assert set(await index.vectors(ids)) == set(ids)


async def test_a_killed_index_comes_back_for_the_next_call(data: Path) -> None:
    """Each call starts the service where it is gone; two processes see the same passages."""
    async with SharedIndex(data, 8) as index, SharedIndex(data, 8) as other:
        for _ in range(2):
            assert await index.count() == 0
            (service,) = servers(data, "index.service")
            os.kill(service, signal.SIGKILL)
        assert await other.search("words", np.ones(8, np.float32), audience={EVERYONE}, limit=3) == []
        assert len(servers(data, "index.service")) == 1


async def test_a_second_embedder_is_refused_while_the_first_is_in_use(data: Path) -> None:
    """A service that runs for others does not take vectors of another length."""
    async with SharedIndex(data, 8):
        with pytest.raises(IndexUnavailableError, match="ATTUNE_EMBEDDER"):
            async with SharedIndex(data, 5):
                pass
