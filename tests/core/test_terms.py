"""Terms: what is added to a text so that identifiers, acronyms and slips are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.terms import misspelled, spellings, with_terms
from core.text.languages import segmented


def terms(text: str) -> list[str]:
    return with_terms(text).removeprefix(text).split()


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("ERR_CONN_4012", ["errconn", "conn4012"]),
        ("AB-1042/X", ["ab1042", "1042x"]),
        ("ab1042", []),
        ("version v2.13.0", ["2ː13", "13ː0"]),
        ("21.30", ["21ː30"]),
        ("see /etc/nginx/nginx.conf.", ["etcnginx", "nginxnginx", "nginxconf"]),
        ("our e-mail", ["email"]),
        ("Plain words, no more. Next.", []),
        ("ask IT, not it", ["itː"]),
        ("GDPR", []),
        ("ask Human Resources", ["hr"]),
        ("Ask Human Resources", ["ahr", "hr"]),
        ("the Terms of Service", ["ts"]),
        ("", []),
    ],
)
def test_a_text_has_terms(text: str, added: list[str]) -> None:
    """Only compounds, names and shouted stop words have any."""
    assert terms(text) == added


@given(st.text())
def test_any_text_has_terms(text: str) -> None:
    """No text is an error, and it stays as it is."""
    assert with_terms(text).startswith(f"{segmented(text)}\n")


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12)


@given(LETTERS, st.data())
def test_every_slip_is_undone(word: str, data: st.DataObject) -> None:
    """A letter left out, doubled, changed or swapped behind the first: the word is among the slip's spellings."""
    at = data.draw(st.integers(1, len(word) - 2))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    for slip in (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + other + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ):
        assert slip == word or word in spellings(slip)
        assert slip not in spellings(slip)


def test_only_unknown_words_may_be_slips() -> None:
    """Numbers, codes, stop words, short words and words that were found are left alone."""
    asked = "What is the recieve timeout of ERR_CONN_4012 in AWS, E4711 twice?"
    assert misspelled(asked, "The Timeout is 30 s.") == ["recieve", "twice"]


def test_gibberish_is_not_spelled_otherwise_without_end() -> None:
    """A long blob is no word, and of many unknown words only the first few are looked at."""
    assert misspelled("x" * 10_000, "") == []
    assert len(misspelled(" ".join(f"unknown{chr(97 + n)}" for n in range(26)), "")) < 10
