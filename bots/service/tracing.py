"""Spans for OpenTelemetry, where a collector is named: one for each event, and one for the answer in it.

They carry times, kinds and outcomes, never a name or a word of anybody. Needs the extra attune[traces].
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bots.watching import AnswerTiming, Watcher
from core.errors import ConfigurationError
from core.inbox import Claim, Event

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from opentelemetry.util.types import Attributes


class Tracing(Watcher):
    """Makes spans of what happens. Each event is handled in a task of its own, whose context has its span."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("attune")
        self._spans: dict[str, Span] = {}

    def began(self, claim: Claim) -> None:
        """Begin the event's span."""
        from opentelemetry import context, trace  # noqa: PLC0415

        event = claim.event
        attributes: Attributes = {"platform": event.person.platform, "kind": event.kind, "attempt": claim.attempt}
        span = self._tracer.start_span("event", attributes=attributes)
        self._spans[event.key] = span
        context.attach(trace.set_span_in_context(span))

    def said(self, said: AnswerTiming) -> None:
        """Add the answer's span."""
        end = time.time_ns()
        attributes: Attributes = {
            "ending": said.ending,
            "pieces": said.pieces,
            "first_piece_seconds": said.first_piece or 0.0,
        }
        start = end - int(said.seconds * 1e9)
        self._tracer.start_span("answer", start_time=start, attributes=attributes).end(end)

    def finished(self, event: Event, outcome: str) -> None:
        """End the event's span."""
        if span := self._spans.pop(event.key, None):
            span.set_attribute("outcome", outcome)
            span.end()


@contextmanager
def traced(collector: str) -> Iterator[Tracing]:
    """Send spans to the collector at this address while open.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "ATTUNE_TRACES is set and OpenTelemetry is not installed. Install it with "
            "pip install 'attune[traces]', or unset ATTUNE_TRACES."
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "attune"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces")))
    try:
        yield Tracing(provider)
    finally:
        provider.shutdown()
