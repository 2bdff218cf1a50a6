"""Scores of answers and of rankings."""

from __future__ import annotations

import pytest

from core.evaluation import scoring


@pytest.mark.parametrize(
    ("answer", "truths", "exact", "f1"),
    [
        ("The Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("in 1999", ["1999"], 0, 2 / 3),
        ("a cat", ["the dog", "cat"], 1, 1),
        ("blue blue", ["blue"], 0, 2 / 3),
        ("theatre", ["atre"], 0, 0),
        ("U.S.", ["us"], 1, 1),
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("", ["something"], 0, 0),
        ("The", ["a"], 1, 1),
    ],
)
def test_answers_are_scored_as_squad_does(answer: str, truths: list[str], exact: float, f1: float):
    """Exact match and F1 agree with SQuAD's script, unanswerable questions included."""
    assert scoring.exact_match(answer, truths) == exact
    assert scoring.f1(answer, truths) == pytest.approx(f1)


def test_the_first_right_one_has_the_rank():
    """Ranks count from 1; where nothing is right there is none."""
    assert scoring.first_rank([False, True, True]) == 2
    assert scoring.first_rank([True]) == 1
    assert scoring.first_rank([False, False]) is scoring.first_rank([]) is None


def test_rankings_are_scored_over_all_questions():
    """What was not found counts against recall and against the mean reciprocal rank."""
    ranks = [1, 2, 6, None]
    assert [scoring.recall(ranks, k) for k in (1, 5, 10)] == [0.25, 0.5, 0.75]
    assert scoring.mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 6) / 4)


def test_no_questions_have_no_score():
    """Nothing asked is not the same as nothing found."""
    assert scoring.recall([], 5) is scoring.mean_reciprocal_rank([]) is scoring.mean([]) is None
