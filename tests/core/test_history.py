"""x: the question as it would be asked by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.domain import Person, Turn
from core.history import before, fitting_turns, is_follow_up, standalone_question

ANN = Person("test", "w", "ann")


def turn(question: str, answer: str = "An answer.") -> Turn:
    return Turn(ANN, question, answer, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "message",
    ["and how long does it take?", "Who approves them?", "why?", "And for contractors?", "how do I cancel it"],
)
def test_a_message_that_points_back_is_a_follow_up(message: str) -> None:
    assert is_follow_up(message)


@pytest.mark.parametrize(
    "message",
    [
        "How do I enroll in the transit benefit?",
        "What is the maximum travel reimbursement for contractors working abroad, and who approves it?",
        "reset VPN password",
    ],
)
def test_a_message_with_a_topic_of_its_own_is_not(message: str) -> None:
    assert not is_follow_up(message)


def test_a_follow_up_is_searched_for_with_the_last_question_that_stood_by_itself() -> None:
    turns = [
        turn("What is a purchase card?"),
        turn("How do I enroll in transit benefits?"),
        turn("and who approves it?"),
    ]
    asked = standalone_question("how long does it take?", turns)
    assert asked == "How do I enroll in transit benefits?\nhow long does it take?"


def test_a_question_with_its_own_topic_leaves_the_conversation_behind() -> None:
    turns = [turn("How do I enroll in transit benefits?")]
    assert standalone_question("Where is the Chicago office?", turns) == "Where is the Chicago office?"


def test_a_first_message_is_searched_for_as_it_is() -> None:
    assert standalone_question("and how long does it take?", []) == "and how long does it take?"


def test_the_latest_turns_fit_into_the_budget() -> None:
    turns = [turn("one two", "three"), turn("four five", "six"), turn("seven", "eight")]

    def words(text: str) -> int:
        return len(text.split())

    assert fitting_turns(turns, 5, words) == tuple(turns[1:])
    assert fitting_turns(turns, 4, words) == tuple(turns[2:])
    assert fitting_turns(turns, 0, words) == ()


def test_what_was_said_before_a_new_beginning_counts_no_more() -> None:
    """After an empty turn, which marks a new beginning, only what follows it is the conversation."""
    turns = [turn("What is a purchase card?"), turn("", ""), turn("How do I enroll in transit benefits?")]
    assert before("and who approves it?", turns, again=False) == turns[2:]
    assert before("hello", turns[:2], again=False) == []
