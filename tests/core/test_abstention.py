"""Whether the documents hold the answer: more evidence is never less certainty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.abstention import DEFAULT

LOG_ODDS = st.lists(st.floats(-25, 25), min_size=1, max_size=6)


def test_one_passage_that_holds_the_answer_is_enough() -> None:
    assert DEFAULT.probability_held([-9.0, 7.0]) == DEFAULT.probability_held([7.0])


def test_the_logistic_function_by_hand() -> None:
    """Log-odds that balance the rest are one half."""
    assert DEFAULT.probability_held([-DEFAULT.bias / DEFAULT.check]) == pytest.approx(0.5)


@given(LOG_ODDS, st.floats(0.01, 5))
def test_more_evidence_makes_it_likelier(log_odds: list[float], more: float) -> None:
    held = DEFAULT.probability_held(log_odds)
    assert 0 <= held <= 1
    assert DEFAULT.probability_held([odds + more for odds in log_odds]) >= held
