"""A profile that comes from outside, however hostile: it restores its person's own state and moves nobody else."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.ranking import select
from core.domain import EVERYONE, Passage, Person, RankedPassage
from core.errors import InvalidPreferenceError
from core.people.interests import KEPT, SLACK, Action, DocumentTally, Signal, packed
from core.people.people import People
from core.people.portable import taken_over, written
from core.people.preferences import PreferenceSet
from core.people.team import HEARD, HEARD_IN_ALL, Contribution, Team, bounded

ANN, BEN, EVE = (Person("slack", "T1", user) for user in ("ann", "ben", "eve"))
NOW = datetime.now(UTC)
SOURCES = tuple(f"/doc{number}.md" for number in range(4))
RNG = np.random.default_rng(0)
DIRECTIONS = [row / np.linalg.norm(row) for row in RNG.normal(size=(4, 16))]
UNIT = packed(DIRECTIONS[0])


def done(number: int, act: Action, source: str, minutes: int = 0) -> Signal:
    at = NOW - timedelta(days=2) + timedelta(minutes=minutes or number)
    return Signal(f"own{number}", act, at, UNIT, shown=SOURCES, credited=((source, 1.0),))


class World:
    """Three teammates who share; all have asked and judged."""

    def __init__(self, redis: Redis) -> None:
        self.memory, self.usage = RedisMemory(redis), RedisUsage(redis)
        self.people = People(self.memory, self.usage)

    async def begun(self) -> World:
        for person, source in ((ANN, SOURCES[0]), (BEN, SOURCES[1]), (EVE, SOURCES[2])):
            await self.people.change(person, lambda old: replace(old, shares=True, strength=100))
            learned = await self.memory.learn(person, [done(0, Action.ASKED, source), done(1, Action.UP, source)])
            await self.memory.contribute(person, Contribution(learned.done_here, frozenset({EVERYONE}), shares=True))
        return self

    async def rankings(self) -> list[Any]:
        """What the other two read, in numbers, to the last bit; by a process that has read the team anew."""
        people, found = People(self.memory, self.usage), []
        for person in (ANN, BEN):
            asker = await people.asker(person, plain=False)
            read = select(asker, CANDIDATES, CANDIDATES[:3], NOW.timestamp(), 1e-3)
            found.append((read.tilt.total.tolist(), read.priors(), [row.passage.id for row in read.rows]))
        return found


def candidate(number: int, probability: float) -> RankedPassage:
    passage = Passage(f"id{number}", SOURCES[number], "T", (), f"text {number}", 1, 0, 1, "v")
    return RankedPassage(passage, probability, 0.5, 1.0, DIRECTIONS[number])


CANDIDATES = [candidate(number, p) for number, p in enumerate((0.34, 0.26, 0.22, 0.18))]


@pytest.fixture
async def world(redis: Redis) -> World:
    return await World(redis).begun()


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([1e9, -100.0, 1e300, -1e300, 0.0, 1.0, 0.5, "1e9", None, True, 10**40]),
)
VECTORS = st.sampled_from(
    [UNIT, "", "d", "h", "d!", packed(np.full(16, np.nan)), packed(np.full(16, np.inf)), packed(np.zeros(16)),
     packed(1e300 * DIRECTIONS[1]), packed(-DIRECTIONS[2]), packed(DIRECTIONS[1][:3]), packed(np.ones(1))]
)  # fmt: skip
TIMES = st.sampled_from(
    ["2026-11-27T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-11-27T00:00:00", "1e18", 0, -1e12]
)
NAMES = st.sampled_from([*SOURCES, "", "x" * 5000, "own0", "own1", "\0"])
SIGNALS = st.fixed_dictionaries(
    {"id": NAMES, "act": st.sampled_from([*map(str, Action), "sold"]), "at": TIMES, "vector": VECTORS},
    optional={
        "credited": st.lists(st.tuples(NAMES, NUMBERS).map(list), max_size=3),
        "shown": st.lists(NAMES, max_size=40),
        "reason": st.sampled_from(["too long", "wrong", None]),
        "imported": st.booleans(),
        "phrases": st.lists(NAMES, max_size=10),
    },
)
GOOD = {
    "id": "good", "act": "up", "at": "2026-11-27T00:00:00Z", "vector": UNIT, "credited": [[SOURCES[3], 1.0]],
    "shown": list(SOURCES), "imported": False,
}  # fmt: skip
PROFILES = st.fixed_dictionaries(
    {
        "wishes": st.fixed_dictionaries(
            {},
            optional={
                "shares": st.booleans(),
                "strength": st.sampled_from([-5, 0, 100, 10**30]),
                "paused": st.booleans(),
            },
        ),
        "signals": st.lists(st.one_of(SIGNALS, st.integers(0, 9).map(lambda n: {**GOOD, "id": f"g{n}"})), max_size=6),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PROFILES)
async def test_whatever_somebody_imports_nobody_elses_ranking_changes(redis: Redis, profile: Mapping[str, Any]) -> None:
    """Taken over or refused: what teammates read stays as it was, at once and after the importer's next answer."""
    await redis.flushall()
    world = await World(redis).begun()
    before = await world.rankings()
    with suppress(InvalidPreferenceError):
        await world.people.import_(EVE, json.dumps(profile))
    assert await world.rankings() == before
    learned = await world.memory.learned(EVE)
    await world.people._tell_team(EVE, learned, frozenset({EVERYONE}))  # as after an answer
    assert await world.rankings() == before
    own = select(await world.people.asker(EVE, plain=False), CANDIDATES, CANDIDATES[:3], time.time(), 1e-3)
    assert np.isfinite(own.tilt.total).all()


