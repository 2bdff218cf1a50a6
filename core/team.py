"""b_d and co-use: what teammates' use of documents says of them, to somebody who may see them.

Each person contributes a tally of each document they were shown. A document that stands high is looked at more, so use
is counted against looks (examination model). A tally counts only where its person may still see the document, and
similar teammates' taste only among people who chose to share it. Pure; knows nothing of stores.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.learning import Tally

PRIOR_LOOKS = 5.0  # looks' worth of doubt about every document
NEIGHBOURS = 50  # most similar teammates
SHRINK = 1.0  # similarity's worth of doubt about them


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one person's use of documents says. `audience` is what they could see when they last asked."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    audience: frozenset[str] = frozenset()
    shares: bool = False

    def uses(self) -> set[str]:
        """The documents that were of use."""
        return {source for source, tally in self.tallies.items() if tally.useful > 0}


Document = tuple[str, Collection[str]]
"""A document's source and its readers."""


class Team:
    """The contributions of a workspace, by person."""

    def __init__(self, contributions: Mapping[str, Contribution]) -> None:
        self._by_person = contributions
        self._by_source: dict[str, list[tuple[str, Contribution]]] = {}
        for user, contribution in contributions.items():
            for source in contribution.tallies:
                self._by_source.setdefault(source, []).append((user, contribution))

    def of(self, user: str) -> Contribution | None:
        """What one person contributes."""
        return self._by_person.get(user)

    def prior(self, documents: Sequence[Document], user: str) -> NDArray[np.float64]:
        """b_d of `documents`: (documents,), log of use per look over the team's mean; 0 where nobody else used it."""
        totals = [self._tally(source, readers, user) for source, readers in documents]
        useful, examined = sum(t.useful for t in totals), sum(t.examined for t in totals)
        if not useful or not examined:
            return np.zeros(len(documents))
        mean = min(useful / examined, 1.0)
        return np.array([_log_lift(total, mean) for total in totals])

    def _tally(self, source: str, readers: Collection[str], user: str) -> Tally:
        counted = [
            contribution.tallies[source]
            for other, contribution in self._by_source.get(source, ())
            if other != user and not contribution.audience.isdisjoint(readers)
        ]
        return Tally(sum(one.useful for one in counted), sum(one.examined for one in counted))

    def shared_taste(self, documents: Sequence[Document], user: str) -> NDArray[np.float64]:
        """How much likelier those who use what `user` uses are to use each document: (documents,), log; 0 unknown."""
        mine = self._by_person.get(user)
        if mine is None or not mine.shares or not (used := mine.uses()):
            return np.zeros(len(documents))
        near = self._neighbours(user, used)
        weight = sum(similarity for similarity, _ in near)
        sharing = sum(contribution.shares for contribution in self._by_person.values()) - 1
        lifts = np.zeros(len(documents))
        for place, (source, readers) in enumerate(documents):
            users = [c for u, c in self._by_source.get(source, ()) if u != user and c.shares and source in c.uses()]
            share = sum(not one.audience.isdisjoint(readers) for one in users) / max(sharing, 1)
            among = sum(s for s, c in near if source in c.uses() and not c.audience.isdisjoint(readers))
            if share:
                lifts[place] = math.log((among + SHRINK * share) / (weight + SHRINK)) - math.log(share)
        return lifts

    def _neighbours(self, user: str, used: set[str]) -> list[tuple[float, Contribution]]:
        scored = [
            (len(used & theirs) / math.sqrt(len(used) * len(theirs)), other, contribution)
            for other, contribution in self._by_person.items()
            if other != user and contribution.shares and (theirs := contribution.uses()) and used & theirs
        ]
        nearest = sorted(scored, key=lambda item: (-item[0], item[1]))[:NEIGHBOURS]
        return [(similarity, contribution) for similarity, _, contribution in nearest]


def _log_lift(total: Tally, mean: float) -> float:
    return math.log((total.useful + PRIOR_LOOKS * mean) / (total.examined + PRIOR_LOOKS)) - math.log(mean)
