"""Whether personalisation costs anybody an answer that has one right place: what is read with any profile.

Questions of SQuAD and Cranfield, through the product's own ingestion and search, then tilted by a person who asked 20
other questions of the same article ("own"), of others ("wrong"), or who loves the likeliest wrong passage above all,
together with the whole team, at full strength ("adversarial"). What is read is decided by the product's own code, for
one that reads four passages (the default) and one that reads five; where taste adds a passage, that one is read beside
them. "Weight" is the probability that the right ones have among what is read: how far the mixture of answers moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from core.answering import ranking, retrieval
from core.answering.ranking import CHECKED
from core.bootstrap import Library
from core.domain import EVERYONE, Decoding, Person, RankedPassage, Vector
from core.people import interests
from core.people.asker import Asker
from core.people.interests import Action, DocumentTally, Signal
from core.people.preferences import PreferenceSet
from core.people.team import Contribution, Team
from evals.common import Options, Record, paired_bootstrap, sample
from evals.ranking_scores import recall
from evals.retrieval import SETS, Query, filled

QUESTIONS = 200  # of each set, unless --limit says otherwise
PAST = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
SOMEBODY = Person("evals", "harm", "somebody")
COUNTS = (4, 5)
PROFILES = ("own", "wrong", "adversarial")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question with its candidates."""

    query: Query
    vector: Vector
    ranked: Sequence[RankedPassage]

    def gains(self, order: Sequence[RankedPassage]) -> list[float]:
        """The gains in order, each text once."""
        texts = dict.fromkeys(Path(one.passage.source).stem for one in order)
        return [self.query.gains.get(text, 0.0) for text in texts]


async def run(chosen: Options) -> Record:
    """Recall of each profile on each set, and what it loses to nobody's."""
    result: Record = {}
    with Progress() as bar:
        for name, load in SETS.items():
            texts, queries = load(chosen.data / name)
            drawn = sample(queries, chosen.limit or QUESTIONS, chosen.seed)
            async with filled(texts, partial(bar.advance, bar.add_task(name, total=None))) as library:
                asked = [await _ask(library, query) for query in drawn]
            result[name] = _compared(asked, chosen.seed)
    return {"n": {name: result[name].pop("n") for name in result}, **result}


async def _ask(library: Library, query: Query) -> Asked:
    vectors = await library.embedder.embed_questions([query.text])
    return Asked(query, vectors[0], await retrieval.find({query.text: 1.0}, vectors, library.index, {EVERYONE}))


def _compared(asked: Sequence[Asked], seed: int) -> Record:
    """What each profile gets to read, and what of the right texts it loses."""
    rng, weights = np.random.default_rng(seed), {}
    result: Record = {"n": len(asked), "lost": {}, "read one more": {}, "weight": {}}
    result |= {f"recall@{count}": {} for count in COUNTS}
    for profile in ("none", *PROFILES):
        askers = [_asker(profile, one, asked, rng) for one in asked]
        for count in COUNTS:
            read = [_read(one, asker, count) for one, asker in zip(asked, askers, strict=True)]
            found = [_recall(one, rows) for one, (rows, _) in zip(asked, read, strict=True)]
            plain = [_recall(one, one.ranked[:count]) for one in asked]
            lost = paired_bootstrap(plain, found, clusters=[one.query.group for one in asked], resamples=2000)
            result[f"recall@{count}"][profile] = float(np.mean(found))
            result["lost"][f"{profile}@{count}"] = [lost.mean, lost.low, lost.high]
        weights[profile] = [_weight(one, *what) for one, what in zip(asked, read, strict=True)]
        result["read one more"][profile] = float(np.mean([len(rows) > COUNTS[-1] for rows, _ in read]))
        less = paired_bootstrap(weights["none"], weights[profile], resamples=2000)
        result["weight"][profile] = [float(np.mean(weights[profile])), less.mean, less.low, less.high]
    return result


def _recall(asked: Asked, rows: Sequence[RankedPassage]) -> float:
    return recall(asked.gains(rows), asked.query.gains.values(), len(rows))


def _weight(asked: Asked, rows: Sequence[RankedPassage], factors: Mapping[str, float]) -> float:
    """How likely the right texts are among what is read."""
    chances = zip(rows, retrieval.priors(rows, factors), strict=True)
    return sum(chance for row, chance in chances if Path(row.passage.source).stem in asked.query.gains)


def _read(asked: Asked, asker: Asker, count: int) -> tuple[list[RankedPassage], Mapping[str, float]]:
    """What the person gets to read where anybody would read the likeliest `count`, and what moved it."""
    total = ranking.tilt_for(asker, asked.ranked, (START + timedelta(days=1)).timestamp()).total
    return ranking.select_rows(asked.ranked[:count], asked.ranked, total, Decoding().floor)


def _asker(profile: str, asked: Asked, everybody: Sequence[Asked], rng: np.random.Generator) -> Asker:
    if profile == "none":
        return Asker(SOMEBODY)
    if profile == "adversarial":
        return _enemy(asked)
    article = _article(asked)
    fitting = [one for one in everybody if one is not asked and (_article(one) == article) == (profile == "own")]
    if not fitting:
        fitting = [one for one in everybody if one is not asked]
    drawn = [fitting[n] for n in rng.integers(0, len(fitting), PAST)]
    return Asker(
        SOMEBODY, PreferenceSet(), interests.replay(liked([(one.vector, one.ranked[0]) for one in drawn])), Team({})
    )


def _article(asked: Asked) -> str:
    """What the question is about, as the data's labels have it: the title of its right text."""
    right = next((one for one in asked.ranked if Path(one.passage.source).stem in asked.query.gains), None)
    return right.passage.title if right else ""


def liked(passages: Sequence[tuple[Vector, RankedPassage]]) -> list[Signal]:
    """The log of somebody who found each of these passages by a question, and liked it."""
    signals = []
    for number, (vector, found) in enumerate(passages):
        assert found.vector is not None  # noqa: S101 - a search found it
        event = interests.event_vector(vector, [found.vector], [1.0])
        signals.append(Signal(f"{number:03}", Action.UP, START + timedelta(minutes=number), event))
    return signals


def enemy(asked: Asked) -> tuple[list[Signal], Mapping[str, DocumentTally]]:
    """The log of somebody who loves the likeliest wrong passage behind the first two; a team that opens only such."""
    wrong = [one for one in asked.ranked[CHECKED:] if Path(one.passage.source).stem not in asked.query.gains]
    if not wrong or wrong[0].vector is None:
        return [], {}
    tallies = {one.passage.source: DocumentTally(100.0 if one in wrong[:5] else 0.0, 100.0) for one in asked.ranked}
    return liked([(wrong[0].vector, wrong[0])] * 200), tallies


def _enemy(asked: Asked) -> Asker:
    signals, tallies = enemy(asked)
    team = Team({"accomplice": Contribution(tallies, frozenset({EVERYONE}))})
    return Asker(SOMEBODY, PreferenceSet(strength=100), interests.replay(signals), team)
