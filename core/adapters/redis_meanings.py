"""What is kept of people as vectors, in step with the embedder: those of two embedders cannot be compared.

Knows nothing of what a vector stands for: it is blanked where a record has one.
"""

from __future__ import annotations

import json
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis_keys import translated
from core.origin import Origin, read_origin

EMBEDDER = "attune:embedder"
_WITH_VECTORS = ("attune:signals:*", "attune:traces:*")  # hashes of records
_STATES = "attune:learned:*"  # which follow from the signals, and are made anew from them


async def keep_to(client: Redis, origin: Origin) -> None:
    """Drop the directions that people's interests had, where vectors of another origin made them.

    What was learned beside them, and their words, stay. May be repeated.
    """
    with translated():
        stored = read_origin((await client.get(EMBEDDER) or b"").decode())
        if stored is not None and not stored.compares(origin):
            for pattern in _WITH_VECTORS:
                async for key in client.scan_iter(match=pattern):
                    await _blank(client, key)
            async for key in client.scan_iter(match=_STATES):
                await client.unlink(key)
        if stored != origin:
            await client.set(EMBEDDER, origin.dumped())


async def _blank(client: Redis, key: bytes) -> None:
    async def write(pipe: Pipeline) -> None:
        records = cast("dict[bytes, bytes]", await pipe.hgetall(key))
        pipe.multi()  # type: ignore[no-untyped-call]
        for name, value in records.items():
            if blank := _without_vector(value):
                pipe.hset(key, name, blank)

    await client.transaction(write, key)


def _without_vector(value: bytes) -> str:
    """The record without its vector; empty where it has none, or cannot be read."""
    try:
        record = json.loads(value)
    except ValueError:
        return ""
    if not isinstance(record, dict) or not record.get("vector"):
        return ""
    return json.dumps({**record, "vector": ""}, ensure_ascii=False)
