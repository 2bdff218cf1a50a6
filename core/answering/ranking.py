"""p(d | x, u): the impersonal ranking, tilted by the team's use and the person's taste, within bounds.

    p(d | x, u) ∝ p(d | x) · exp( c · [β·b_d + β·g(x)·n_u(d) + λ·g(x)·a_u(d)] )

    a_u(d)  max_k ω_k cos(m_k, d), centred over the candidates, clipped to [-1, 1]
    b_d     how useful the team found d, a log-ratio; n_u(d) how much more so similar teammates, where shared
    g(x)    entropy of p(d|x) over the top 20, normalised: a clear question is left alone
    λ       strength · N / (N + 20): no history, no tilt
    c       the largest in 0 … 1 with KL( p(·|x,u) ‖ p(·|x) ) ≤ 0.1 nat

What anybody would read is read: taste weighs it, adds at most one passage and takes none away. Whether to answer at all
and what is cited are decided by p(d|x). Pure arrays; knows nothing of stores or models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.answering.retrieval import priors
from core.domain import RankedPassage
from core.people.asker import Asker
from core.people.interests import SESSION_HALF_LIFE, Interest, LearnedProfile, unpacked

TEAM = 0.5  # β
TASTE = 4.0  # λ at full strength and after much history, in nats for a cosine of 1
PATIENCE = 20  # events after which λ is half of what it can be
MAX_KL = 0.1  # nats
GATED = 20  # candidates that the entropy is taken over
ADDED = 1  # passages that are read for a person beside those that anybody would read
CHECKED = 2  # passages that are asked whether they hold the answer
_HALVINGS = 40
_FAR = 1e6

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tilt:
    """What moved each candidate, in nats before `scale` (c); `gate` is g(x)."""

    team: Array
    taste: Array
    teammates: Array
    gate: float = 0.0
    scale: float = 1.0

    @property
    def total(self) -> Array:
        """What is added to log p(d|x) of each candidate: (candidates,)."""
        return self.scale * (self.team + self.taste + self.teammates)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What was found and what of it is read; `factors` is exp(tilt) by passage, empty where nothing is moved."""

    ranked: Sequence[RankedPassage]
    rows: Sequence[RankedPassage]
    tilt: Tilt
    factors: Mapping[str, float]

    def priors(self, count: int | None = None) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """p(d|x) and p(d|x,u) among the first `count` rows, or all."""
        rows = self.rows[:count]
        return priors(rows, {}), priors(rows, self.factors)


def select(
    asker: Asker,
    ranked: Sequence[RankedPassage],
    rows: Sequence[RankedPassage],
    now: float,
    floor: float,
    *,
    added: int = ADDED,
) -> Selection:
    """What `asker` reads of what was found, where nobody in particular would read `rows`."""
    moved = tilt_for(asker, ranked, now)
    chosen, factors = select_rows(rows, ranked, moved.total, floor, added)
    return Selection(ranked, chosen, moved, factors)


def tilt_for(asker: Asker, ranked: Sequence[RankedPassage], now: float) -> Tilt:
    """What moves each of the candidates for `asker`."""
    if asker.team is None or not asker.wishes.strength or any(one.vector is None for one in ranked):
        nothing = np.zeros(len(ranked))
        return Tilt(nothing, nothing, nothing)
    documents = [(one.passage.source, one.passage.readers) for one in ranked]
    return tilt(
        np.array([one.probability for one in ranked]),
        np.stack([np.asarray(one.vector, np.float64) for one in ranked]),
        asker.learned,
        strength=asker.wishes.strength,
        now=now,
        team=asker.team.prior(documents, asker.person.user),
        teammates=asker.team.shared_taste(documents, asker.person.user, asker.shared_uses),
    )


def tilt(
    impersonal: Array,
    vectors: Array,
    learned: LearnedProfile,
    *,
    strength: int,
    now: float,
    team: Array,
    teammates: Array,
) -> Tilt:
    """The tilt of candidates with p(d|x) `impersonal` (n,) and unit `vectors` (n, dimension).

    `team` is b_d (n,), `teammates` n_u(d) (n,); `strength` is in percent, and 0 leaves everything as it is.
    """
    nothing = np.zeros_like(impersonal)
    if strength == 0 or not impersonal.size:
        return Tilt(nothing, nothing, nothing)
    gate, patience = entropy_gate(impersonal), learned.events / (learned.events + PATIENCE)
    reach = TASTE * strength / 100 * patience * gate
    raw = Tilt(
        TEAM * strength / 100 * team,
        reach * affinity(vectors, learned, now),
        TEAM * strength / 100 * gate * teammates,
        gate,
    )
    return replace(raw, scale=bounded(impersonal, raw.total))


