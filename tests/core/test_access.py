"""Who gets in, over a real store."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.redis.pairings import RedisPairings
from core.domain import Person
from core.errors import ConfigurationError, PairingError
from core.people.access import CODE_LASTS, TRIES, Access, AccessLists, listed_names
from core.readers import channel_reader, workspace_reader

ANNA, BEN = Person("telegram", "", "1"), Person("slack", "T1", "U1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def access(redis: Redis, allow: str = "", operators: str = "") -> Access:
    return Access(RedisPairings(redis), AccessLists(listed_names(allow, "A"), listed_names(operators, "O")))


async def test_nobody_gets_in_unless_somebody_said_so(redis: Redis) -> None:
    closed = access(redis)
    assert not await closed.admits(ANNA, [channel_reader("telegram", "", "-100")])
    assert not await closed.is_operator(ANNA)


@pytest.mark.parametrize(
    "allow", ["person:slack/T1/U1", "workspace:slack/T1", "group:slack/T1/S1", "person:slack/T9/U9,channel:slack/T1/C1"]
)
async def test_a_name_on_the_list_gets_in_by_any_of_its_ways(redis: Redis, allow: str) -> None:
    answers_to = [workspace_reader("slack", "T1"), channel_reader("slack", "T1", "C1"), "group:slack/T1/S1"]
    doors = access(redis, allow)
    assert await doors.admits(BEN, answers_to)
    assert not await doors.admits(ANNA, [workspace_reader("telegram", "")])


async def test_who_does_not_answer_to_the_workspace_does_not_get_in_with_it(redis: Redis) -> None:
    """A guest of the workspace, as the platform does not name it for them; the guest's own name opens."""
    assert not await access(redis, "workspace:slack/T1").admits(BEN, [])
    assert await access(redis, "workspace:slack/T1 person:slack/T1/U1").admits(BEN, [])


async def test_an_operator_gets_in_and_others_are_none(redis: Redis) -> None:
    doors = access(redis, "workspace:slack/T1", "person:telegram//1")
    assert await doors.admits(ANNA, [])
    assert await doors.is_operator(ANNA)
    assert not await doors.is_operator(BEN)


@pytest.mark.parametrize("operator", [False, True])
async def test_a_code_lets_one_person_in(redis: Redis, *, operator: bool) -> None:
    """As shown, in small letters or with blanks; then it is used up, also for whoever used it."""
    doors = access(redis)
    code = await doors.new_code(operator=operator)
    pairing = await doors.pair(ANNA, f" {code.lower().replace('-', ' ')} ", NOW)
    assert (pairing.operator, pairing.since) == (operator, NOW)
    assert await doors.admits(ANNA, [])
    assert await doors.is_operator(ANNA) is operator
    with pytest.raises(PairingError, match="works once"):
        await doors.pair(BEN, code, NOW)
    assert not await doors.admits(BEN, [])


@pytest.mark.parametrize("first", [True, False])
async def test_a_plain_code_takes_no_role_away(redis: Redis, *, first: bool) -> None:
    """An operator who also uses a plain code stays one, in either order, and since when they are in stays too."""
    doors = access(redis)
    await doors.pair(ANNA, await doors.new_code(operator=first), NOW)
    again = await doors.pair(ANNA, await doors.new_code(operator=not first), NOW + timedelta(days=1))
    assert (again.operator, again.since) == (True, NOW)
    assert await doors.is_operator(ANNA)
    assert await doors.pairings() == [again]


async def test_of_two_codes_at_one_moment_the_role_stays(redis: Redis) -> None:
    """Whichever is kept last."""
    doors = access(redis)
    for n in range(20):
        person = Person("telegram", "", str(n))
        codes = [await doors.new_code(operator=operator) for operator in (True, False, False)]
        await asyncio.gather(*[doors.pair(person, code, NOW) for code in codes])
        assert await doors.is_operator(person)


async def test_a_listed_operator_stays_one_after_a_plain_code(redis: Redis) -> None:
    doors = access(redis, "", "person:telegram//1")
    await doors.pair(ANNA, await doors.new_code(), NOW)
    assert await doors.is_operator(ANNA)


async def test_what_was_taken_back_does_not_return_with_a_plain_code(redis: Redis) -> None:
    """Unpaired, an operator who is let in again is none."""
    doors = access(redis)
    pairing = await doors.pair(ANNA, await doors.new_code(operator=True), NOW)
    await doors.unpair(pairing.person)
    await doors.pair(ANNA, await doors.new_code(), NOW)
    assert not await doors.is_operator(ANNA)


async def test_what_a_code_gave_can_be_taken_back(redis: Redis) -> None:
    doors = access(redis)
    await doors.pair(ANNA, await doors.new_code(), NOW)
    [pairing] = await doors.pairings()
    assert await doors.unpair(pairing.person)
    assert not await doors.admits(ANNA, [])
    assert not await doors.unpair(pairing.person)


async def test_codes_cannot_be_guessed_for_long(redis: Redis) -> None:
    """After too many wrong ones a right one does not open either, for this person alone."""
    doors = access(redis)
    code = await doors.new_code()
    for _ in range(TRIES):
        with pytest.raises(PairingError, match="isn't valid"):
            await doors.pair(ANNA, "2222-2222", NOW)
    with pytest.raises(PairingError, match="in an hour"):
        await doors.pair(ANNA, code, NOW)
    assert (await doors.pair(BEN, code, NOW)).person == "person:slack/T1/U1"


async def test_the_store_holds_no_code_that_opens(redis: Redis) -> None:
    code = (await access(redis).new_code()).replace("-", "")
    [key] = await redis.keys("attune:pairing:code:*")
    assert code not in key.decode()
    assert 0 < await redis.pttl(key) <= CODE_LASTS.total_seconds() * 1000


@pytest.mark.parametrize(
    "text", ["everyone", "workspace:telegram/", "person:telegram/1", "workspace:", "person:slack/T1/", "U123"]
)
def test_a_name_that_names_nobody_is_refused(text: str) -> None:
    """`everyone` too: a door that stands open to all of Telegram is no door."""
    with pytest.raises(ConfigurationError, match=r"ATTUNE_ALLOW contains .* not a valid name"):
        listed_names(f"person:telegram//1, {text}", "ATTUNE_ALLOW")
