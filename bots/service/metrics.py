"""Figures for Prometheus: how much comes, waits, is answered and fails. None carries a name or a word of anybody.

Knows nothing of how the figures are fetched; `health.py` serves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bots.watching import AnswerTiming, Watcher
from core.inbox import Claim, Depth, Event, Receipt
from core.people.feedback import Verdict

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)  # seconds
SLOW = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
MALFORMED = "malformed"
RATES = (1, 2, 4, 6, 8, 12, 16, 24, 32, 64, 128)  # tokens a second


@dataclass(frozen=True, slots=True)
class FirstWords:
    """How soon the first word of answers came: how many, seconds on average, and counts by seconds at most."""

    count: int
    mean: float
    buckets: tuple[tuple[str, int], ...]


class Metrics(Watcher):
    """All counters and histograms of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._received = self._count("attune_received", "Events received from the platforms", "platform", "receipt")
        self._ended = self._count("attune_receiver_restarts", "Receivers restarted after they stopped", "platform")
        self._put = self._times("attune_put_seconds", "Time to store an event before it is acknowledged", QUICK)
        self._waited = self._times("attune_waited_seconds", "Time an event waits for a worker", SLOW)
        self._handled = self._count("attune_handled", "Events by outcome", "platform", "outcome")
        self._retried = self._count("attune_retries", "Events retried by a worker")
        self._answers = self._count("attune_answers", "Messages by how they were answered", "ending")
        self._first = self._times("attune_first_token_seconds", "Time from the start to the first word", SLOW)
        self._whole = self._times("attune_answer_seconds", "Time from the start to the end of an answer", SLOW)
        self._rate = self._times("attune_tokens_per_second", "Tokens a second, after the first", RATES)
        self._errors = self._count("attune_errors", "Failed answers by kind of error", "kind")
        self._feedback = self._count("attune_feedback", "Verdicts on answers", "verdict")
        self._requests = self._count("attune_requests", "Requests of programs and browsers", "door", "status")
        self._served = self._times("attune_request_seconds", "Time to the end of a response", SLOW, "door")
        self._depth = self._level("attune_inbox", "Events in the inbox", "state")
        self._oldest = self._level("attune_inbox_oldest_seconds", "Age of the oldest open event")
        self._cache = self._level("attune_cache", "The cache of passages read, since the start", "figure")

    def _count(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _times(self, name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, registry=self._registry, buckets=buckets)

    def _level(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self._registry)

    def received(self, platform: str, receipt: Receipt, seconds: float) -> None:
        """Count a receipt."""
        self._received.labels(platform, receipt.value).inc()
        self._put.observe(seconds)

    def not_understood(self, platform: str) -> None:
        """Count what nobody can read, beside the receipts of the rest."""
        self._received.labels(platform, MALFORMED).inc()

    def receiver_ended(self, platform: str) -> None:
        """Count an end that nobody wanted."""
        self._ended.labels(platform).inc()

    def began(self, claim: Claim) -> None:
        """Count a beginning."""
        if claim.attempt > 1:
            self._retried.inc()
        self._waited.observe(max(0.0, (datetime.now(UTC) - claim.event.received_at).total_seconds()))

    def said(self, said: AnswerTiming) -> None:
        """Count an answer."""
        self._answers.labels(said.ending).inc()
        self._whole.observe(said.seconds)
        if said.first_piece is not None:
            self._first.observe(said.first_piece)
            if said.pieces > 1 and said.seconds > said.first_piece:
                self._rate.observe((said.pieces - 1) / (said.seconds - said.first_piece))

    def failed(self, kind: str) -> None:
        """Count an error."""
        self._errors.labels(kind).inc()

    def judged(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self._feedback.labels(verdict.value).inc()

    def finished(self, event: Event, outcome: str) -> None:
        """Count an end."""
        self._handled.labels(event.person.platform, outcome).inc()

    def requested(self, door: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(door, str(status)).inc()
        self._served.labels(door).observe(seconds)

    def first_words(self) -> FirstWords:
        """How soon the first word of answers came, since the start."""
        samples = [sample for metric in self._first.collect() for sample in metric.samples]
        so_far = [(one.labels["le"], int(one.value)) for one in samples if one.name.endswith("_bucket")]
        total = next(one.value for one in samples if one.name.endswith("_sum"))
        before = [0, *(count for _, count in so_far)]
        counts = [(_seconds(most), count - less) for (most, count), less in zip(so_far, before, strict=False)]
        while counts and not counts[-1][1]:
            counts.pop()
        count = before[-1]
        return FirstWords(count, total / count if count else 0.0, tuple(counts))

    def page(self, depth: Depth | None, figures: Mapping[str, float]) -> bytes:
        """All of it as Prometheus reads it, with the inbox's depth where it is known."""
        if depth is not None:
            counts = {"waiting": depth.waiting, "working": depth.working, "dead": depth.dead, "aside": depth.aside}
            for state, count in counts.items():
                self._depth.labels(state).set(count)
            self._oldest.set(depth.oldest)
        for name, figure in figures.items():
            self._cache.labels(name).set(figure)
        return generate_latest(self._registry)


def _seconds(most: str) -> str:
    return "more" if most == "+Inf" else f"{float(most):g}"
