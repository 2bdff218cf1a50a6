"""What every `Memory` promises of people: wishes, the log, traces, the team; held by `RedisMemory`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.profiles import KEPT_TRACES, aside_key, preferences_key, trace_order_key, traces_key
from core.adapters.redis.studies import study_key
from core.domain import EVERYONE, Conversation, Outcome, Passage, Person, Source, Turn
from core.learning.study import CourseRecord, PassageRef, QuizCard, QuizQuestion, Study
from core.people import interests
from core.people.interests import KEPT, SLACK, Action, DocumentTally, Signal, event_vector
from core.people.preferences import Language, Length, Polarity, Preferences, PreferenceSet, changed, undone, with_stated
from core.people.team import Contribution
from core.people.traces import PassageWeight, Trace
from core.ports import Memory
from tests.conftest import all_keys

ANNA, BEN = Person("slack", "T1", "anna"), Person("slack", "T1", "ben")
HERE = Conversation("slack", "T1", "C1")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def memory(redis: Redis) -> Memory:
    return RedisMemory(redis)


def signal(number: int, act: Action = Action.ASKED, *, seconds: float | None = None, name: str = "") -> Signal:
    direction = np.random.default_rng(number).standard_normal(8)
    direction /= np.linalg.norm(direction)
    at = START + timedelta(seconds=number if seconds is None else seconds)
    vector = event_vector(direction, [direction], [1.0])
    return Signal(name or f"s{number}", act, at, vector, shown=("/a", "/b"), credited=(("/a", 1.0),), phrases=("word",))


def trace(number: int, person: Person = ANNA) -> Trace:
    return Trace(f"{number:016}", person, f"Question {number}?", START, (EVERYONE,), Outcome.ANSWERED)


def passage(source: str) -> Passage:
    return Passage("p", source, "Title", (), f"text of {source}", 1, 0, 1, "v")


async def keep(memory: Memory, trace: Trace) -> None:
    await memory.append(HERE, Turn(trace.person, trace.question, "Answer.", START), trace)


def wished(text: str = "worked examples") -> PreferenceSet:
    preferences = Preferences(Length.SHORT, language=Language.GERMAN)
    return with_stated(PreferenceSet(preferences, strength=70, shares=True), text, Polarity.LIKE, START)


async def test_wishes_come_back_as_they_were(memory: Memory) -> None:
    """Everything that was set and said is kept, each person's own, with what undoes it."""
    assert await memory.wishes(ANNA) == PreferenceSet()
    kept = await memory.change_wishes(ANNA, lambda old: changed(old, wished()))
    assert await memory.wishes(ANNA) == kept
    assert undone(kept) == PreferenceSet()
    assert await memory.wishes(BEN) == PreferenceSet()


async def test_preferences_are_replaced_and_what_was_said_stays(memory: Memory) -> None:
    """Choices and words are changed apart from each other."""
    await memory.change_wishes(ANNA, lambda _: wished())
    await memory.change_wishes(ANNA, lambda old: replace(old, preferences=Preferences(Length.DETAILED)))
    wishes = await memory.wishes(ANNA)
    assert wishes.preferences == Preferences(Length.DETAILED)
    assert wishes.stated == wished().stated


async def test_an_unknown_wish_costs_only_itself(memory: Memory, redis: Redis) -> None:
    """A value of another version is passed over; the rest holds."""
    await redis.set(preferences_key(ANNA), '{"length": "short", "level": "guru", "strength": "much", "paused": true}')
    assert await memory.wishes(ANNA) == PreferenceSet(Preferences(Length.SHORT), paused=True)


async def test_changes_of_wishes_at_the_same_time_are_all_kept(memory: Memory) -> None:
    """Ten preferences that are stated at once are ten preferences."""
    await asyncio.gather(
        *[
            memory.change_wishes(ANNA, lambda old, n=n: with_stated(old, f"topic {n}", Polarity.LIKE, START))
            for n in range(10)
        ]
    )
    stated = (await memory.wishes(ANNA)).stated
    assert {one.text for one in stated} == {f"topic {n}" for n in range(10)}
    assert {one.number for one in stated} == set(range(1, 11))


