"""How long a text may be, as its request says it, and that it is kept while the text grows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.writing.limits import Bounds, Limits, limits_in, without_limits, word_count

TEXT = "Leave is twenty days. Ask your lead, e.g. on Monday. Then book it! The rest is easy."


@pytest.mark.parametrize(
    ("request_", "limits"),
    [
        ("about leave, max 50 words", Limits(words=50)),
        ("about leave in 100 words or less", Limits(words=100)),
        ("a 40-word note", Limits(words=40)),
        ("under 60 words", Limits(words=59)),
        ("about 50 words", Limits(words=60)),
        ("at least 100 words", Limits()),
        ("in two or three sentences", Limits(sentences=3)),
        ("in a sentence", Limits(sentences=1)),
        ("in five bullets", Limits(items=5)),
        ("5 short bullet points", Limits(items=5)),
        ("one paragraph, at most 3 sentences", Limits(paragraphs=1, sentences=3)),
        ("max. 280 characters", Limits(characters=280)),
        ("a tweet about leave", Limits(characters=280)),
        ("höchstens 50 Wörter", Limits(words=50)),
        ("in drei Sätzen", Limits(sentences=3)),
        ("mit fünf Stichpunkten", Limits(items=5)),
        ("in einem Absatz", Limits(paragraphs=1)),
        ("the points of the leave page", Limits()),
        ("version 2.0 words", Limits()),
        ("telling the team passwords must have 16 characters", Limits()),
        ("an e-mail about laptops in a word document", Limits()),
        ("in a word, about leave", Limits()),
        ("two letters to new starters", Limits()),
        ("about leave, minimum 50 words", Limits()),
        ("about leave, not under 50 words", Limits()),
        ("about leave, nicht unter 50 Wörter", Limits()),
        ("in 5 bullets of 10 words each", Limits(items=5)),
        ("an email about the 3 steps to request a laptop", Limits()),
        ("a memo on the 2 lines of defence", Limits()),
        ("give me five bullets on leave", Limits(items=5)),
        ("a 50 word note about leave", Limits(words=50)),
        ("an e-mail about leave 50 words", Limits(words=50)),
        ("a summary of 1,000 words", Limits(words=1000)),
        ("between 50 and 80 words", Limits(words=80)),
        ("keep it to one paragraph", Limits(paragraphs=1)),
        ("5 points, one sentence per rule", Limits(items=5)),
        ("with 2 paragraphs of 30 words", Limits(paragraphs=2)),
        ("an email about 3 steps to request a laptop", Limits()),
        ("summarise the five points of the code of conduct", Limits()),
        ("no more than 2.5 sentences", Limits()),
        ("kürze es auf 50 Wörter", Limits(words=50)),
        ("in fifty words", Limits(words=50)),
        ("max twenty words", Limits(words=20)),
        ("in fünfzig Wörtern", Limits(words=50)),
        ("in five concise bullet points", Limits(items=5)),
        ("in 5 key points", Limits(items=5)),
        ("in 5 numbered steps", Limits(items=5)),
        ("in fünf Aufzählungspunkten", Limits(items=5)),
        ("an email about the five key points", Limits()),
        ("describe a system of steps", Limits()),
    ],
)
def test_limits_are_read_from_a_request(request_: str, limits: Limits) -> None:
    """In digits and in words, English and German; what asks for at least so many is none."""
    assert limits_in(request_) == limits


def test_what_is_left_of_a_request_has_no_limits() -> None:
    """Nobody searches for fifty words."""
    assert without_limits("leave, max 50 words") == "leave,"
    for said in ("leave (50 words)", "leave <50 words", "leave nicht länger als 50 Wörter", "leave (max 50 words)"):
        assert without_limits(said) == "leave"


def bounded(text: str, limits: Limits, size: int = 3, *, as_list: bool = False) -> str:
    bounds = Bounds(limits, as_list=as_list)
    shown = "".join(bounds.feed(text[place : place + size]) for place in range(0, len(text), size))
    return (shown + bounds.finish()).strip()


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Limits(words=100), TEXT),
        (Limits(words=10), "Leave is twenty days. Ask your lead, e.g. on Monday."),
        (Limits(sentences=1), "Leave is twenty days."),
        (Limits(characters=30), "Leave is twenty days."),
        (Limits(words=3), "Leave is twenty …"),
    ],
)
def test_a_text_ends_with_a_whole_sentence_inside_its_limits(limits: Limits, kept: str) -> None:
    """Only a first sentence that is too long itself is cut, and marked."""
    assert bounded(TEXT, limits) == kept


MAIL = "Subject: New laptops\n\nHi [name],\n\nThe U.S. office gets them. Ask IT.\n\nBest regards,\nIT"


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Limits(sentences=1), "Subject: New laptops\n\nHi [name],\n\nThe U.S. office gets them."),
        (Limits(sentences=2, paragraphs=1), MAIL),
        (Limits(words=6), "Subject: New laptops\n\nHi [name],\n\nThe …"),
        (Limits(characters=3), "Subject: New laptops"),
    ],
)
def test_what_frames_an_email_is_no_sentence_of_it(limits: Limits, kept: str) -> None:
    """And however short it is to be, something of it is shown."""
    assert bounded(MAIL, limits) == kept


def test_items_over_the_number_are_left_out() -> None:
    """A heading and what stands behind the list stay, since an e-mail has both."""
    text = "Dear all:\n\n- one\n- two\n  more of two\n- three. And more.\n\nBest, Ann"
    assert bounded(text, Limits(items=2)) == "Dear all:\n\n- one\n- two\n  more of two\n\nBest, Ann"


def test_what_stands_under_an_item_belongs_to_it() -> None:
    """It is no further item, and goes with one that is too many."""
    text = "1. Ask your lead.\n   - by mail\n   - by chat\n2. Fill the form.\n3. Wait.\n   - a day\n   or two\n\nBye"
    kept = "1. Ask your lead.\n   - by mail\n   - by chat\n2. Fill the form.\n\nBye"
    assert bounded(text, Limits(items=2)) == kept


@pytest.mark.parametrize(
    "sentence",
    [
        "You ask Dr. Smith on Sept. 3 by mail.",
        "Das gilt z. B. ab Mo. 3. Okt. und inkl. Art. 3 Abs. 2 des Vertrags.",
        "It takes max. 3 days.",
    ],
)
def test_a_sentence_goes_on_behind_an_abbreviation(sentence: str) -> None:
    """Nobody is sent home with half a date."""
    assert bounded(f"{sentence} Then go. Bye.", Limits(sentences=2)) == f"{sentence} Then go."


def test_a_table_ends_with_a_whole_row() -> None:
    """A row that is too much is left out, whatever stops are in it."""
    table = "| A | B |\n|---|---|\n| one. Two | three four |"
    assert bounded(f"{table}\n| seven eight | nine. Ten |\n\nEnd.", Limits(words=8)) == table


def test_sentences_become_items_where_a_list_was_asked_for() -> None:
    """A model that writes prose in spite of it still gives a list, of so many."""
    assert bounded(TEXT, Limits(items=2), as_list=True) == "- Leave is twenty days.\n- Ask your lead, e.g. on Monday."


@pytest.mark.parametrize("size", [1, 7])
def test_a_line_is_one_however_it_comes(size: int) -> None:
    """What follows a line's end may come with it, or later."""
    assert bounded("Aa bb. ccAa bb.\n cc", Limits(sentences=2), size) == "Aa bb. ccAa bb.\n cc"


def test_one_paragraph_ends_at_the_first_blank_line() -> None:
    """The second paragraph is one too many."""
    assert bounded("One. Two.\n\nThree.", Limits(paragraphs=1)) == "One. Two."


@given(
    st.lists(st.sampled_from(["Aa bb.", " cc", "\n", "\n\n", "- x ", "1. ", "dd!", "**E:**", "…"])), st.integers(1, 9)
)
def test_no_limit_is_ever_exceeded(parts: list[str], most: int) -> None:
    """However the text comes, and in whatever pieces."""
    text = "".join(parts)
    assert word_count(bounded(text, Limits(words=most))) <= most
    shown = bounded(text, Limits(items=most))
    assert len(re.findall(r"^[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+\S", shown, re.MULTILINE)) <= most
    assert bounded(text, Limits(sentences=most), 1) == bounded(text, Limits(sentences=most), 7)
