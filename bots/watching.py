"""What happens while people are answered, for whoever wants to know: nothing of anybody's words.

Who counts it is in `service/metrics.py`. Knows no platform, and nothing of how anything is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.inbox import Claim, Event, Receipt
from core.people.feedback import Verdict


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


class Watchers(Watcher):
    """Several as one."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def received(self, platform: str, receipt: Receipt, seconds: float) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.received(platform, receipt, seconds)

    def not_understood(self, platform: str) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.not_understood(platform)

    def receiver_ended(self, platform: str) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.receiver_ended(platform)

    def began(self, claim: Claim) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.began(claim)

    def said(self, said: AnswerTiming) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.said(said)

    def failed(self, kind: str) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.failed(kind)

    def judged(self, verdict: Verdict) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.judged(verdict)

    def finished(self, event: Event, outcome: str) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher.finished(event, outcome)
