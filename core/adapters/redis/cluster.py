"""`Cluster`: a client of a Redis or Valkey Cluster that does what a client of one server does.

What belongs together shares a slot (`keys.py`), so that each script and each transaction is the business of one node.
redis-py finds the nodes and sends them single commands. Its transactions go on without having watched when a node
fails in the middle, and its pipelines reach several nodes in any order: both are done here, by plain clients of nodes.
Knows nothing of what is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterError,
    ReadOnlyError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.adapters.redis.connections import (
    BACKOFF,
    CONNECTIONS,
    FAILOVER_RETRIES,
    RETRIES,
    TURN,
    ServerGroup,
    cancellable,
)

UNLIMITED = 2**31  # connections of a node: redis-py has no way to wait for one
_SCRIPTS = {"EVAL", "EVALSHA"}
_POOLED = ("response_callbacks", "max_connections", "connection_class", "retry")
_MOVING: tuple[Any, ...] = (  # until another node has taken over, or a slot has arrived
    RedisConnectionError,
    RedisTimeoutError,
    ClusterError,
    SlotNotCoveredError,
    AskError,
    TryAgainError,
    ReadOnlyError,
)

T = TypeVar("T")


class Cluster(ServerGroup, RedisCluster):  # type: ignore[misc]  # redis-py's own bases differ
    """A client that waits for a failover. Whoever made it calls `end`."""

    def __init__(self, addresses: Sequence[tuple[str, int]], **options: Any) -> None:
        nodes = [ClusterNode(host, port) for host, port in addresses]
        super().__init__(startup_nodes=nodes, retry=Retry(NoBackoff(), 0), max_connections=UNLIMITED, **options)
        self._kind = cancellable(self.connection_kwargs["connection_class"])
        self.connection_kwargs["connection_class"] = self._kind
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = self._kind
        self._plain: dict[tuple[str, int], Redis] = {}
        self._first, self._later = (Retry(BACKOFF, times, _MOVING) for times in (RETRIES, FAILOVER_RETRIES))
        self._known = False

    async def initialize(self, *args: Any, **options: Any) -> Cluster:
        """Find the nodes; where none answers, that is a lost connection as any other."""
        try:
            await super().initialize(*args, **options)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from None
        self._known = True
        return self

    async def end(self) -> None:
        """Close all connections."""
        await self.aclose()
        for client in self._plain.values():
            await client.aclose()

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Have one command done by whoever has its key."""

        async def done() -> Any:
            await self.initialize()
            return await super(Cluster, self).execute_command(*args, **options)

        return await self._patiently(done)

    async def at(self, slot: int, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Have `work` done by whoever has the slot; it begins anew where that is another node meanwhile."""

        async def done() -> T:
            await self.initialize()
            return await work(self._client_of(self.nodes_manager.get_node_from_slot(slot)))

        return await self._patiently(done)

    async def transaction(self, func: Any, *watches: Any, **_: Any) -> Any:
        """Repeat `func` until nothing of what is watched changed meanwhile; all keys share a slot."""
        return await self.at(self.keyslot(watches[0]), lambda server: server.transaction(func, *watches))

    def pipeline(self, transaction: bool | None = None, _: str | None = None) -> Any:  # noqa: FBT001
        """Commands that are sent together, as far as they are for one slot, and in their order."""
        return OrderedPipeline(self, transaction=bool(transaction))

    async def primaries(self) -> Sequence[Redis]:
        """Clients of the nodes that write."""
        await self.initialize()
        return [self._client_of(node) for node in self.get_primaries()]

    async def servers(self) -> Sequence[Redis]:
        """Clients of all nodes, also of those that are away: something may stand on their disks."""
        known = cast("dict[str, dict[str, str]]", await self.cluster_nodes())
        places = [
            (node["hostname"] or host, int(port))
            for place, node in known.items()
            for host, _, port in [place.rpartition(":")]
            if "noaddr" not in node["flags"]
        ]
        return [self._client_at(*place) for place in places]

    def _client_of(self, node: ClusterNode) -> Redis:
        return self._client_at(node.host, int(node.port))

    def _client_at(self, host: str, port: int) -> Redis:
        """A plain client of one node, which tries nothing twice: another node may have the key by then."""
        if (host, port) not in self._plain:
            options = {name: value for name, value in self.connection_kwargs.items() if name not in _POOLED}
            pool = BlockingConnectionPool(
                max_connections=CONNECTIONS,
                timeout=TURN,
                connection_class=self._kind,
                retry=Retry(NoBackoff(), 0),
                **options | {"host": host, "port": port},
            )
            self._plain[host, port] = Redis.from_pool(pool)
        return self._plain[host, port]

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """Where no node was ever found, the address is wrong rather than a failover on its way."""
        patience = self._later if self._known else self._first
        return await patience.call_with_retry(work, self._look_again)

    async def _look_again(self, _: Exception) -> None:
        self._initialize = True  # the next try asks where everything is


class OrderedPipeline(Pipeline):
    """Commands for a cluster, each done before the next that is another slot's is sent."""

    def __init__(self, cluster: Cluster, *, transaction: bool) -> None:
        super().__init__(cast("Any", None), {}, transaction, None)
        self._cluster = cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - redis-py's
        """The replies, in the order of the commands."""
        stack, self.command_stack = self.command_stack, []
        replies: list[Any] = []
        for slot, commands in groupby(self._by_slot(stack), key=lambda one: one[0]):
            some = [command for _, command in commands]
            replies += await self._cluster.at(slot, partial(_sent, some, self.is_transaction, raise_on_error))
        return replies

    def _by_slot(self, stack: Sequence[Any]) -> list[tuple[int, Any]]:
        """Each command with its slot; one without a key is for the same as the one before."""
        placed: list[tuple[int, Any]] = []
        for command in stack:
            key = key_of(command[0])
            placed.append((placed[-1][0] if key is None else self._cluster.keyslot(key), command))
        return placed


async def _sent(commands: Sequence[Any], transaction: bool, raises: bool, server: Redis) -> list[Any]:  # noqa: FBT001
    async with server.pipeline(transaction=transaction) as pipe:
        for words, options in commands:
            pipe.execute_command(*words, **{name: one for name, one in options.items() if name != "target_nodes"})
        return await pipe.execute(raises)


def key_of(words: Sequence[Any]) -> Any:
    """The first key of a command; None where it has none."""
    if words[0] == "WAIT":
        return None
    return words[3] if words[0] in _SCRIPTS else words[1]
