"""Where questions go on 1 to 16 replicas, without a model or Ray: `python -m evals.ray_affinity`.

People ask about documents by Zipf's law; a question reads 3 of the 6 passages of one, or 2 of it and one of another,
and a replica keeps the passages that it read last. The product's order of replicas (`deploy/affinity.py`), the same by
the passages' own ids, and Ray's own router, which takes the idler of two drawn replicas. A replica has 4 answers in
progress on average. `--limit` questions (8,000).
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from rich.console import Console
from rich.table import Table

from deploy.affinity import Reads, order
from evals.common import Record, parser, write_result

QUESTIONS = 8_000
DOCUMENTS, PASSAGES, READ = 2_000, 6, 3
PRIORS = (0.6, 0.25, 0.15)
KEPT = 1_000  # passages in the cache of one replica, of 12,000
ONGOING = 4  # answers in progress, of one replica
REPLICAS = (1, 2, 4, 8, 16)

Choice = Callable[[Reads, Mapping[str, int], random.Random], str]


@dataclass
class Replica:
    """What one has read, and how often it had."""

    kept: OrderedDict[str, None] = field(default_factory=OrderedDict)
    hits: int = 0
    misses: int = 0

    def read(self, passage: str) -> None:
        """Read a passage, and forget the one that was not read for longest."""
        if passage in self.kept:
            self.hits += 1
            self.kept.move_to_end(passage)
            return
        self.misses += 1
        self.kept[passage] = None
        if len(self.kept) > KEPT:
            self.kept.popitem(last=False)


def by_documents(reads: Reads, loads: Mapping[str, int], _: random.Random) -> str:
    """The product's."""
    return order([(passage.partition("#")[0], prior) for passage, prior in reads], loads)[0]


def by_passages(reads: Reads, loads: Mapping[str, int], _: random.Random) -> str:
    """The same by what is read alone."""
    return order(reads, loads)[0]


def of_two(_: Reads, loads: Mapping[str, int], draw: random.Random) -> str:
    """Ray's."""
    return min(draw.sample(sorted(loads), min(2, len(loads))), key=lambda name: loads[name])


CHOICES: tuple[Choice, ...] = (by_documents, by_passages, of_two)


def questions(count: int, seed: int, *, alone: bool) -> Iterator[Reads]:
    """What each of them reads: of one document `alone`, or the last passage of another."""
    draw = random.Random(seed)  # noqa: S311 - drawn, not secret
    weights = [1 / (rank + 1) for rank in range(DOCUMENTS)]
    asked, others = (draw.choices(range(DOCUMENTS), weights, k=count) for _ in range(2))
    for document, other in zip(asked, others, strict=True):
        read = draw.sample(range(PASSAGES), READ)
        last = document if alone else other
        names = [f"{document}#{read[0]}", f"{document}#{read[1]}", f"{last}#{read[2]}"]
        yield list(zip(names, PRIORS, strict=True))


def simulate(choose: Choice, replicas: int, count: int, seed: int, *, alone: bool) -> Record:
    """The share of passages that had been read, and the answers in progress of the busiest replica beside the mean."""
    draw = random.Random(seed)  # noqa: S311 - drawn, not secret
    names = [f"replica {number}" for number in range(replicas)]
    fleet, loads, ongoing, crowded = (
        {name: Replica() for name in names},
        Counter(dict.fromkeys(names, 0)),
        deque[str](),
        0,
    )
    for reads in questions(count, seed, alone=alone):
        chosen = choose(reads, loads, draw)
        for passage, _ in reads:
            fleet[chosen].read(passage)
        ongoing.append(chosen)
        loads[chosen] += 1
        crowded += max(loads.values())
        if len(ongoing) > ONGOING * replicas:
            loads[ongoing.popleft()] -= 1
    hits, misses = sum(one.hits for one in fleet.values()), sum(one.misses for one in fleet.values())
    return {"held": hits / (hits + misses), "busiest": crowded / count / ONGOING}


def main() -> None:
    """Simulate, print, write."""
    chosen = parser(__doc__ or "").parse_args()
    count = chosen.limit or QUESTIONS
    table = Table("a question reads of", "replicas", *[f"{choose.__name__}: held, busiest" for choose in CHOICES])
    result: Record = {"questions": count}
    for alone, replicas in product((True, False), REPLICAS):
        sides = [simulate(choose, replicas, count, chosen.seed, alone=alone) for choose in CHOICES]
        kind = "one document" if alone else "two documents"
        result[f"{kind}, {replicas} replicas"] = dict(zip([choose.__name__ for choose in CHOICES], sides, strict=True))
        table.add_row(kind, str(replicas), *[f"{side['held']:.1%}, {side['busiest']:.2f}" for side in sides])
    Console().print(table)
    write_result("ray_affinity", result)


if __name__ == "__main__":
    main()
