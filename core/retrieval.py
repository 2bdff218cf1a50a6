"""p(d | x): passages with probabilities, by meaning and by words.

    s(x, d) = α · cos(x, d) + (1 - α) · BM25(x, d) / max_d' BM25(x, d')        p(d | x) = softmax(s / T)

A convex combination keeps the size of the evidence, which rank fusion throws away (Bruch, Gai and Ingber,
"An Analysis of Fusion Functions for Hybrid Retrieval", 2023). Knows nothing of people or of the index behind
the port.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.domain import Hit, RankedPassage
from core.ports import Embedder, PassageIndex
from core.words import content_words

DENSE_WEIGHT = 0.6  # α
TEMPERATURE = 0.05  # T
CANDIDATES = 50  # passages asked of each of the two searches


async def retrieve(question: str, embedder: Embedder, index: PassageIndex) -> list[RankedPassage]:
    """All candidates for `question`, the most probable first; probabilities sum to 1."""
    vectors = await embedder.embed([question])  # (1, dimension)
    return rank(await index.search(question, vectors[0], limit=CANDIDATES))


def rank(hits: Sequence[Hit]) -> list[RankedPassage]:
    """Fuse both searches' evidence into p(d|x), the most probable first."""
    if not hits:
        return []
    scores = fused_scores(np.array([hit.dense for hit in hits]), np.array([hit.sparse for hit in hits]))
    ranked = [
        RankedPassage(hit.passage, float(probability), hit.dense, hit.sparse)
        for hit, probability in zip(hits, softmax(scores / TEMPERATURE), strict=True)
    ]
    return sorted(ranked, key=lambda passage: (-passage.probability, passage.passage.id))


def fused_scores(dense: NDArray[np.float64], sparse: NDArray[np.float64]) -> NDArray[np.float64]:
    """s(x, d) for candidates with cosines `dense` (n,) and BM25 scores `sparse` (n,): shape (n,)."""
    return DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * sparse / max(float(sparse.max()), 1e-9)


def merge_neighbours(reading: Sequence[RankedPassage]) -> list[RankedPassage]:
    """Put passages that stand next to each other in one document together again, the most probable first.

    A row that sees the beginning of a procedure alone would have to invent its end. Probabilities add up.
    """
    in_order = sorted(reading, key=lambda candidate: (candidate.passage.source, candidate.passage.ordinal))
    merged: list[RankedPassage] = []
    last = -1  # the ordinal up to which the newest of `merged` goes
    for candidate in in_order:
        passage = candidate.passage
        if merged and merged[-1].passage.source == passage.source and passage.ordinal == last + 1:
            merged[-1] = _joined(merged[-1], candidate)
        else:
            merged.append(candidate)
        last = passage.ordinal
    return sorted(merged, key=lambda candidate: (-candidate.probability, candidate.passage.id))


def _joined(first: RankedPassage, second: RankedPassage) -> RankedPassage:
    under = [heading for heading in second.passage.headings if heading not in first.passage.headings]
    text = "\n\n".join([first.passage.text, *[f"#### {heading}" for heading in under], second.passage.text])
    return RankedPassage(
        replace(first.passage, text=text),
        first.probability + second.probability,
        max(first.dense, second.dense),
        max(first.sparse, second.sparse),
    )


def priors(reading: Sequence[RankedPassage]) -> tuple[float, ...]:
    """p(d|x) among the passages that are read: they sum to 1."""
    total = sum(candidate.probability for candidate in reading)
    return tuple(candidate.probability / total for candidate in reading)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (n,) from unnormalised log-probabilities (n,)."""
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def is_relevant(question: str, ranked: Sequence[RankedPassage], threshold: float) -> bool:
    """Whether any candidate is about the question: near enough in meaning, or holding all of its words.

    The second way keeps error codes and part numbers, which an embedder does not know.
    """
    asked = content_words(question)
    return any(
        candidate.dense >= threshold or (asked and asked <= content_words(candidate.passage.text))
        for candidate in ranked
    )
