"""What `attune ingest` says: how far it is, what became of the files, and what was left out.

Knows nothing of how it is laid out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from core.documents.tally import IngestReport

LOOKING = "Looking for documents"
EMBEDDING = "Embedding"
SKIPPED = "skipped"
REFUSED = "refused"
WATCHING = "Watching for changes. Press Ctrl-C to stop."


def ingested(report: IngestReport) -> list[tuple[str, int]]:
    """The rows of the summary."""
    return [
        ("new", len(report.new)),
        ("changed", len(report.changed)),
        ("unchanged", len(report.unchanged)),
        ("removed", len(report.removed)),
        (SKIPPED, len(report.skipped)),
        (REFUSED, len(report.refused)),
        *_seen_by(report),
    ]


def _seen_by(report: IngestReport) -> list[tuple[str, int]]:
    """Only where not everybody may see everything."""
    seen = [(f"seen by {', '.join(readers)}", files) for readers, files in report.readers]
    return [] if report.readers and all(readers == ("everyone",) for readers, _ in report.readers) else seen


def ingested_passages(report: IngestReport) -> str:
    """How many passages were embedded, kept and removed, and how long it took."""
    added, removed = plural(report.passages_added, "passage"), report.passages_removed
    return f"{added} embedded, {report.passages_reused:,} kept, {removed:,} removed, in {report.seconds:.1f} s"


def planned(report: IngestReport) -> list[tuple[str, Sequence[str]]]:
    """What a dry run lists, what matters most last; what is refused follows with its reasons."""
    return [
        ("unchanged", report.unchanged),
        (SKIPPED, report.skipped),
        ("new", report.new),
        ("changed", report.changed),
        ("removed", report.removed),
    ]


def skipped(*, link: bool) -> str:
    """Why a file would be skipped; stands behind its name."""
    return ": link that leaves the folder or cannot be read" if link else ": unknown format"


def skipped_kinds(kinds: Iterable[tuple[tuple[str, str, str], int]]) -> str:
    """How many files of each kind were skipped; a kind is a noun, a space and what follows it."""
    counted = [f"{plural(count, noun)} {more}".rstrip() for (noun, _, more), count in kinds]
    return f"Skipped: {', '.join(counted)}"


def kind_of_file(family: str, ending: str, *, link: bool) -> str:
    """What a file is that is skipped: one word that can stand in the plural, and what follows it."""
    if link:
        return "link out of the folder or to nothing"
    if family in {"image", "video", "font"}:
        return family
    return f"file ending in {ending}" if ending else "file without an ending"


def recognising(name: str, page: int) -> str:
    """A scanned page that is being read."""
    return f"{name}, scanned page {page}"


def embedded(passages: int, known: int, expected: int, seconds: float) -> str:
    """How far an ingestion is: `known` passages so far, `expected` in all, after so many seconds of embedding."""
    if not known:
        return "nothing to embed so far"
    done = f"{passages:,} of {known:,} passages"
    if not passages or seconds < 1:
        return done
    rate = passages / seconds
    unit, length = ("min", 60) if expected - passages > 60 * rate else ("s", 1)
    left = max(1, round((expected - passages) / rate / length))
    return f"{done}, {rate:,.0f}/s, about {left:,} {unit} left"


def planned_passages(report: IngestReport) -> str:
    """How many passages would be embedded, kept and removed."""
    added, removed = plural(report.passages_added, "passage"), report.passages_removed
    kept = f"{added} to embed, {report.passages_reused:,} to keep, {removed:,} to remove"
    return f"{kept}. Dry run: nothing was written."


def more_notes(count: int) -> str:
    """Notes that are not shown."""
    return f"… and {plural(count, 'more note')}"


def watched(report: IngestReport) -> str:
    """What one round of `--watch` did, on one line."""
    counts = (("new", report.new), ("changed", report.changed), ("removed", report.removed), (REFUSED, report.refused))
    named = [f"{len(files):,} {name}" for name, files in counts if files]
    return f"{', '.join(named)}; {ingested_passages(report)}"
