"""What became of the files of one ingestion: counted while it runs, reported at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.documents.walk import Refusal
from core.readers import Readers


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did. Documents are named by source: an absolute POSIX path, and the name inside an archive."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[str, ...]  # unsupported formats, and links that lead out of a folder
    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]  # whole sentences: guessed encodings, files without text
    passages_added: int
    passages_reused: int
    passages_removed: int
    readers: tuple[tuple[Readers, int], ...]  # who may see how many of the files, the most first
    seconds: float


def merged(reports: Sequence[IngestReport]) -> IngestReport:
    """What several ingestions did, one after the other."""
    total, seconds = IngestTally(), 0.0
    for one in reports:
        total.new += one.new
        total.changed += one.changed
        total.unchanged += one.unchanged
        total.removed += one.removed
        total.skipped += one.skipped
        total.refused += one.refused
        total.notes += one.notes
        total.added += one.passages_added
        total.reused += one.passages_reused
        total.dropped += one.passages_removed
        total.readers.update(dict(one.readers))
        seconds += one.seconds
    return total.report(seconds)


@dataclass(slots=True)
class IngestTally:
    """What the report will say."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    added: int = 0
    reused: int = 0
    dropped: int = 0
    readers: Counter[Readers] = field(default_factory=Counter)

    def report(self, seconds: float) -> IngestReport:
        """The report of an ingestion that took so long."""
        return IngestReport(
            new=tuple(self.new),
            changed=tuple(self.changed),
            unchanged=tuple(self.unchanged),
            removed=tuple(self.removed),
            skipped=tuple(self.skipped),
            refused=tuple(self.refused),
            notes=tuple(self.notes),
            passages_added=self.added,
            passages_reused=self.reused,
            passages_removed=self.dropped,
            readers=tuple(self.readers.most_common()),
            seconds=seconds,
        )
