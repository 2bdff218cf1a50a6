"""Every sentence of `attune index`.

Knows nothing of how an index is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from core.storage.moving import MoveReport

EMBEDDED = "embedded"
SAME = "That is where the index is already. Name another server, or another collection with --collection."
ONLY_ON_A_SERVER = "An embedded index has no collection: leave --collection out."
COMPARING, COPYING = "Comparing", "Copying"
GO_ON = "What a move was cut off from is kept: run it again, and it goes on."
MEANWHILE = (
    "Until you switch, what is ingested, taught or removed reaches only the old index. After the switch, run attune "
    "ingest, and remove once more what was removed meanwhile."
)


def moving(passages: int, before: str, now: str) -> str:
    """What is about to be done."""
    return f"Moving {plural(passages, 'passage')} from {before} to {now}."


def embedded_at(folder: str) -> str:
    """The embedded index, by its folder."""
    return f"the embedded index in {folder}"


def collection_at(collection: str, url: str) -> str:
    """A collection on a server."""
    return f"the collection {collection} at {url}"


def moved(report: MoveReport) -> str:
    """What was copied, and what the check found."""
    there = report.passages - report.copied
    before = f" ({there:,} were there from before)" if report.resumed and there > 0 else ""
    vectors = plural(report.vectors, "vector")
    return (
        f"Moved {plural(report.passages, 'passage')}{before}. Compared: each passage, {vectors}, and searches, which "
        f"find {report.found:,} of {report.searched:,} passages again."
    )


def switch(settings: Mapping[str, str]) -> str:
    """How to answer from the new index; an empty value is one to unset."""
    lines = [f"    {name}={value}" if value else f"    unset {name}" for name, value in settings.items()]
    return "\n".join(["To answer from there, change the settings, and restart every attune process:", *lines])


def stays(before: str) -> str:
    """The old index is no concern of the move."""
    return f"Nothing was changed in {before}. Delete it when you no longer need it: it holds what the new one holds."
