"""What the team asks and the documents lack: questions that went unanswered, grouped by meaning.

Pure; knows nothing of stores, models or of how the groups are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from core.domain import Person, Vectors
from core.people.interests import packed, unpacked

ALIKE = 0.55  # cosine, on average, of questions that ask for the same


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that went unanswered, with its packed `vector`; `nearest` are the titles that came closest."""

    question: str
    person: Person
    asked_at: datetime
    nearest: tuple[str, ...] = ()
    vector: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GapGroup:
    """Questions that ask for the same, the most typical one first."""

    gaps: tuple[Gap, ...]

    @property
    def people(self) -> int:
        """How many different people asked."""
        return len({gap.person for gap in self.gaps})


def with_vectors(gaps: Sequence[Gap], vectors: Vectors) -> list[Gap]:
    """`gaps` with the rows of `vectors` (n, dimension)."""
    return [replace(gap, vector=packed(row, np.float16)) for gap, row in zip(gaps, vectors, strict=True)]


def vectors_of(gaps: Sequence[Gap]) -> Vectors | None:
    """The vectors of all `gaps`, (n, dimension); None where some cannot be compared with the others."""
    rows = [unpacked(gap.vector) for gap in gaps if gap.vector]
    alike = len(rows) == len(gaps) and len({row.size for row in rows}) == 1
    return np.stack(rows).astype(np.float32) if alike else None


def grouped(gaps: Sequence[Gap], vectors: Vectors, *, alike: float = ALIKE) -> list[GapGroup]:
    """Groups of `gaps`, whose questions have the rows of `vectors` (n, dimension), the one most people asked for first.

    Clusters by average linkage of cosines, until no two clusters are `alike` on average.
    """
    groups = [_typical_first(gaps, vectors, members) for members in _clusters(vectors @ vectors.T, alike)]
    return sorted(groups, key=lambda group: (-group.people, -len(group.gaps), -_latest(group)))


def _clusters(cosines: np.ndarray, alike: float) -> list[list[int]]:
    """Rows of `cosines` (n, n) by average linkage, along chains of nearest neighbours; overwrites `cosines`.

    What a cluster is nearest to never comes nearer by a merging of others (Müllner, 2011): so two that are each other's
    nearest merge at once, and one whose nearest is not `alike` is done.
    """
    np.fill_diagonal(cosines, -np.inf)
    gone = np.zeros(len(cosines), cosines.dtype)  # -inf for rows that are done, or part of another
    members = {row: [row] for row in range(len(cosines))}
    done: list[list[int]] = []
    chain: list[int] = []
    while members:
        chain = chain or [next(iter(members))]
        last, before = chain[-1], chain[-2] if len(chain) > 1 else None
        nearness = cosines[last] + gone
        near = int(nearness.argmax())
        if before is not None and nearness[before] >= nearness[near]:
            near = before
        if nearness[near] <= alike:
            done.append(members.pop(last))
            gone[chain.pop()] = -np.inf
        elif near != before:
            chain.append(near)
        else:
            del chain[-2:]
            _merge(cosines, members, near, last)
            gone[last] = -np.inf
    return done


def _merge(cosines: np.ndarray, members: dict[int, list[int]], into: int, other: int) -> None:
    """Make `other` a part of the cluster `into`, whose cosines are means over all pairs then."""
    mine, theirs = len(members[into]), len(members[other])
    cosines[into] = (mine * cosines[into] + theirs * cosines[other]) / (mine + theirs)
    cosines[into, into] = -np.inf
    cosines[:, into] = cosines[into]
    members[into] += members.pop(other)


def _typical_first(gaps: Sequence[Gap], vectors: Vectors, members: Sequence[int]) -> GapGroup:
    members = sorted(members)
    nearness = vectors[members] @ vectors[members].mean(axis=0)  # (members,)
    return GapGroup(tuple(gaps[members[place]] for place in np.argsort(-nearness, kind="stable")))


def _latest(group: GapGroup) -> float:
    return max(gap.asked_at.timestamp() for gap in group.gaps)
