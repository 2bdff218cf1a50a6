"""What `/why` says of the verdict: in plain words, of each section and of all, and nothing where there was none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bots.language import speaking
from bots.why_texts import SHARED_PROMPT, SOME_UNREAD, why
from core.domain import DecodingSummary, Outcome, Person
from core.people.traces import PassageWeight, Trace

CLEAR = PassageWeight("1", "/leave.md", "Leave", 0.7, 0.7, share=1.0, held=0.972)
DOUBTED = PassageWeight("2", "/travel.md", "Travel", 0.2, 0.2, held=0.031)
UNREAD = PassageWeight("3", "/badge.md", "Badge", 0.1, 0.1, read=False)
TRACE = Trace(
    "0" * 16,
    Person("test", "w", "ann"),
    "How long is leave?",
    datetime(2026, 1, 1, tzinfo=UTC),
    ("everyone",),
    Outcome.ANSWERED,
    (CLEAR, DOUBTED, UNREAD),
    held=0.972,
)


def line_of(place: str, trace: Trace = TRACE) -> str:
    return next(line for line in why(trace).splitlines() if line.startswith(f"- {place}:"))


def test_each_section_that_was_read_has_its_verdict() -> None:
    assert line_of("Leave").endswith("; 100% of the answer comes from it; the model is 97% sure that it has the answer")
    assert line_of("Travel").endswith("; 0% of the answer comes from it; the model is 3% sure that it has the answer")
    assert "The model is 97% sure that the documents have the answer." in why(TRACE)


def test_a_section_that_was_not_read_says_so_and_why() -> None:
    """It carried nothing and has no verdict; where all were read, nothing is explained."""
    assert line_of("Badge") == "- Badge: 10% → 10% (unchanged); not read"
    assert SOME_UNREAD in why(TRACE)
    assert SOME_UNREAD not in why(replace(TRACE, passages=(CLEAR, DOUBTED)))


def test_of_a_text_only_some_sections_are_listed() -> None:
    """It may be made from a hundred."""
    told = why(replace(TRACE, passages=(CLEAR,) * 50)).splitlines()
    assert sum(line.startswith("- Leave:") for line in told) == 8
    assert "- … and 42 more." in told


def test_a_model_that_was_not_asked_judged_nothing() -> None:
    """As with a trace of the version before."""
    unasked = replace(TRACE, held=None, passages=(replace(CLEAR, held=None),))
    assert line_of("Leave", unasked).endswith("; 100% of the answer comes from it")
    assert "judged" not in why(unasked)


def test_an_answer_of_sections_that_shared_a_prompt_says_so() -> None:
    """By a model on a server; nothing is said of one that weighed them word by word."""
    assert SHARED_PROMPT in why(replace(TRACE, decoded=DecodingSummary.JUDGED))
    assert SHARED_PROMPT not in why(TRACE)


def test_the_verdict_is_told_in_german() -> None:
    with speaking("de"):
        told = why(TRACE)
    assert "Das Modell ist zu 97% sicher" in told
    assert "nicht gelesen" in told
    assert "judged" not in told
    assert "read" not in told
