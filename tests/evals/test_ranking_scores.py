"""Measures of rankings, fusions and probabilities against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.answering.retrieval import DENSE_WEIGHT
from evals import ranking_scores as scores
from evals.retrieval import Found, Query, fit_temperature, halves, with_slip


def test_ndcg_is_one_for_the_best_order_and_discounts_by_place():
    """Gains 3 and 1 at places 1 and 3, of 3, 2 and 1: (3 + 1/2) / (3 + 2/log2(3) + 1/2)."""
    assert scores.ndcg([3, 2, 1], [1, 2, 3]) == pytest.approx(1)
    assert scores.ndcg([3, 0, 1], [1, 2, 3]) == pytest.approx(3.5 / (3.5 + 2 / np.log2(3)))
    assert scores.ndcg([0] * 10 + [3], [3]) == 0


def test_recall_and_reciprocal_rank_count_places():
    """Two of four relevant ones among five; the first stands second."""
    ranked = [0, 2, 0, 1, 0, 3]
    assert scores.recall(ranked, [1, 2, 3, 4], 5) == 0.5
    assert scores.reciprocal_rank(ranked) == 0.5
    assert scores.reciprocal_rank([0, 0]) == 0


DENSE, SPARSE = np.array([0.9, 0.5, 0.1]), np.array([0.0, 8.0, 4.0])


def test_fusions_use_what_each_search_listed():
    """A passage that words did not find has no place in their list, whatever the fusion."""
    assert scores.bm25_alone(DENSE, SPARSE).tolist() == [-np.inf, 8, 4]
    assert scores.rrf(DENSE, SPARSE) == pytest.approx([1 / 61, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62])
    assert scores.convex(0.5)(DENSE, SPARSE, 0) == pytest.approx([0.45, 0.75, 0.3])
    third = 0.4 / (6 * np.std(DENSE))
    assert scores.dbsf(DENSE, SPARSE) == pytest.approx([0.5 + third, 0.5 + 1 / 2 + 1 / 6, 0.5 - third + 1 / 2 - 1 / 6])


def test_reciprocal_ranks_end_where_a_list_ends():
    """What the dense search would have put behind its last place counts by its words alone."""
    dense, sparse = np.linspace(1, 0, 51), np.zeros(51)
    sparse[50] = 1.0
    assert scores.rrf(dense, sparse)[50] == pytest.approx(1 / 61)


def test_calibration_error_is_the_mean_distance():
    """Three said .9 and two came true; one said .1 and came true; 1.0 falls into the last bin."""
    bins = scores.reliability([0.9, 0.9, 1.0, 0.1], [True, True, False, True])
    assert [(one.low, one.count) for one in bins] == [(0.1, 1), (0.9, 3)]
    assert scores.calibration_error(bins) == pytest.approx((0.9 + 3 * (2.8 / 3 - 2 / 3)) / 4)


def found(group: str, right: int, dense: list[float]) -> Found:
    texts = tuple(f"text {number}" for number in range(len(dense)))
    return Found(Query("?", group, {f"text {right}": 1}), texts, np.array(dense), np.zeros(len(dense)))


def test_a_temperature_is_high_where_the_search_errs():
    """Always right: as sure as it may be. Right in half of the cases: as unsure as it may be."""
    sure = [found(str(n), 0, [0.9, 0.5]) for n in range(4)]
    assert fit_temperature(sure) == pytest.approx(0.01)
    assert fit_temperature([*sure[:2], found("a", 1, [0.9, 0.5]), found("b", 1, [0.9, 0.5])]) == pytest.approx(0.3)


def test_a_text_counts_once_and_with_all_its_passages():
    """It stands at the place of its best passage, and its passages' probabilities add up."""
    one = Found(Query("?", "g", {"b": 2}), ("a", "b", "a"), np.array([0.5, 0.4, 0.5]), np.zeros(3))
    assert one.ranked(scores.dense_alone) == [0, 2]
    assert sum(one.probabilities(0.05).values()) == pytest.approx(1)
    twice = 2 * np.exp(DENSE_WEIGHT * 0.1 / 0.05)
    assert one.probabilities(0.05)["a"] == pytest.approx(twice / (twice + 1))


def test_halves_share_no_group():
    """Questions about one passage are all for tuning or all for the report."""
    every = [found(str(number // 3), 0, [1.0]) for number in range(60)]
    tuning, rest = ({one.query.group for one in half} for half in halves(every, seed=1))
    assert len(tuning) == len(rest) == 10
    assert not tuning & rest


def test_a_slip_changes_one_long_word():
    """Short words, stop words and numbers stay as they are."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        slipped = with_slip("When did Newton write 123456 laws?", rng).split()
        assert [*slipped[:2], *slipped[4:]] == ["When", "did", "123456", "laws?"]
    assert with_slip("Who was it in 1666?", rng) == "Who was it in 1666?"
