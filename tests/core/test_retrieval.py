"""p(d | x): what fusing two searches has to keep true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import Hit, Passage
from core.retrieval import is_relevant, rank


def passage(name: str, text: str = "") -> Passage:
    return Passage(name, f"/{name}", name, (), text, 1, 0, 1, "v")


def hit(name: str, dense: float, sparse: float, text: str = "") -> Hit:
    return Hit(passage(name, text), np.zeros(4, np.float32), dense, sparse)


scores = st.tuples(st.floats(-1, 1), st.floats(0, 100))


@given(st.lists(scores, min_size=1, max_size=60))
def test_probabilities_sum_to_one_and_fall(found: list[tuple[float, float]]) -> None:
    ranked = rank([hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(found)])
    probabilities = [candidate.probability for candidate in ranked]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)


@given(st.lists(scores, min_size=2, max_size=20), st.randoms())
def test_the_order_in_which_hits_arrive_does_not_matter(found: list[tuple[float, float]], random) -> None:
    hits = [hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(found)]
    shuffled = random.sample(hits, len(hits))
    assert [c.passage.id for c in rank(hits)] == [c.passage.id for c in rank(shuffled)]


def test_a_passage_that_is_better_by_both_searches_is_more_probable() -> None:
    best, *_ = rank([hit("a", 0.4, 3.0), hit("b", 0.6, 7.0), hit("c", 0.5, 0.0)])
    assert best.passage.id == "b"


def test_nothing_found_is_nothing_ranked() -> None:
    assert rank([]) == []


def test_relevance_is_nearness_in_meaning_or_holding_every_word() -> None:
    far = rank([hit("a", 0.1, 9.0, "Replace the pump when E-4711 shows.")])
    assert not is_relevant("how do I bake bread", far, 0.3)
    assert is_relevant("what is E-4711?", far, 0.3)
    assert is_relevant("how do I bake bread", rank([hit("b", 0.31, 0.0)]), 0.3)
    assert not is_relevant("what is it?", far, 0.3)