async def test_signals_that_come_at_the_same_time_are_all_learned(memory: Memory) -> None:
    """However signals interleave, the state is that of the whole log replayed, and nothing is lost."""
    signals = [signal(number, Action.UP if number % 3 else Action.ASKED) for number in range(24)]
    await asyncio.gather(*[memory.learn(ANNA, [one]) for one in signals])
    assert await memory.signals(ANNA) == signals
    assert await memory.learned(ANNA) == interests.replay(signals)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([Action.ASKED, Action.UP, Action.DOWN, Action.OPENED, None]),
        st.integers(0, 9),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
async def test_taking_back_or_changing_a_verdict_is_as_if_it_had_never_been(
    memory: Memory, redis: Redis, steps: list[tuple[int, Action | None, int]]
) -> None:
    """After any sequence of verdicts, changed verdicts and retractions, the state is the replay of what is left."""
    await redis.flushall()
    left: dict[str, Signal] = {}
    for number, act, seconds in steps:
        name = f"answer{number}"
        if act is None:
            left.pop(name, None)
            await memory.learn(ANNA, (), without=[name])
        else:
            left[name] = signal(number, act, seconds=seconds, name=name)
            await memory.learn(ANNA, [left[name]])
    assert await memory.learned(ANNA) == interests.replay(left.values())
    assert await memory.signals(ANNA) == interests.in_order(left.values())


async def test_the_log_stays_bounded(memory: Memory) -> None:
    """The oldest signals go in one stroke, and the state is that of the rest."""
    await memory.learn(ANNA, [signal(number) for number in range(KEPT)])
    await memory.learn(ANNA, [signal(number) for number in range(KEPT, KEPT + SLACK)])
    assert len(await memory.signals(ANNA)) == KEPT + SLACK
    await memory.learn(ANNA, [signal(KEPT + SLACK)])
    kept = await memory.signals(ANNA)
    assert [one.id for one in kept] == [f"s{number}" for number in range(SLACK + 1, KEPT + SLACK + 1)]
    assert await memory.learned(ANNA) == interests.replay(kept)


async def test_a_damaged_state_is_replayed(memory: Memory, redis: Redis) -> None:
    """The log is the truth; the state can be lost."""
    await memory.learn(ANNA, [signal(1), signal(2, Action.UP)])
    (key,) = [key for key in await all_keys(redis) if b"learned" in key]
    await redis.set(key, "{damaged")
    assert await memory.learned(ANNA) == interests.replay([signal(1), signal(2, Action.UP)])
    await memory.learn(ANNA, [signal(3)])
    assert await memory.learned(ANNA) == interests.replay([signal(1), signal(2, Action.UP), signal(3)])


async def test_wishes_and_what_was_learned_are_known_in_one_step(memory: Memory) -> None:
    """The same as one by one, of somebody new, too."""
    assert await memory.known(ANNA) == (await memory.wishes(ANNA), await memory.learned(ANNA))
    await memory.change_wishes(ANNA, lambda _: wished())
    await memory.learn(ANNA, [signal(1)])
    assert await memory.known(ANNA) == (await memory.wishes(ANNA), await memory.learned(ANNA))
    assert (await memory.known(ANNA))[1].events == 1


async def test_a_trace_is_found_by_its_answer_and_only_by_its_asker(memory: Memory) -> None:
    """By name, or the last one; somebody else's is none."""
    assert await memory.trace(ANNA) is None
    for number in (1, 2):
        await keep(memory, trace(number))
    await keep(memory, replace(trace(1), question="Asked again?"))
    assert await memory.trace(ANNA, trace(1).answer) == replace(trace(1), question="Asked again?")
    assert await memory.trace(ANNA) == trace(2)
    assert await memory.trace(BEN, trace(1).answer) is None
    assert await memory.trace(ANNA, "nothing") is None


