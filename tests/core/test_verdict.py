"""Whether the documents hold the answer: more evidence is never less certainty, and words have their coefficients."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.verdict import PROTOCOLS, Calibration, Judging

FITTED = Calibration(-1.0, 0.8)
LOG_ODDS = st.lists(st.floats(-25, 25), min_size=1, max_size=6)


def test_one_passage_that_holds_the_answer_is_enough() -> None:
    assert FITTED.probability_held([-9.0, None, 7.0]) == FITTED.probability_held([7.0])


def test_where_nothing_was_read_nothing_is_held() -> None:
    assert FITTED.probability_held([]) == FITTED.probability_held([None]) == 0.0


def test_each_passage_has_its_verdict_but_those_that_were_not_read() -> None:
    assert FITTED.each_held([1.0 / 0.8, None]) == (pytest.approx(0.5), None)


def test_the_logistic_function_by_hand() -> None:
    """Log-odds that balance the bias are one half."""
    assert FITTED.probability_held([1.0 / 0.8]) == pytest.approx(0.5)
    assert FITTED.log_held(-700.0) == pytest.approx(-561.0)


@given(LOG_ODDS, st.floats(0.01, 5))
def test_more_evidence_makes_it_likelier(log_odds: list[float], more: float) -> None:
    held = FITTED.probability_held(log_odds)
    assert 0 <= held <= 1
    assert FITTED.probability_held([odds + more for odds in log_odds]) >= held
    assert math.log(max(held, 1e-300)) == pytest.approx(max(map(FITTED.log_held, log_odds)), abs=1e-6)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_words_that_change_need_coefficients_of_their_own(name: str) -> None:
    """`fitted_to` is what the words were when `python -m evals.abstention` fitted the coefficients."""
    protocol = PROTOCOLS[name]
    assert protocol.judging is not Judging.NONE
    assert protocol.calibration is not None
    assert protocol.fitted_to == protocol.fingerprint, f"fit {name} anew: python -m evals.abstention"
