"""Which replica is to answer."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.affinity import LEAST, order, owner

REPLICAS = ["a", "b", "c", "d"]
IDLE = dict.fromkeys(REPLICAS, 0)


def test_a_document_has_one_owner_whoever_computes_it() -> None:
    """In whatever order the replicas are listed; and all of them own about as many."""
    owners = [owner(f"document {number}", REPLICAS) for number in range(2000)]
    assert owners == [owner(f"document {number}", REPLICAS[::-1]) for number in range(2000)]
    assert all(400 < count < 600 for count in Counter(owners).values())


def test_a_replica_that_goes_moves_only_what_it_owned() -> None:
    passages = [f"document {number}" for number in range(500)]
    for passage in passages:
        if owner(passage, REPLICAS) != "c":
            assert owner(passage, ["a", "b", "d"]) == owner(passage, REPLICAS)


def test_a_question_goes_where_most_of_its_passages_have_been_read() -> None:
    """By how probable they are, not by how many."""
    of = {name: [f"{n}" for n in range(200) if owner(f"{n}", REPLICAS) == name] for name in REPLICAS}
    first, second = of["b"][0], of["d"]
    assert order([(first, 0.6), (second[0], 0.2), (second[1], 0.2)], IDLE)[0] == "b"
    assert order([(first, 0.4), (second[0], 0.3), (second[1], 0.3)], IDLE)[:2] == ["d", "b"]


def test_a_replica_with_more_than_its_share_is_passed_over() -> None:
    """A few answers at once may always be in one place; then the others get what they can bear, the idlest first."""
    passage = next(f"{n}" for n in range(200) if owner(f"{n}", REPLICAS) == "a")
    assert order([(passage, 1.0)], IDLE | {"a": LEAST - 1})[0] == "a"
    busy = order([(passage, 1.0)], {"a": 9, "b": 1, "c": 0, "d": 2})
    assert busy[-1] == "a"
    assert order([(passage, 1.0)], {"a": 9, "b": 9, "c": 9, "d": 9})[0] == "a"


def test_what_reads_nothing_goes_where_least_is_done() -> None:
    assert order([], {"a": 2, "b": 0, "c": 1})[0] == "b"
    assert order([], {}) == []


@given(
    st.lists(st.tuples(st.text(max_size=4), st.floats(0, 1)), max_size=6),
    st.dictionaries(st.sampled_from(REPLICAS), st.integers(0, 40)),
)
def test_every_replica_is_named_once(reads: list[tuple[str, float]], loads: dict[str, int]) -> None:
    """Whatever is read and however busy they are: where all are full, somebody has to wait somewhere."""
    assert sorted(order(reads, loads)) == sorted(loads)


@pytest.mark.parametrize("questions", [400])
def test_load_stays_even_where_one_passage_is_in_every_question(questions: int) -> None:
    """No replica gets more than its share and a quarter, though all ask about the same."""
    loads = dict(IDLE)
    for _ in range(questions):
        loads[order([("everybody's", 1.0)], loads)[0]] += 1
    assert max(loads.values()) <= 1.25 * questions / len(REPLICAS) + 1
