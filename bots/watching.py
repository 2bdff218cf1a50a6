"""What happens while people are answered, for whoever wants to know: nothing of anybody's words.

Who counts it is in `service/metrics.py`. Knows no platform, and nothing of how anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.inbox import Claim, Event, Receipt
from core.people.feedback import Verdict

STOPPED, ANSWERED, NOT_FOUND, PROBLEM, COMMAND = "stopped", "answered", "not found", "problem", "command"
"""The endings of an answer."""


@dataclass(frozen=True, slots=True)
class AnswerTiming:
    """How one message was answered: its ending, and seconds from its beginning. `pieces` are about a token each."""

    ending: str
    seconds: float
    first_piece: float | None
    pieces: int


class Watcher:
    """What happens, for whoever wants to know; this one does not."""

    def received(self, platform: str, receipt: Receipt, seconds: float) -> None:
        """A platform handed something in, which took so long."""

    def not_understood(self, platform: str) -> None:
        """Something came from a platform that nobody can read; it was confirmed and left alone."""

    def receiver_ended(self, platform: str) -> None:
        """A receiver ended by itself, and is started again."""

    def began(self, claim: Claim) -> None:
        """A worker begins with an event."""

    def said(self, said: AnswerTiming) -> None:
        """A dialogue came to its end."""

    def failed(self, kind: str) -> None:
        """A person was given a sentence instead of an answer, because of an error of this kind."""

    def judged(self, verdict: Verdict) -> None:
        """A person did something with an answer."""

    def finished(self, event: Event, outcome: str) -> None:
        """An event is out of the worker's hands."""

    def requested(self, door: str, status: int, seconds: float) -> None:
        """A program or a browser asked, and was answered with this status of HTTP."""
