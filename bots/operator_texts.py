"""What `attune ingest --watch`, `attune sources` and `attune gaps` say; the other sentences are in `texts.py`.

Knows nothing of how a sentence is laid out, or of when it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bots.texts import REFUSED, ingested_passages, plural

if TYPE_CHECKING:
    from core.documents.tally import IngestReport

WATCHING = "Watching for changes; Ctrl-C ends it."


def watched(report: IngestReport) -> str:
    """What one round of `--watch` did, on one line."""
    counts = (("new", report.new), ("changed", report.changed), ("removed", report.removed), (REFUSED, report.refused))
    named = [f"{len(files):,} {name}" for name, files in counts if files]
    return f"{', '.join(named)}; {ingested_passages(report)}"


NO_GAPS = "No question went unanswered."


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, roughly; an em dash for never."""
    if moment is None:
        return "—"
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{plural(seconds // length, unit)} ago"
    return "just now"


def gap_counts(questions: int, people: int) -> str:
    """How often and by how many something was asked in vain."""
    return f" asked {plural(questions, 'time')} by {people:,} {'person' if people == 1 else 'people'}"


def gap_nearest(titles: Sequence[str]) -> str:
    """What came closest to an unanswered question."""
    return f"closest: {', '.join(titles)}"


def more_gaps(count: int) -> str:
    """Groups that are not shown."""
    return f"… and {count:,} more; --json shows all."
