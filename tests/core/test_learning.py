"""What follows from a log of signals, over random logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.ranking import affinity
from core.people import interests
from core.people.interests import (
    HALF_LIFE,
    KEPT,
    KEPT_DAYS,
    MOST,
    Action,
    LearnedProfile,
    Reason,
    Signal,
    event_vector,
    replay,
    step,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
DIMENSION = 6


def axis(number: int) -> np.ndarray:
    return np.eye(DIMENSION, dtype=np.float32)[number]


def signal(
    number: int, act: Action = Action.ASKED, direction: int = 0, reason: Reason | None = None, days: float = 0.0
) -> Signal:
    vector = event_vector(axis(direction), [axis(direction)], [1.0])
    at = START + timedelta(days=days, seconds=number)
    return Signal(
        f"{number}:{act}", act, at, vector, reason, shown=(f"/{direction}", "/z"), credited=((f"/{direction}", 1.0),)
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Signal]:
    """Signals of all kinds in random directions, far apart or at the same moment, each id once."""
    made = []
    for number in range(draw(st.integers(0, 25))):
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        question, passage = rng.standard_normal((2, DIMENSION))
        vector = event_vector(question / np.linalg.norm(question), [passage / np.linalg.norm(passage)], [1.0])
        at = START + timedelta(seconds=draw(st.sampled_from([0, 1, 1000, 10**6, 10**7])))
        act, reason = draw(st.sampled_from(Action)), draw(st.sampled_from([None, *Reason]))
        made.append(Signal(f"{number}", act, at, vector, reason, ("/a", "/b"), (("/a", 0.5),)))
    return made


@given(logs(), st.randoms())
def test_a_log_leads_to_one_state_in_whatever_order_it_is_given(log: list[Signal], random) -> None:
    """Replaying is a function of the set of signals."""
    shuffled = list(log)
    random.shuffle(shuffled)
    assert replay(shuffled) == replay(log)


@given(logs())
def test_stepping_is_replaying(log: list[Signal]) -> None:
    """Signals that come one by one, in order, lead to the state of the whole log, to the last bit."""
    state = LearnedProfile()
    for count, one in enumerate(interests.in_order(log), start=1):
        state = step(state, one)
        assert state == replay(interests.in_order(log)[:count])


@given(logs())
def test_interests_stay_few_heavy_and_of_unit_length(log: list[Signal]) -> None:
    """At most four interests, each with a positive mass and a unit vector."""
    state = replay(log)
    assert len(state.interests) <= MOST
    for one in state.interests:
        assert one.mass > 0
        assert np.linalg.norm(interests.unpacked(one.vector)) == pytest.approx(1)


def test_signals_in_one_direction_are_one_interest() -> None:
    """Near signals add up; a far one begins an interest of its own."""
    state = replay([signal(0), signal(1), signal(2, direction=1)])
    assert [round(one.mass, 3) for one in state.interests] == [0.3, 0.15]
    assert np.allclose(interests.unpacked(state.interests[0].vector), axis(0), atol=1e-3)


@pytest.mark.parametrize(
    ("act", "reason", "mass"),
    [
        (Action.UP, None, 1.15),
        (Action.OPENED, None, 0.45),
        (Action.REPHRASED, None, 0.05),
        (Action.DOWN, None, 0.15),
        (Action.DOWN, Reason.WRONG, 0.15),
        (Action.DOWN, Reason.TOO_LONG, 0.15),
    ],
)
def test_each_act_weighs_what_it_should(act: Action, reason: Reason | None, mass: float) -> None:
    """A 👎 moves interests only where the topic was wrong."""
    state = replay([signal(0), signal(1, act, reason=reason)])
    assert state.interests[0].mass == pytest.approx(mass, abs=1e-4)


def test_a_topic_that_is_not_mine_goes() -> None:
    """👎 for the topic takes away more than a question gives."""
    assert replay([signal(0), signal(1, Action.DOWN, reason=Reason.NOT_MY_TOPIC)]).interests == ()


def test_the_lightest_interest_makes_room() -> None:
    """A fifth direction takes the place of the lightest, never of a heavy one."""
    log = [signal(n, Action.UP, direction=n) for n in (0, 1, 2)] + [signal(3, direction=3), signal(4, direction=4)]
    state = replay(log)
    assert len(state.interests) == MOST
    directions = {int(np.argmax(interests.unpacked(one.vector))) for one in state.interests}
    assert directions == {0, 1, 2, 4}


def test_interests_halve_in_sixty_days_and_a_session_in_one() -> None:
    """Long taste fades slowly, what somebody is busy with fast."""
    state = replay([signal(0, Action.UP)])
    now = START.timestamp()
    assert state.interests[0].mass_at(now + HALF_LIFE) == pytest.approx(0.5)
    assert state.recent is not None
    later = replay([signal(0, Action.UP), signal(1, direction=1, days=10)])
    assert later.recent is not None
    assert interests.unpacked(later.recent.vector)[1] > 0.99


@pytest.mark.parametrize("act", [Action.UP, Action.DOWN])
def test_a_verdict_on_an_answer_that_found_nothing_moves_no_interest(act: Action) -> None:
    """There is nothing that it was about; "too long" still counts for the style."""
    before = [signal(1), signal(2, direction=2)]
    verdict = replace(signal(3, act, reason=Reason.TOO_LONG), vector="", shown=(), credited=())
    learned = replay([*before, verdict])
    assert learned.interests == replay(before).interests
    assert learned.events == 2
    assert learned.brevity == (1.0 if act is Action.DOWN else 0.0)


def test_another_embedder_begins_anew() -> None:
    """Interests of another dimension go with the first signal of the new one, and break nothing before."""
    wide = np.zeros(2 * DIMENSION, np.float32)
    wide[3] = 1
    new = Signal("new", Action.UP, START + timedelta(days=1), event_vector(wide, [wide], [1.0]))
    state = replay([signal(0, Action.UP), signal(1, direction=2), new])
    assert len(state.interests) == 1
    assert interests.unpacked(state.interests[0].vector).size == wide.size
    assert not affinity(np.eye(2 * DIMENSION), replay([signal(0, Action.UP)]), START.timestamp()).any()
    assert interests.members([signal(0), new], state.interests, 0) == [new]


def test_verdicts_on_length_add_up_and_fade() -> None:
    """Too long counts up, too short down, and half is gone in sixty days."""
    log = [signal(n, Action.DOWN, reason=Reason.TOO_LONG) for n in range(3)]
    state = replay([*log, signal(4, Action.DOWN, reason=Reason.TOO_SHORT)])
    now = START.timestamp() + 4
    assert interests.brevity_at(state, now) == pytest.approx(2, abs=0.01)
    assert interests.brevity_at(state, now + HALF_LIFE) == pytest.approx(1, abs=0.01)


def test_looks_are_counted_by_place_and_use_by_what_carried() -> None:
    """The examination model: the place r is looked at with probability 1 / r."""
    tallies = replay([signal(0), signal(1, Action.OPENED), signal(2, Action.UP)]).tallies
    assert (tallies["/0"].examined, tallies["/0"].useful, tallies["/0"].answered) == (1.0, 2.0, 1.0)
    assert (tallies["/z"].examined, tallies["/z"].useful, tallies["/z"].answered) == (0.5, 0.0, 0.0)


@given(logs(), st.integers(0, 3))
def test_every_signal_that_counts_belongs_to_one_interest(log: list[Signal], number: int) -> None:
    """The members of different interests are different signals."""
    found = replay(log).interests
    groups = [{one.id for one in interests.members(log, found, place)} for place in range(MOST)]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert interests.members(log, found, number + MOST) == []


def test_the_log_is_kept_for_a_while_and_to_a_length() -> None:
    """Old signals go, and the oldest beyond the kept number."""
    log = [signal(n) for n in range(KEPT + 5)] + [signal(-1, days=-2 * KEPT_DAYS)]
    kept = interests.retained(log, START + timedelta(days=1))
    assert [one.id for one in kept] == [one.id for one in interests.in_order(log)[-KEPT:]]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_vectors_come_back_from_text_to_the_last_bit(values: list[float]) -> None:
    """A state that was stored goes on as if it had not been."""
    vector = np.array(values)
    assert np.array_equal(interests.unpacked(interests.packed(vector)), vector)
