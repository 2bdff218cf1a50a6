"""When a quiz question comes again: spaced repetition, by the FSRS algorithm of the library `fsrs`.

    R(t, S) = (1 + f · t / S)^-d,  f such that R(S, S) = 0.9

R is how likely somebody still knows it t days after they answered, S its stability: a right answer makes S grow, a
wrong one shrinks it and has the question come again within minutes. It is due when R falls to 0.9. Pure; knows nothing
of what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsrs import Scheduler

SOLID = 7.0  # days of stability from which something counts as known


@dataclass(frozen=True, slots=True)
class Review:
    """How well something is known, as of `last`. `state` and `step` are FSRS's own numbers; stability is in days."""

    state: int
    step: int | None
    stability: float
    difficulty: float
    due: datetime
    last: datetime


class Mastery(StrEnum):
    """How well something is known now."""

    KNOWN = "known"
    SHAKY = "shaky"
    DUE = "due"


def reviewed(before: Review | None, at: datetime, *, right: bool) -> Review:
    """The state after an answer at `at` to what was in state `before`, or was never asked."""
    from fsrs import Card, Rating, State  # noqa: PLC0415 - a tenth of a second that most commands need not wait

    card = Card(card_id=1, due=at)
    if before is not None:
        state = State(before.state)
        card = Card(1, state, before.step, before.stability, before.difficulty, before.due, before.last)
    card, _ = _scheduler().review_card(card, Rating.Good if right else Rating.Again, at)
    return Review(card.state.value, card.step, card.stability or 0.0, card.difficulty or 0.0, card.due, at)


def mastery(review: Review | None, now: datetime) -> Mastery:
    """How well it is known at `now`; what was never answered is due."""
    if review is None or review.due <= now:
        return Mastery.DUE
    return Mastery.KNOWN if review.stability >= SOLID else Mastery.SHAKY


@cache
def _scheduler() -> Scheduler:
    from fsrs import Scheduler  # noqa: PLC0415 - as above

    return Scheduler(enable_fuzzing=False)  # the same answers lead to the same dates
