"""What personalisation costs a message: ranking 200 candidates and learning from the answer, without the stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from pydantic import TypeAdapter

from core.answering import ranking
from core.answering.retrieval import softmax
from core.domain import EVERYONE
from core.people import interests
from core.people.interests import Action, DocumentTally, LearnedProfile, Signal
from core.people.team import Contribution, Team, uses_of
from evals.common import Options, Record

CANDIDATES, DIMENSION, TEAMMATES, DOCUMENTS = 200, 384, 200, 500
ROUNDS = 300
START = datetime(2026, 1, 1, tzinfo=UTC)
_LEARNED = TypeAdapter(LearnedProfile)


async def run(chosen: Options) -> Record:
    """Medians and 99th percentiles, in milliseconds of the processor, since other work may be going on."""
    rng = np.random.default_rng(chosen.seed)
    vectors = _unit(rng, CANDIDATES)
    impersonal = softmax(rng.standard_normal(CANDIDATES))
    log = [_signal(number, rng) for number in range(interests.KEPT)]
    known, team = interests.replay(log), _team(rng)
    documents = [(f"/{number % DOCUMENTS}", (EVERYONE,)) for number in range(CANDIDATES)]
    now, stored = START.timestamp() + 1e6, _LEARNED.dump_json(known)

    def rank() -> None:
        ranking.tilt(
            impersonal,
            vectors,
            known,
            strength=50,
            now=now,
            team=team.prior(documents, "me"),
            teammates=team.shared_taste(documents, "me", uses_of(known.tallies)),
        )

    def learn() -> None:
        _LEARNED.dump_json(interests.step(_LEARNED.validate_json(stored), log[-1]))

    return {
        "n": ROUNDS,
        "candidates": CANDIDATES,
        "teammates": TEAMMATES,
        "ranking, ms": _timed(rank),
        "learning with reading and writing the state, ms": _timed(learn),
        "replaying the whole log, ms": _timed(lambda: interests.replay(log), 10),
    }


def _timed(work: Callable[[], object], rounds: int = ROUNDS) -> dict[str, float]:
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - start))
    return {"median": float(np.median(times)), "p99": float(np.quantile(times, 0.99))}


def _unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.standard_normal((count, DIMENSION))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _signal(number: int, rng: np.random.Generator) -> Signal:
    one = _unit(rng, 1)[0]
    act = (Action.ASKED, Action.OPENED, Action.UP)[number % 3]
    shown = tuple(f"/{place}" for place in rng.integers(0, DOCUMENTS, 3))
    vector = interests.event_vector(one, [one], [1.0])
    at = START + timedelta(minutes=number)
    return Signal(f"{number:04}", act, at, vector, shown=shown, credited=((shown[0], 1.0),))


def _team(rng: np.random.Generator) -> Team:
    people = {}
    for number in range(TEAMMATES):
        used = rng.integers(0, DOCUMENTS, 30)
        tallies = {f"/{place}": DocumentTally(1.0, 2.0, 1.0) for place in used}
        people[f"user{number}"] = Contribution(tallies, frozenset({EVERYONE}), shares=True)
    return Team(people)
