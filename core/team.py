"""b_d and co-use: what teammates' use of documents says of them, to somebody who may see them.

Each person contributes a tally of each document they were shown. A document that stands high is looked at more, so use
is counted against looks (examination model). A tally counts only where its person may still see the document, and
similar teammates' taste only among people who chose to share it. Pure; knows nothing of stores.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.learning import Tally

PRIOR_LOOKS = 5.0  # looks' worth of doubt about every document
NEIGHBOURS = 200  # most similar teammates
SHRINK = 1.0  # similarity's worth of doubt about them


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one person's use of documents says. `audience` is what they could see when they last asked."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    audience: frozenset[str] = frozenset()
    shares: bool = False

    @property
    def uses(self) -> dict[str, float]:
        """The documents that the person has to do with, and how much."""
        return uses_of(self.tallies)


def uses_of(tallies: Mapping[str, Tally]) -> dict[str, float]:
    """The documents that somebody with these tallies has to do with, and how much."""
    return {source: tally.used for source, tally in tallies.items() if tally.used > 0}


Document = tuple[str, Collection[str]]
"""A document's source and its readers."""


class Team:
    """The contributions of a workspace, by person; counted once, asked for many documents."""

    def __init__(self, contributions: Mapping[str, Contribution]) -> None:
        self._by_person = contributions
        self._sharing = {user: one.uses for user, one in contributions.items() if one.shares}
        self._tallies: dict[str, dict[frozenset[str], Tally]] = {}  # by document, then by who counted it
        self._users: dict[str, list[str]] = {}  # of those who share, by document
        for contribution in contributions.values():
            for source, tally in contribution.tallies.items():
                held = self._tallies.setdefault(source, {})
                held[contribution.audience] = _sum([held.get(contribution.audience, Tally()), tally])
        for user, used in self._sharing.items():
            for source in used:
                self._users.setdefault(source, []).append(user)

    def of(self, user: str) -> Contribution | None:
        """What one person contributes."""
        return self._by_person.get(user)

    def prior(self, documents: Sequence[Document], user: str) -> NDArray[np.float64]:
        """b_d of `documents`: (documents,), log of use per look over their mean; 0 where nobody else used any."""
        totals = [self._tally(source, readers, user) for source, readers in documents]
        whole = _sum(totals)
        if whole.useful <= 0 or whole.examined <= 0:
            return np.zeros(len(documents))
        mean = min(whole.useful / whole.examined, 1.0)
        return np.array([_log_lift(total, mean) for total in totals])

    def _tally(self, source: str, readers: Collection[str], user: str) -> Tally:
        """What those who may see the document counted, but for `user`: their own taste is counted elsewhere."""
        own, whole = self._by_person.get(user), _sum(self._seen_by(source, readers))
        if own is None or source not in own.tallies or own.audience.isdisjoint(readers):
            return whole
        mine = own.tallies[source]
        return Tally(max(whole.useful - mine.useful, 0.0), max(whole.examined - mine.examined, 0.0))

    def _seen_by(self, source: str, readers: Collection[str]) -> list[Tally]:
        held = self._tallies.get(source, {})
        return [tally for audience, tally in held.items() if not audience.isdisjoint(readers)]

    def shared_taste(self, documents: Sequence[Document], user: str, used: Mapping[str, float]) -> NDArray[np.float64]:
        """n_u(d): how much likelier those who `used` the same are to use each document: (documents,), log; 0 unknown.

        `used` says how much `user` has to do with each document; it is empty for a person who does not share.
        """
        near = self._neighbours(user, used)
        if not near:
            return np.zeros(len(documents))
        weight = sum(near.values())
        return np.array([self._lift(source, readers, near, weight, user) for source, readers in documents])

    def _lift(
        self, source: str, readers: Collection[str], near: Mapping[str, float], weight: float, user: str
    ) -> float:
        users = [one for one in self._users.get(source, ()) if one != user and self._may_see(one, readers)]
        if not users:
            return 0.0
        share = len(users) / max(len(self._sharing) - 1, 1)
        among = sum(near.get(one, 0.0) for one in users)
        return math.log((among + SHRINK * share) / (weight + SHRINK)) - math.log(share)

    def _may_see(self, user: str, readers: Collection[str]) -> bool:
        return not self._by_person[user].audience.isdisjoint(readers)

    def _neighbours(self, user: str, used: Mapping[str, float]) -> dict[str, float]:
        """The sharing teammates most alike in what they used, with the cosine of it, counts damped by their roots."""
        common: dict[str, float] = {}
        for source, amount in used.items():
            for other in self._users.get(source, ()):
                if other != user:
                    common[other] = common.get(other, 0.0) + math.sqrt(amount * self._sharing[other][source])
        own = sum(used.values())
        scored = [(dot / math.sqrt(own * sum(self._sharing[one].values())), one) for one, dot in common.items()]
        return {
            one: similarity for similarity, one in sorted(scored, key=lambda item: (-item[0], item[1]))[:NEIGHBOURS]
        }


def _sum(tallies: Iterable[Tally]) -> Tally:
    useful = examined = 0.0
    for tally in tallies:
        useful, examined = useful + tally.useful, examined + tally.examined
    return Tally(useful, examined)


def _log_lift(total: Tally, mean: float) -> float:
    return math.log((total.useful + PRIOR_LOOKS * mean) / (total.examined + PRIOR_LOOKS)) - math.log(mean)
