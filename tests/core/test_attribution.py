"""Which passages an answer rests on."""

from __future__ import annotations

from core.attribution import cite
from core.domain import Passage


def passage(name: str, text: str) -> Passage:
    return Passage(name, f"/{name}", name, (), text, 1, 0, 1, "v")


BREAD = passage("bread", "Knead the dough for ten minutes and let it rise overnight.")
VISA = passage("visa", "A visa takes fourteen days; the consulate keeps your passport meanwhile.")
CATS = passage("cats", "Cats sleep sixteen hours.")


def test_only_passages_that_hold_the_answer_are_cited_the_fullest_first() -> None:
    sources = cite("A visa takes fourteen days, and the consulate keeps the passport.", [BREAD, VISA, CATS])
    assert [(source.number, source.passage.id) for source in sources] == [(1, "visa")]


def test_an_answer_from_two_passages_cites_both() -> None:
    sources = cite("The visa takes fourteen days. Knead dough ten minutes, rise overnight.", [CATS, BREAD, VISA])
    assert {source.passage.id for source in sources} == {"visa", "bread"}


def test_an_answer_that_shares_no_word_cites_nothing() -> None:
    assert cite("Penguins swim.", [BREAD, VISA]) == ()
