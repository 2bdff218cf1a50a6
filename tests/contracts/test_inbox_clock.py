"""What the inbox promises while the server's clock is set: ten minutes back, ten minutes forward, and both by turns."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from redis.asyncio import Redis

from core.adapters.redis import inbox as redis_inbox
from core.adapters.redis import inbox_scripts
from core.adapters.redis.inbox import PREFIX, RedisInbox
from core.domain import Conversation, Person
from core.inbox import Lease, Receipt
from tests.contracts.test_inbox import ANNA, BEN, GENEROUS, PRIVATE, claimed, event, new_token

LEASE = 0.5  # seconds
STEPS = [-600.0, 600.0]  # seconds
READ = "local now = moment[1] * 1000 + math.floor(moment[2] / 1000)"
OFFSET = f"{PREFIX}:clock of the test"

Step = Callable[[float], Awaitable[Any]]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock is its own and an offset that a test sets."""
    assert READ in inbox_scripts.COMMON
    common = inbox_scripts.COMMON.replace(READ, f"{READ} + (redis.call('GET', '{OFFSET}') or 0)")
    for name, body in inbox_scripts._BODIES.items():
        monkeypatch.setitem(redis_inbox.SCRIPTS, name, common + body)


@pytest.fixture
def step(redis: Redis) -> Step:
    async def step(seconds: float) -> None:
        await redis.incrby(OFFSET, round(1000 * seconds))

    return step


async def soon(find: Callable[[], Awaitable[Any]], *, within: float) -> Any:
    """What `find` gives when it gives something."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := await find():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.mark.parametrize("seconds", STEPS)
async def test_what_a_dead_worker_held_is_taken_over(redis: Redis, step: Step, seconds: float) -> None:
    """Within two leases, as if nobody had touched the clock; and the next of its conversation follows."""
    inbox = RedisInbox(redis, GENEROUS, lease=LEASE)
    await inbox.put(event("1"))
    await inbox.put(event("2"))
    await claimed(inbox)
    assert await inbox.claim(new_token()) is None
    await step(seconds)
    claim = await soon(lambda: inbox.claim(new_token()), within=2 * LEASE + 0.3)
    assert (claim.event.key, claim.deaths) == ("slack:1", 1)
    await inbox.done(claim.token)
    assert (await claimed(inbox)).event.key == "slack:2"


@pytest.mark.parametrize("seconds", STEPS)
async def test_another_process_takes_over_too(redis: Redis, step: Step, seconds: float) -> None:
    """One that never spoke to the server before knows of the step by what is noted there."""
    first = RedisInbox(redis, GENEROUS, lease=LEASE)
    await first.put(event("1"))
    await claimed(first)
    await step(seconds)
    other = RedisInbox(redis, GENEROUS, lease=LEASE)
    assert (await soon(lambda: other.claim(new_token()), within=3 * LEASE)).deaths == 1


@pytest.mark.parametrize("seconds", STEPS)
async def test_a_living_worker_keeps_its_claim(redis: Redis, step: Step, seconds: float) -> None:
    """Nobody takes the event over, however often the clock is set while it is worked on."""
    inbox, other = RedisInbox(redis, GENEROUS, lease=LEASE), RedisInbox(redis, GENEROUS, lease=LEASE)
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    for number in range(24):
        if number % 6 == 3:
            await step(seconds)
        assert await other.claim(new_token()) is None
        assert await inbox.renew([claim.token]) == {claim.token: Lease.HELD}
        await asyncio.sleep(LEASE / 5)


@pytest.mark.parametrize("seconds", STEPS)
async def test_who_used_up_their_minute_waits_as_long_as_ever(redis: Redis, step: Step, seconds: float) -> None:
    """A step locks nobody out, and gives nobody more."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, person_minute=20))  # one in three seconds
    used_up = time.monotonic()
    receipts = [await inbox.put(event(f"x{number}")) for number in range(21)]
    assert [receipt is Receipt.ACCEPTED for receipt in receipts] == [True] * 20 + [False]
    await step(seconds)
    names = count()

    async def accepted() -> bool:
        return await inbox.put(event(f"y{next(names)}")) is Receipt.ACCEPTED

    await soon(accepted, within=4.5)
    assert time.monotonic() - used_up > 2.5
    assert not await accepted()


