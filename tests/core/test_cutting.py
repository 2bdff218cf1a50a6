"""An answer that used up its tokens ends with something whole, and goes on from there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.cutting import MARK, begun, cut_short, is_cut, joined


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Open the app. Choose a car. Then pre", "Open the app. Choose a car. …"),
        ("It costs 3.50 a day. It is paid mon", "It costs 3.50 a day. …"),
        ("Do this:\n1. Open the app\n2. Choose a car\n3. Pre", "Do this:\n1. Open the app\n2. Choose a car …"),
        ("Do this:\n1. Open the app\n2. Choose a car\n3.", "Do this:\n1. Open the app\n2. Choose a car …"),
        ("- **Cars** (e.g. vans).\n- **Bikes**, e.g. tan", "- **Cars** (e.g. vans). …"),
        ("| a | b |\n|---|---|\n| One. | Two. |\n| Three. | Fo", "| a | b |\n|---|---|\n| One. | Two. |\n\n…"),
        ("Run:\n```\nmake\n```\nSay hi. And then:\n```\nall. now", "Run:\n```\nmake\n```\nSay hi. And then: …"),
        ("Yes. A sentence that goes on, with all of its pa", "Yes. A sentence that goes on, with all of its …"),
        ("Whole.", "Whole. …"),
        ("onewordonly", "onewordonly …"),
    ],
)  # fmt: skip
def test_an_answer_ends_with_its_last_whole_sentence_or_line(said: str, shown: str) -> None:
    assert cut_short(said) == shown


def test_code_that_is_most_of_an_answer_is_cut_at_a_line_and_closed() -> None:
    assert cut_short("Run:\n```\nmake one\nmake two\nmake th") == "Run:\n```\nmake one\nmake two\n```\n\n…"


@given(st.text(st.sampled_from("ab1 .\n-|`!"), min_size=1, max_size=120).filter(lambda text: "```" not in text))
def test_what_is_shown_is_a_beginning_and_ends_at_the_end_of_a_word(said: str) -> None:
    said = said.strip() or "a"
    shown = cut_short(said)
    kept = begun(shown)
    assert is_cut(shown)
    assert said.startswith(kept)
    assert kept or not said.split()[1:]
    behind = said[len(kept) : len(kept) + 1]
    assert not (kept[-1:].isalnum() and behind.isalnum())


def test_an_answer_and_how_it_went_on_are_one() -> None:
    assert joined("One. Two.", "Three.") == "One. Two. Three."
    assert joined("1. One", "2. Two") == "1. One\n2. Two"
    assert not is_cut("Whole.")
    assert begun(f"One. {MARK}") == "One."
