"""u: what a person's signals say of them. A fold over a log, so that taking one back is replaying the others.

A signal's vector is v = norm(½ e(x) + ½ Σ_d r_d e(d)), r_d the posterior of the passages that carried the answer. It
moves the nearest of at most four interests, m ← norm(mass · m + w · v), or begins a new one; masses halve in 60 days.
One more interest halves in a day: what somebody is busy with just now. Pure; knows nothing of stores, models or words
shown to people.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from core.domain import Vector
from core.text.words import content_words, words

MOST = 4  # interests
NEAR = 0.45  # cosine from which a signal belongs to an interest
HALF_LIFE = 60 * 86_400.0  # seconds
SESSION_HALF_LIFE = 86_400.0
KEPT = 500  # signals in the log …
SLACK = 100  # … and so many more until the oldest go, in one stroke
KEPT_DAYS = 400
PHRASES = 8  # words of a question that a signal keeps
GONE = ""  # a document that was shown and is removed

Array = NDArray[np.float64]


class Action(StrEnum):
    """What a person did."""

    ASKED = "asked"
    REPHRASED = "rephrased"  # asked the same again: the answer before was no good
    OPENED = "opened"
    ANSWERED = "answered"  # a quiz question
    UP = "up"
    DOWN = "down"


class Reason(StrEnum):
    """Why an answer was no good."""

    WRONG = "wrong"
    TOO_LONG = "too long"
    TOO_SHORT = "too short"
    NOT_MY_TOPIC = "not my topic"
    OUTDATED = "outdated"
    NOT_IN_DOCUMENTS = "not in the documents"


WEIGHTS: Mapping[Action, float] = {
    Action.ASKED: 0.15,
    Action.REPHRASED: -0.1,
    Action.OPENED: 0.3,
    Action.ANSWERED: 0.3,
    Action.UP: 1.0,
    Action.DOWN: -0.3,
}
_STYLE: Mapping[Reason | None, float] = {Reason.TOO_LONG: 1.0, Reason.TOO_SHORT: -1.0}


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing a person did with one answer. `id` is the same for what replaces it.

    `vector` is packed. `shown` are the documents of the answer in the order shown, `credited` those that the act is
    about, with their share; `phrases` are words of the question. What was `imported` is this person's word of what they
    did elsewhere. `mastered`: of a quiz question, whether it was answered right.
    """

    id: str
    act: Action
    at: datetime
    vector: str
    reason: Reason | None = None
    shown: tuple[str, ...] = ()
    credited: tuple[tuple[str, float], ...] = ()
    phrases: tuple[str, ...] = ()
    imported: bool = False
    mastered: bool | None = None

    @property
    def weight(self) -> float:
        """How much it moves interests.

        A 👎 says nothing of them, except that the topic is not the person's; nor does an answer that found nothing.
        """
        if not self.vector or (self.act is Action.DOWN and self.reason is not Reason.NOT_MY_TOPIC):
            return 0.0
        return WEIGHTS[self.act]


@dataclass(frozen=True, slots=True)
class Interest:
    """One direction of taste: `mass` as of `at` (seconds since 1970)."""

    vector: str
    mass: float
    at: float
    since: float

    def fits(self, dimension: int) -> bool:
        """Whether it is of the embedder of today: one of another dimension means nothing any more, and goes."""
        return unpacked(self.vector).size == dimension

    def mass_at(self, now: float, half_life: float = HALF_LIFE) -> float:
        """What is left of it."""
        return float(self.mass * 0.5 ** (max(now - self.at, 0.0) / half_life))


@dataclass(frozen=True, slots=True)
class DocumentTally:
    """What one document was to a person: times it was of use, and times it was looked at, as far as one knows.

    `answered` counts the answers that it led, for which nobody says whether they were of use.
    """

    useful: float = 0.0
    examined: float = 0.0
    answered: float = 0.0

    @property
    def used(self) -> float:
        """How much the person has to do with it."""
        return self.useful + self.answered


