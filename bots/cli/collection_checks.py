"""What `attune doctor` says of the collection on a Qdrant server: how it is laid out, and where not as asked for.

Knows nothing of what is in it. Opening it has changed what can be changed in place.
"""

from __future__ import annotations

from collections.abc import Iterator

from bots.cli import index_texts as say
from bots.platform import Check, CheckStatus
from core.bootstrap import collection_state
from core.errors import StoreError
from core.settings import Settings, shown_url
from core.storage.layout import CollectionState

NAME = "collection"  # of the rows
SHARDS = "shards"  # which cannot be changed in place


async def collection_checks(settings: Settings) -> list[Check]:
    """Rows for the collection; none for an embedded index, or one that cannot be opened, which has its own row."""
    try:
        state = await collection_state(settings)
    except StoreError:
        return []
    return list(checks_of(state, shown_url(settings.qdrant_url or ""))) if state else []


def checks_of(state: CollectionState, url: str) -> Iterator[Check]:
    """How it is laid out, then a row for each part that is not as it was asked for."""
    yield Check(CheckStatus.GOOD, NAME, say.laid_out(state))
    yield from _differences(state, url)
    yield from _replicas(state, url)
    if state.unindexed:
        yield Check(CheckStatus.CARE, NAME, say.without_index(state.unindexed), say.FIX_UNCHANGED)


def _differences(state: CollectionState, url: str) -> Iterator[Check]:
    for one in state.wished.differences(state.there):
        found = say.differs(f"QDRANT_{one.part.upper()}", one.wished, one.found)
        fix = say.fix_shards(url) if one.part == SHARDS else say.FIX_UNCHANGED
        yield Check(CheckStatus.CARE, NAME, found, fix)


def _replicas(state: CollectionState, url: str) -> Iterator[Check]:
    """Whether each shard has as many in use as it should; a factor that is changed makes none."""
    wished = state.wished.replicas or state.there.replicas or 1
    if state.fewest is not None and state.fewest < wished:
        found, fix = say.few_replicas(state.fewest, wished), say.fix_replicas(state.name, url)
        yield Check(CheckStatus.CARE, NAME, found, fix)
