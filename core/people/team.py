"""b_d and co-use: what teammates' use of documents says of them, to somebody who may see them.

Each person contributes a tally of each document they were shown. A document that stands high is looked at more, so use
is counted against looks (examination model). A tally counts only where its person may still see the document, and
similar teammates' taste only among people who chose to share it. What one person says has bounds, for each document
and in all, whatever a store holds of them. Pure; knows nothing of stores.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.people.interests import DocumentTally

PRIOR_LOOKS = 5.0  # looks' worth of doubt about every document
KNOWN = 50  # documents by which a person's taste is told, beside those that are ranked
FLOOR = 2  # teammates who used a document and share that; of fewer nothing is told
DOUBT = 20.0  # λ: people's worth of doubt about what documents have in common
HEARD = 20.0  # uses, or looks, of one document by one person that count
HEARD_IN_ALL = 1000.0  # … of all documents
LEAST = 1e-9  # uses or looks that are none
SHRINK = 5.0  # shares' worth of doubt about what is expected, over the root of the number of those who share


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one person's use of documents says. `audience` is what they could see when they last asked."""

    tallies: Mapping[str, DocumentTally] = field(default_factory=dict)
    audience: frozenset[str] = frozenset()
    shares: bool = False

    @property
    def uses(self) -> dict[str, float]:
        """The documents that the person has to do with, and how much."""
        return uses_of(self.tallies)


def uses_of(tallies: Mapping[str, DocumentTally]) -> dict[str, float]:
    """The documents that somebody with these tallies has to do with, and how much."""
    return {source: tally.used for source, tally in bounded(tallies).items() if tally.used > 0}


def bounded(tallies: Mapping[str, DocumentTally]) -> Mapping[str, DocumentTally]:
    """`tallies` as far as one person is heard: numbers from 0, within `HEARD` and `HEARD_IN_ALL`, in proportion."""
    heard = {source: _within(tally, HEARD) for source, tally in tallies.items()}
    total = sum(_weight(tally) for tally in heard.values())
    share = min(1.0, HEARD_IN_ALL / total) if total else 1.0
    return {source: _scaled(tally, share) for source, tally in heard.items()} if share < 1 else heard


def _within(tally: DocumentTally, most: float) -> DocumentTally:
    if 0 <= tally.useful <= most and 0 <= tally.examined <= most and 0 <= tally.answered <= most:
        return tally
    counts = tally.useful, tally.examined, tally.answered
    sound = DocumentTally(*(count if 0 <= count < math.inf else 0.0 for count in counts))
    return sound if _weight(sound) <= most else _scaled(sound, most / _weight(sound))


def _weight(tally: DocumentTally) -> float:
    return max(tally.useful, tally.examined, tally.answered)


def _scaled(tally: DocumentTally, by: float) -> DocumentTally:
    return DocumentTally(tally.useful * by, tally.examined * by, tally.answered * by)


Array = NDArray[np.float64]
Places = NDArray[np.intp]
Document = tuple[str, Collection[str]]
"""A document's source and its readers."""


