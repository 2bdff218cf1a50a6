"""How many machines does a company need? `python -m evals.simulation` asks a queueing model, and draws the answer.

Service times are those that `evals.speed`, `evals.load` and `evals.scale` measured (`results/*.json`). What machines
other than the measured one are worth, and what they cost, is assumed in `KINDS`: change a line and run again.
The model is `evals/queueing.py`; what it leaves out stands in `docs/growing.md`. Reads no data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import count

import numpy as np

from evals.common import RESULTS, Record, parser, write_result
from evals.queueing import Gain, Inquiry, Outcome, Servers, Simulation

MODEL = "attune, qwen2.5-coder-1.5b-instruct"
MEASURED_TOKENS = 32  # of an answer of evals.speed
QUESTION_MB = 4 * 200 * 28 * 2 * 256 * 2 / 2**20  # four passages of 200 tokens, as the 1.5B model keeps them
WORD_MS = 21.0  # of one CPU, for a question's vector (evals/RESULTS.md, "Every language")
PUT_WRITES = 3  # how often a message waits for the disk of the inbox and the memory
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Company:
    """What is asked, and what is wanted."""

    people: int = 20_000
    questions: int = 3_000  # in the busiest hour
    day: float = 0.15  # the share of a day's questions that fall into that hour
    passages: int = 1_000_000
    repeated: float = 0.4  # of the questions are about passages that were read before
    memory: int = 20_000  # questions back that a repeated one looks, the near ones more often
    tokens: float = 60.0  # mean of an answer
    patience: float = 10.0  # seconds to the first word, for 95 of 100


@dataclass(frozen=True, slots=True)
class MachineKind:
    """A machine, against the measured one: how much faster it reads and writes, and what it costs an hour."""

    name: str
    reading: float
    writing: float
    slots: int
    cache_mb: int
    price: float
    joint: float | None = None  # n who write at once are n ** joint times as fast as one; None: as measured
    basis: str = ""


KINDS = (
    MachineKind("2 cores", 1, 1, 8, 1024 + 2048, 0.09, basis="measured (evals.speed)"),
    MachineKind("16 cores", 6.4, 4, 16, 8192 + 16384, 0.71, basis="assumed: reading 8 × .8, writing by bandwidth"),
    MachineKind("small GPU", 50, 8, 64, 12288, 0.80, 0.85, basis="by arithmetic: 60 TFLOP/s in use, 300 GB/s"),
)


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """Seconds of the measured machine, with nobody else at it."""

    new: float  # to the first word, passages never read
    seen: float
    token: float
    search: tuple[float, float]  # median and 99th percentile
    overhead: tuple[float, float]
    gains: Mapping[int, float]  # people who write at once: how much faster than one after another

    def gain(self, people: int) -> float:
        """Between what was measured on a logarithmic scale, and no more than the most."""
        return float(np.interp(np.log(max(1, people)), np.log([*self.gains]), [*self.gains.values()]))


def measured(company: Company) -> ServiceTimes:
    """What the other benchmarks wrote."""
    speed, growth, load, scale = (_result(name) for name in ("speed", "speed_growth", "load", "scale"))
    alone = speed["median seconds"]["attune"]
    first, whole = alone["first token, seen"], alone["answer, seen"]
    search = scale["sizes"][str(company.passages)]["opened anew"]["all readers"]
    overhead = load["at once"]["overhead, ms"]
    people = {int(number): one["seen"] for number, one in growth[MODEL]["people"].items()}
    read = growth[MODEL]["passages"]["4"]["seen"]
    gains = {number: number * (people[1] - read) / (people[number] - number * read) for number in sorted(people)}
    gains[8] = 8 * (whole - first) / (alone["8 people, seen"] - 8 * first)
    return ServiceTimes(
        new=alone["first token, new"],
        seen=first,
        token=(whole - first) / (MEASURED_TOKENS - 1),
        search=(search["p50"] / 1e3, search["p99"] / 1e3),
        overhead=(overhead["p50"] / 1e3, overhead["p99"] / 1e3),
        gains=dict(sorted(gains.items())),
    )


def _result(name: str) -> Record:
    return dict(json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")))


def inquiries(company: Company, times: ServiceTimes, kind: MachineKind, *, seed: int, hours: float) -> list[Inquiry]:
    """Questions of so many busy hours, as they come out of the search."""
    rng = np.random.default_rng(seed)
    number = rng.poisson(company.questions * hours)
    arrivals = np.sort(rng.uniform(0, hours * HOUR, number))
    searches = _drawn(rng, times.search, number)
    found = Simulation([Inquiry(*one) for one in zip(arrivals, searches, strict=True)], Servers(1)).run()
    tokens = 1 + rng.geometric(1 / (company.tokens - 1), number)
    delays = _drawn(rng, times.overhead, number) + WORD_MS / 1e3
    return [
        Inquiry(
            arrival=one.end + delay,
            new=times.new / kind.reading,
            seen=times.seen / kind.reading,
            writing=said * times.token / kind.writing,
            key=key,
            asked=one.arrival,
        )
        for one, delay, said, key in zip(found, delays, tokens, _keys(company, rng), strict=False)
    ]


def _drawn(rng: np.random.Generator, shares: tuple[float, float], number: int) -> np.ndarray:
    """Lognormal times with this median and 99th percentile."""
    middle, most = shares
    return np.asarray(rng.lognormal(np.log(middle), np.log(most / middle) / 2.326, number))


def _keys(company: Company, rng: np.random.Generator) -> Iterator[int]:
    """What each question reads: new passages, or those of an earlier question, of near ones more often."""
    asked: list[int] = []
    for number in count():
        back = int(np.exp(rng.uniform(0, np.log(company.memory))))
        again = rng.random() < company.repeated
        asked.append(asked[-back] if again and back <= len(asked) else number)
        yield asked[-1]


def servers(kind: MachineKind, times: ServiceTimes, machines: int, *, affine: bool = True) -> Servers:
    """So many machines of a kind."""
    return Servers(machines, kind.slots, int(kind.cache_mb / QUESTION_MB), gain_of(kind, times), affine)


def gain_of(kind: MachineKind, times: ServiceTimes) -> Gain:
    """How much several who write at once gain."""
    joint = kind.joint
    return cache(times.gain) if joint is None else lambda people: float(people**joint)


def asked_of(
    company: Company, times: ServiceTimes, kind: MachineKind, machines: int, *, affine: bool = True, seed: int = 0
) -> Record:
    """What people see in the second of two busy hours; in the first the caches fill."""
    run = Simulation(inquiries(company, times, kind, seed=seed, hours=2), servers(kind, times, machines, affine=affine))
    seen = _seen_by_people([one for one in run.run() if one.asked >= HOUR])
    return {"machines": machines, **seen, "busy": run.busy, **_cost(company, kind, machines)}


def _seen_by_people(outcomes: Sequence[Outcome]) -> Record:
    return {
        "first word, s": _shares([one.first - one.asked for one in outcomes]),
        "whole answer, s": _shares([one.end - one.asked for one in outcomes]),
        "read before, as machines know it": np.mean([one.seen for one in outcomes]),
        "answers": len(outcomes),
    }


def _shares(seconds: Sequence[float]) -> Record:
    return {"p50": np.quantile(seconds, 0.5), "p95": np.quantile(seconds, 0.95)}


def _cost(company: Company, kind: MachineKind, machines: int) -> Record:
    """Of a thousand answers: where machines come and go with the questions, and where all stand there all day."""
    day = company.questions / company.day
    return {
        "a thousand answers, $": {
            "as many machines as it takes": 1e3 * machines * kind.price / company.questions,
            "all of them, all day": 1e3 * machines * kind.price * 24 / day,
        }
    }


def enough(company: Company, times: ServiceTimes, kind: MachineKind) -> Record:
    """The fewest machines with which 95 of 100 have their first word in time, and what fewer and more would do."""
    tried: list[Record] = []
    for machines in count(least(company, times, kind)):
        tried.append(asked_of(company, times, kind, machines))
        if tried[-1]["first word, s"]["p95"] <= company.patience:
            break
        if machines > 10_000:
            raise ValueError(f"{kind.name} never answers within {company.patience} s")
    chosen = tried[-1]
    beyond = [asked_of(company, times, kind, chosen["machines"] + more) for more in (1, 2, 4)]
    return {
        "machine": asdict(kind),
        "enough": chosen,
        "tried": [*tried, *beyond],
        "one machine fewer": asked_of(company, times, kind, max(1, chosen["machines"] - 1)),
        "without affinity": asked_of(company, times, kind, chosen["machines"], affine=False),
        "nothing asked before": asked_of(replace(company, repeated=0.0), times, kind, chosen["machines"]),
        "half as many again": asked_of(
            replace(company, questions=company.questions * 3 // 2), times, kind, chosen["machines"]
        ),
    }


def least(company: Company, times: ServiceTimes, kind: MachineKind) -> int:
    """Machines that are busy all the time where all was read before, and all who can write do: fewer cannot do."""
    gain = gain_of(kind, times)(kind.slots)
    work = times.seen / kind.reading + company.tokens * times.token / kind.writing / gain
    return max(1, int(np.ceil(company.questions / HOUR * work)))


def limits(company: Company, times: ServiceTimes, chosen: Sequence[tuple[MachineKind, Record]]) -> Record:
    """How many questions an hour each part bears at most, with what is measured of it."""
    load = _result("load")
    return {
        "asked": company.questions,
        **{f"generation, {kind.name}": HOUR * _most(company, times, kind, one) for kind, one in chosen},
        "search, one embedded index": HOUR / times.search[0],
        "one process that hands out work, model aside": HOUR * load["endurance"]["messages a second"],
        "inbox, one node, synced writes one by one": HOUR * 1e3 / load["at once"]["put, ms"]["p50"] / PUT_WRITES,
    }


def _most(company: Company, times: ServiceTimes, kind: MachineKind, chosen: Record) -> float:
    """Questions a second of all its machines at full load."""
    seen = chosen["read before, as machines know it"]
    reading = (seen * times.seen + (1 - seen) * times.new) / kind.reading
    writing = company.tokens * times.token / kind.writing / gain_of(kind, times)(kind.slots)
    return float(chosen["machines"] / (reading + writing))


def simulate(company: Company) -> Record:
    """All of it."""
    times = measured(company)
    kinds = {kind.name: enough(company, times, kind) for kind in KINDS}
    chosen = [(kind, kinds[kind.name]["enough"]) for kind in KINDS]
    return {
        "company": asdict(company),
        "measured": asdict(times),
        "kinds": kinds,
        "questions an hour at most": limits(company, times, chosen),
    }


def main() -> None:
    """Simulate, print a table, and keep the figures."""
    read = parser(__doc__ or "")
    for name, value in asdict(Company()).items():
        read.add_argument(f"--{name}", type=type(value), default=value)
    given = {name: value for name, value in vars(read.parse_args()).items() if name in asdict(Company())}
    result = simulate(Company(**given))
    for name, kind in result["kinds"].items():
        one = kind["enough"]
        print(name, one["machines"], one["first word, s"], one["whole answer, s"], one["a thousand answers, $"])
    for part, most in result["questions an hour at most"].items():
        print(f"{part:50} {most:12,.0f}")
    print(write_result("simulation", result))


if __name__ == "__main__":
    main()
