"""The tilt by a person and its bounds, over random candidates, people and teams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.ranking import (
    ADDED,
    CHECKED,
    MAX_KL,
    Tilt,
    affinity,
    centred,
    divergence,
    entropy_gate,
    select_rows,
    tilt,
    tilted,
)
from core.answering.retrieval import priors, softmax
from core.domain import Passage, RankedPassage
from core.people.interests import Interest, LearnedProfile, packed

NOW = 1_800_000_000.0
DIMENSION = 8


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, DIMENSION))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def someone(rng: np.random.Generator, interests: int, events: int) -> LearnedProfile:
    known = [
        Interest(packed(row), float(rng.gamma(1.0) * 5), NOW - float(rng.random() * 1e7), NOW - 1e7)
        for row in unit(rng, interests)
    ]
    return LearnedProfile(tuple(known), known[0] if known else None, events=events)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, Tilt]:
    """p(d|x) of random candidates, and the tilt by a random person with a random team."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 60))
    sharpness = draw(st.sampled_from([0.0, 0.3, 1.0, 10.0, 200.0]))
    impersonal = softmax(rng.standard_normal(count) * sharpness)
    extreme = draw(st.sampled_from([0.0, 1.0, 50.0]))
    known = someone(rng, draw(st.integers(0, 4)), draw(st.integers(0, 500)))
    made = tilt(
        impersonal,
        unit(rng, count),
        known,
        strength=draw(st.integers(0, 100)),
        now=NOW,
        team=rng.standard_normal(count) * extreme,
        teammates=rng.standard_normal(count) * extreme,
    )
    return impersonal, made


@given(cases())
def test_the_tilt_keeps_to_its_bound(case: tuple[np.ndarray, Tilt]) -> None:
    """However strong taste and team are, KL( p(·|x,u) ‖ p(·|x) ) is at most 0.1 nat, and p(·|x,u) is a distribution."""
    impersonal, made = case
    personal = tilted(impersonal, made.total)
    assert personal.sum() == pytest.approx(1)
    assert np.all(personal >= 0)
    assert divergence(personal, impersonal) <= MAX_KL + 1e-9
    assert 0 <= made.scale <= 1


@given(cases(), st.integers(1, 6))
def test_what_anybody_would_read_is_read_and_one_more_at_most(case: tuple[np.ndarray, Tilt], count: int) -> None:
    """Taste hides nothing: its own passage comes behind all others, and only if it became likelier than one of them."""
    impersonal, made = case
    ranked = passages(np.sort(impersonal)[::-1])
    rows = ranked[:count]
    read, factors = select_rows(rows, ranked, made.total, floor=1e-3)
    assert read[: len(rows)] == rows
    assert len(read) == len({row.passage.id for row in read}) <= len(rows) + ADDED
    assert sum(priors(read, factors)) == pytest.approx(1)
    for row in read[len(rows) :]:
        weights = {one.passage.id: one.probability * factors[one.passage.id] for one in ranked}
        assert weights[row.passage.id] > min(weights[one.passage.id] for one in rows)
        assert weights[row.passage.id] == max(weights[one.passage.id] for one in ranked[count:])
    before, after = priors(rows), priors(read, factors)
    assert [p >= 1e-3 for p in before[:CHECKED]] == [p >= 1e-3 for p in after[:CHECKED]]


@given(cases())
def test_strength_0_and_no_history_change_nothing(case: tuple[np.ndarray, Tilt]) -> None:
    """The ranking is exactly the impersonal one, to the last bit."""
    impersonal, _ = case
    count = len(impersonal)
    rng = np.random.default_rng(count)
    nothing, team = np.zeros(count), rng.standard_normal(count)
    vectors = unit(rng, count)
    off = tilt(impersonal, vectors, someone(rng, 3, 99), strength=0, now=NOW, team=team, teammates=team)
    cold = tilt(impersonal, vectors, LearnedProfile(), strength=100, now=NOW, team=nothing, teammates=nothing)
    ranked = passages(np.sort(impersonal)[::-1])
    for made in (off, cold):
        assert not made.total.any()
        assert tilted(impersonal, made.total) is impersonal
        assert select_rows(ranked[:4], ranked, made.total, floor=1e-3) == (ranked[:4], {})


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_without_history_only_the_team_acts(seed: int, count: int) -> None:
    """Of somebody new, what is learned adds nothing to the team's prior."""
    rng = np.random.default_rng(seed)
    impersonal, team = softmax(rng.standard_normal(count)), rng.standard_normal(count)
    made = tilt(
        impersonal, unit(rng, count), LearnedProfile(), strength=50, now=NOW, team=team, teammates=np.zeros(count)
    )
    assert not made.taste.any()
    assert not made.teammates.any()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_affinity_is_centred_and_clipped(values: list[float]) -> None:
    """Whatever comes in, what comes out is between -1 and 1."""
    out = centred(np.array(values))
    assert np.all(np.abs(out) <= 1)


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_affinity_is_highest_for_what_somebody_cares_about(seed: int, interests: int) -> None:
    """A passage in the direction of the heaviest interest gets the highest affinity of all."""
    rng = np.random.default_rng(seed)
    known = someone(rng, interests, 10)
    heaviest = max(known.interests, key=lambda one: one.mass_at(NOW))
    mine = np.frombuffer(packed_bytes(heaviest.vector))
    candidates = np.vstack([unit(rng, 20), mine])
    alone = LearnedProfile(known.interests, None, 10)
    assert np.argmax(affinity(candidates, alone, NOW)) == 20


def packed_bytes(text: str) -> bytes:
    import base64  # noqa: PLC0415

    return base64.b64decode(text[1:])


def test_a_clear_question_is_left_alone_and_an_open_one_is_not() -> None:
    """The gate is 0 where one passage has all the probability and 1 where all are alike."""
    clear = np.array([1.0] + [0.0] * 19)
    assert entropy_gate(clear) == 0
    assert entropy_gate(np.array([1.0])) == 0
    assert entropy_gate(np.full(20, 0.05)) == pytest.approx(1)
    assert 0 < entropy_gate(softmax(np.arange(20.0))) < 0.5


@given(st.integers(0, 2**32))
def test_more_history_moves_more(seed: int) -> None:
    """λ grows with the number of events, and is half of what it can be after 20."""
    rng = np.random.default_rng(seed)
    impersonal, vectors, nothing = np.full(20, 0.05), unit(rng, 20), np.zeros(20)
    known = someone(rng, 2, 0)
    moved = [
        np.abs(
            tilt(
                impersonal,
                vectors,
                LearnedProfile(known.interests, None, events),
                strength=100,
                now=NOW,
                team=nothing,
                teammates=nothing,
            ).taste
        ).max()
        for events in (1, 5, 20, 10**9)
    ]
    assert moved == sorted(moved)
    assert moved[2] == pytest.approx(moved[3] / 2)


def passages(probabilities: np.ndarray) -> list[RankedPassage]:
    return [
        RankedPassage(
            Passage(f"p{number:03}", f"/d{number}", "T", (), f"text {number:03}", 1, 0, 1, "v"), float(p), 0.5, 1.0
        )
        for number, p in enumerate(probabilities)
    ]
