"""Scores of answers and of rankings: word F1, exact match, recall among the first, reciprocal rank.

Pure. Knows nothing of questions, documents or models; a rank is a place counted from 1, None where nothing was found.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and extra spaces, as in SQuAD's evaluation script."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def exact_match(answer: str, truths: Sequence[str]) -> float:
    """1 if `answer` is one of `truths` after normalising, else 0. No truths: the right answer is empty."""
    return float(normalised(answer) in {normalised(truth) for truth in truths or [""]})


def f1(answer: str, truths: Sequence[str]) -> float:
    """The best F1 of words that `answer` and a truth share, 0 … 1. No truths: the right answer is empty."""
    return max(_f1(normalised(answer).split(), normalised(truth).split()) for truth in truths or [""])


def _f1(answer: list[str], truth: list[str]) -> float:
    if not answer or not truth:
        return float(answer == truth)
    shared = (Counter(answer) & Counter(truth)).total()
    return 2 * shared / (len(answer) + len(truth))


def first_rank(right: Iterable[bool]) -> int | None:
    """The rank of the first that is right."""
    return next((rank for rank, is_right in enumerate(right, start=1) if is_right), None)


def recall(ranks: Sequence[int | None], k: int) -> float | None:
    """The share of `ranks` that are among the first `k`. None: there are no ranks."""
    return mean([float(rank is not None and rank <= k) for rank in ranks])


def mean_reciprocal_rank(ranks: Sequence[int | None]) -> float | None:
    """The mean of 1 / rank; what was not found counts 0. None: there are no ranks."""
    return mean([1 / rank if rank else 0.0 for rank in ranks])


def mean(values: Sequence[float]) -> float | None:
    """The mean. None: there are no values."""
    return sum(values) / len(values) if values else None
