"""What leaves the memory with a document: not only traces, and whoever's it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.profiles import learned_key, signals_key, trace_order_key, traces_key
from core.adapters.redis.usage import RedisUsage
from core.answering.prompt import NOT_FOUND
from core.documents.gaps import Gap
from core.domain import EVERYONE, Conversation, Outcome, Passage, Person, Source, Turn
from core.people import interests
from core.people.interests import Action, Signal
from core.people.profile import in_words
from core.people.team import Contribution
from core.people.traces import PassageWeight, Trace

ANN, BEN = Person("slack", "T1", "ann"), Person("slack", "T1", "ben")
HERE = Conversation("slack", "T1", "C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
GONE, KEPT = "/gone „ü“.md", "/kept.md"
VECTOR = interests.packed(interests.unpacked("d" + "AAAAAAAA8D8="))  # one number, 1.0


@pytest.fixture
def memory(redis: Redis) -> RedisMemory:
    return RedisMemory(redis)


def passage(source: str) -> Passage:
    return Passage("p", source, source.strip("/"), (), f"text of {source}", 1, 0, 1, "v")


async def answered(memory: RedisMemory, person: Person, number: int, source: str, share: float = 1.0) -> None:
    at, question = START + timedelta(minutes=number), f"question {number}"
    trace = Trace(
        f"{number:016}",
        person,
        question,
        at,
        (EVERYONE,),
        Outcome.ANSWERED,
        passages=(PassageWeight("p", source, "", 1.0, 1.0, share=share),),
        sources=(Source(1, passage(source)),) if share == 1.0 else (),
    )
    await memory.append(HERE, Turn(person, question, f"words of {source}", at), trace)


async def test_the_words_of_answers_that_rest_on_it_go_and_the_questions_stay(memory: RedisMemory) -> None:
    """Whoever was answered; an answer from another document stays as it was."""
    for number, (person, source, share) in enumerate(
        [(ANN, GONE, 1.0), (BEN, GONE, 1.0), (ANN, KEPT, 1.0), (BEN, GONE, 0.3), (BEN, GONE, 0.001)]
    ):
        await answered(memory, person, number, source, share)
    await memory.forget_documents({GONE})
    turns = await memory.turns(HERE, limit=9)
    assert [turn.question for turn in turns] == [f"question {number}" for number in range(5)]
    assert [turn.answer for turn in turns] == [NOT_FOUND] * 2 + [f"words of {KEPT}", NOT_FOUND, f"words of {GONE}"]
    await memory.forget_documents({GONE})  # again, after a failure say
    assert await memory.turns(HERE, limit=9) == turns


async def test_what_came_closest_goes_from_traces_and_gaps(memory: RedisMemory, redis: Redis) -> None:
    """By its title, also with headings behind it."""
    usage = RedisUsage(redis)
    near = Passage("p", GONE, "Gone", ("How",), "text", 1, 0, 1, "v")
    sources = (Source(1, near), Source(2, passage(KEPT)))
    places = tuple(one.passage.heading_path for one in sources)
    trace = Trace("t", ANN, "?", START, (EVERYONE,), Outcome.NOT_FOUND, sources=sources, nearest=places)
    await memory.append(HERE, Turn(ANN, "?", NOT_FOUND, START), trace)
    await usage.note_gap(Gap("?", ANN, START, places))
    await usage.note_gap(Gap("??", ANN, START, ("Gone", "Gone too")))
    await memory.forget_documents({GONE})
    await usage.forget_documents([GONE], {"Gone"})
    left = await memory.trace(ANN)
    assert left is not None
    assert (left.sources, left.nearest) == (sources[1:], places[1:])
    assert [gap.nearest for gap in await usage.gaps()] == [places[1:], ("Gone too",)]


async def test_it_leaves_the_log_the_state_and_the_team(memory: RedisMemory, redis: Redis) -> None:
    """The state is that of the log without it, and other documents keep their ranks."""
    signals = [
        Signal("a:asked", Action.ASKED, START, VECTOR, shown=(GONE, KEPT)),
        Signal("a:verdict", Action.UP, START + timedelta(seconds=1), VECTOR, credited=((GONE, 0.5), (KEPT, 0.5))),
        Signal("b:asked", Action.ASKED, START + timedelta(seconds=2), VECTOR, shown=(KEPT,)),
    ]
    learned = await memory.learn(ANN, signals)
    await memory.contribute(ANN, Contribution(learned.tallies, frozenset({EVERYONE}), shares=True))
    await memory.forget_documents({GONE})
    after, log = await memory.learned(ANN), await memory.signals(ANN)
    assert after == interests.replay(log)
    assert after.tallies == {KEPT: learned.tallies[KEPT]}
    assert [one.vector for one in after.interests] == [one.vector for one in learned.interests]
    assert (await memory.contributions("slack", "T1"))["ann"].tallies == {KEPT: learned.tallies[KEPT]}
    assert in_words(log, after, START.timestamp())[0].documents == (KEPT,)
    assert await redis.hget(signals_key(ANN), "b:asked")


async def test_a_record_that_names_it_and_cannot_be_read_goes(memory: RedisMemory, redis: Redis) -> None:
    """Others that cannot be read stay for the version that can."""
    await answered(memory, ANN, 1, KEPT)
    await redis.hset(traces_key(ANN), "new", f'{{"version": 9, "in": "{GONE}"}}')
    await redis.rpush(trace_order_key(ANN), "new")
    await redis.hset(traces_key(ANN), "other", '{"version": 9}')
    await redis.hset(signals_key(ANN), "new", f'{{"version": 9, "in": "{GONE}"}}')
    await memory.forget_documents({GONE})
    assert set(await redis.hkeys(traces_key(ANN))) == {b"0" * 15 + b"1", b"other"}
    assert await redis.lrange(trace_order_key(ANN), 0, -1) == [b"0" * 15 + b"1"]
    assert not await redis.hexists(signals_key(ANN), "new")


async def test_who_was_forgotten_is_not_back(memory: RedisMemory, redis: Redis) -> None:
    await answered(memory, ANN, 1, GONE)
    await memory.learn(ANN, [Signal("a:asked", Action.ASKED, START, VECTOR, shown=(GONE,))])
    await memory.forget(ANN)
    await memory.forget_documents({GONE})
    assert not await redis.exists(learned_key(ANN), traces_key(ANN), signals_key(ANN))