async def test_a_document_leaves_the_traces_of_everybody(memory: Memory, redis: Redis) -> None:
    """With the passages that are kept there; answers and other sources stay, and nobody who was forgotten is back."""
    seen = replace(
        trace(1),
        passages=(PassageWeight("p", "/gone.md", "Gone", 0.5, 0.5), PassageWeight("q", "/kept.md", "Kept", 0.5, 0.5)),
        sources=(Source(1, passage("/gone.md")), Source(2, passage("/kept.md"))),
    )
    for person in (ANNA, BEN):
        await keep(memory, replace(seen, person=person))
    await keep(memory, trace(2))
    await redis.hset(traces_key(ANNA), "broken", "{}")
    await memory.forget(BEN)
    await memory.forget_documents({"/gone.md"})
    left = await memory.trace(ANNA, seen.answer)
    assert left == replace(seen, passages=seen.passages[1:], sources=seen.sources[1:])
    assert await memory.trace(ANNA, trace(2).answer) == trace(2)
    assert await memory.trace(BEN) is None
    assert b"gone" not in b"".join((await redis.hgetall(traces_key(ANNA))).values())
    assert len(await memory.turns(HERE, limit=9)) == 2


OLD_TRACE = b"""{
    "answer": "0000000000000001", "person": {"platform": "slack", "workspace": "T1", "user": "anna"},
    "question": "How long does it take?", "at": "2026-01-01T00:00:00Z", "audience": ["everyone"],
    "outcome": "answered", "passages": [{"passage": "p", "source": "/a.md", "place": "A", "impersonal": 0.7,
    "personal": 0.8, "team": 0.1, "taste": 0.0, "teammates": 0.0, "share": 1.0}], "sources": [], "nearest": [],
    "vector": "", "wishes": [], "events": 3, "gate": 0.5, "scale": 1.0, "plain": false}"""


async def test_a_trace_of_the_version_before_can_be_read(memory: Memory, redis: Redis) -> None:
    """It was kept when a trace had no verdict, and says that there was none."""
    await redis.hset(traces_key(ANNA), "0000000000000001", OLD_TRACE)
    await redis.rpush(trace_order_key(ANNA), "0000000000000001")
    found = await memory.trace(ANNA)
    assert found is not None
    assert found.passages == (PassageWeight("p", "/a.md", "A", 0.7, 0.8, 0.1, share=1.0),)
    assert (found.held, found.passages[0].held, found.passages[0].read) == (None, None, True)
    judged = replace(found, held=0.97, passages=(replace(found.passages[0], held=0.97, read=False),))
    await keep(memory, judged)
    assert await memory.trace(ANNA) == judged


async def test_the_oldest_traces_go(memory: Memory) -> None:
    """A person's traces are bounded."""
    for number in range(KEPT_TRACES + 2):
        await keep(memory, trace(number))
    assert await memory.trace(ANNA, trace(1).answer) is None
    assert await memory.trace(ANNA, trace(2).answer) == trace(2)


async def test_a_team_is_what_its_people_contribute(memory: Memory) -> None:
    """Contributions are each person's own and replaced whole; another workspace has others."""
    contribution = Contribution({"/a": DocumentTally(1.0, 2.5, 1.0)}, frozenset({EVERYONE}), shares=True)
    for person in (ANNA, BEN):
        await memory.learn(person, [signal(1)])
        await memory.contribute(person, Contribution())
        await memory.contribute(person, contribution)
    assert await memory.contributions("slack", "T1") == {"anna": contribution, "ben": contribution}
    assert await memory.contributions("slack", "T2") == {}
    await memory.forget_interests(ANNA)
    assert set(await memory.contributions("slack", "T1")) == {"ben"}


async def test_of_a_forgotten_person_nothing_is_contributed(memory: Memory, redis: Redis) -> None:
    """What was on its way when they were forgotten leaves no trace."""
    await memory.learn(ANNA, [signal(1)])
    await memory.forget(ANNA)
    await memory.contribute(ANNA, Contribution({"/a": DocumentTally(1.0, 1.0)}, frozenset({EVERYONE})))
    assert await all_keys(redis) == []


