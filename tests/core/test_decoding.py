"""Σ_d: what the mixture over passages has to keep true, whatever the rows say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answering.decoding import CIRCLED, Mixture, choose, is_circling, mix
from core.answering.verdict import Calibration
from core.domain import Decoding, Mode

VOCABULARY = 7
RNG = np.random.default_rng(0)


def distributions(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(VOCABULARY, 0.5), rows)


def weights(rows: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(rows))


EVERYTHING = Decoding(floor=0.0)


@given(st.integers(1, 6), st.integers(0, 10_000))
def test_a_mixture_of_distributions_is_a_distribution(rows: int, seed: int) -> None:
    mixture = mix(weights(rows, seed), distributions(rows, seed))
    assert mixture.sum() == pytest.approx(1)
    assert (mixture >= 0).all()


def test_a_mixture_made_by_hand() -> None:
    """Two rows that disagree: the first is three times as probable as the second."""
    mixture = Mixture([0.75, 0.25], EVERYTHING)
    rows = np.array([[0.2, 0.8, 0.0], [0.9, 0.0, 0.1]])
    assert mixture.step(rows) == 1  # .75 · .8 = .6 against .75 · .2 + .25 · .9 = .375
    assert mixture.posterior == pytest.approx((1, 0), abs=1e-12)
    assert mixture.log_likelihood == pytest.approx(np.log(0.6))


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 10_000), st.data())
def test_the_product_of_steps_is_rag_sequence(rows: int, length: int, seed: int, data) -> None:
    """The log of p(y|x) is log Σ_d p(d) Π_i p(y_i | d), and the posterior is Bayes' rule."""
    priors = weights(rows, seed)
    mixture, joint = Mixture(priors, EVERYTHING), np.log(priors)
    for step in range(length):
        probabilities = distributions(rows, seed + step)
        token = data.draw(st.integers(0, VOCABULARY - 1))
        mixture.take(token, probabilities)
        joint = joint + np.log(np.maximum(probabilities[:, token], 1e-38))
    assert mixture.log_likelihood == pytest.approx(np.logaddexp.reduce(joint), abs=1e-9)
    assert mixture.posterior == pytest.approx(np.exp(joint - np.logaddexp.reduce(joint)), abs=1e-9)


@given(st.integers(1, 5), st.integers(0, 10_000))
def test_rag_token_never_changes_its_weights(rows: int, seed: int) -> None:
    priors = weights(rows, seed)
    mixture = Mixture(priors, Decoding(mode=Mode.TOKEN, floor=0.0))
    for step in range(4):
        mixture.step(distributions(rows, seed + step))
    assert mixture.posterior == pytest.approx(tuple(priors))


@given(st.integers(0, 10_000))
def test_one_passage_is_plain_decoding(seed: int) -> None:
    row = distributions(1, seed)
    assert Mixture([1.0], EVERYTHING).step(row) == row[0].argmax()


@given(st.integers(2, 5), st.integers(0, 10_000), st.randoms())
def test_the_order_of_passages_does_not_matter(rows: int, seed: int, random) -> None:
    order = random.sample(range(rows), rows)
    priors = weights(rows, seed)
    one, other = Mixture(priors, EVERYTHING), Mixture(priors[order], EVERYTHING)
    for step in range(4):
        probabilities = distributions(rows, seed + step)
        assert one.step(probabilities) == other.step(probabilities[order])
    assert np.asarray(one.posterior)[order] == pytest.approx(other.posterior)


def test_a_row_under_the_floor_leaves_and_the_best_always_stays() -> None:
    mixture = Mixture([0.5, 0.5], Decoding(floor=0.2))
    mixture.take(0, np.array([[0.9, 0.1], [0.1, 0.9]]))
    assert mixture.rows == [0]
    assert mixture.posterior == (1.0, 0.0)
    assert Mixture([0.25] * 4, Decoding(floor=0.9)).rows != []


@given(st.integers(1, 6), st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.1, 3), st.data())
@settings(deadline=None)
def test_a_verdict_multiplies_the_prior(rows: int, seed: int, bias: float, weight: float, data) -> None:
    """The weights before the first token are prior · σ(log-odds), of the rows that were read, however calibrated."""
    priors = weights(rows, seed)
    read = sorted(data.draw(st.sets(st.integers(0, rows - 1), min_size=1)))
    log_odds = {row: data.draw(st.floats(-20, 20)) for row in read}
    mixture = Mixture(priors, Decoding(floor=0.0, held_floor=0.0), Calibration(bias, weight))
    mixture.judge(log_odds)
    wanted = np.zeros(rows)
    wanted[read] = [priors[row] / (1 + np.exp(-log_odds[row])) for row in read]
    assert mixture.rows == read
    assert mixture.posterior == pytest.approx(wanted / wanted.sum(), abs=1e-12)
    assert mixture.log_likelihood == 0.0


