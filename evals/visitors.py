"""Real visitors of a documentation site and simulated days of theirs: what they open next, with and without a past.

Taste is what a visitor opened (the data's labels), never our embedder's. A past is a number of visits: each time the
visitor goes for one of the areas they are known to care about; the site shows it among nine others, and they examine
the place r with probability 1/r, are silent in 70 % of all cases, and in 15 % say the opposite of what they think. The
area to be found next is one that was held out, and that none of their visits was about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.answering import ranking
from core.answering.retrieval import TEMPERATURE, fused_scores, softmax
from core.domain import EVERYONE, Decoding, Passage, RankedPassage, Vectors
from core.people import interests
from core.people.interests import Action, DocumentTally, LearnedProfile, Signal
from core.people.team import Contribution, Team, uses_of
from core.ports import Embedder
from core.text.words import content_words
from evals.common import records

SHOWN = 10
SILENT, FLIPPED = 0.7, 0.15
HISTORIES = (0, 1, 2, 3, 5, 10, 20)  # visits
STRENGTH = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
EXPOSURE = "exposure"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """The areas, their vectors and how the team used them."""

    names: Sequence[str]
    titles: Sequence[str]
    vectors: Vectors
    team: Team
    popularity: Array

    def documents(self, places: Sequence[int]) -> list[tuple[str, tuple[str, ...]]]:
        """Areas as documents that everybody may see."""
        return [(self.names[place], (EVERYONE,)) for place in places]


@dataclass(frozen=True, slots=True, eq=False)
class Visitor:
    """What one visitor cares about, and the area that is held out; all as places in the site's list."""

    id: str
    known: tuple[int, ...]
    wanted: int


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What a visitor's visits have taught after each number of them."""

    after: Mapping[int, LearnedProfile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arm:
    """What may act: the team's use, the visitor's own vectors, similar visitors; whose past it is."""

    team: bool = False
    vectors: bool = False
    shared: bool = False
    stranger: bool = False


ARMS: Mapping[str, Arm] = {
    "A0 none": Arm(),
    "A1 team prior": Arm(team=True),
    "A4 learned vectors": Arm(vectors=True),
    "A1+A4 team and vectors": Arm(team=True, vectors=True),
    "A5 everything": Arm(team=True, vectors=True, shared=True),
    "A6 another's profile": Arm(team=True, vectors=True, shared=True, stranger=True),
}


async def load(folder: Path, embedder: Embedder, seed: int) -> tuple[Site, list[Visitor], list[Visitor]]:
    """The site with a team of half of its visitors; of the others, those for tuning and those for testing."""
    areas, people = list(records(folder / "areas.jsonl.gz")), list(records(folder / "people.jsonl.gz"))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(people))
    half, tuning = len(people) // 2, len(people) // 2 + len(people) // 10
    names = [area["id"] for area in areas]
    titles = [area["title"] for area in areas]
    team = team_of({people[n]["id"]: people[n]["opened"] for n in order[:half]}, names)
    site = Site(names, titles, await embedder.embed(titles), team, _popularity(team, names))
    place = {name: number for number, name in enumerate(names)}
    visitors = [
        _visitor(people[n]["id"], [place[name] for name in people[n]["opened"]], rng)
        for n in order[half:]
        if len(people[n]["opened"]) > 2
    ]
    cut = sum(len(people[n]["opened"]) > 2 for n in order[half:tuning])
    return site, visitors[:cut], visitors[cut:]


def team_of(opened: Mapping[str, Sequence[str]], names: Sequence[str]) -> Team:
    """A team that shares its taste, and in which everybody has looked at everything once."""
    contributions = {
        user: Contribution({name: DocumentTally(1.0, 0.0) for name in used}, frozenset({EVERYONE}), shares=True)
        for user, used in opened.items()
    }
    looks = Contribution({name: DocumentTally(0.0, float(len(opened))) for name in names}, frozenset({EVERYONE}))
    return Team({**contributions, EXPOSURE: looks})


def _popularity(team: Team, names: Sequence[str]) -> Array:
    weights = np.exp(team.prior([(name, (EVERYONE,)) for name in names], ""))
    return np.asarray(weights / weights.sum())


def _visitor(name: str, opened: Sequence[int], rng: np.random.Generator) -> Visitor:
    drawn = rng.permutation(opened).tolist()
    return Visitor(name, tuple(drawn[1:]), drawn[0])


def past_of(
    site: Site, visitor: Visitor, seed: int, lengths: Sequence[int] = HISTORIES, then: Visitor | None = None
) -> Past:
    """What the visits teach, after each number in `lengths`; from half of the longest on, they are those of `then`."""
    rng = np.random.default_rng([seed, int(visitor.id)])
    state, after = LearnedProfile(), {0: LearnedProfile()}
    for number in range(max(lengths)):
        who = then if then is not None and number >= max(lengths) // 2 else visitor
        for signal in _visit(site, who, number, rng):
            state = interests.step(state, signal)
        if number + 1 in lengths:
            after[number + 1] = state
    return Past(after)


