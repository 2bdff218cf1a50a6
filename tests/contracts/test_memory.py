"""What every `Memory` promises, held by `RedisMemory` on the embedded server."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.adapters.redis import memory as redis_memory
from core.adapters.redis import valkey
from core.adapters.redis.memory import KEPT_TURNS, RedisMemory
from core.adapters.redis.profiles import preferences_key
from core.domain import Conversation, Person, Turn
from core.errors import MemoryUnavailableError
from core.people.preferences import Format, Length, Preferences, Tone
from core.ports import Memory
from tests.conftest import all_keys

ANNA = Person("slack", "T1", "anna")
BEN = Person("slack", "T1", "ben")
CHANNEL = Conversation("slack", "T1", "C1", "17.5")
PRIVATE = Conversation("slack", "T1", "D1")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def memory(redis: Redis) -> Memory:
    return RedisMemory(redis)


def turn(number: int, person: Person = ANNA) -> Turn:
    return Turn(person, f"question {number} ✓", f"answer\n{number}", START + timedelta(seconds=number))


async def test_turns_come_back_as_they_were_oldest_first(memory: Memory) -> None:
    """The last turns of a conversation are kept whole and in order."""
    for number in range(5):
        await memory.append(CHANNEL, turn(number))
    assert await memory.turns(CHANNEL, limit=3) == [turn(2), turn(3), turn(4)]
    assert await memory.turns(CHANNEL, limit=99) == [turn(number) for number in range(5)]


async def test_an_unknown_conversation_has_no_turns(memory: Memory) -> None:
    """Someone new has no past, and no turns asked for are no turns."""
    assert await memory.turns(CHANNEL, limit=5) == []
    await memory.append(CHANNEL, turn(0))
    assert await memory.turns(CHANNEL, limit=0) == []


async def test_the_oldest_turns_go(memory: Memory) -> None:
    """A conversation keeps its last turns only."""
    for number in range(KEPT_TURNS + 3):
        await memory.append(CHANNEL, turn(number))
    kept = await memory.turns(CHANNEL, limit=10 * KEPT_TURNS)
    assert kept == [turn(number) for number in range(3, KEPT_TURNS + 3)]


async def test_the_same_turn_is_kept_once(memory: Memory) -> None:
    """Who cannot know whether a turn arrived may send it again."""
    for number in (1, 2, 1):
        await memory.append(CHANNEL, turn(number))
    assert await memory.turns(CHANNEL, limit=9) == [turn(1), turn(2)]


async def test_preferences_are_the_defaults_until_set(memory: Memory) -> None:
    """Preferences are each person's own and are replaced whole."""
    assert (await memory.wishes(ANNA)).preferences == Preferences()
    wanted = Preferences(Length.SHORT, Tone.FORMAL, Format.STEPS)
    await memory.change_wishes(ANNA, lambda old: replace(old, preferences=wanted))
    assert (await memory.wishes(ANNA)).preferences == wanted
    assert (await memory.wishes(BEN)).preferences == Preferences()


async def test_forgetting_takes_one_person_only(memory: Memory) -> None:
    """A person's turns go in every conversation; what others said in the same ones stays."""
    for number, person in enumerate((ANNA, BEN, ANNA, BEN)):
        await memory.append(CHANNEL, turn(number, person))
    await memory.append(PRIVATE, turn(9))
    await memory.change_wishes(ANNA, lambda old: replace(old, preferences=Preferences(Length.SHORT)))
    await memory.change_wishes(BEN, lambda old: replace(old, preferences=Preferences(Length.DETAILED)))

    await memory.forget(ANNA)

    assert await memory.turns(CHANNEL, limit=9) == [turn(1, BEN), turn(3, BEN)]
    assert await memory.turns(PRIVATE, limit=9) == []
    assert (await memory.wishes(ANNA)).preferences == Preferences()
    assert (await memory.wishes(BEN)).preferences == Preferences(Length.DETAILED)