def test_rows_that_do_not_hold_the_answer_leave_before_the_first_token() -> None:
    """.5 · .9 = .45 against .3 · .1 = .03 and .2 · .5 = .1: of .58 they are .78, .05 and .17; the best always stays."""
    log_odds = dict(enumerate(np.log([0.9 / 0.1, 0.1 / 0.9, 1.0])))
    for held_floor, rows in ((0.05, [0, 1, 2]), (0.06, [0, 2]), (0.2, [0]), (0.99, [0])):
        mixture = Mixture([0.5, 0.3, 0.2], Decoding(held_floor=held_floor))
        mixture.judge(log_odds)
        assert mixture.rows == rows
        assert sum(mixture.posterior) == pytest.approx(1)
        assert [row for row, weight in enumerate(mixture.posterior) if weight] == rows


def test_a_row_that_no_verdict_speaks_for_still_speaks() -> None:
    """Verdicts so low that their probability underflows leave the likeliest by prior and verdict."""
    mixture = Mixture([0.6, 0.4], Decoding())
    mixture.judge({0: -1e6, 1: -2e6})
    assert mixture.posterior == (1.0, 0.0)


def test_the_likeliest_rows_come_first_and_verdicts_change_their_order() -> None:
    mixture = Mixture([0.2, 0.5, 0.3], Decoding(floor=0.0, held_floor=0.0))
    assert mixture.likeliest == [1, 2, 0]
    mixture.judge({0: 5.0, 1: -5.0, 2: 0.0})
    assert mixture.likeliest == [0, 2, 1]


@given(st.lists(st.floats(-20, 20), max_size=5), st.floats(0.01, 0.99))
def test_one_verdict_over_the_bound_is_clear(log_odds: list[float], clear: float) -> None:
    """By the model's coefficients; above 1 none is."""
    calibration = Calibration(-1.0, 0.8)
    mixture = Mixture([1.0], Decoding(clear=clear), calibration)
    assert mixture.is_clear(log_odds) == any(calibration.held(odds) >= clear for odds in log_odds)
    assert not Mixture([1.0], Decoding(clear=2.0)).is_clear(log_odds)


def test_rows_are_judged_the_likeliest_first_and_in_stages() -> None:
    """One, then three, then all others; none once one is clear."""
    mixture = Mixture([0.3, 0.1, 0.2, 0.2, 0.1, 0.1], Decoding(clear=0.9))
    assert mixture.to_judge({}) == [0]
    assert mixture.to_judge({0: 9.0}) == []
    assert mixture.to_judge({0: 0.0}) == [2, 3, 1]
    assert mixture.to_judge(dict.fromkeys(range(4), 0.0)) == [4, 5]
    assert mixture.to_judge(dict.fromkeys(range(6), 0.0)) == []


def test_sampling_repeats_with_its_seed_and_keeps_to_the_nucleus() -> None:
    probabilities = np.array([0.6, 0.3, 0.08, 0.02])
    drawn = Decoding(temperature=1.0, top_p=0.8)
    one = [choose(probabilities, drawn, np.random.default_rng(5)) for _ in range(3)]
    assert len(set(one)) == 1
    rng = np.random.default_rng(1)
    tokens = [choose(probabilities, drawn, rng) for _ in range(400)]
    assert set(tokens) == {0, 1}
    assert np.mean(np.array(tokens) == 0) == pytest.approx(2 / 3, abs=0.07)


def test_a_low_temperature_comes_near_to_greedy() -> None:
    probabilities = np.array([0.3, 0.4, 0.3])
    rng = np.random.default_rng(2)
    assert {choose(probabilities, Decoding(temperature=0.02), rng) for _ in range(50)} == {1}


def test_an_answer_that_says_one_thing_over_and_over_is_going_in_circles() -> None:
    sentence = list(range(20))
    assert is_circling([7] * CIRCLED)
    assert is_circling([99, *sentence * 3])
    assert is_circling([1, 2, 3] * (CIRCLED // 3))
    assert not is_circling([7] * (CIRCLED - 1))
    assert not is_circling([*sentence * 2, *range(100, 120)])
    assert not is_circling([*sentence * 3, 99])
    assert not is_circling([])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=CIRCLED - 1), st.lists(st.integers(4, 9), max_size=9))
def test_a_circle_is_noticed_at_the_latest_when_it_is_long(circle: list[int], before: list[int]) -> None:
    assert is_circling([*before, *circle * max(3, CIRCLED)])
    assert not is_circling([*range(100, 100 + CIRCLED), *circle])
