"""Whether the documents hold the answer: more evidence is never less certainty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.abstention import DEFAULT
from core.domain import Passage, RankedPassage

LOG_ODDS = st.lists(st.floats(-25, 25), min_size=1, max_size=6)
COSINE = st.floats(-1, 1)


def read(*dense: float) -> list[RankedPassage]:
    passage = Passage("1", "/a", "A", (), "text", 1, 0, 1, "v")
    return [RankedPassage(passage, 0.5, cosine, 0.0) for cosine in dense]


def test_one_passage_that_holds_the_answer_is_enough() -> None:
    assert DEFAULT.probability_held([-9.0, 7.0], read(0.1, 0.5)) == DEFAULT.probability_held([7.0], read(0.5))


def test_the_logistic_function_by_hand() -> None:
    """Log-odds that balance the rest are one half."""
    balanced = -(DEFAULT.bias + DEFAULT.dense * 0.5) / DEFAULT.check
    assert DEFAULT.probability_held([balanced], read(0.5)) == pytest.approx(0.5)


@given(LOG_ODDS, COSINE, st.floats(0.01, 5), st.floats(0.01, 0.5))
def test_more_evidence_makes_it_likelier(log_odds: list[float], cosine: float, more: float, nearer: float) -> None:
    held = DEFAULT.probability_held(log_odds, read(cosine))
    assert 0 <= held <= 1
    assert DEFAULT.probability_held([odds + more for odds in log_odds], read(cosine)) >= held
    assert DEFAULT.probability_held(log_odds, read(cosine + nearer)) >= held