@dataclass(frozen=True, slots=True)
class LearnedProfile:
    """All that follows from a log. `brevity` counts "too long" less "too short" as of `brevity_at`.

    `here` are the tallies without what was imported, where something was.
    """

    interests: tuple[Interest, ...] = ()
    recent: Interest | None = None
    events: int = 0
    brevity: float = 0.0
    brevity_at: float = 0.0
    tallies: Mapping[str, DocumentTally] = field(default_factory=dict)  # by document
    last: tuple[float, str] = (0.0, "")  # time and id of the latest signal
    here: Mapping[str, DocumentTally] | None = field(default=None, compare=False)

    @property
    def done_here(self) -> Mapping[str, DocumentTally]:
        """What the person did here, by document: all that a team may count."""
        return self.tallies if self.here is None else self.here


def step(state: LearnedProfile, signal: Signal) -> LearnedProfile:
    """The state after one more signal, which is later than all before it."""
    at, weight = signal.at.timestamp(), signal.weight
    return LearnedProfile(
        _moved(state.interests, signal, at, weight) if weight else state.interests,
        _recent(state.recent, signal, at, weight) if weight > 0 else state.recent,
        state.events + (1 if weight else 0),
        brevity_at(state, at) + _STYLE.get(signal.reason, 0.0) if signal.act is Action.DOWN else state.brevity,
        at if signal.act is Action.DOWN else state.brevity_at,
        _tallied(state.tallies, signal),
        (at, signal.id),
        _done_here(state, signal),
    )


def replay(signals: Iterable[Signal]) -> LearnedProfile:
    """The state that a whole log leads to, in whatever order it is given."""
    state = LearnedProfile()
    for signal in in_order(signals):
        state = step(state, signal)
    return state


def in_order(signals: Iterable[Signal]) -> list[Signal]:
    """The log as it happened."""
    return sorted(signals, key=lambda signal: (signal.at.timestamp(), signal.id))


def retained(signals: Sequence[Signal], now: datetime) -> list[Signal]:
    """What of the log is kept: what was imported only where what was done here leaves room."""
    young = [signal for signal in in_order(signals) if (now - signal.at).days < KEPT_DAYS]
    done_here = [signal for signal in young if not signal.imported][-KEPT:]
    imported = [signal for signal in young if signal.imported]
    return in_order((*done_here, *imported[max(len(imported) + len(done_here) - KEPT, 0) :]))


def without_documents(signal: Signal, sources: Collection[str]) -> Signal:
    """The signal without what it says of `sources`; the ranks of the other documents stay as they were."""
    shown = tuple(GONE if source in sources else source for source in signal.shown)
    return replace(signal, shown=shown, credited=tuple(one for one in signal.credited if one[0] not in sources))


def without_phrases(signal: Signal) -> Signal:
    """The signal without words of the question."""
    return replace(signal, phrases=())


def documents_of(signal: Signal) -> set[str]:
    """The documents that the signal names."""
    return {*signal.shown, *(source for source, _ in signal.credited)}


def naming(signal: Signal, seen: Collection[str]) -> Signal:
    """The signal with the names only of documents that are `seen`."""
    return replace(
        signal,
        shown=tuple(source for source in signal.shown if source in seen),
        credited=tuple((source, share) for source, share in signal.credited if source in seen),
    )


def brevity_at(state: LearnedProfile, now: float) -> float:
    """How much shorter (or, below 0, longer) a person wants answers, from what they said of them."""
    return float(state.brevity * 0.5 ** (max(now - state.brevity_at, 0.0) / HALF_LIFE))


def members(signals: Iterable[Signal], interests: Sequence[Interest], number: int) -> list[Signal]:
    """The signals that made interest `number` (from 0) what it is: those it is the nearest interest of."""
    if not 0 <= number < len(interests):
        return []
    directions = np.stack([unpacked(one.vector) for one in interests])
    moved = [(one, unpacked(one.vector)) for one in in_order(signals) if one.weight]
    return [
        one
        for one, vector in moved
        if vector.size == directions.shape[1] and int(np.argmax(directions @ vector)) == number
    ]