async def test_a_forgotten_person_may_come_back(memory: Memory) -> None:
    """Forgetting is no ban, may be repeated, and works a second time."""
    await memory.append(CHANNEL, turn(1))
    await memory.forget(ANNA)
    await memory.forget(ANNA)
    await memory.append(CHANNEL, turn(2))
    assert await memory.turns(CHANNEL, limit=9) == [turn(2)]
    await memory.forget(ANNA)
    assert await memory.turns(CHANNEL, limit=9) == []


async def test_what_is_said_while_forgetting_can_still_be_forgotten(memory: Memory) -> None:
    """However turns and forgetting interleave, forgetting once more leaves nothing."""
    said = [memory.append(CHANNEL, turn(number)) for number in range(60)]
    forgotten = [memory.forget(ANNA) for _ in range(6)]
    await asyncio.gather(*said[:30], *forgotten, *said[30:])
    await memory.forget(ANNA)
    assert await memory.turns(CHANNEL, limit=99) == []


async def test_nothing_of_a_forgotten_person_is_left(memory: Memory, redis: Redis) -> None:
    """Not even an empty key remains."""
    await memory.append(CHANNEL, turn(1))
    await memory.change_wishes(ANNA, lambda old: replace(old, preferences=Preferences(Length.SHORT)))
    await memory.forget(ANNA)
    assert await all_keys(redis) == []


@pytest.mark.parametrize("stored", ["{", "[]", '"x"', "null", b"\xff", '{"length": 3}', '{"length": "huge"}'])
async def test_preferences_that_cannot_be_read_are_the_defaults(memory: Memory, redis: Redis, stored: bytes) -> None:
    """A damaged value never locks a person out."""
    await redis.set(preferences_key(ANNA), stored)
    assert (await memory.wishes(ANNA)).preferences == Preferences()


async def test_an_unknown_value_costs_only_itself(memory: Memory, redis: Redis) -> None:
    """A value or a field of another version is passed over; the rest holds."""
    key = preferences_key(ANNA)
    await redis.set(key, '{"length": "huge", "tone": "formal", "mood": "good"}')
    assert (await memory.wishes(ANNA)).preferences == Preferences(tone=Tone.FORMAL)


async def test_a_turn_that_cannot_be_read_is_left_out(memory: Memory, redis: Redis) -> None:
    """One damaged turn does not hide the others, and forgetting removes it."""
    await memory.append(CHANNEL, turn(1, BEN))
    await memory.append(CHANNEL, turn(2))
    await redis.rpush(redis_memory.turns_key(CHANNEL), "{damaged")
    assert await memory.turns(CHANNEL, limit=9) == [turn(1, BEN), turn(2)]
    await memory.forget(ANNA)
    assert await redis.llen(redis_memory.turns_key(CHANNEL)) == 1


async def test_a_silent_server_is_named_without_its_password() -> None:
    """The operator reads what to check, and no secret reaches a log."""
    async with valkey.remote("redis://user:s3cret@127.0.0.1:1/0") as client:
        with pytest.raises(MemoryUnavailableError) as caught:
            await RedisMemory(client).ping()
    assert "REDIS_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_an_error_of_the_server_quotes_nothing_a_person_wrote(memory: Memory, redis: Redis) -> None:
    """The text of a turn stays out of errors, and so out of logs."""
    await redis.set(redis_memory.turns_key(CHANNEL), "no list")
    with pytest.raises(MemoryUnavailableError) as caught:
        await memory.append(CHANNEL, turn(1))
    assert "question" not in str(caught.value)


AWKWARD = st.text(st.sampled_from(string.ascii_lowercase[:2] + ":%{}é/ \n😀3A"), max_size=4)


@given(*[st.tuples(AWKWARD, AWKWARD, AWKWARD, AWKWARD)] * 2)
def test_different_ids_never_share_a_key(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """Whatever signs ids hold, keys are equal only where all parts are."""
    turns = [redis_memory.turns_key(Conversation(*parts)) for parts in (one, other)]
    people = [preferences_key(Person(*parts[:3])) for parts in (one, other)]
    assert (turns[0] == turns[1]) == (one == other)
    assert (people[0] == people[1]) == (one[:3] == other[:3])
    assert all(key.count("{") == key.count("}") == 1 for key in (*turns, *people))
