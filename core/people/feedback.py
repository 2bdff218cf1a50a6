"""What people think of answers.

Pure nouns; `core.people.interests` says what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain import Person


class Verdict(StrEnum):
    """What a person did with an answer."""

    UP = "up"
    DOWN = "down"
    OPENED = "opened"  # one of its sources
    NONE = "none"  # took the verdict back


class Reason(StrEnum):
    """Why an answer was no good."""

    WRONG = "wrong"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"
    NOT_MY_TOPIC = "not my topic"
    OUTDATED = "outdated"
    NOT_IN_DOCUMENTS = "not in the documents"


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
