"""Passages of the embedded engine as they are copied to another index, and the other way round.

Blocking, like the engine. Knows nothing of who has the shard open, or of where copies go.
"""

from __future__ import annotations

from collections.abc import Sequence

import qdrant_edge as edge

from core.adapters.index import points
from core.storage.copies import PAGE, MarkPage, PassageCopy

_WHOLE = [points.DENSE, points.SPARSE]  # vectors that a copy has


def page(shard: edge.EdgeShard, after: str | None) -> MarkPage:
    """The marks of `PAGE` passages in the order of their ids, from the id `after` on."""
    request = edge.ScrollRequest(offset=after, limit=PAGE, with_payload=True, with_vector=False)
    found, following = shard.scroll(request)
    return MarkPage(points.marks(found), None if following is None else str(following))


def marks(shard: edge.EdgeShard, ids: Sequence[str]) -> dict[str, str]:
    """The marks of those of these ids that exist."""
    return points.marks(shard.retrieve([*ids], with_payload=True, with_vector=False))


def copies(shard: edge.EdgeShard, ids: Sequence[str]) -> list[PassageCopy]:
    """Those of these passages that exist, with all that they are found by."""
    found = shard.retrieve([*ids], with_payload=True, with_vector=_WHOLE)
    return [points.copy_of(record) for record in found]


def points_of(batch: Sequence[PassageCopy], dimension: int) -> list[edge.Point]:
    """Passages as an engine takes them that keeps vectors of this dimension.

    Raises:
        IndexUnavailableError: a vector is of another one.
    """
    for one in batch:
        points.check_dimension(dimension, len(one.vector), where="The index")
    return [_point(one) for one in batch]


def _point(copy: PassageCopy) -> edge.Point:
    """A passage as the engine takes it."""
    words = edge.SparseVector([*copy.words], [*copy.words.values()])
    vectors = {points.DENSE: copy.vector.tolist(), points.SPARSE: words}
    return edge.Point(copy.id, vectors, dict(copy.fields))
