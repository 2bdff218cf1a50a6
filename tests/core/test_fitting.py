"""What of a conversation fits into a prompt."""

from __future__ import annotations

from datetime import UTC, datetime

from core.answering.fitting import fitting_turns
from core.domain import Person, Turn


def turn(question: str, answer: str) -> Turn:
    return Turn(Person("test", "w", "ann"), question, answer, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_latest_turns_fit_into_the_budget() -> None:
    turns = [turn("one two", "three"), turn("four five", "six"), turn("seven", "eight")]

    def words(text: str) -> int:
        return len(text.split())

    assert fitting_turns(turns, 5, words) == tuple(turns[1:])
    assert fitting_turns(turns, 4, words) == tuple(turns[2:])
    assert fitting_turns(turns, 0, words) == ()