def affinity(vectors: Array, learned: LearnedProfile, now: float) -> Array:
    """a_u(d) for candidates' unit `vectors` (n, dimension): (n,); 0 for somebody of whom nothing is known."""
    dimension = vectors.shape[1]
    interests = [(one, one.mass_at(now)) for one in learned.interests if one.fits(dimension)]
    if learned.recent is not None and learned.recent.fits(dimension):
        interests.append((learned.recent, learned.recent.mass_at(now, SESSION_HALF_LIFE)))
    most = max((mass for _, mass in interests), default=0.0)
    if most <= 0:
        return np.zeros(len(vectors))
    return centred(np.max([_pull(vectors, one, mass / most) for one, mass in interests], axis=0))


def _pull(vectors: Array, interest: Interest, weight: float) -> Array:
    return np.asarray(weight * (vectors @ unpacked(interest.vector)))


def centred(values: Array) -> Array:
    """`values` less their mean, clipped to [-1, 1]; what is no number counts as the mean."""
    if not values.size:
        return values
    known = np.where(np.isfinite(values), np.clip(values, -_FAR, _FAR), 0.0)  # sums of larger ones overflow
    return np.asarray(np.clip(known - known.mean(), -1.0, 1.0))


def entropy_gate(impersonal: Array) -> float:
    """g(x): 0 for a question with one clear passage, 1 where the top 20 are all alike."""
    top = np.sort(impersonal)[::-1][:GATED]
    top = top[top > 0] / top.sum()
    if top.size <= 1:
        return 0.0
    return float(np.clip(-(top * np.log(top)).sum() / np.log(min(GATED, impersonal.size)), 0.0, 1.0))


def tilted(impersonal: Array, total: Array) -> Array:
    """p(d|x) · exp(total), normalised."""
    if not np.any(total):
        return impersonal
    powers = impersonal * np.exp(total - total.max())
    return np.asarray(powers / powers.sum())


def divergence(personal: Array, impersonal: Array) -> float:
    """KL( personal ‖ impersonal ), in nats."""
    held = personal > 0
    return float((personal[held] * np.log(personal[held] / impersonal[held])).sum())


def bounded(impersonal: Array, total: Array) -> float:
    """c: how much of the tilt `total` keeps to the bound. The divergence grows with c, so that halving finds it."""
    if divergence(tilted(impersonal, total), impersonal) <= MAX_KL:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = divergence(tilted(impersonal, middle * total), impersonal) <= MAX_KL
        low, high = (middle, high) if inside else (low, middle)
    return low


def select_rows(
    rows: Sequence[RankedPassage], ranked: Sequence[RankedPassage], total: Array, floor: float, added: int = ADDED
) -> tuple[list[RankedPassage], Mapping[str, float]]:
    """What is read, and exp(tilt) of each passage of it by id; its probabilities stay p(d|x).

    First `rows`, which would be read impersonally (some are several passages put together), then the `added` likeliest
    others of `ranked` where the tilt made them likelier than one of those. Where the tilt would carry one of the first
    two over decoding's `floor`, or under it, nothing is tilted: that decides who is asked whether the documents hold
    the answer.
    """
    if not np.any(total):
        return list(rows), {}
    factors = dict(zip((one.passage.id for one in ranked), np.exp(total).tolist(), strict=True))

    def weight(row: RankedPassage) -> float:
        return float(row.probability * factors.get(row.passage.id, 1.0))

    others = [one for one in ranked if not any(one.passage.text in row.passage.text for row in rows)]
    least = min(map(weight, rows))
    chosen = [*rows, *[one for one in sorted(others, key=weight, reverse=True)[:added] if weight(one) > least]]
    if _over(priors(rows, {}), floor) != _over(priors(chosen, factors), floor):
        return list(rows), {}
    return chosen, factors


def _over(probabilities: Sequence[float], floor: float) -> list[bool]:
    return [probability >= floor for probability in probabilities[:CHECKED]]
