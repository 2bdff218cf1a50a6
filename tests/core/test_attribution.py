"""Which passages an answer rests on."""

from __future__ import annotations

from core.answering.attribution import cite, cite_by_words
from core.domain import DecodingSummary, Passage, Piece


def passage(name: str, text: str) -> Passage:
    return Passage(name, f"/{name}", name, (), text, 1, 0, 1, "v")


BREAD = passage("bread", "Knead the dough for ten minutes and let it rise overnight.")
VISA = passage("visa", "A visa takes fourteen days; the consulate keeps your passport meanwhile.")
CATS = passage("cats", "Cats sleep sixteen hours.")


def test_only_passages_that_hold_the_answer_are_cited_the_fullest_first() -> None:
    sources = cite_by_words("A visa takes fourteen days, and the consulate keeps the passport.", [BREAD, VISA, CATS])
    assert [(source.number, source.passage.id) for source in sources] == [(1, "visa")]


def test_an_answer_from_two_passages_cites_both() -> None:
    sources = cite_by_words("The visa takes fourteen days. Knead dough ten minutes.", [CATS, BREAD, VISA])
    assert {source.passage.id for source in sources} == {"visa", "bread"}


def test_an_answer_that_shares_no_word_cites_nothing() -> None:
    assert cite_by_words("Penguins swim.", [BREAD, VISA]) == ()


def test_a_passage_is_cited_for_the_sentence_that_it_carried() -> None:
    said = [
        Piece("Rise overnight.", (0.7, 0.2, 0.1)),
        Piece(" Fourteen", (0.5, 0.5, 0.0)),
        Piece(" days", (0.1, 0.9, 0.0)),
    ]
    assert [source.passage.id for source in cite(said, [BREAD, VISA, CATS])] == ["bread", "visa"]


def test_two_passages_that_say_the_same_are_both_cited() -> None:
    assert len(cite([Piece("Rise overnight.", (0.5, 0.45, 0.05))], [BREAD, VISA, CATS])) == 2


def test_shared_words_decide_where_there_is_no_posterior() -> None:
    assert [source.passage.id for source in cite([Piece("Cats sleep.")], [BREAD, CATS])] == ["cats"]


def test_shared_words_decide_among_those_that_hold_the_answer() -> None:
    """Posteriors that are verdicts say what was read, and not which of it carried the words."""
    said = [Piece("Cats sleep, and a visa takes fourteen days.", (0.7, 0.3, 0.0), decoded=DecodingSummary.JUDGED)]
    assert [source.passage.id for source in cite(said, [BREAD, VISA, CATS])] == ["visa"]
