"""Whether the documents hold the answer at all: decided before the first word, from evidence already at hand.

    p(held | x) = σ(b + c · max_d log-odds_d)

log-odds_d is the model's own yes against no when it is asked, having read passage d, whether that answers the question
(only the likeliest passages are asked). How sure a model sounds is its own, and depends on how people ask: the
coefficients are fitted for one model on three sets of equal weight, SQuAD, a colleague's questions and those of a first
conversation (`python -m evals.abstention`), and a model without any is told to refuse instead of being asked. Nothing
of the person enters: what somebody likes makes no answer truer. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """The coefficients of one model: b and c."""

    bias: float
    check: float

    def probability_held(self, log_odds: Sequence[float]) -> float:
        """p(held | x), from the check's `log_odds` of each passage that was asked."""
        return 1 / (1 + math.exp(-(self.bias + self.check * max(log_odds))))


DEFAULT = Calibration(-1.024, 0.853)
FITTED: Mapping[str, Calibration] = {"qwen2.5-coder-1.5b-instruct": DEFAULT}
"""By the model's name in `ATTUNE_MODEL`."""
