"""Digests on their way from the hour to the inbox: each once, whoever dies, and at a pace."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from bots.on_slack.platform import slack
from bots.on_telegram.platform import telegram
from bots.service.digest_clock import DigestClock
from core.adapters.redis.digests import _PACE
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.domain import Person
from core.inbox import Allowance
from core.notices.schedule import DigestSchedule, Frequency
from core.people.people import People

ANN, BEN = Person("slack", "T1", "UANN"), Person("telegram", "", "7")
START = datetime(2026, 3, 2, 7, tzinfo=UTC)
EIGHT = DigestSchedule(Frequency.DAILY, "UTC", 8)
DUE = START + timedelta(hours=1)


class Desk:
    """A clock over real stores, whose pace can be waited out."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.inbox = RedisInbox(redis, Allowance(waiting=2))
        self.people = People(RedisMemory(redis), RedisUsage(redis))
        self.clock = DigestClock(self.people, self.inbox, [slack(), telegram()])

    async def look(self, now: datetime) -> int:
        await self.redis.delete(_PACE)
        return await self.clock.look(now)

    async def taken(self) -> list[str]:
        """The keys of what is handed in, which is done now."""
        keys = []
        while claim := await self.inbox.claim(f"t{len(keys)}"):
            keys.append(claim.event.key)
            await self.inbox.done(claim.token)
        return keys


@pytest.fixture
def desk(redis: Redis) -> Desk:
    return Desk(redis)


async def test_a_digest_is_handed_in_at_its_hour_and_again_a_day_later(desk: Desk) -> None:
    await desk.people.subscribe(ANN, EIGHT, START)
    assert await desk.look(START + timedelta(minutes=59)) == 0
    await desk.look(DUE)
    assert await desk.taken() == ["slack:digest:T1:UANN:2026-03-02T08:00:00+00:00"]
    assert await desk.look(DUE + timedelta(hours=23)) == 0
    await desk.look(DUE + timedelta(days=1))
    assert await desk.taken() == ["slack:digest:T1:UANN:2026-03-03T08:00:00+00:00"]


async def test_two_processes_and_a_death_between_make_one(desk: Desk, redis: Redis) -> None:
    """Whoever dies before the next hour is noted leaves the same key to the next, which the inbox knows."""
    await desk.people.subscribe(ANN, EIGHT, START)
    other = Desk(redis)
    await asyncio.gather(desk.look(DUE), other.look(DUE))
    assert len(await desk.taken()) == 1
    await desk.people._memory.change_subscription(ANN, lambda kept: kept, DUE)  # as it was before the death
    await other.look(DUE)
    assert await desk.taken() == []
    assert await desk.people.due(DUE) == []


async def test_days_that_nobody_served_make_one_digest(desk: Desk) -> None:
    await desk.people.subscribe(ANN, EIGHT, START)
    await desk.look(DUE + timedelta(days=5))
    assert len(await desk.taken()) == 1
    assert await desk.look(DUE + timedelta(days=5)) == 0


async def test_one_is_begun_at_a_time_and_none_while_somebody_waits(desk: Desk) -> None:
    """Of two that are due the second waits for the pace, and for the first to be taken."""
    for person in (ANN, BEN):
        await desk.people.subscribe(person, EIGHT, START)
    assert await desk.clock.look(DUE) == 2
    assert await desk.clock.look(DUE) == 1  # the pace
    assert await desk.look(DUE) == 1  # the first waits for a worker
    assert len(await desk.taken()) == 1
    await desk.look(DUE)
    assert len(await desk.taken()) == 1


async def test_a_full_inbox_takes_it_later(desk: Desk) -> None:
    await desk.people.subscribe(BEN, EIGHT, START)
    for number in range(2):
        event = telegram().digest((await desk.people.subscription(BEN)), f"telegram:{number}", "n")  # type: ignore[misc]
        await desk.inbox.put(replace(event, asks=True))
    await desk.look(DUE)
    assert await desk.people.due(DUE) == [(BEN, DUE)]
    await desk.taken()
    await desk.look(DUE)
    assert await desk.taken() == ["telegram:digest::7:2026-03-02T08:00:00+00:00"]


async def test_whoever_was_forgotten_meanwhile_is_never_due_again(desk: Desk, redis: Redis) -> None:
    await desk.people.subscribe(ANN, EIGHT, START)
    await redis.delete("attune:digest:{slack:T1:UANN}")  # its time is over
    await desk.look(DUE)
    assert await desk.taken() == []
    assert await desk.people.due(DUE) == []


async def test_what_another_version_wrote_is_tried_a_day_later(desk: Desk, redis: Redis) -> None:
    """And is put aside before the person's next wish is kept."""
    await desk.people.subscribe(ANN, EIGHT, START)
    key, aside = "attune:digest:{slack:T1:UANN}", "attune:aside:{slack:T1:UANN}"
    await redis.set(key, b'{"version": 99}')
    await desk.look(DUE)
    assert await desk.taken() == []
    assert await desk.people.due(DUE + timedelta(days=1)) == [(ANN, DUE + timedelta(days=1))]
    await desk.people.subscribe(ANN, EIGHT, START)
    assert await redis.hvals(aside) == [b'{"version": 99}']
    assert await desk.people.subscription(ANN) is not None


async def test_a_mistake_with_one_does_not_stop_the_others(desk: Desk) -> None:
    """Ann's event cannot be made: Ben has his, and hers is tried a day later."""
    for person in (ANN, BEN):
        await desk.people.subscribe(person, EIGHT, START)

    def fail(*_: object) -> None:
        raise ValueError

    desk.clock._events = {**desk.clock._events, "slack": fail}
    await desk.look(DUE)
    await desk.look(DUE)
    assert len(await desk.taken()) == 1
    assert (ANN, DUE + timedelta(days=1)) in await desk.people.due(DUE + timedelta(days=1))


async def test_a_wish_and_what_was_told_at_the_same_time_are_both_kept(desk: Desk) -> None:
    await desk.people.subscribe(ANN, EIGHT, START)
    hours = [desk.people.subscribe(ANN, replace(EIGHT, hour=hour), START) for hour in (9, 10, 11, 12)]
    await asyncio.gather(*hours[:2], desk.people.note_digest(ANN, "d1", DUE), *hours[2:])
    kept = await desk.people.subscription(ANN)
    assert kept is not None
    assert (kept.last, kept.since) == ("d1", DUE)
    assert kept.schedule.hour > 8


async def test_a_changed_hour_is_not_put_off_by_the_earlier_one(desk: Desk) -> None:
    await desk.people.subscribe(ANN, EIGHT, START)
    await desk.people.subscribe(ANN, replace(EIGHT, hour=9), START)
    await desk.people.digest_begun(ANN, DUE, DUE)
    assert await desk.people.due(DUE + timedelta(hours=1)) == [(ANN, DUE + timedelta(hours=1))]
