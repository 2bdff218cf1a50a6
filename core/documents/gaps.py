"""What the team asks and the documents lack: questions that went unanswered, grouped by meaning.

Pure; knows nothing of stores, models or of how the groups are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.domain import Person, Vectors

ALIKE = 0.55  # cosine, on average, of questions that ask for the same


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that went unanswered; `nearest` are the titles that came closest."""

    question: str
    person: Person
    asked_at: datetime
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that ask for the same, the most typical one first."""

    gaps: tuple[Gap, ...]

    @property
    def people(self) -> int:
        """How many different people asked."""
        return len({gap.person for gap in self.gaps})


def grouped(gaps: Sequence[Gap], vectors: Vectors, *, alike: float = ALIKE) -> list[GapGroup]:
    """Groups of `gaps`, whose questions have the rows of `vectors` (n, dimension), the one most people asked for first.

    Clusters by average linkage of cosines, until no two clusters are `alike` on average.
    """
    if len(gaps) < 2:  # noqa: PLR2004  # nothing to join
        return [GapGroup((gap,)) for gap in gaps]
    from sklearn.cluster import AgglomerativeClustering  # noqa: PLC0415  # half a second to import

    joined = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - alike
    ).fit(vectors)
    groups = [_typical_first(gaps, vectors, np.flatnonzero(joined.labels_ == label)) for label in set(joined.labels_)]
    return sorted(groups, key=lambda group: (-group.people, -len(group.gaps), -_latest(group)))


def _typical_first(gaps: Sequence[Gap], vectors: Vectors, members: np.ndarray) -> GapGroup:
    nearness = vectors[members] @ vectors[members].mean(axis=0)  # (members,)
    return GapGroup(tuple(gaps[members[place]] for place in np.argsort(-nearness, kind="stable")))


def _latest(group: GapGroup) -> float:
    return max(gap.asked_at.timestamp() for gap in group.gaps)
