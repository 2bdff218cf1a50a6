"""What quantised vectors would lose: `python -m evals.index_quantisation` over the handbook's passages and questions.

A simulation: no Qdrant server runs. Each way is computed with numpy over all vectors, as Qdrant describes it: scalar is
eight bits between the least and the greatest number (or between quantiles of them), binary the signs; then the best by
that, `oversampling` times as many as asked for, are compared once more in full. What a graph loses is not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.answering.retrieval import CANDIDATES
from core.answering.sources import whole
from core.evaluation.questions import read_questions
from evals.common import Options, options, sample, write_result
from evals.handbook import QUESTIONS
from evals.product import open_search

Array = NDArray[np.float32]
Scores = NDArray[np.float64]  # (questions, passages)
LEVELS = 127  # of eight bits, as Qdrant has them
QUANTILE = 0.99
FACTORS = (1.0, 2.0, 4.0, 8.0)
LIMITS = (10, CANDIDATES)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to quantise, and its scores of every passage for every question."""

    name: str
    bytes: float  # a number of a vector
    scores: Callable[[Array, Array], Scores]


def scalar(quantile: float) -> Callable[[Array, Array], Scores]:
    """Eight bits between the quantiles of all numbers; 1 takes the least and the greatest."""

    def scores(questions: Array, passages: Array) -> Scores:
        low, high = map(float, np.quantile(passages, [(1 - quantile) / 2, (1 + quantile) / 2]))
        step = max((high - low) / LEVELS, 1e-12)

        def rounded(vectors: Array) -> Scores:
            levels: Scores = np.clip(np.round((vectors - low) / step), 0, LEVELS)
            return levels * step + low

        product: Scores = rounded(questions) @ rounded(passages).T
        return product

    return scores


def binary(questions: Array, passages: Array) -> Scores:
    """How many signs are the same."""
    same: Scores = np.where(questions > 0, 1.0, -1.0) @ np.where(passages > 0, 1.0, -1.0).T
    return same


WAYS = (
    Way("scalar", 1, scalar(1.0)),
    Way(f"scalar, quantile {QUANTILE}", 1, scalar(QUANTILE)),
    Way("binary", 1 / 8, binary),
)


def main(chosen: Options) -> None:
    """Embed, compare, print, write."""
    questions, passages = asyncio.run(vectors(chosen))
    rows = list(compared(questions, passages))
    table = Table("way", "limit", "compared in full", "recall", "the best is found", box=None)
    for row in rows:
        much = f"{row['oversampling']:g} ×" if row["oversampling"] else "none"
        table.add_row(str(row["way"]), str(row["limit"]), much, f"{row['recall']:.4f}", f"{row['best']:.4f}")
    Console(width=120).print(table)
    about = {"passages": len(passages), "questions": len(questions), "dimension": passages.shape[1]}
    write_result("index_quantisation", {**about, "rows": rows, "simulated": True})


async def vectors(chosen: Options) -> tuple[Array, Array]:
    """Of the questions and of all passages, shapes (questions, dimension) and (passages, dimension)."""
    asked = sample(read_questions(QUESTIONS), chosen.limit, chosen.seed)
    async with open_search() as shelf:
        await shelf.ingester.ingest([chosen.data / "handbook"])
        rows = await shelf.embedder.embed_questions([question.text for question in asked])
        found: list[Array] = []
        for document in await shelf.index.documents():
            ids = [passage.id for passage in await whole(document, shelf.index)]
            found += (await shelf.index.vectors(ids)).values()
    return np.asarray(rows, np.float32), np.stack(found)


def compared(questions: Array, passages: Array) -> Iterator[dict[str, object]]:
    """For each way, limit and oversampling: the share of the exactly nearest that is found, and of the very nearest."""
    exact = questions @ passages.T
    for way in WAYS:
        rough = way.scores(questions, passages)
        for limit in LIMITS:
            wanted = nearest(exact, limit)
            for factor in (0.0, *FACTORS):
                found = rescored(exact, rough, limit, factor) if factor else nearest(rough, limit)
                kept = [len({*ours} & {*theirs}) / limit for ours, theirs in zip(wanted, found, strict=True)]
                best = [ours[0] in theirs for ours, theirs in zip(wanted, found, strict=True)]
                yield {
                    "way": way.name,
                    "bytes a number": way.bytes,
                    "limit": limit,
                    "oversampling": factor,
                    "recall": float(np.mean(kept)),
                    "best": float(np.mean(best)),
                }


def nearest(scores: Scores | Array, limit: int) -> NDArray[np.intp]:
    """The best of each question, best first, shape (questions, limit)."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :limit]


def rescored(exact: Array, rough: Scores, limit: int, factor: float) -> NDArray[np.intp]:
    """The best in full of those that are best roughly, `factor` times as many."""
    likely = nearest(rough, int(limit * factor))
    order = nearest(np.take_along_axis(exact, likely, axis=1), limit)
    return np.take_along_axis(likely, order, axis=1)


if __name__ == "__main__":
    main(options(__doc__ or ""))
