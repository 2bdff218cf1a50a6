"""Whether personalisation costs anybody an answer that has one right place: recall@5 with fitting and hostile profiles.

Questions of SQuAD and Cranfield, through the product's own ingestion and search, then tilted by a person who asked 20
other questions of the same article ("own"), of others ("wrong"), or who loves the likeliest wrong passage above all,
together with the whole team, at full strength ("adversarial"). The order is what the product would read: the two
likeliest first, then as the tilt has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress

from core import learning, retrieval
from core.bootstrap import Library
from core.domain import EVERYONE, Person, RankedPassage, Vector
from core.learning import Act, Learned, Signal, Tally
from core.personal import Asker
from core.preferences import Wishes
from core.ranking import ALWAYS_READ
from core.team import Contribution, Team
from evals.common import Options, Record, paired_bootstrap, sample
from evals.ranking_scores import recall
from evals.retrieval import SETS, Query, filled

QUESTIONS = 200  # of each set, unless --limit says otherwise
PAST = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
SOMEBODY = Person("evals", "harm", "somebody")
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
    """Recall@5 of each profile on each set, and what it loses to nobody's."""
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
    (vector,) = await library.embedder.embed([query.text])
    return Asked(query, vector, await retrieval.find(query.text, vector, library.index, {EVERYONE}))


def _compared(asked: Sequence[Asked], seed: int) -> Record:
    plain = [recall(one.gains(one.ranked), one.query.gains.values(), 5) for one in asked]
    rng = np.random.default_rng(seed)
    result: Record = {"n": len(asked), "recall@5": {"none": float(np.mean(plain))}, "lost": {}, "read otherwise": {}}
    for profile in PROFILES:
        orders = [_order(one, _asker(profile, one, asked, rng)) for one in asked]
        found = [
            recall(one.gains(order), one.query.gains.values(), 5) for one, order in zip(asked, orders, strict=True)
        ]
        lost = paired_bootstrap(plain, found, clusters=[one.query.group for one in asked], resamples=2000)
        result["recall@5"][profile] = float(np.mean(found))
        result["lost"][profile] = [lost.mean, lost.low, lost.high]
        changed = [_ids(order[:4]) != _ids(one.ranked[:4]) for one, order in zip(asked, orders, strict=True)]
        result["read otherwise"][profile] = float(np.mean(changed))
    return result


def _ids(order: Sequence[RankedPassage]) -> set[str]:
    return {one.passage.id for one in order}


def _order(asked: Asked, asker: Asker) -> list[RankedPassage]:
    """The candidates as the person would get them."""
    total = asker.tilt(asked.ranked, (START + timedelta(days=1)).timestamp()).total
    weighed = {
        one.passage.id: one.probability * factor for one, factor in zip(asked.ranked, np.exp(total), strict=True)
    }
    rest = sorted(asked.ranked[ALWAYS_READ:], key=lambda one: -weighed[one.passage.id])
    return [*asked.ranked[:ALWAYS_READ], *rest]


def _asker(profile: str, asked: Asked, everybody: Sequence[Asked], rng: np.random.Generator) -> Asker:
    if profile == "adversarial":
        return _enemy(asked)
    article = _article(asked)
    fitting = [one for one in everybody if one is not asked and (_article(one) == article) == (profile == "own")]
    if not fitting:
        fitting = [one for one in everybody if one is not asked]
    drawn = [fitting[n] for n in rng.integers(0, len(fitting), PAST)]
    return Asker(SOMEBODY, Wishes(), _learned([(one.vector, one.ranked[0]) for one in drawn], Act.UP), Team({}))


def _article(asked: Asked) -> str:
    """What the question is about, as the data's labels have it: the title of its right text."""
    right = next((one for one in asked.ranked if Path(one.passage.source).stem in asked.query.gains), None)
    return right.passage.title if right else ""


def _learned(liked: Sequence[tuple[Vector, RankedPassage]], act: Act) -> Learned:
    signals = []
    for number, (vector, passage) in enumerate(liked):
        assert passage.vector is not None  # noqa: S101 - a search found it
        event = learning.event_vector(vector, [passage.vector], [1.0])
        signals.append(Signal(f"{number:03}", act, START + timedelta(minutes=number), event))
    return learning.replay(signals)


def _enemy(asked: Asked) -> Asker:
    """Somebody who loves the likeliest wrong passage behind the first two, with a team that opens nothing else."""
    wrong = [one for one in asked.ranked[ALWAYS_READ:] if Path(one.passage.source).stem not in asked.query.gains]
    if not wrong or wrong[0].vector is None:
        return Asker(SOMEBODY, Wishes())
    learned = _learned([(wrong[0].vector, wrong[0])] * 200, Act.UP)
    tallies: Mapping[str, Tally] = {
        one.passage.source: Tally(100.0 if one in wrong[:5] else 0.0, 100.0) for one in asked.ranked
    }
    team = Team({"accomplice": Contribution(tallies, frozenset({EVERYONE}))})
    return Asker(SOMEBODY, Wishes(strength=100), learned, team)
