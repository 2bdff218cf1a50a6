"""Whether personalisation helps the right person and harms nobody: `python -m evals.personalisation`.

Parts, each of which can be run alone (`--only finding,cost`): finding (what a visitor opens next), words (ambiguous
one-word questions), following (a stated preference), remembering (a long conversation), harm (what is read where one
place is right), harm_answers (what the model makes of it), leaks (two people), style (how answers change), cost
(milliseconds). Arms: A0 none, A1 team prior, A2 explicit preferences, A3 notes of past messages in the prompt, A4
learned vectors, A5 everything, A6 another person's profile, A7 the true preference given. Intervals are of a paired
bootstrap over people, 95 %.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from core.engine import AnswerLimits
from evals import cost, following, harm, harm_answers, leaks, remembering, style, visitors
from evals.common import RESULTS, Options, Record, paired_bootstrap, parser, progress, sample, write_result
from evals.product import open_embedding
from evals.visitors import ARMS, HISTORIES, Arm, Past, Search, Site, Visitor

Part = Callable[[Options], Coroutine[None, None, Record]]
NAME = "personalisation"
TURNED = (0, 5, 10, 11, 12, 13, 15, 20)  # visits, the first ten of which are somebody else's
VISITORS = 1000  # asked unless --limit says otherwise


async def finding(chosen: Options) -> Record:
    """What a visitor opens next, after 0 to 20 visits."""
    site, people = await _visitors(chosen)
    return _curves(site, people, chosen, lambda visitor: _uniform(site, visitor))


async def words(chosen: Options) -> Record:
    """A word that several areas have in their titles: which of them is meant, by p(d|x,u) of what is read."""
    site, people = await _visitors(chosen)
    asked = dict(visitors.ambiguous(site, people))
    async with open_embedding() as embedder:
        scores = await visitors.one_word_search(site, sorted(set(asked.values())), embedder)
    kept = [visitor for visitor in asked if visitor.wanted in scores[asked[visitor]]]
    return _curves(site, kept, chosen, lambda visitor: _found(visitor, scores[asked[visitor]]), AnswerLimits().passages)


async def _visitors(chosen: Options) -> tuple[Site, list[Visitor]]:
    async with open_embedding() as embedder:
        site, _, people = await visitors.load(chosen.data / "msweb", embedder, chosen.seed)
    return site, sample(people, chosen.limit or VISITORS, chosen.seed)


def _uniform(site: Site, visitor: Visitor) -> tuple[list[int], np.ndarray]:
    candidates = visitors.candidates_of(site, visitor)
    return candidates, np.full(len(candidates), 1 / len(candidates))


def _found(visitor: Visitor, probabilities: Mapping[int, float]) -> tuple[list[int], np.ndarray]:
    candidates = [place for place in probabilities if place not in visitor.known]
    held = np.array([probabilities[place] for place in candidates])
    return candidates, held / held.sum()


def _curves(
    site: Site,
    people: Sequence[Visitor],
    chosen: Options,
    look: Callable[[Visitor], tuple[list[int], np.ndarray]],
    read: int | None = None,
) -> Record:
    """Ranks of all arms after each number of visits, and after a change of taste in the middle."""
    rng = np.random.default_rng(chosen.seed)
    searches = []
    for visitor in people:
        candidates, impersonal = look(visitor)
        searches.append(Search(visitor, candidates, impersonal, rng.random(len(candidates))))
    strangers = _derangement(len(people), rng)
    own = [visitors.past_of(site, visitor, chosen.seed) for visitor in progress(people, "visits")]
    turned = [
        visitors.past_of(site, people[strangers[n]], chosen.seed, TURNED, then=visitor)
        for n, visitor in enumerate(people)
    ]
    ranks = {
        name: _ranks(site, arm, searches, [own[n] for n in strangers] if arm.stranger else own, read)
        for name, arm in ARMS.items()
    }
    return {
        "n": len(people),
        "after": {name: _measures(each) for name, each in ranks.items()},
        "gains": _gains(ranks, people),
        "turned": _measures(_ranks(site, ARMS["A5 everything"], searches, turned, read)),
        "history 0 is A1": bool(np.array_equal(ranks["A5 everything"][0], ranks["A1 team prior"][0])),
    }


def _derangement(count: int, rng: np.random.Generator) -> list[int]:
    """For each person another one."""
    order = rng.permutation(count)
    return [int(order[(place + 1) % count]) for place in np.argsort(order)]


def _ranks(
    site: Site, arm: Arm, searches: Sequence[Search], pasts: Sequence[Past], read: int | None
) -> dict[int, np.ndarray]:
    return {
        visits: np.array(
            [
                visitors.rank_of(site, arm, one, past.after[visits], read)
                for one, past in zip(searches, pasts, strict=True)
            ]
        )
        for visits in pasts[0].after
    }


def _measures(ranks: Mapping[int, np.ndarray]) -> Record:
    return {
        str(visits): {"Hit@10": float((each <= 10).mean()), "MRR": float((1 / each).mean())}
        for visits, each in ranks.items()
    }


def _gains(ranks: Mapping[str, Mapping[int, np.ndarray]], people: Sequence[Visitor]) -> Record:
    """A5 less A1, A5 less A6 and A4 less A0, with intervals, by number of visits and measure."""
    pairs = [
        ("A5 everything", "A1 team prior"),
        ("A5 everything", "A6 another's profile"),
        ("A1+A4 team and vectors", "A1 team prior"),
        ("A4 learned vectors", "A0 none"),
    ]
    users = [visitor.id for visitor in people]
    return {
        f"{one} - {other}": {
            str(visits): {
                name: _interval(measure(ranks[one][visits]), measure(ranks[other][visits]), users)
                for name, measure in (("Hit@10", _hits), ("MRR", _reciprocals))
            }
            for visits in HISTORIES
        }
        for one, other in pairs
    }


def _hits(ranks: np.ndarray) -> list[float]:
    return [float(rank <= 10) for rank in ranks]


def _reciprocals(ranks: np.ndarray) -> list[float]:
    return [1 / float(rank) for rank in ranks]


def _interval(first: Sequence[float], second: Sequence[float], users: Sequence[str]) -> list[float]:
    found = paired_bootstrap(first, second, clusters=users, resamples=2000)
    return [found.mean, found.low, found.high]


PARTS: Mapping[str, Part] = {
    "finding": finding,
    "words": words,
    "following": following.run,
    "remembering": remembering.run,
    "harm": harm.run,
    "harm_answers": harm_answers.run,
    "leaks": leaks.run,
    "style": style.run,
    "cost": cost.run,
}


def main() -> None:
    """Run the parts, print them, and write them beside those of earlier runs."""
    read = parser(__doc__ or "")
    read.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help="default: all")
    given = read.parse_args()
    chosen = Options(given.data, given.seed, given.limit)
    file = RESULTS / f"{NAME}.json"
    result = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for name in given.only.split(","):
        result[name] = asyncio.run(PARTS[name](chosen))
        _print(name, result[name])
        write_result(NAME, result)


def _print(name: str, result: Record) -> None:
    table = Table(title=f"{name}, n = {result.get('n')}")
    table.add_column("")
    table.add_column("", overflow="fold")
    for key, value in result.items():
        table.add_row(str(key), json.dumps(value, default=str))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
