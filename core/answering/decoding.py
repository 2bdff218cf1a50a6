"""Σ_d: an answer decoded from several passages at once, exactly and one token at a time.

Each passage d has a row: the model's distribution over the next token, having read d alone. With w_d = log p(d|x,u):

    p(y_i | x, u, y_<i) = Σ_d softmax(w)_d · p(y_i | x, d, u, y_<i)       w_d ← w_d + log p(y_i | x, d, u, y_<i)

By the chain rule the product over i is RAG-Sequence's p(y|x,u); with w held fixed it is RAG-Token (Lewis et al.,
"Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks", 2020, section 2.1). softmax(w) after some words is
the posterior over passages: which of them carried those words. Where each row first says whether its passage holds the
answer, w_d begins as log p(d|x,u) + log p(held|x,d). Pure arrays; knows nothing of models or texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.answering.verdict import Calibration
from core.domain import Decoding, Mode

Array = NDArray[np.floating]

CIRCLED = 48  # tokens of one thing said over and over, at least three times, after which nothing else will come
LONGEST_CIRCLE = 64  # tokens of what is repeated
STAGES = (1, 3)  # how many of the likeliest rows are read before the verdicts on them are looked at; then all others
AS_TRAINED = Calibration(0.0, 1.0)  # log-odds as the model means them
_SMALLEST = 1e-38  # a probability that underflowed in float32 counts as this much


def normalized(log_weights: Array) -> NDArray[np.float64]:
    """softmax: probabilities (rows,) from log-weights (rows,)."""
    powers = np.exp(log_weights - log_weights.max())
    return np.asarray(powers / powers.sum())


def mix(weights: Array, probabilities: Array) -> Array:
    """The mixture (vocab,) of rows `probabilities` (rows, vocab) with `weights` (rows,) that sum to 1.

    Not by `@`: BLAS has threads of its own, which spin for a while and slow the model's next step by half.
    """
    return np.asarray(np.einsum("d,dv->v", weights.astype(probabilities.dtype), probabilities))


def choose(probabilities: Array, decoding: Decoding, rng: np.random.Generator) -> int:
    """The next token: the likeliest at temperature 0, else drawn from the top-p nucleus (Holtzman et al., 2020)."""
    if decoding.temperature == 0:
        return int(probabilities.argmax())
    order = np.argsort(-probabilities, kind="stable")
    scaled = normalized(np.log(np.maximum(probabilities[order], _SMALLEST)).astype(np.float64) / decoding.temperature)
    kept = int(np.searchsorted(np.cumsum(scaled), decoding.top_p)) + 1
    nucleus = scaled[:kept] / scaled[:kept].sum()
    return int(order[rng.choice(len(nucleus), p=nucleus)])


def is_circling(tokens: Sequence[int]) -> bool:
    """Whether the last tokens are one thing over and over, a circle that likelihood alone does not leave.

    Each repetition makes the next one likelier (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
    """
    return any(_ends_in_circle(tokens, length) for length in range(1, LONGEST_CIRCLE + 1))


def _ends_in_circle(tokens: Sequence[int], length: int) -> bool:
    last = tokens[-max(CIRCLED, 3 * length) :]
    return len(last) >= max(CIRCLED, 3 * length) and last[:-length] == last[length:]


class Mixture:
    """The state of one answer: the passages' weights, and which rows are still worth a row.

    `rows` are the numbers of the rows that `step` expects, in order; it shrinks as posteriors fall under the floor.
    """

    def __init__(self, priors: Sequence[float], decoding: Decoding, calibration: Calibration | None = None) -> None:
        """`calibration`: what a verdict is worth, which says when one is clear; None takes log-odds as they are."""
        self._decoding = decoding
        self._calibration = calibration or AS_TRAINED
        self._rng = np.random.default_rng(decoding.seed)
        self._log_weights = np.log(np.maximum(np.asarray(priors, np.float64), _SMALLEST))  # (passages,)
        self.rows = list(range(len(priors)))
        self.log_likelihood = 0.0  # log p(y | x, u) of the tokens so far
        self._drop(decoding.floor)

    @property
    def posterior(self) -> tuple[float, ...]:
        """p(d | x, u, y so far) of every passage; 0 for those that were dropped."""
        full = np.zeros(len(self._log_weights))
        full[self.rows] = normalized(self._log_weights[self.rows])
        return tuple(full.tolist())

    @property
    def likeliest(self) -> list[int]:
        """`rows`, the most probable first."""
        return sorted(self.rows, key=lambda row: -self._log_weights[row])

    def is_clear(self, log_odds: Iterable[float]) -> bool:
        """Whether one of these verdicts, yes against no, is so clear that no less likely row needs to be read."""
        return self._calibration.probability_held(list(log_odds)) >= self._decoding.clear

    def to_judge(self, log_odds: Mapping[int, float]) -> list[int]:
        """The rows to be judged next, where these have been; none once a verdict is clear or all rows are judged."""
        if log_odds and self.is_clear(log_odds.values()):
            return []
        unread = [row for row in self.likeliest if row not in log_odds]
        return unread[: STAGES[0]] if not log_odds else unread[: STAGES[1]] if len(log_odds) == STAGES[0] else unread

    def judge(self, log_odds: Mapping[int, float]) -> None:
        """Weigh the rows by p(held | x, d), before the first token; rows without a verdict are dropped.

        Here p(held | x, d) is the model's own, as it was trained. The calibrated one is about the whole search: it is
        flatter, since a no also comes where the right passage was not found, and that is no reason to trust this row.
        """
        self.rows = [row for row in self.rows if row in log_odds]
        self._log_weights[self.rows] += [AS_TRAINED.log_held(log_odds[row]) for row in self.rows]
        self._drop(self._decoding.held_floor)

    def step(self, probabilities: Array) -> int:
        """Choose the next token from `probabilities` (len(rows), vocab), and weigh the passages by it."""
        mixture = mix(normalized(self._log_weights[self.rows]), probabilities)
        token = choose(mixture, self._decoding, self._rng)
        self.take(token, probabilities)
        return token

    def take(self, token: int, probabilities: Array) -> None:
        """Go on with `token`, whoever chose it."""
        weights = normalized(self._log_weights[self.rows])
        of_token = np.maximum(probabilities[:, token].astype(np.float64), _SMALLEST)  # (rows,)
        self.log_likelihood += float(np.log((weights * of_token).sum()))
        if self._decoding.mode is not Mode.TOKEN:
            self._log_weights[self.rows] += np.log(of_token)
            self._drop(self._decoding.floor)

    def _drop(self, floor: float) -> None:
        weights = normalized(self._log_weights[self.rows])
        best = int(weights.argmax())
        self.rows = [
            row
            for place, (row, weight) in enumerate(zip(self.rows, weights, strict=True))
            if weight >= floor or place == best
        ]