@pytest.mark.parametrize("seconds", STEPS)
async def test_a_refusal_is_said_again_after_the_usual_silence(
    redis: Redis, step: Step, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for ten minutes to nobody's knowledge."""
    monkeypatch.setattr(redis_inbox, "SILENCE", 0.6)
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, person_minute=1))
    await inbox.put(event("0"))
    assert await inbox.put(event("1")) is Receipt.HURRIED
    await redis.persist(f"{PREFIX}:refused:slack:T1:anna")  # as with a server whose own clock was set back
    await step(seconds)
    assert await inbox.put(event("2")) is Receipt.HUSHED
    await asyncio.sleep(0.7)
    assert await inbox.put(event("3")) is Receipt.HURRIED


@pytest.mark.parametrize("seconds", STEPS)
async def test_an_event_given_back_with_a_pause_waits_that_long(redis: Redis, step: Step, seconds: float) -> None:
    """Neither ten minutes longer nor at once."""
    inbox = RedisInbox(redis, GENEROUS)
    await inbox.put(event("1"))
    await inbox.release((await claimed(inbox)).token, pause=0.6)
    await step(seconds)
    assert await inbox.claim(new_token()) is None
    assert (await soon(lambda: inbox.claim(new_token()), within=1.5)).deaths == 0


@pytest.mark.parametrize("seconds", STEPS)
async def test_who_waits_is_told_so_and_the_age_is_true(redis: Redis, step: Step, seconds: float) -> None:
    """How long something has waited does not follow the clock."""
    inbox = RedisInbox(redis, GENEROUS)
    await inbox.put(event("1"))
    await step(seconds)
    assert await inbox.waiting(new_token(), seconds=0.4) is None
    await soon(lambda: inbox.waiting(new_token(), seconds=0.4), within=1.5)
    assert 0.3 < (await inbox.depth()).oldest < 5


async def test_a_clock_that_is_set_again_and_again_loses_nothing(redis: Redis, step: Step) -> None:
    """Every event of every worker that died comes to its end, in the order of its conversation."""
    chance = random.Random(0)  # noqa: S311 - no secret
    inbox, clean = RedisInbox(redis, GENEROUS, lease=LEASE), []
    names = [f"{person.user}{number}" for number in range(4) for person in (ANNA, BEN)]
    for name, person in zip(names, [ANNA, BEN] * 4, strict=True):
        await inbox.put(event(name, dataclasses.replace(PRIVATE, channel=person.user), person))

    async def work() -> bool:
        if chance.random() < 0.2:
            await step(chance.choice(STEPS))
        claim = await inbox.claim(new_token())
        if claim and chance.random() < 0.5:  # the others die over it
            await inbox.done(claim.token)
            clean.append(claim.event.key)
        return len(clean) == len(names)

    await soon(work, within=60)
    for user in ("anna", "ben"):
        assert [key for key in clean if user in key] == [f"slack:{user}{number}" for number in range(4)]
    assert (await inbox.depth()).waiting == 0


async def test_of_a_store_from_before_nothing_waits_for_the_clock_of_then(redis: Redis) -> None:
    """A machine whose clock is an hour behind that of the one before goes on at once."""
    inbox = RedisInbox(redis, GENEROUS, lease=LEASE)
    await inbox.put(event("1"))
    await claimed(inbox)
    await redis.delete(f"{PREFIX}:mark")  # which the version before did not keep
    await redis.set(OFFSET, -3_600_000)
    other = RedisInbox(redis, GENEROUS, lease=LEASE)
    await soon(lambda: other.claim(new_token()), within=3 * LEASE)


async def test_a_listener_does_not_wait_for_the_servers_clock(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not end the waiting in time is asked again: by its clock the time may not have come."""
    monkeypatch.setattr(redis_inbox, "LATE", 0.3)
    inbox = RedisInbox(redis, GENEROUS)
    await inbox.listen(0.01)
    await redis.client_pause(3000)
    start = time.monotonic()
    assert await inbox.listen(0.1) == []
    assert time.monotonic() - start < 2
    await redis.client_unpause()
    await inbox.put(event("1", Conversation("slack", "T1", "C9"), Person("slack", "T1", "x")))
    assert await inbox.listen(5.0) == []
