"""Whether the documents hold the answer at all: decided before the first word, by the model's verdict on each.

    p(held | x, d) = σ(b + c · log-odds_d)          p(held | x) = max_d p(held | x, d)

log-odds_d is the model's yes against its no, having read passage d and the question. How sure a model sounds is its
own: b and c are fitted for one model and the very words that it is asked in (`python -m evals.abstention`), and stand
beside these words in `core/answering/prompt.py`. Nothing that was learned of the person enters: what somebody likes
makes no answer truer. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SMALLEST = 1e-9  # a probability that vanished counts as this much


def log_odds_of(yes: float, no: float) -> float:
    """The model's log-odds, from the probabilities of its yes and of its no."""
    return math.log((yes + _SMALLEST) / (no + _SMALLEST))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The coefficients of one model and its words: b and c."""

    bias: float
    weight: float

    def log_held(self, log_odds: float) -> float:
        """Log p(held | x, d), from the model's log-odds of yes against no."""
        logit = self.bias + self.weight * log_odds
        return -math.log1p(math.exp(-logit)) if logit > 0 else logit - math.log1p(math.exp(logit))

    def held(self, log_odds: float) -> float:
        """p(held | x, d)."""
        return math.exp(self.log_held(log_odds))

    def each_held(self, log_odds: Sequence[float | None]) -> tuple[float | None, ...]:
        """p(held | x, d) of each passage; None for one that was not read."""
        return tuple(None if odds is None else self.held(odds) for odds in log_odds)

    def probability_held(self, log_odds: Sequence[float | None]) -> float:
        """p(held | x), from the log-odds of each passage; None stands for one that was not read."""
        return max((held for held in self.each_held(log_odds) if held is not None), default=0.0)
