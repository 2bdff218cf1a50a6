"""How long what is kept of people stays, and how much it is; over the embedded server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.redis import keeping as redis_keeping
from core.adapters.redis import valkey
from core.adapters.redis.keeping import RedisKeeping
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import EVERYONE, Conversation, Outcome, Person, Turn
from core.people.interests import Action, Signal
from core.people.preferences import Preferences, Tone
from core.people.team import Contribution
from core.people.traces import Trace
from tests.conftest import all_keys
from tests.core.adapters.test_clearing_away import holding

ANN, BEN = Person("slack", "T1", "an:n"), Person("slack", "T1", "ben")
PLACES = Conversation("slack", "T1", "C1", "1"), Conversation("slack", "T1", "C2", "2")
NOW = datetime.now(UTC)
DAYS = 400
KEPT_FOR_EVER = {b"attune:swept"}  # ends by itself, a day later


async def live(redis: Redis, person: Person, place: Conversation, at: datetime, keep: timedelta) -> None:
    """All that is kept of somebody who asks, wishes and judges at that time."""
    memory, usage = RedisMemory(redis, keep), RedisUsage(redis, keep)
    question = f"{person.user} on {at:%Y-%m-%d}?"
    trace = Trace(f"{person.user}{at:%Y%m%d}", person, question, at, (EVERYONE,), Outcome.ANSWERED)
    await memory.append(place, Turn(person, question, "An answer.", at), trace)
    await memory.change_wishes(person, lambda old: replace(old, preferences=Preferences(tone=Tone.FORMAL)))
    await memory.learn(person, [Signal(f"{at}:verdict", Action.UP, at, "", credited=(("/a.md", 1.0),))])
    await memory.contribute(person, Contribution(audience=frozenset({EVERYONE})))
    await usage.note_gap(Gap(question, person, at))
    await usage.note_cited(["/a.md"], at)


async def ends(redis: Redis) -> dict[bytes, int]:
    """Seconds until each key ends; -1 for one that does not."""
    return {key: await redis.ttl(key) for key in await all_keys(redis)}


async def test_every_key_ends_when_nobody_used_it_and_later_when_somebody_did(redis: Redis) -> None:
    keep = timedelta(days=DAYS)
    await live(redis, ANN, PLACES[0], NOW, keep)
    for key, seconds in (await ends(redis)).items():
        assert keep.total_seconds() - 60 < seconds <= keep.total_seconds(), key
        await redis.expire(key, 100)
    await live(redis, ANN, PLACES[0], NOW + timedelta(seconds=1), keep)
    assert min((await ends(redis)).values()) > 100


async def test_what_an_earlier_version_wrote_without_an_end_gets_one(redis: Redis) -> None:
    """And a shorter time of keeping is taken over; 0 keeps for ever."""
    await live(redis, ANN, PLACES[0], NOW, timedelta())
    assert set((await ends(redis)).values()) == {-1}
    keep = timedelta(days=DAYS)
    assert await RedisKeeping(redis, keep).sweep(NOW)
    assert all(0 < seconds <= keep.total_seconds() for seconds in (await ends(redis)).values())
    await redis.delete("attune:swept")
    await RedisKeeping(redis, timedelta(days=7)).sweep(NOW)
    assert all(0 < seconds <= 7 * 86_400 for seconds in (await ends(redis)).values())
    await redis.delete("attune:swept")
    await RedisKeeping(redis, timedelta()).sweep(NOW)
    assert {key for key, seconds in (await ends(redis)).items() if seconds >= 0} == KEPT_FOR_EVER


async def test_old_turns_traces_and_gaps_go_though_their_person_still_asks(redis: Redis) -> None:
    """What is young stays, and everybody else's; with ATTUNE_KEEP=0 all stays."""
    keep, memory, usage = timedelta(days=DAYS), RedisMemory(redis), RedisUsage(redis)
    old = NOW - timedelta(days=DAYS + 1)
    for person, place, at in ((ANN, PLACES[0], old), (BEN, PLACES[1], old), (ANN, PLACES[0], NOW)):
        await live(redis, person, place, at, keep)
    await RedisKeeping(redis, timedelta()).sweep(NOW)
    assert len(await usage.gaps()) == 3
    await redis.delete("attune:swept")
    await RedisKeeping(redis, keep).sweep(NOW)
    assert [turn.asked_at for turn in await memory.turns(PLACES[0], limit=9)] == [NOW]
    assert await memory.turns(PLACES[1], limit=9) == []
    assert [trace.at for trace in await memory.traces(ANN, limit=9)] == [NOW]
    assert await memory.traces(BEN, limit=9) == []
    assert await all_keys(redis, "attune:traces:*ben*") == []
    assert [gap.asked_at for gap in await usage.gaps()] == [NOW]