def _visit(site: Site, visitor: Visitor, number: int, rng: np.random.Generator) -> list[Signal]:
    aim = int(rng.choice(visitor.known))
    at = START + timedelta(days=number)
    vector = interests.event_vector(site.vectors[aim], [site.vectors[aim]], [1.0])
    asked = Signal(f"{number:03}:asked", Action.ASKED, at, vector, shown=(site.names[aim],))
    if rng.random() < SILENT:
        return [asked]
    others = rng.choice(len(site.names), SHOWN, replace=False, p=site.popularity)
    shown = sorted({aim, *others.tolist()} - {visitor.wanted}, key=lambda place: -site.popularity[place])
    return [asked, *_clicks(site, visitor, shown, number, rng)]


def _clicks(site: Site, visitor: Visitor, shown: Sequence[int], number: int, rng: np.random.Generator) -> list[Signal]:
    clicked = []
    for rank, place in enumerate(shown, start=1):
        likes = (place in visitor.known) != (rng.random() < FLIPPED)
        if rng.random() < 1 / rank and likes:
            at = START + timedelta(days=number, minutes=rank)
            vector = interests.event_vector(site.vectors[place], [site.vectors[place]], [1.0])
            credited = ((site.names[place], 1.0),)
            clicked.append(Signal(f"{number:03}:opened:{rank:02}", Action.OPENED, at, vector, credited=credited))
    return clicked


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """One moment of looking: the candidates with p(d|x), and how what is alike falls."""

    visitor: Visitor
    candidates: Sequence[int]
    impersonal: Array
    jitter: Array


def rank_of(site: Site, arm: Arm, search: Search, learned: LearnedProfile, read: int | None = None) -> int:
    """The place of what is wanted, from 1: by p(d|x,u), of what is read where anybody would read the likeliest `read`.

    What is not read stands behind that by p(d|x). With `read` None all is read: nothing was asked, and all fits alike.
    """
    who, places = search.visitor, list(search.candidates)
    documents, nothing = site.documents(places), np.zeros(len(places))
    used = uses_of(learned.tallies) if arm.shared else {}
    tilt = ranking.tilt(
        search.impersonal,
        site.vectors[places].astype(np.float64),
        learned if arm.vectors else LearnedProfile(),
        strength=STRENGTH if arm.team or arm.vectors else 0,
        now=(START + timedelta(days=max(HISTORIES))).timestamp(),
        team=site.team.prior(documents, who.id) if arm.team else nothing,
        teammates=site.team.shared_taste(documents, who.id, used) if arm.shared else nothing,
    )
    if read is None:
        order = _by(search, ranking.tilted(search.impersonal, tilt.total))
    else:
        order = _as_read(search, tilt.total, read)
    return order.index(places.index(who.wanted)) + 1


def _by(search: Search, probabilities: Array) -> list[int]:
    """All candidates, the likeliest first."""
    return [int(place) for place in np.lexsort((search.jitter, -probabilities))]


def _as_read(search: Search, total: Array, count: int) -> list[int]:
    """What the product reads of the candidates, by p(d|x,u), then the others by p(d|x)."""
    likeliest = _by(search, search.impersonal)
    ranked = [
        RankedPassage(
            Passage(str(place), "", "", (), f"<{place}>", 1, 0, 1, ""), float(search.impersonal[place]), 0.0, 0.0
        )
        for place in likeliest
    ]
    rows, factors = ranking.select_rows(ranked[:count], ranked, total[likeliest], Decoding().floor)
    read = {int(row.passage.id): row.probability * factors.get(row.passage.id, 1.0) for row in rows}
    first = sorted(read, key=lambda place: (-read[place], search.jitter[place]))
    return first + [place for place in likeliest if place not in read]


def candidates_of(site: Site, visitor: Visitor) -> list[int]:
    """Everything that the visitor is not known to have opened."""
    return [place for place in range(len(site.names)) if place not in visitor.known]


def ambiguous(site: Site, visitors: Sequence[Visitor]) -> list[tuple[Visitor, str]]:
    """Visitors with a one-word question that names what they want and at least two more areas."""
    holders: dict[str, list[int]] = {}
    for place, title in enumerate(site.titles):
        for word in content_words(title):
            holders.setdefault(word, []).append(place)
    asked = []
    for visitor in visitors:
        words = [
            word
            for word in sorted(content_words(site.titles[visitor.wanted]))
            if sum(place not in visitor.known for place in holders[word]) > 2
        ]
        if words:
            asked.append((visitor, max(words, key=lambda word: len(holders[word]))))
    return asked


async def one_word_search(site: Site, words: Sequence[str], embedder: Embedder) -> dict[str, dict[int, float]]:
    """p(d|x) of the areas whose titles hold the word, by the product's fusion: meaning, and words by BM25's formula.

    All titles that hold the word have it once, so BM25 tells them apart by their lengths alone; how rare the word is
    says how much words count beside meaning.
    """
    vectors = await embedder.embed(list(words))
    lengths = np.array([len(content_words(title)) for title in site.titles], np.float64)
    found = {}
    for word, vector in zip(words, vectors, strict=True):
        places = [place for place, title in enumerate(site.titles) if word in content_words(title)]
        sparse = 2.2 / (1 + 1.2 * (0.25 + 0.75 * lengths[places] / lengths.mean()))
        rarity = np.log(1 + (len(site.titles) - len(places) + 0.5) / (len(places) + 0.5))
        scores = fused_scores((site.vectors[places] @ vector).astype(np.float64), rarity * sparse, 1)
        found[word] = dict(zip(places, softmax(scores / TEMPERATURE).tolist(), strict=True))
    return found