@pytest.mark.parametrize("value", ["1e9", "-100", "1e300", "Infinity", "-Infinity", "NaN", '"x"'])
async def test_a_credit_that_is_no_share_is_refused(world: World, value: str) -> None:
    text = json.dumps({"wishes": {}, "signals": [GOOD]}).replace("1.0]", f"{value}]")
    with pytest.raises(InvalidPreferenceError, match="isn't a profile that I exported"):
        await world.people.import_(EVE, text)
    assert (await world.memory.learned(EVE)).done_here == (await world.memory.learned(EVE)).tallies


async def test_a_flood_of_imported_signals_drives_out_nothing_that_was_done_here(world: World) -> None:
    """Also where it is newer than all of it; the log keeps to its size."""
    before, others = await world.memory.learned(EVE), await world.rankings()
    flood = [replace(done(n, Action.UP, SOURCES[3], 500 + n), id=f"flood{n}") for n in range(KEPT + SLACK)]
    await world.people.import_(EVE, written(PreferenceSet(), flood))
    signals, learned = await world.memory.signals(EVE), await world.memory.learned(EVE)
    assert len(signals) == KEPT
    assert [one.id for one in signals if not one.imported] == ["own0", "own1"]
    assert learned.done_here == before.tallies
    assert learned.tallies[SOURCES[3]].useful == KEPT - 2
    assert await world.rankings() == others


async def test_ones_own_export_brought_back_changes_nothing(world: World) -> None:
    """What was done here stays so: an import takes the place of no signal."""
    before, signals = await world.memory.learned(EVE), await world.memory.signals(EVE)
    await world.people.import_(EVE, await world.people.export(EVE))
    assert await world.memory.signals(EVE) == signals
    assert (await world.memory.learned(EVE)).done_here == before.tallies == (await world.memory.learned(EVE)).tallies


async def test_an_import_neither_shares_nor_stops_sharing(world: World) -> None:
    """What others are told is agreed to where they are."""
    for shares in (True, False):
        await world.people.change(EVE, lambda old, shares=shares: replace(old, shares=shares))
        await world.people.import_(EVE, written(PreferenceSet(shares=not shares, strength=7), ()))
        wishes = await world.memory.wishes(EVE)
        assert (wishes.shares, wishes.strength) == (shares, 7)


def test_signals_that_come_from_a_clock_ahead_are_as_of_now() -> None:
    """Within a day; from further ahead they are none of ours."""
    ahead = replace(done(1, Action.UP, SOURCES[0]), at=NOW + timedelta(hours=3))
    (signal,) = taken_over(written(PreferenceSet(), [ahead]), NOW).signals
    assert (signal.at, signal.imported) == (NOW, True)
    with pytest.raises(InvalidPreferenceError):
        taken_over(written(PreferenceSet(), [replace(ahead, at=NOW + timedelta(days=3))]), NOW)


COUNTS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 50))
TALLIES = st.dictionaries(st.sampled_from([*SOURCES, "/e", "/f"]), st.builds(DocumentTally, COUNTS, COUNTS, COUNTS))


@given(TALLIES)
def test_whatever_a_store_holds_of_one_person_has_bounds_in_the_team(tallies: Mapping[str, DocumentTally]) -> None:
    """Numbers only, for each document and in all; and what it says of documents is finite."""
    heard = bounded(tallies)
    counts = [(one.useful, one.examined, one.answered) for one in heard.values()]
    assert all(0 <= count <= HEARD * (1 + 1e-9) for one in counts for count in one)
    assert sum(map(max, counts)) <= HEARD_IN_ALL * (1 + 1e-9)
    team = Team({"eve": Contribution(tallies, frozenset({EVERYONE}), shares=True)})
    documents = [(source, (EVERYONE,)) for source in SOURCES]
    assert np.isfinite(team.prior(documents, "ben")).all()
    assert np.isfinite(team.shared_taste(documents, "ben", dict.fromkeys(SOURCES, 1.0))).all()


def test_one_person_is_heard_no_more_for_a_thousand_thumbs_than_for_twenty() -> None:
    documents = [(source, (EVERYONE,)) for source in SOURCES]

    def prior(times: float) -> list[float]:
        said = Contribution({SOURCES[0]: DocumentTally(times, times)}, frozenset({EVERYONE}))
        others = Contribution({source: DocumentTally(5.0, 10.0) for source in SOURCES}, frozenset({EVERYONE}))
        return list(Team({"eve": said, "ann": others}).prior(documents, "ben"))

    assert prior(1000) == prior(HEARD) == prior(1e300)