async def test_of_a_person_whose_keys_ended_a_team_keeps_nothing(redis: Redis) -> None:
    memory = RedisMemory(redis)
    for person, place in zip((ANN, BEN), PLACES, strict=True):
        await live(redis, person, place, NOW, timedelta(days=DAYS))
    await redis.delete(*[key for key in await all_keys(redis) if b"ben" in key])  # as the server does at their end
    await RedisKeeping(redis).sweep(NOW)
    assert set(await memory.contributions("slack", "T1")) == {"an:n"}


async def test_a_team_keeps_what_people_contribute_whose_state_another_embedder_dropped(redis: Redis) -> None:
    """It follows from their log, which stays; what they contribute meanwhile is kept, too."""
    memory = RedisMemory(redis)
    for person, place in zip((ANN, BEN), PLACES, strict=True):
        await live(redis, person, place, NOW, timedelta(days=DAYS))
    await redis.delete(*await all_keys(redis, "attune:learned:*"))
    await memory.contribute(BEN, Contribution(audience=frozenset({EVERYONE})))
    await RedisKeeping(redis).sweep(NOW)
    assert set(await memory.contributions("slack", "T1")) == {"an:n", "ben"}


async def test_what_cannot_be_read_stays_and_keeps_nothing_old_behind_it(redis: Redis) -> None:
    memory, usage, unknown = RedisMemory(redis), RedisUsage(redis), b'{"version":9,"what":"newer"}'
    await redis.rpush("attune:gaps", unknown)
    for number in range(2):
        await live(redis, ANN, PLACES[0], NOW - timedelta(days=DAYS + 2 - number), timedelta(days=DAYS))
    await live(redis, ANN, PLACES[0], NOW, timedelta(days=DAYS))
    (order,), (traces,) = await all_keys(redis, "attune:answers:*"), await all_keys(redis, "attune:traces:*")
    await redis.hset(traces, await redis.lindex(order, 0), unknown)
    await RedisKeeping(redis).sweep(NOW)
    assert [gap.asked_at for gap in await usage.gaps()] == [NOW]
    assert [trace.at for trace in await memory.traces(ANN, limit=9)] == [NOW]
    assert (await redis.lindex("attune:gaps", 0), await redis.hlen(traces), await redis.llen(order)) == (unknown, 2, 2)


async def test_a_sweep_that_was_cut_off_is_done_by_whoever_asks_next(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(RedisKeeping, "_drop_older", cancelled)
        with pytest.raises(asyncio.CancelledError):
            await RedisKeeping(redis).sweep(NOW)
    assert await RedisKeeping(redis).sweep(NOW)


async def test_it_is_swept_once_a_day_whoever_asks(redis: Redis) -> None:
    keeping = RedisKeeping(redis)
    assert await keeping.sweep()
    assert not await RedisKeeping(redis).sweep()
    assert 86_000 < await redis.ttl("attune:swept") <= 86_400


async def test_what_went_for_its_age_is_in_no_file_of_the_server(data: Path) -> None:
    async with valkey.embedded(data) as redis:
        memory = RedisMemory(redis)
        at = NOW - timedelta(days=DAYS + 1)
        await memory.append(PLACES[0], Turn(ANN, "xylozebra?", "Yes.", at))
        await memory.append(PLACES[0], Turn(ANN, "And now?", "No.", NOW))
        assert holding(data / "valkey")
        await memory.sweep()
        assert holding(data / "valkey") == []
        assert len(await memory.turns(PLACES[0], limit=9)) == 1


async def test_how_much_is_kept_of_people_is_told_of_some_where_there_are_many(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = RedisMemory(redis)
    nobody = await memory.footprint()
    assert (nobody.people, nobody.median, nobody.most, nobody.eviction) == (0, 0, 0, "noeviction")
    for number in range(9):
        person = Person("slack", "T1", f"u{number}")
        await memory.change_wishes(person, lambda old: replace(old, preferences=Preferences(tone=Tone.FORMAL)))
    for turn in range(20):
        await memory.append(PLACES[0], Turn(ANN, f"{turn}?", "Yes.", NOW), trace_of(ANN, turn))
    told = await memory.footprint()
    assert (told.people, told.whole) == (10, True)
    assert 50 < told.median < 1000 < told.most
    monkeypatch.setattr(redis_keeping, "_LOOKED_AT", 4)
    some = await memory.footprint()
    assert not some.whole
    assert 1 <= some.people <= 4


def trace_of(person: Person, number: int) -> Trace:
    return Trace(f"{number:016}", person, "?" * 100, NOW, (EVERYONE,), Outcome.ANSWERED)
