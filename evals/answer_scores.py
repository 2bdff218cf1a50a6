"""What is made of the answers of `evals.answers`: scores, the curve of refusals, a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from evals.common import Interval, Record, paired_bootstrap

Results = dict[str, list["Asked"]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one arm made of one question. `found` and `cited` are names of SQuAD's passages."""

    question: str
    passage: str
    answerable: bool
    text: str
    held: float | None
    exact: float
    f1: float
    contained: float
    found: tuple[str, ...]
    cited: tuple[str, ...]
    left_out: tuple[str, ...]
    log_odds: tuple[float | None, ...]


def measures(asked: Sequence[Asked], refused: set[str]) -> dict[str, float]:
    """What is said of one arm over answerable questions. A question of `refused` scores 0.

    "left out" is how often a part was: of answers that hold the true one, and of the others.
    """
    able = [one for one in asked if one.answerable]
    said = [one for one in able if one.question not in refused]
    cited = [passage == one.passage for one in said for passage in one.cited]
    return {
        "F1, always answering": _mean([one.f1 for one in able]),
        "exact": _mean([one.exact for one in able]),
        "contained": _mean([one.contained for one in able]),
        "found": _mean([one.passage in one.found for one in able]),
        "citation precision": _mean(cited),
        "citation recall": _mean([one.passage in one.cited for one in said]),
        "left out, right": _mean([bool(one.left_out) for one in said if one.contained]),
        "left out, wrong": _mean([bool(one.left_out) for one in said if not one.contained]),
        "F1, refusing": _mean([0.0 if one.question in refused else one.f1 for one in able]),
    }


def refusals(asked: Sequence[Asked], certainty: float) -> dict[str, float]:
    """How well refusals are placed; AUROC is that of p(held) over answerable questions and the others."""
    able, unable = ([one.held or 0.0 for one in asked if one.answerable is kind] for kind in (True, False))
    return {
        "AUROC": auroc(able, unable),
        "refused, rightly": _mean([held < certainty for held in unable]),
        "refused, wrongly": _mean([held < certainty for held in able]),
        "certainty": certainty,
    }


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a positive one has the higher score than a negative one; ties count half."""
    if not positive or not negative:
        return float("nan")
    differences = np.sign(np.subtract.outer(np.asarray(positive), np.asarray(negative)))
    return float((differences.mean() + 1) / 2)


def curve(asked: Sequence[Asked]) -> list[dict[str, float]]:
    """Refusals, right and wrong, at each certainty that may be set."""
    return [refusals(asked, step / 20) for step in range(1, 20)]


def summary(results: Results, certainty: float, seed: int) -> Record:
    """Figures only: SQuAD's texts are not ours to publish."""
    first, *others = results
    able = [one for one in results[first] if one.answerable]
    summed: Record = {
        "seed": seed,
        "answerable": len(able),
        "unanswerable": len(results[first]) - len(able),
        "arms": {arm: measures(asked, refused_of(results[first], certainty)) for arm, asked in results.items()},
        f"F1 of {first} less that of": {arm: asdict(difference(able, results[arm], seed)) for arm in others},
    }
    if len(able) < len(results[first]):
        summed |= {"refusals": refusals(results[first], certainty), "curve": curve(results[first])}
    return summed


def refused_of(asked: Sequence[Asked], certainty: float) -> set[str]:
    """The questions that are not answered at `certainty`."""
    return {one.question for one in asked if (one.held or 0.0) < certainty}


def difference(first: Sequence[Asked], second: Sequence[Asked], seed: int) -> Interval:
    """F1 of `first` less that of `second`, always answering, over the same answerable questions."""
    return paired_bootstrap([one.f1 for one in first], [one.f1 for one in second], seed=seed)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def print_arms(results: Results, certainty: float, seed: int) -> None:
    """A table of the arms, and the refusals."""
    first = next(iter(results))
    refused = refused_of(results[first], certainty)
    able = [one for one in results[first] if one.answerable]
    table = Table("arm", *measures(able, refused), f"F1 of {first} − arm, 95 %")
    for arm, asked in results.items():
        versus = ""
        if arm != first:
            interval = difference(able, asked, seed)
            versus = f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
        table.add_row(arm, *[f"{value:.3f}" for value in measures(asked, refused).values()], versus)
    Console(width=160).print(table)
    if len(able) < len(results[first]):
        for name, value in refusals(results[first], certainty).items():
            print(f"{name}: {value:.3f}")
