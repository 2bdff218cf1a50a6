"""Interests are directions of one embedder's space, and end with it; what else was learned stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from redis.asyncio import Redis

from core.adapters.redis.meanings import keep_to
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import VectorOrigin
from core.people.interests import Action, event_vector
from tests.contracts.test_profiles import ANNA, keep, signal, trace

OURS, THEIRS = VectorOrigin("ours", "1"), VectorOrigin("theirs", "2")


async def test_another_embedder_begins_with_no_interests(redis: Redis) -> None:
    """The same one under another name, or at the next start, takes nothing away."""
    memory = RedisMemory(redis)
    await keep_to(redis, OURS)
    vector = signal(1).vector
    await memory.learn(ANNA, [signal(number, Action.UP) for number in range(5)])
    await keep(memory, replace(trace(1), vector=vector, asked=vector))
    usage, gap = RedisUsage(redis), Gap("Where?", ANNA, trace(1).at)
    await usage.note_gap(replace(gap, vector=vector))
    before = await memory.learned(ANNA)
    assert before.interests
    await keep_to(redis, replace(OURS, embedder="by another name"))
    assert await memory.learned(ANNA) == before
    await keep_to(redis, THEIRS)
    after = await memory.learned(ANNA)
    assert (after.interests, after.recent) == ((), None)
    assert after.tallies == before.tallies
    assert [one.vector for one in await memory.signals(ANNA)] == [""] * 5
    assert [(one, one.vector) for one in await usage.gaps()] == [(gap, "")]
    kept = await memory.trace(ANNA)
    assert kept == trace(1)
    await memory.learn(ANNA, [replace(signal(9, Action.UP), vector=event_vector(np.eye(8)[0], [], []))])
    assert len((await memory.learned(ANNA)).interests) == 1
    await keep_to(redis, THEIRS)
    assert len((await memory.learned(ANNA)).interests) == 1
