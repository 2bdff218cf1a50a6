"""What every `Pairings` promises, held by `RedisPairings` on the embedded server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.redis.pairings import RedisPairings
from core.errors import MemoryUnavailableError
from core.people.access import Pairing, Pairings

ANNA = Pairing("person:telegram//1", False, datetime(2026, 1, 1, tzinfo=UTC))
BEN = Pairing("person:slack/T1/ü", True, datetime(2026, 1, 2, tzinfo=UTC))
HOUR = timedelta(hours=1)


@pytest.fixture
def pairings(redis: Redis) -> Pairings:
    return RedisPairings(redis)


async def test_a_code_is_used_up_by_one(pairings: Pairings) -> None:
    """Of fifty who come at the same moment one gets in."""
    await pairings.save_code("c", operator=True, lasts=HOUR)
    taken = await asyncio.gather(*[pairings.take_code("c") for _ in range(50)])
    assert sorted(taken, key=repr) == [None] * 49 + [True]


async def test_a_code_remembers_whether_it_makes_an_operator(pairings: Pairings) -> None:
    await pairings.save_code("plain", operator=False, lasts=HOUR)
    assert await pairings.take_code("plain") is False
    assert await pairings.take_code("never made") is None


async def test_a_code_ends(pairings: Pairings) -> None:
    await pairings.save_code("c", operator=False, lasts=timedelta(milliseconds=20))
    await asyncio.sleep(0.1)
    assert await pairings.take_code("c") is None


async def test_who_was_let_in_is_found_until_removed(pairings: Pairings) -> None:
    assert await pairings.find(ANNA.person) is None
    for pairing in (ANNA, BEN):
        await pairings.save(pairing)
    assert [await pairings.find(ANNA.person), await pairings.find(BEN.person)] == [ANNA, BEN]
    assert sorted(await pairings.all(), key=lambda one: one.since) == [ANNA, BEN]
    assert await pairings.remove(ANNA.person)
    assert not await pairings.remove(ANNA.person)
    assert await pairings.all() == [BEN]


async def test_saving_again_takes_no_role_away(pairings: Pairings) -> None:
    """What is kept is said, and the first moment stays."""
    plain, later = replace(BEN, operator=False), replace(BEN, operator=False, since=BEN.since + HOUR)
    assert await pairings.save(plain) == plain
    assert await pairings.save(BEN) == BEN
    assert await pairings.save(later) == BEN
    assert await pairings.find(BEN.person) == BEN


async def test_tries_are_counted_by_person_and_forgotten(pairings: Pairings) -> None:
    assert [await pairings.count_try("a", within=HOUR) for _ in range(3)] == [1, 2, 3]
    assert await pairings.count_try("b", within=timedelta(seconds=1)) == 1
    await asyncio.sleep(1.2)
    assert await pairings.count_try("b", within=HOUR) == 1


async def test_getting_in_forgets_the_tries(pairings: Pairings) -> None:
    await pairings.count_try(ANNA.person, within=HOUR)
    await pairings.save(ANNA)
    assert await pairings.count_try(ANNA.person, within=HOUR) == 1


async def test_what_cannot_be_read_lets_nobody_in(pairings: Pairings, redis: Redis) -> None:
    await redis.hset("attune:paired", ANNA.person, "{}")
    assert await pairings.find(ANNA.person) is None
    assert await pairings.all() == []


async def test_a_silent_server_is_named() -> None:
    async with Redis(host="127.0.0.1", port=1) as client:
        with pytest.raises(MemoryUnavailableError, match="REDIS_URL"):
            await RedisPairings(client).find("a")
