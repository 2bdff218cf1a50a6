"""Whether the documents hold the answer at all: decided before the first word, from evidence already at hand.

    p(held | x) = σ(b + c · max_d log-odds_d + r · max_d cos(x, d))

log-odds_d is the model's own yes against no when it is asked, having read passage d, whether that answers the question
(only the likeliest passages are asked); the cosine is retrieval's. The coefficients are fitted on SQuAD
(`python -m evals.abstention`). Only s(x, d) enters, nothing of the person: what somebody likes makes no answer truer.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.domain import RankedPassage

BIAS, CHECK, DENSE = -4.9, 1.8, 2.5


def probability_held(log_odds: Sequence[float], read: Sequence[RankedPassage]) -> float:
    """p(held | x), from the check's `log_odds` and the passages that were `read`."""
    evidence = BIAS + CHECK * max(log_odds) + DENSE * max(candidate.dense for candidate in read)
    return 1 / (1 + math.exp(-evidence))
