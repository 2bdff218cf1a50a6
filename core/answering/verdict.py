"""Whether the documents hold the answer at all: decided before the first word, by the model's verdict on each.

    p(held | x, d) = σ(b + c · log-odds_d)          p(held | x) = max_d p(held | x, d)

log-odds_d is the model's yes against its no, having read passage d and the question. How sure a model sounds is its
own: b and c are fitted for one model and the very words that it is asked in (`python -m evals.abstention`), which stand
beside them here. Nothing that was learned of the person enters: what somebody likes makes no answer truer. Pure.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

READER = (
    "You answer colleagues from the team's documents below. First say whether the documents answer the question: yes "
    "or no. If yes, go on with the answer: direct and complete, with the names, numbers, steps and links that the "
    "documents give, and nothing that they do not say."
)
YES, NO = "yes", "no"
ANSWERING = f"{YES}\n"  # how every row of the reader begins that goes on to answer

SYSTEM = (
    "You are a helpful colleague who answers from the team's documents below. Answer the question directly and "
    "completely, in your own words, with the steps, names, numbers and links that the documents give."
)

_CHECK = 'Can this question be answered from the document above alone: "{question}"? Reply only yes or no.'

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


class Judging(StrEnum):
    """How a model says whether a passage holds the answer."""

    FIRST = "first"  # each row says yes or no behind the question, then answers: the trained reader
    CHECK = "check"  # the likeliest rows are asked before the question
    NONE = "none"  # it is told to refuse instead


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a model is asked, and what its verdict is worth.

    The words and the coefficients belong together: `fitted_to` is the fingerprint of the words that `calibration` was
    fitted to, and a test fails when they part.
    """

    judging: Judging
    system: str
    calibration: Calibration | None = None
    fitted_to: str = ""

    @property
    def fingerprint(self) -> str:
        """Of the words that the verdict depends on."""
        check = _CHECK if self.judging is Judging.CHECK else ANSWERING
        return hashlib.sha256(f"{self.system}\0{check}".encode()).hexdigest()[:12]


TOLD_TO_REFUSE = Protocol(Judging.NONE, SYSTEM)
PROTOCOLS: Mapping[str, Protocol] = {
    "attune-reader-1.5b": Protocol(Judging.FIRST, READER, Calibration(1.135, 0.275), "fd7f7c477d87"),
    "qwen2.5-coder-1.5b-instruct": Protocol(Judging.CHECK, SYSTEM, Calibration(-1.024, 0.853), "051f1d4b67e8"),
}
"""By the model's name in `ATTUNE_MODEL`; the coefficients are those of `python -m evals.abstention`."""


def check_text(question: str) -> str:
    """What is asked of every passage by itself before the answer."""
    return _CHECK.format(question=question)
