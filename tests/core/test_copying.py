"""Copying ahead: what is proposed, and how far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.answering.copying import Copier

TOKENS = st.lists(st.integers(0, 4), max_size=30)


def test_the_continuation_of_the_last_two_tokens_is_proposed() -> None:
    copier = Copier([[1, 2, 3, 4, 5, 6], [9, 2, 3, 7, 8]])
    assert copier.propose([0, 2, 3], [0], room=2) == [4, 5]
    assert copier.propose([0, 2, 3], [1], room=9) == [7, 8]
    assert copier.propose([0, 2, 3], [1, 0], room=1) == [7]
    assert copier.propose([3, 2], [0, 1], room=9) == []
    assert copier.propose([2], [0], room=9) == []
    assert copier.propose([2, 3], [], room=9) == []


def test_misses_end_guessing_for_a_while_and_hits_make_it_bold() -> None:
    """Many rows make a guess dear, one row makes it cheap."""
    said, source = [0, 1], list(range(30))
    copier = Copier([source] * 8)
    first = copier.propose(said, range(8), room=20)
    for _ in range(3):
        copier.learn(1, 0)
    assert copier.propose(said, range(8), room=20) == []
    for _ in range(40):  # steps without a guess
        copier.propose([], [], room=20)
    assert copier.propose(said, range(8), room=20) == first
    for _ in range(3):
        copier.learn(8, 8)
    assert len(copier.propose(said, [0], room=20)) == 8
    assert len(copier.propose(said, range(8), room=20)) > len(first)


@given(st.lists(TOKENS, max_size=3), TOKENS, st.integers(-1, 12))
def test_a_proposal_stands_in_a_source_behind_the_last_tokens(
    sources: list[list[int]], said: list[int], room: int
) -> None:
    proposed = Copier(sources).propose(said, range(len(sources)), room)
    assert len(proposed) <= max(0, room)
    copied = [*said[-2:], *proposed]
    found = [source[at : at + len(copied)] == copied for source in sources for at in range(len(source))]
    assert not proposed or any(found)
