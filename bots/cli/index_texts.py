"""Every sentence of `attune index`, and of `attune doctor` about a collection on a server.

Knows nothing of how an index is moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from bots.language import plural

if TYPE_CHECKING:
    from core.storage.layout import CollectionState
    from core.storage.moving import MoveReport

EMBEDDED = "embedded"
SAME = "That is where the index is already. Name another server, or another collection with --collection."
NO_ADDRESS = "The address is empty. Name that of a Qdrant server, such as http://127.0.0.1:6333, or: embedded"
ONLY_ON_A_SERVER = "An embedded index has no collection: leave --collection out."
COMPARING, COPYING = "Comparing", "Copying"
FIX_UNCHANGED = "The server did not take it on. Wait a moment and look again; else see the server's log."
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
        f"Moved {plural(report.passages, 'passage')}{before}. Compared: each passage, {vectors}, and searches, "
        f"which are as good in {report.found:,} of {report.searched:,} places."
    )


def switch(settings: Mapping[str, str]) -> str:
    """How to answer from the new index; an empty value is one to unset."""
    lines = [f"    {name}={value}" if value else f"    unset {name}" for name, value in settings.items()]
    return "\n".join(["To answer from there, change the settings, and restart every attune process:", *lines])


def stays(before: str) -> str:
    """The old index is no concern of the move."""
    return f"Nothing was changed in {before}. Delete it when you no longer need it: it holds what the new one holds."


def laid_out(state: CollectionState) -> str:
    """A collection as it is."""
    there = state.there
    parts = [
        plural(there.shards, "shard") if there.shards else "",
        f"{plural(there.replicas, 'replica')} of each" if there.replicas else "",
        "" if there.quantisation in {None, "none"} else f"{there.quantisation} quantisation",
        "vectors on disk" if there.on_disk else "vectors in memory",
    ]
    return f"{state.name}: {', '.join(filter(None, parts))}"


def differs(setting: str, wished: str, found: str) -> str:
    """A part of a collection that is not as it was asked for."""
    return f"{setting} is {wished}, but the collection has {found}"


def fix_shards(url: str) -> str:
    """What can be done where the number of shards is another."""
    return f"Shards cannot be changed in place. Move to a new collection: attune index move {url} --collection NAME"


def few_replicas(fewest: int, wished: int) -> str:
    """A shard has fewer copies in use than it should."""
    return f"some shard has {plural(fewest, 'replica')} in use, of {wished}"


def fix_replicas(name: str, url: str) -> str:
    """What can be done where there are too few copies."""
    return (
        "Qdrant makes no copies of shards that it has. Are all its machines up? Have it make them (POST /collections/"
        f"{name}/cluster, replicate_shard), or move to a new collection: attune index move {url} --collection NAME"
    )


def without_index(fields: Collection[str]) -> str:
    """Fields that are searched by without an index."""
    return f"no index of {', '.join(fields)}: searches are slow, and a strict server refuses them"
