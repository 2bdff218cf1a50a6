"""What is kept of people as vectors, in step with the embedder: those of two embedders cannot be compared.

Knows nothing of what a vector stands for: it is blanked where a record has one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis.keeping import GAPS
from core.adapters.redis.keys import convert_errors
from core.adapters.redis.records import GAP, SIGNAL, TRACE, read
from core.adapters.redis.usage import replace_gap
from core.domain import VectorOrigin
from core.storage.origin import read_origin
from core.storage.stored import RecordForm, UnreadableRecordError

EMBEDDER = "attune:embedder"
_WITH_VECTORS: Mapping[str, RecordForm[Any]] = {
    "attune:signals:*": SIGNAL,
    "attune:traces:*": TRACE,
}  # hashes of records
_STATES = "attune:learned:*"  # which follow from the signals, and are made anew from them


async def keep_to(client: Redis, origin: VectorOrigin) -> None:
    """Drop the directions that people's interests had, where vectors of another origin made them.

    What was learned beside them, and their words, stay. May be repeated.
    """
    with convert_errors():
        kept = cast("bytes | None", await client.get(EMBEDDER))
        stored = read_origin(kept.decode()) if kept else None
        if stored is not None and not stored.compares(origin):
            for pattern, form in _WITH_VECTORS.items():
                async for key in client.scan_iter(match=pattern):
                    await _blank(client, key, form)
            async for key in client.scan_iter(match=_STATES):
                await client.unlink(key)
            for value in cast("list[bytes]", await client.lrange(GAPS, 0, -1)):
                if (gap := read(GAP, value)) and gap.vector:
                    await replace_gap(client, value, replace(gap, vector=""))
        if stored != origin:
            await client.set(EMBEDDER, origin.dumped())


async def _blank(client: Redis, key: bytes, form: RecordForm[Any]) -> None:
    async def write(pipe: Pipeline) -> None:
        records = cast("dict[bytes, bytes]", await pipe.hgetall(key))
        pipe.multi()  # type: ignore[no-untyped-call]
        for name, value in records.items():
            if blank := _without_vectors(value, form):
                pipe.hset(key, name, blank)

    await client.transaction(write, key)


def _without_vectors(value: bytes, form: RecordForm[Any]) -> str:
    """The record without its vectors; empty where it has none, or cannot be read by this version of Attune."""
    try:
        form.validate_json(value)
    except UnreadableRecordError:
        return ""
    record = json.loads(value)
    blank = {field: "" for field in ("vector", "asked") if record.get(field)}
    return json.dumps({**record, **blank}, ensure_ascii=False) if blank else ""