def event_vector(question: Vector, passages: Sequence[Vector], posterior: Sequence[float]) -> str:
    """The vector v of a question and the passages that carried its answer, packed."""
    mixed = 0.5 * np.asarray(question, np.float64)
    for vector, share in zip(passages, posterior, strict=True):
        mixed = mixed + 0.5 * share * np.asarray(vector, np.float64)
    return packed(_unit(mixed), np.float16)


def packed(vector: Array, kind: type[np.floating] = np.float64) -> str:
    """A vector as text; float64 comes back to the last bit."""
    letter = "h" if kind is np.float16 else "d"
    return letter + base64.b64encode(vector.astype(kind).tobytes()).decode()


def unpacked(text: str) -> Array:
    """The vector that `packed` made the text of, of unit length where it was."""
    kind = np.float16 if text[:1] == "h" else np.float64
    vector = np.frombuffer(base64.b64decode(text[1:]), kind).astype(np.float64)
    return _unit(vector) if kind is np.float16 else vector


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def _moved(interests: Sequence[Interest], signal: Signal, at: float, weight: float) -> tuple[Interest, ...]:
    vector = unpacked(signal.vector)
    now = [replace(one, mass=one.mass_at(at), at=max(at, one.at)) for one in interests if one.fits(vector.size)]
    cosines = [float(unpacked(one.vector) @ vector) for one in now]
    nearest = int(np.argmax(cosines)) if cosines else -1
    if cosines and cosines[nearest] >= NEAR:
        now[nearest] = _pulled(now[nearest], vector, weight)
    elif weight > 0:
        now = _with_new(now, Interest(packed(vector), weight, at, at))
    return tuple(one for one in now if one.mass > 0)


def _pulled(interest: Interest, vector: Array, weight: float) -> Interest:
    """Towards the signal; a negative one only makes the interest lighter."""
    mass = interest.mass + weight
    if weight < 0:
        return replace(interest, mass=mass)
    return replace(
        interest, vector=packed(_unit(interest.mass * unpacked(interest.vector) + weight * vector)), mass=mass
    )


def _with_new(interests: list[Interest], new: Interest) -> list[Interest]:
    """The lightest makes room: what somebody turned away from is never in the way of what they turn to."""
    if len(interests) < MOST:
        return [*interests, new]
    lightest = min(range(MOST), key=lambda place: interests[place].mass)
    return [new if place == lightest else one for place, one in enumerate(interests)]


def _recent(recent: Interest | None, signal: Signal, at: float, weight: float) -> Interest:
    vector = unpacked(signal.vector)
    if recent is None or not recent.fits(vector.size):
        return Interest(packed(vector), weight, at, at)
    aged = replace(recent, mass=recent.mass_at(at, SESSION_HALF_LIFE), at=max(at, recent.at))
    return _pulled(aged, vector, weight)


def _tallied(tallies: Mapping[str, DocumentTally], signal: Signal) -> Mapping[str, DocumentTally]:
    """Documents looked at with probability 1 / rank (the examination model), and those that were of use."""
    changed = dict(tallies)
    if signal.act is Action.ASKED:
        for rank, source in enumerate(signal.shown, start=1):
            if source == GONE:
                continue
            old = changed.get(source, DocumentTally())
            led = 1.0 if rank == 1 else 0.0
            changed[source] = replace(old, examined=old.examined + 1 / rank, answered=old.answered + led)
    if signal.act in (Action.OPENED, Action.ANSWERED, Action.UP):
        for source, share in signal.credited:
            old = changed.get(source, DocumentTally())
            changed[source] = replace(old, useful=old.useful + (share if 0 <= share <= 1 else 0.0))
    return changed


def _done_here(state: LearnedProfile, signal: Signal) -> Mapping[str, DocumentTally] | None:
    """`LearnedProfile.here` after one more signal."""
    if signal.imported:
        return state.done_here
    return None if state.here is None else _tallied(state.here, signal)


def phrases(question: str) -> tuple[str, ...]:
    """The words of a question by which an interest can be told, in order, each once."""
    topical = content_words(question)
    return tuple(dict.fromkeys(word for word in words(question) if word in topical))[:PHRASES]
