"""Whether the documents hold the answer at all: decided before the first word, from evidence already at hand.

    p(held | x) = σ(b + c · max_d log-odds_d + r · max_d cos(x, d))

log-odds_d is the model's own yes against no when it is asked, having read passage d, whether that answers the question
(only the likeliest passages are asked); the cosine is retrieval's. How sure a model sounds is its own, and depends on
how people ask: the coefficients are fitted for one model on two sets of equal weight, SQuAD and a colleague's questions
(`python -m evals.abstention`), and a model without any is told to refuse instead of being asked. Only s(x, d) enters,
nothing of the person: what somebody likes makes no answer truer. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain import RankedPassage


@dataclass(frozen=True, slots=True)
class Calibration:
    """The coefficients of one model: b, c and r."""

    bias: float
    check: float
    dense: float

    def probability_held(self, log_odds: Sequence[float], read: Sequence[RankedPassage]) -> float:
        """p(held | x), from the check's `log_odds` and the passages that were `read`."""
        evidence = self.bias + self.check * max(log_odds) + self.dense * max(candidate.dense for candidate in read)
        return 1 / (1 + math.exp(-evidence))


DEFAULT = Calibration(-1.78, 0.75, 1.3)
FITTED: Mapping[str, Calibration] = {"qwen2.5-coder-1.5b-instruct": DEFAULT}
"""By the model's name in `ATTUNE_MODEL`."""