class Team:
    """The contributions of a workspace, by person; laid out once, asked for many documents."""

    def __init__(self, said: Mapping[str, Contribution]) -> None:
        contributions = {user: replace(one, tallies=bounded(one.tallies)) for user, one in said.items()}
        self._by_person = contributions
        self._place = {user: place for place, user in enumerate(contributions)}
        self._audiences = list(dict.fromkeys(one.audience for one in contributions.values()))
        numbers = {audience: number for number, audience in enumerate(self._audiences)}
        self._audience_of = np.array([numbers[one.audience] for one in contributions.values()], np.intp)
        self._sharing = sum(one.shares for one in contributions.values())
        self._spans, self._people, self._tallies = _laid_out(contributions)

    def of(self, user: str) -> Contribution | None:
        """What one person contributes."""
        return self._by_person.get(user)

    def prior(self, documents: Sequence[Document], user: str) -> Array:
        """b_d of `documents`: (documents,), log of use per look over their mean; 0 where nobody else used any.

        A person's own use is not in it: their taste is counted elsewhere.
        """
        document, rows = self._seen(documents, user)  # (rows seen,) each
        useful, examined = (
            np.bincount(document, self._tallies[rows, n], len(documents)) for n in (0, 1)
        )  # (documents,)
        uses, looks = float(useful.sum()), float(examined.sum())
        if min(uses, looks) < LEAST:
            return np.zeros(len(documents))
        mean = 1.0 if uses >= looks else uses / looks
        return np.asarray(np.log((useful + PRIOR_LOOKS * mean) / (examined + PRIOR_LOOKS)) - np.log(mean))

    def shared_taste(self, documents: Sequence[Document], user: str, used: Mapping[str, float]) -> Array:
        """n_u(d): how much likelier those who `used` the same are to use each document: (documents,), log, from 0.

        `used` says how much `user` has to do with each document; it is empty for a person who does not share. Nothing
        of any other document has a part in it.
        """
        readers = dict(documents)
        strongest = sorted(used, key=lambda source: -used[source])[:KNOWN]
        sources = [*readers, *(source for source in strongest if source not in readers)]
        amounts = np.sqrt([used.get(source, 0.0) for source in sources])
        common = self._in_common(readers, sources, user)  # (sources, sources)
        people = common.diagonal()
        heard = people >= FLOOR
        if not amounts[heard].any():
            return np.zeros(len(documents))
        expected = np.zeros(len(sources))
        expected[heard] = _expected(common[np.ix_(heard, heard)], amounts[heard])
        share = np.maximum(people, 1.0) / max(self._sharing - 1, 1)  # of all who share
        doubt = SHRINK / math.sqrt(max(self._sharing - 1, 1))
        lift = np.log1p(expected / (doubt * share))
        place = {source: number for number, source in enumerate(readers)}
        return np.asarray(lift[[place[source] for source, _ in documents]])

    def _in_common(self, readers: Mapping[str, Collection[str]], sources: Sequence[str], user: str) -> Array:
        """How many others, of those who share, used both of two `sources`: (sources, sources).

        Of those that have `readers` only others who may see them count.
        """
        number, rows = self._gathered(sources)
        seen, visible = self._seen(list(readers.items()), user)
        mine = self._people[rows] == self._place.get(user, -1)
        beyond = (number >= len(readers)) & ~mine
        number, rows = np.concatenate([seen, number[beyond]]), np.concatenate([visible, rows[beyond]])
        shares = self._tallies[rows, 2] > 0
        who, person = np.unique(self._people[rows[shares]], return_inverse=True)
        used = np.zeros((who.size, len(sources)), np.float32)  # exact: it counts people
        used[person, number[shares]] = 1.0
        return np.asarray(used.T @ used, np.float64)

    def _seen(self, documents: Sequence[Document], user: str) -> tuple[Places, Places]:
        """What others who may see `documents` counted of them: the number of the document, and the row."""
        kinds = {readers: number for number, readers in enumerate(dict.fromkeys(tuple(one) for _, one in documents))}
        may_see = np.array([self._may_see(readers, user) for readers in kinds])  # (kinds, people)
        kind = np.array([kinds[tuple(readers)] for _, readers in documents], np.intp)  # (documents,)
        number, rows = self._gathered([source for source, _ in documents])
        visible = may_see[kind[number], self._people[rows]] if rows.size else np.zeros(0, np.bool_)  # (rows,)
        return number[visible], rows[visible]

    def _gathered(self, sources: Sequence[str]) -> tuple[Places, Places]:
        """All rows of `sources`, which lie together by document: which of them each is about, and its place."""
        spans = np.array([self._spans.get(source, (0, 0)) for source in sources], np.intp).reshape(-1, 2)
        lengths = spans[:, 1] - spans[:, 0]  # (sources,), such as 2 0 3
        number = np.repeat(np.arange(len(sources)), lengths)  # (rows,): 0 0 2 2 2
        before = np.repeat(np.cumsum(lengths) - lengths, lengths)  # rows of the sources before: 0 0 2 2 2
        return number, np.arange(number.size) - before + spans[number, 0]  # 0 1 0 1 2, from where each span begins

    def _may_see(self, readers: Collection[str], user: str) -> NDArray[np.bool_]:
        """Who but `user` may see what these may read: (people,)."""
        audiences = np.array([not audience.isdisjoint(readers) for audience in self._audiences], np.bool_)
        seeing = audiences[self._audience_of]  # many people have one audience: (audiences,) → (people,)
        if user in self._place:
            seeing[self._place[user]] = False
        return seeing


def _expected(common: Array, amounts: Array) -> Array:
    """How likely each document is used by somebody who used the others by `amounts`: (documents,), from 0.

    Ridge regression of each document on all others, where each use is missed as often as not (EDLAE; Steck, 2020):
    B = -P / diag(P) but for the diagonal, P = (G + diag(G) + λ)⁻¹ with G = `common`.
    """
    inverse = np.linalg.inv(common + np.diag(common.diagonal() + DOUBT))
    return np.asarray(np.maximum(amounts - amounts @ inverse / inverse.diagonal(), 0.0))


def _laid_out(contributions: Mapping[str, Contribution]) -> tuple[dict[str, tuple[int, int]], Places, Array]:
    """Rows in the order of documents: the span of each, whose each row is, and (rows, 3) what it counts.

    The counts are useful, examined, and used by somebody who shares.
    """
    rows: dict[str, list[tuple[int, float, float, float]]] = {}
    for place, one in enumerate(contributions.values()):
        for source, tally in one.tallies.items():
            counted = tally.useful, tally.examined, tally.used if one.shares else 0.0
            rows.setdefault(source, []).append((place, *counted))
    ends = np.cumsum([len(some) for some in rows.values()]).tolist()  # (documents,)
    spans = {source: (end - len(some), end) for (source, some), end in zip(rows.items(), ends, strict=True)}
    laid = np.array([row for some in rows.values() for row in some]).reshape(-1, 4)  # (rows, 4): person, then counts
    return spans, laid[:, 0].astype(np.intp), laid[:, 1:]
