"""p(d | x): what fusing two searches has to keep true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.retrieval import fused_scores, is_relevant, merge_neighbours, mixture, priors, rank
from core.domain import Hit, Passage, RankedPassage


def passage(name: str, text: str = "") -> Passage:
    return Passage(name, f"/{name}", name, (), text, 1, 0, 1, "v")


def hit(name: str, dense: float, sparse: float, text: str = "") -> Hit:
    return Hit(passage(name, text), np.zeros(4, np.float32), dense, sparse)


WORDS = {"pump", "pressure"}
scores = st.tuples(st.floats(-1, 1), st.floats(0, 100))


@given(st.lists(scores, min_size=1, max_size=60))
def test_probabilities_sum_to_one_and_fall(found: list[tuple[float, float]]) -> None:
    ranked = rank([hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(found)], WORDS)
    probabilities = [candidate.probability for candidate in ranked]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)


@given(st.lists(scores, min_size=2, max_size=20), st.randoms())
def test_the_order_in_which_hits_arrive_does_not_matter(found: list[tuple[float, float]], random) -> None:
    hits = [hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(found)]
    shuffled = random.sample(hits, len(hits))
    assert [c.passage.id for c in rank(hits, WORDS)] == [c.passage.id for c in rank(shuffled, WORDS)]


def test_a_passage_that_is_better_by_both_searches_is_more_probable() -> None:
    best, *_ = rank([hit("a", 0.4, 3.0), hit("b", 0.6, 7.0), hit("c", 0.5, 0.0)], WORDS)
    assert best.passage.id == "b"


def test_one_word_in_ten_is_weak_evidence_however_far_ahead_of_none() -> None:
    """The passage that holds a single word of the question loses to the one that means what was asked."""
    hits = [hit("word", 0.2, 5.0), hit("meaning", 0.5, 0.0)]
    assert rank(hits, {"one"})[0].passage.id == "word"
    assert rank(hits, set("abcdefghij"))[0].passage.id == "meaning"


@given(st.lists(scores, min_size=1, max_size=20), st.integers(0, 50))
def test_more_words_in_the_question_only_weaken_those_of_the_passages(found: list[tuple[float, float]], n: int) -> None:
    dense, sparse = np.array(found, np.float64).T
    assert np.all(fused_scores(dense, sparse, n + 1) <= fused_scores(dense, sparse, n) + 1e-12)


def test_nothing_found_is_nothing_ranked() -> None:
    assert rank([], WORDS) == []


def test_relevance_is_nearness_in_meaning_or_holding_every_word() -> None:
    far = rank([hit("a", 0.1, 9.0, "Replace the pump when E-4711 shows.")], WORDS)
    assert not is_relevant("how do I bake bread", far, 0.3)
    assert is_relevant("what is E-4711?", far, 0.3)
    assert is_relevant("how do I bake bread", rank([hit("b", 0.31, 0.0)], WORDS), 0.3)
    assert not is_relevant("what is it?", far, 0.3)


def placed(source: str, ordinal: int, probability: float, *headings: str) -> RankedPassage:
    text = f"{source} {ordinal}"
    return RankedPassage(Passage(text, source, source, headings, text, 1, ordinal, 9, "v"), probability, 0.5, 1.0)


def test_passages_next_to_each_other_are_read_as_one() -> None:
    found = [placed("a", 2, 0.4, "How"), placed("b", 5, 0.3), placed("a", 1, 0.2, "What"), placed("a", 4, 0.1)]
    merged = merge_neighbours(found)
    whole = "#### a › What\n\na 1\n\n#### a › How\n\na 2"
    assert [candidate.passage.text for candidate in merged] == [whole, "b 5", "a 4"]
    assert [candidate.probability for candidate in merged] == pytest.approx([0.6, 0.3, 0.1])
    assert merged[0].passage.headings == ("How",)  # the likelier part says where it stands
    alike = merge_neighbours([placed("a", 1, 0.4, "How"), placed("a", 2, 0.2, "How")])
    assert alike[0].passage.text == "a 1\n\na 2"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 8)), unique=True, max_size=9))
def test_merging_loses_no_text_and_no_probability(places: list[tuple[str, int]]) -> None:
    found = [placed(source, ordinal, 1 / len(places)) for source, ordinal in places]
    merged = merge_neighbours(found)
    assert sum(candidate.probability for candidate in merged) == pytest.approx(1 if places else 0)
    for candidate in found:
        assert sum(candidate.passage.text in whole.passage.text.split("\n\n") for whole in merged) == 1


def test_priors_of_what_is_read_sum_to_one() -> None:
    assert priors([placed("a", 1, 0.3), placed("b", 1, 0.1)]) == pytest.approx((0.75, 0.25))


def reading(*found: tuple[str, float]) -> list[tuple[Hit, float]]:
    return [(hit(name, share, 10 * share), share) for name, share in found]


def test_a_question_with_two_readings_finds_what_either_finds() -> None:
    """In proportion to how likely each is; of its evidence each passage keeps the most."""
    alone, in_context = reading(("a", 0.9), ("b", 0.1)), reading(("b", 0.6), ("c", 0.4))
    mixed = mixture([(alone, 0.3), (in_context, 0.7)])
    assert [found.passage.id for found, _ in mixed] == ["b", "c", "a"]
    assert [share for _, share in mixed] == pytest.approx([0.45, 0.28, 0.27])
    assert [(found.dense, found.sparse) for found, _ in mixed] == [(0.6, 6.0), (0.4, 4.0), (0.9, 9.0)]


shares_of_passages = st.dictionaries(st.sampled_from("abcdef"), st.floats(0.01, 1), min_size=1)


@given(shares_of_passages, shares_of_passages, st.floats(0, 1))
def test_readings_mixed_are_a_distribution_in_any_order(
    one: dict[str, float], other: dict[str, float], weight: float
) -> None:
    first, second = (
        reading(*((name, share / sum(found.values())) for name, share in found.items())) for found in (one, other)
    )
    mixed = mixture([(first, weight), (second, 1 - weight)])
    turned = mixture([(second, 1 - weight), (first, weight)])
    assert sum(share for _, share in mixed) == pytest.approx(1)
    assert [share for _, share in mixed] == pytest.approx([share for _, share in turned])
    assert {found.passage.id for found, _ in mixed} == one.keys() | other.keys()
