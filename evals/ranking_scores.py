"""How good a ranking is, how two searches can be fused, and how true the probabilities are. Pure.

Measures take the gains of the documents in the order in which they are ranked, and all gains that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.answering.retrieval import fused_scores

Array = NDArray[np.float64]
Fusion = Callable[[Array, Array, int], Array]
"""Cosines (n,), BM25 scores (n,), 0 where no word matched, and the question's content words → scores (n,).

-inf leaves a candidate out.
"""

LISTED = 50  # passages that one search brings
RRF_CONSTANT = 60  # as Cormack, Clarke and Büttcher chose it ("Reciprocal Rank Fusion …", 2009)


def ndcg(ranked: Sequence[float], gains: Iterable[float], depth: int = 10) -> float:
    """Discounted gain of the first `depth`, as a share of the best possible (linear gains, Järvelin and Kekäläinen)."""
    best = sorted(gains, reverse=True)
    return _discounted(ranked[:depth]) / _discounted(best[:depth])


def _discounted(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(place + 2) for place, gain in enumerate(gains)))


def recall(ranked: Sequence[float], gains: Iterable[float], depth: int) -> float:
    """The share of the relevant documents that stand among the first `depth`."""
    return sum(gain > 0 for gain in ranked[:depth]) / sum(gain > 0 for gain in gains)


def reciprocal_rank(ranked: Sequence[float]) -> float:
    """1 / the place of the first relevant document; 0 where none was found."""
    return next((1 / place for place, gain in enumerate(ranked, start=1) if gain > 0), 0.0)


def bm25_alone(_: Array, sparse: Array, __: int = 0) -> Array:
    """What words find, and nothing else."""
    return np.where(sparse > 0, sparse, -np.inf)


def dense_alone(dense: Array, _: Array, __: int = 0) -> Array:
    """What meaning finds. A passage that only words found is behind the last of these anyway."""
    return dense


def convex(weight: float) -> Fusion:
    """The product's fusion with another weight α."""
    return lambda dense, sparse, words: fused_scores(dense, sparse, words, weight)


def best_in_full(dense: Array, sparse: Array, _: int = 0) -> Array:
    """The product's fusion, but that the best passage's words count in full, however few it holds."""
    return fused_scores(dense, sparse, 0)


def rrf(dense: Array, sparse: Array, _: int = 0) -> Array:
    """Reciprocal rank fusion: Σ 1 / (60 + rank) over both lists."""
    return sum(
        (np.where(listed, 1 / (RRF_CONSTANT + _ranks(scores)), 0.0) for scores, listed in _lists(dense, sparse)),
        np.zeros_like(dense),
    )


def dbsf(dense: Array, sparse: Array, _: int = 0) -> Array:
    """Distribution-based score fusion: each list from mean - 3σ to mean + 3σ becomes 0 … 1; their sum."""
    total = np.zeros_like(dense)
    for scores, listed in _lists(dense, sparse):
        among = scores[listed]
        if among.size:
            low, width = among.mean() - 3 * among.std(), max(6 * float(among.std()), 1e-9)
            total += np.where(listed, np.clip((scores - low) / width, 0.0, 1.0), 0.0)
    return total


def _lists(dense: Array, sparse: Array) -> list[tuple[Array, NDArray[np.bool_]]]:
    """The scores of each search and whether it listed the candidate."""
    return [(dense, _ranks(dense) <= LISTED), (sparse, sparse > 0)]


def _ranks(scores: Array) -> Array:
    """1 for the best."""
    ranks = np.empty_like(scores)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, scores.size + 1)
    return ranks


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions between two bounds: how many, what they say on average, and how often they came true."""

    low: float
    count: int
    predicted: float
    observed: float


def reliability(predicted: Sequence[float], observed: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Bins of equal width that hold predictions."""
    said, true = np.asarray(predicted, np.float64), np.asarray(observed, np.float64)
    places = np.minimum((said * bins).astype(int), bins - 1)
    return [
        Bin(place / bins, int(inside.sum()), float(said[inside].mean()), float(true[inside].mean()))
        for place in range(bins)
        if (inside := places == place).any()
    ]


def calibration_error(table: Sequence[Bin]) -> float:
    """ECE: the mean distance of what was predicted and what was observed, weighed by the bins' sizes."""
    total = sum(one.count for one in table)
    return sum(one.count * abs(one.predicted - one.observed) for one in table) / total
