"""`RedisHistories`: since when documents say what they say, in a Redis or Valkey. One hash, a field a document.

Holds the names of documents and short hashes of their sentences, and nothing of what they say. Knows nothing of how the
server is reached.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis.keys import convert_errors
from core.adapters.redis.records import HISTORY, read
from core.notices.history import DocumentHistory

HISTORIES = "attune:documents"
_BEGUN = "attune:documents:begun"


class RedisHistories:
    """`Histories` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def begun(self) -> bool:
        """Whether somebody looked at all documents before."""
        with convert_errors():
            return bool(await self._client.exists(_BEGUN))

    async def begin(self) -> None:
        """Note that somebody did."""
        with convert_errors():
            await self._client.set(_BEGUN, 1)

    async def read(self, sources: Collection[str] | None = None) -> Mapping[str, DocumentHistory]:
        """What is known of `sources`, or of all documents."""
        with convert_errors():
            if sources is None:
                stored = await cast("Awaitable[dict[bytes, bytes]]", self._client.hgetall(HISTORIES))
                values: Collection[bytes | None] = stored.values()
            else:
                asked = cast("Awaitable[list[Any]]", self._client.hmget(HISTORIES, list(sources)))
                values = await asked if sources else ()
        found = [read(HISTORY, value) for value in values if value]
        return {history.source: history for history in found if history}

    async def follow(self, source: str, change: Callable[[DocumentHistory | None], DocumentHistory | None]) -> None:
        """Replace what is known of `source` by `change` of it, which may be called again; None changes nothing."""

        async def write(pipe: Pipeline) -> None:
            stored = await cast("Awaitable[bytes | None]", pipe.hget(HISTORIES, source))
            now = change(read(HISTORY, stored) if stored else None)
            pipe.multi()  # type: ignore[no-untyped-call]
            if now:
                pipe.hset(HISTORIES, source, cast("str", HISTORY.dump_json(now)))

        with convert_errors():
            await self._client.transaction(write, HISTORIES)

    async def forget(self, sources: Collection[str]) -> None:
        """Forget these documents."""
        with convert_errors():
            await self._client.hdel(HISTORIES, *sources)