async def test_forgetting_takes_all_of_one_person(memory: Memory, redis: Redis) -> None:
    """Wishes, log, state, traces, contribution and turns go; the other person's stay."""
    for person in (ANNA, BEN):
        await memory.change_wishes(person, lambda _: wished())
        await memory.learn(person, [signal(1)])
        await keep(memory, trace(1, person))
        await memory.contribute(person, Contribution({"/a": DocumentTally(1.0, 1.0)}, frozenset({EVERYONE})))
    await memory.forget(ANNA)
    assert not any(b"anna" in key for key in await all_keys(redis))
    assert [turn.person for turn in await memory.turns(HERE, limit=9)] == [BEN]
    assert set(await memory.contributions("slack", "T1")) == {"ben"}
    assert await memory.wishes(BEN) == wished()
    await memory.forget(BEN)
    assert await all_keys(redis) == []


async def test_forgetting_history_leaves_what_was_learned_without_its_words(memory: Memory) -> None:
    """Traces and turns go, and words of questions; the interests stay as they were."""
    await memory.learn(ANNA, [signal(1)])
    await keep(memory, trace(1))
    before = await memory.learned(ANNA)
    await memory.forget_history(ANNA)
    assert await memory.trace(ANNA) is None
    assert await memory.turns(HERE, limit=9) == []
    assert await memory.learned(ANNA) == before == interests.replay(await memory.signals(ANNA))
    assert [one.phrases for one in await memory.signals(ANNA)] == [()]


async def test_what_is_studied_changes_as_a_whole(memory: Memory):
    """Changes at the same time are made one behind the other; nothing left is nothing kept."""

    def grown(study: Study) -> Study:
        return replace(study, asked=f"{study.asked}x")

    await asyncio.gather(*(memory.change_study(ANNA, grown) for _ in range(10)))
    assert (await memory.study(ANNA)).asked == "x" * 10
    assert await memory.study(BEN) == Study()
    await memory.change_study(ANNA, lambda _: Study())
    assert await memory.study(ANNA) == Study()


async def test_what_is_studied_goes_with_its_document_and_with_its_person(memory: Memory, redis: Redis):
    """A removed document takes its cards, a forgotten person all; what cannot be read is put aside, and goes too."""
    cards = tuple(
        QuizCard(name, QuizQuestion("Who?", ("a", "b", "c", "d"), 0, ""), PassageRef(f"/{name}.md", "P", "0"))
        for name in ("leave", "travel")
    )
    await memory.change_study(ANNA, lambda _: Study(cards))
    await memory.forget_documents({"/leave.md"})
    assert [card.id for card in (await memory.study(ANNA)).cards] == ["travel"]
    key = study_key(ANNA)
    assert await redis.ttl(key) > 0
    await redis.set(key, b'{"version": 99}')
    assert await memory.study(ANNA) == Study()
    await memory.change_study(ANNA, lambda _: Study(asked="x"))
    assert await redis.hvals(aside_key(ANNA)) == [b'{"version": 99}']
    await memory.forget(ANNA)
    assert await redis.exists(key, aside_key(ANNA)) == 0


async def test_only_those_are_counted_in_a_course_who_agreed(memory: Memory, redis: Redis):
    """Their records come without a name, and go with their word or with their person; what cannot be read is no one."""
    record = CourseRecord("starting", ("a",), ())
    for person, counted in ((ANNA, True), (BEN, False), (Person("slack", "T1", "carl"), None)):
        await memory.change_study(person, lambda old, counted=counted: replace(old, records=(record,), counted=counted))
    await redis.set(study_key(Person("slack", "T1", "dora")), b'{"version": 99}')
    assert await memory.course_records() == [record]
    await memory.change_study(BEN, lambda old: replace(old, counted=True))
    assert await memory.course_records() == [record, record]
    await memory.forget(ANNA)
    assert await memory.course_records() == [record]
    await memory.change_study(BEN, lambda old: replace(old, counted=False))
    assert await memory.course_records() == []
