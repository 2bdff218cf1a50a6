"""Questions that went unanswered, grouped by meaning."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import AgglomerativeClustering

from core.documents.gaps import ALIKE, Gap, grouped, vectors_of, with_vectors
from core.domain import Person

START = datetime(2026, 1, 1, tzinfo=UTC)


def gap(question: str, user: str = "a", minutes: int = 0) -> Gap:
    return Gap(question, Person("t", "w", user), START + timedelta(minutes=minutes))


def unit(*angles: float) -> np.ndarray:
    """Vectors in the plane, by degrees."""
    return np.array([[np.cos(np.radians(a)), np.sin(np.radians(a))] for a in angles], np.float32)


def questions(groups: list) -> list[list[str]]:
    return [[one.question for one in group.gaps] for group in groups]


def test_nothing_and_one_question_are_no_error() -> None:
    assert grouped([], np.zeros((0, 2), np.float32)) == []
    assert questions(grouped([gap("a")], unit(0))) == [["a"]]


def test_questions_that_mean_the_same_stand_together_the_most_typical_first() -> None:
    gaps = [gap("a"), gap("b"), gap("c"), gap("far")]
    assert questions(grouped(gaps, unit(0, 20, 10, 120))) == [["c", "a", "b"], ["far"]]


def test_what_more_people_miss_comes_first() -> None:
    """One person who asks three times weighs less than two people; among equals the latest comes first."""
    gaps = [gap("one", "a"), gap("one", "a"), gap("one", "a"), gap("two", "a"), gap("two", "b")]
    assert questions(grouped(gaps, unit(0, 0, 0, 100, 100)))[0] == ["two", "two"]
    assert questions(grouped([gap("old"), gap("new", minutes=1)], unit(0, 100))) == [["new"], ["old"]]


def test_a_chain_of_likenesses_is_not_one_group() -> None:
    """Ends that have nothing to do with each other stay apart, though each step between them is small."""
    groups = grouped([gap(str(a)) for a in range(0, 180, 15)], unit(*range(0, 180, 15)))
    assert len(groups) > 1


def test_gaps_can_be_compared_when_all_have_vectors_of_one_length() -> None:
    gaps = with_vectors([gap("a"), gap("b")], unit(0, 90))
    assert np.allclose(vectors_of(gaps), unit(0, 90), atol=1e-3)
    assert vectors_of([*gaps, gap("c")]) is None
    assert vectors_of([*gaps, *with_vectors([gap("c")], np.ones((1, 3)))]) is None


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_groups_are_those_of_average_linkage(seed: int, count: int) -> None:
    """As scikit-learn makes them."""
    rng = np.random.default_rng(seed)
    vectors = (
        rng.standard_normal((count, 8))
        + 2 * rng.standard_normal((count // 4 + 1, 8))[rng.integers(count // 4 + 1, size=count)]
    )
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    theirs = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - ALIKE
    ).fit(vectors)
    ours = questions(grouped([gap(str(row)) for row in range(count)], vectors))
    expected = [np.flatnonzero(theirs.labels_ == label).tolist() for label in set(theirs.labels_)]
    assert sorted(sorted(map(int, group)) for group in ours) == sorted(expected)


@given(st.lists(st.floats(0, 360), max_size=12))
def test_every_question_stands_in_one_group(angles: list[float]) -> None:
    gaps = [gap(str(number)) for number in range(len(angles))]
    vectors = unit(*angles) if angles else np.zeros((0, 2), np.float32)
    listed = [one for group in questions(grouped(gaps, vectors)) for one in group]
    assert sorted(listed) == sorted(one.question for one in gaps)
