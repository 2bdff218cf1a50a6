"""What people do with answers, and what each of it is to their interests: one signal of the log.

Pure; `core.people.interests` says what follows from signals. Knows nothing of stores, or of words shown to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.domain import Outcome, Person
from core.people import interests
from core.people.interests import Action, Reason, Signal
from core.people.traces import Trace

REPHRASED_WITHIN = timedelta(minutes=3)
REPHRASED_FROM = 0.8  # cosine of what is learned from two questions that ask for the same


class Verdict(StrEnum):
    """What a person did with an answer."""

    UP = "up"
    DOWN = "down"
    OPENED = "opened"  # one of its sources
    NONE = "none"  # took the verdict back


WARNED = "warned"
"""What is counted of an answer that says that a part of it was left out."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """One verdict on one answer. A person has one verdict on each answer: a later one replaces it.

    `answer` is `Answer.id`; `source` is the number of the source that was opened.
    """

    person: Person
    answer: str
    verdict: Verdict
    at: datetime
    reason: Reason | None = None
    source: int = 0


class WeeklyCounts(Protocol):
    """What became of questions, and what people thought of answers: counted by week, of all people together."""

    async def note_week(self, what: str, at: datetime) -> None:
        """Count one more of `what` in the week of `at`: what became of a question, a verdict, or `WARNED`."""
        ...

    async def weeks(self) -> Mapping[str, Mapping[str, int]]:
        """What was counted, by week as `2026-W48`, in order."""
        ...


def signal_of(trace: Trace, feedback: Feedback) -> Signal | None:
    """The signal that a verdict is; None for a source that the answer does not have."""
    if feedback.verdict is Verdict.OPENED:
        opened = next((source for source in trace.sources if source.number == feedback.source), None)
        if opened is None:
            return None
        name, act = f"opened:{opened.number}", Action.OPENED
    else:
        opened, name = None, "verdict"
        act = Action.UP if feedback.verdict is Verdict.UP else Action.DOWN
    return Signal(
        f"{trace.answer}:{name}",
        act,
        feedback.at,
        trace.vector,
        feedback.reason,
        credited=((opened.passage.source, 1.0),) if opened else credits_of(trace),
        phrases=interests.phrases(trace.question),
    )


def credits_of(trace: Trace) -> tuple[tuple[str, float], ...]:
    """The documents that carried an answer, with their share of it."""
    if trace.outcome is Outcome.NOT_FOUND:  # its sources are what came closest
        return ()
    cited = {source.passage.source for source in trace.sources}
    shares: dict[str, float] = {}
    for passage in trace.passages:
        if passage.source in cited:
            shares[passage.source] = shares.get(passage.source, 0.0) + passage.share
    total = sum(shares.values())
    return tuple((source, share / total) for source, share in shares.items()) if total > 0 else ()


def signals_of(trace: Trace, before: Trace | None) -> list[Signal]:
    """What an answered question is to its asker's interests; `before` is the answer they had before."""
    if trace.outcome is not Outcome.ANSWERED or not trace.vector:
        return []
    shown = tuple(dict.fromkeys(source.passage.source for source in trace.sources))
    told = interests.phrases(trace.question)
    asked = Signal(f"{trace.answer}:asked", Action.ASKED, trace.at, trace.vector, shown=shown, phrases=told)
    if before is None or not _rephrases(trace, before):
        return [asked]
    again = Signal(f"{before.answer}:rephrased", Action.REPHRASED, trace.at, before.vector)
    return [again, asked]


def _rephrases(trace: Trace, before: Trace) -> bool:
    """Whether somebody asks the same in other words, soon after: the first answer was no good."""
    if before.answer == trace.answer or not before.vector or before.question == trace.question:
        return False
    soon = timedelta() < trace.at - before.at <= REPHRASED_WITHIN
    now, then = interests.unpacked(trace.vector), interests.unpacked(before.vector)
    return soon and now.size == then.size and float(now @ then) >= REPHRASED_FROM
