"""Copies collapse; what differs stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.retrieval import first_copies, rank
from core.domain import Hit, Passage

LONG = (
    "Holidays are requested from your manager in writing at least two weeks before they begin, and the team calendar "
    "is changed by yourself as soon as the manager has agreed to them by mail or in the chat."
)
WORDS = {"holidays"}
SAME = np.array([1, 0, 0, 0], np.float32)


def hit(name: str, text: str, vector: np.ndarray = SAME, *, dense: float = 0.5, sparse: float = 0.0) -> Hit:
    return Hit(Passage(name, f"/{name}.md", name, (), text, 1, 0, 1, "v"), vector, dense, sparse)


def test_copies_give_their_probability_to_the_likeliest() -> None:
    """Three copies of a page and another page: two places are filled, and nothing is lost."""
    copies = [hit("a", LONG, dense=0.5), hit("b", LONG.upper(), dense=0.6), hit("c", f"**{LONG}**", dense=0.4)]
    other = hit("d", "The canteen opens at noon.", dense=0.55)
    alone = {one.passage.id: one.probability for one in rank([copies[1], other], WORDS)}
    first, second = rank([*copies, other], WORDS)
    assert (first.passage.id, second.passage.id) == ("b", "d")
    assert first.probability + second.probability == pytest.approx(1)
    assert first.probability > alone["b"]
    assert first.dense == 0.6


def test_a_copy_with_a_changed_word_is_one() -> None:
    """A corrected slip or a new name for the same thing makes no other page, if the meaning is as near."""
    changed = LONG.replace("calendar", "calender")
    assert first_copies([LONG, changed], np.stack([SAME, SAME])) == [0, 0]
    apart = np.array([0.97, np.sqrt(1 - 0.97**2), 0, 0], np.float32)
    assert first_copies([LONG, changed], np.stack([SAME, apart])) == [0, 1]


@pytest.mark.parametrize(
    "other",
    [
        LONG.replace("two", "2"),
        LONG.replace("has agreed", "has not agreed"),
        LONG.replace("has agreed", "hasn't agreed"),
        LONG + " See FORM-77.",
        LONG[: len(LONG) // 2],
        "",
    ],
)
def test_what_may_say_something_else_stays(other: str) -> None:
    """Another number, code or negation, or fewer words: both are kept, however near they are."""
    assert first_copies([LONG, other], np.stack([SAME, SAME])) == [0, 1]


def test_equal_words_under_other_headings_stay() -> None:
    """'Two weeks.' of holidays is not 'Two weeks.' of the notice period: their vectors hold the headings."""
    apart = np.array([0.8, 0.6, 0, 0], np.float32)
    assert first_copies(["Two weeks.", "Two weeks."], np.stack([SAME, apart])) == [0, 1]
    assert first_copies(["Two weeks.", "two weeks"], np.stack([SAME, SAME])) == [0, 0]


VOCABULARY = [f"word{letter}" for letter in "abcdefghijklmnopqrst"]
TEXTS = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=4).map(" ".join)
ANGLES = st.sampled_from([0.0, 0.1, 0.3, 1.0])
FOUND = st.lists(st.tuples(TEXTS, ANGLES, st.floats(-1, 1), st.floats(0, 30)), min_size=1, max_size=12)


def hits(found: list[tuple[str, float, float, float]]) -> list[Hit]:
    return [
        hit(str(number), text, np.array([np.cos(angle), np.sin(angle), 0, 0], np.float32), dense=dense, sparse=sparse)
        for number, (text, angle, dense, sparse) in enumerate(found)
    ]


@given(FOUND, st.randoms())
def test_collapsing_keeps_all_probability_in_any_order(found: list[tuple[str, float, float, float]], random) -> None:
    """Probabilities sum to 1, and the order in which the hits arrive does not matter."""
    every = hits(found)
    ranked = rank(every, WORDS)
    assert sum(one.probability for one in ranked) == pytest.approx(1)
    again = rank(random.sample(every, len(every)), WORDS)
    assert [one.passage.id for one in again] == [one.passage.id for one in ranked]


@given(FOUND)
def test_different_texts_never_collapse(found: list[tuple[str, float, float, float]]) -> None:
    """Of every set of words one passage is kept, and of texts without a copy each one."""
    kept = {frozenset(one.passage.text.split()) for one in rank(hits(found), WORDS)}
    assert kept == {frozenset(text.split()) for text, *_ in found}


def test_copies_do_not_fill_the_places_that_are_read() -> None:
    """Ten copies of the likeliest page leave room for the second page."""
    ranked = rank([*(hit(f"copy {n}", LONG, dense=0.6) for n in range(10)), hit("other", "Noon.", dense=0.3)], WORDS)
    assert [one.passage.id for one in ranked] == ["copy 0", "other"]
