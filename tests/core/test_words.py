"""Words that carry a topic, and those that do not."""

from __future__ import annotations

import pytest

from core.text.words import content_words, without_asking


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("What's a bike?", {"bike"}),
        ("Don’t we’re you'll", set()),
        ("the team's bikes", {"team's", "bikes"}),
    ],
)
def test_contractions_carry_no_topic(text: str, topic: set[str]) -> None:
    """What is left is what somebody asks about."""
    assert content_words(text) == topic


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("Tell me about E-4711", "about E-4711"),
        ("Could you please tell us who William Tell was?", "who William Tell was?"),
        ("Where are bikes, please", "Where are bikes,"),
        ("when do they tell me?", "when do they tell me?"),
        ("What pleases guests?", "What pleases guests?"),
    ],
)
def test_words_that_only_ask_are_not_searched_for(question: str, left: str) -> None:
    """The same words stay where they say something."""
    assert without_asking(question).strip() == left
