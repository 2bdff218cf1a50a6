"""What `/why` says: in words which passages gave the answer and what moved them; in numbers, each passage's."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bots.language import speaking
from bots.why_texts import GONE, NOTHING_KNOWN, SHARED_PROMPT, SOME_UNREAD, WITHOUT_PROFILE, numbers, why
from core.domain import DecodingSummary, Outcome, Person
from core.people.profile import InterestInWords
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
    return next(line for line in numbers(trace).splitlines() if line.startswith(f"- {place}:"))


def test_each_section_that_was_read_has_its_verdict() -> None:
    assert line_of("Leave").endswith("; 100% of the answer comes from it; the model is 97% sure that it has the answer")
    assert line_of("Travel").endswith("; 0% of the answer comes from it; the model is 3% sure that it has the answer")
    assert "The model is 97% sure that the documents have the answer." in numbers(TRACE)


def test_a_section_that_was_not_read_says_so_and_why() -> None:
    """It carried nothing and has no verdict; where all were read, nothing is explained."""
    assert line_of("Badge") == "- Badge: 10% → 10% (unchanged); not read"
    assert SOME_UNREAD in numbers(TRACE)
    assert SOME_UNREAD not in numbers(replace(TRACE, passages=(CLEAR, DOUBTED)))


def test_of_a_text_only_some_sections_are_listed() -> None:
    """It may be made from a hundred."""
    told = numbers(replace(TRACE, passages=(CLEAR,) * 50)).splitlines()
    assert sum(line.startswith("- Leave:") for line in told) == 8
    assert "- … and 42 more." in told


def test_a_model_that_was_not_asked_judged_nothing() -> None:
    """As with a trace of the version before."""
    unasked = replace(TRACE, held=None, passages=(replace(CLEAR, held=None),))
    assert line_of("Leave", unasked).endswith("; 100% of the answer comes from it")
    assert "judged" not in numbers(unasked)


def test_an_answer_of_sections_that_shared_a_prompt_says_so() -> None:
    """By a model on a server; nothing is said of one that weighed them word by word."""
    assert SHARED_PROMPT in numbers(replace(TRACE, decoded=DecodingSummary.JUDGED))
    assert SHARED_PROMPT not in numbers(TRACE)


def test_the_verdict_is_told_in_german() -> None:
    with speaking("de"):
        told = numbers(TRACE)
    assert "Das Modell ist zu 97% sicher" in told
    assert "nicht gelesen" in told
    assert "judged" not in told
    assert "read" not in told


def words(trace: Trace = TRACE, *interests: InterestInWords) -> str:
    """What is said below the heading, as one line."""
    return " ".join(" ".join(why(trace, interests).split("\n\n")[1:]).split())


def shared(*shares: float) -> tuple[PassageWeight, ...]:
    places = ("Leave", "Travel", "Badge", "Parking", "Laptops", "Pay")
    return tuple(
        PassageWeight(place, f"/{place}.md", place, 0.2, 0.2, share=share)
        for place, share in zip(places, shares, strict=False)
    )


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((1.0,), "I read one passage, from *Leave*, and the answer comes from it."),
        ((1.0, 0.0, 0.0), "I read 3 passages; the first one, from *Leave*, gave the answer."),
        ((0.05, 0.95, 0.0), "I read 3 passages; one of them, from *Travel*, gave the answer."),
        ((0.2, 0.8), "I read 2 passages; most of the answer comes from *Travel*, the rest from *Leave*."),
        ((0.4, 0.3, 0.3), "I read 3 passages; the answer comes from *Leave*, *Travel* and *Badge*."),
        ((0.2,) * 6, "I read 6 passages; the answer comes from *Leave*, *Travel*, *Badge* and others."),
        ((0.05, 0.02), "I read 2 passages; the first one, from *Leave*, gave the answer."),  # the rest is of no passage
    ],
)
def test_words_say_what_was_read_and_what_gave_the_answer(shares: tuple[float, ...], said: str) -> None:
    assert words(replace(TRACE, passages=shared(*shares), held=None)).startswith(said)


def test_words_have_no_figures_but_counts() -> None:
    assert "%" not in why(TRACE)
    assert words().startswith("I read 2 passages; the first one, from *Leave*, gave the answer. The model is sure that")


@pytest.mark.parametrize(
    ("held", "word"), [(0.95, "is sure"), (0.8, "fairly sure"), (0.6, "isn't quite sure"), (0.1, "doubts")]
)
def test_words_say_how_sure_the_model_is(held: float, word: str) -> None:
    assert word in words(replace(TRACE, held=held))


def test_words_say_that_nothing_was_found() -> None:
    """Neither where something was read, nor where nothing was near enough."""
    refused = replace(TRACE, outcome=Outcome.NOT_FOUND, held=0.1)
    assert words(refused).startswith("I read 2 passages, the likeliest from *Leave*, and found no answer in them.")
    assert "doubts" in words(refused)
    assert "isn't quite sure" in words(replace(refused, held=0.6))  # under the bound of today
    assert "The model" not in words(replace(refused, held=0.97))  # it would say two things
    assert words(replace(refused, passages=(), held=None)).startswith("No document was close enough to read.")


UP, DOWN = math.log(1.5), -math.log(1.5)


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"taste": UP}, "Your interests moved that passage up."),
        ({"taste": DOWN}, "Your interests moved that passage down."),
        ({"team": UP, "taste": 0.1}, "What your team uses moved that passage up."),
        ({"teammates": DOWN}, "What similar teammates find useful moved that passage down."),
        ({"taste": 0.01}, "What I've learned about you changed nothing here."),
    ],
)
def test_words_say_what_moved_the_passage_that_gave_the_answer(moved: dict[str, float], said: str) -> None:
    assert words(replace(TRACE, passages=(replace(CLEAR, **moved), DOUBTED), events=3)).endswith(said)


def test_words_name_another_passage_that_was_moved() -> None:
    """Where the one that gave the answer stayed where it was; what a limit let through counts."""
    moved = replace(TRACE, passages=(CLEAR, replace(DOUBTED, taste=UP)), events=3)
    assert words(moved).endswith("Your interests moved *Travel* up.")
    assert words(replace(moved, scale=0.1)).endswith("changed nothing here.")


def test_words_name_the_interest_that_had_to_do_with_it() -> None:
    """One in that document, from before the answer."""
    moved = replace(TRACE, passages=(replace(CLEAR, taste=UP), DOUBTED), events=3)
    interest = InterestInWords(1, ("days off",), ("/leave.md",), 1.0, TRACE.at, (), ("Holidays",))
    other = replace(interest, documents=("/pay.md",), topics=("Pay",))
    assert words(moved, other, interest).endswith("Your interest in *Holidays* moved that passage up.")
    assert words(moved, other).endswith("Your interests moved that passage up.")
    later = replace(interest, since=TRACE.at + timedelta(days=1))
    assert words(moved, later).endswith("Your interests moved that passage up.")


def test_words_say_where_nothing_is_known_of_whoever_asked() -> None:
    assert words().endswith(NOTHING_KNOWN)
    assert words(replace(TRACE, plain=True)).endswith(WITHOUT_PROFILE)
    assert words(replace(TRACE, wishes=("short",))).endswith("Your preferences that it follows: short.")


def test_words_do_not_name_what_may_not_be_seen_any_more() -> None:
    hidden = replace(CLEAR, place="", taste=UP)
    told = words(replace(TRACE, passages=(hidden, DOUBTED), events=1))
    assert f"the first one, from {GONE}, gave the answer" in told
    assert told.endswith("moved that passage up.")


def test_words_are_told_in_german() -> None:
    with speaking("de"):
        told = words(replace(TRACE, passages=(replace(CLEAR, taste=UP), DOUBTED), events=1))
    assert told == (
        "Ich habe 2 Abschnitte gelesen; der erste, aus *Leave*, gab die Antwort. Das Modell ist sich sicher, dass die "
        "Antwort in den Dokumenten steht. Deine Interessen haben diesen Abschnitt nach oben gerückt."
    )
