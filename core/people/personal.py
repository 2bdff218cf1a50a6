"""One person's part in one answer: what of them applies to a question, why the answer became as it is, what is learned.

Pure: between `people`, which asks the stores, and `engine`, which tells the story. Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.answering import ranking, retrieval
from core.answering.attribution import impersonal, tells_words_apart
from core.answering.history import Query
from core.answering.ranking import Tilt
from core.answering.rewording import is_rewording
from core.domain import Answer, Message, Outcome, Passage, Person, Piece, RankedPassage, Source, Vector, Vectors
from core.people import interests, preferences
from core.people.interests import Action, LearnedProfile, Signal
from core.people.preferences import PLAIN, PreferenceKind, PreferenceSet, StatedPreference
from core.people.team import Team, uses_of
from core.people.traces import PassageWeight, Trace

REPHRASED_WITHIN = timedelta(minutes=3)
REPHRASED_FROM = 0.8  # cosine of what is learned from two questions that ask for the same


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as it may act on the answer. Without `wishes` nobody in particular."""

    person: Person
    wishes: PreferenceSet = PLAIN
    learned: LearnedProfile = field(default_factory=LearnedProfile)
    team: Team | None = None

    @property
    def stated(self) -> tuple[StatedPreference, ...]:
        """What they stated that could apply to a question."""
        return tuple(one for one in self.wishes.stated if one.kind is not PreferenceKind.FACT)

    def _used(self) -> dict[str, float]:
        """The documents that they have to do with, where they share that with teammates."""
        return uses_of(self.learned.tallies) if self.wishes.shares else {}

    def brevity(self, now: float) -> float:
        """How much shorter they want answers, as learned; nothing where they set a length or want no learning."""
        if self.wishes.strength == 0 or self.wishes.preferences.length is not preferences.Length.NORMAL:
            return 0.0
        return interests.brevity_at(self.learned, now)

    def wishing(self, form: Mapping[str, Any]) -> Asker:
        """The same person, who wants one answer as `form` has it: fields of `Preferences` by name."""
        return replace(self, wishes=replace(self.wishes, preferences=replace(self.wishes.preferences, **form)))

    def applied(self, question: str, vector: Vector, stated: Vectors) -> tuple[StatedPreference, ...]:
        """What they stated that applies to `question`; `stated` has the vector of each."""
        return preferences.applicable(question, self.stated, stated @ vector)

    def tilt(self, ranked: Sequence[RankedPassage], now: float) -> Tilt:
        """What moves each of the candidates."""
        probabilities = np.array([one.probability for one in ranked])
        documents = [(one.passage.source, one.passage.readers) for one in ranked]
        if self.team is None or not self.wishes.strength or any(one.vector is None for one in ranked):
            nothing = np.zeros(len(ranked))
            return Tilt(nothing, nothing, nothing)
        return ranking.tilt(
            probabilities,
            np.stack([np.asarray(one.vector, np.float64) for one in ranked]),
            self.learned,
            strength=self.wishes.strength,
            now=now,
            team=self.team.prior(documents, self.person.user),
            teammates=self.team.shared_taste(documents, self.person.user, self._used()),
        )


@dataclass(frozen=True, slots=True, eq=False)
class AnswerContext:
    """A question on its way: who asked it, which of their stated preferences apply, and its likeliest `vector`."""

    message: Message
    asked: Query
    asker: Asker
    applied: tuple[StatedPreference, ...]
    vector: Vector
    plain: bool

    @property
    def wishes(self) -> tuple[preferences.Preferences, tuple[StatedPreference, ...], float]:
        """What the answer's form is to be."""
        return self.asker.wishes.preferences, self.applied, self.asker.brevity(self.message.sent_at.timestamp())


@dataclass(frozen=True, slots=True, eq=False)
class ReadPassages:
    """What was found and what was read, with what moved it; `factors` is exp(tilt) by passage, empty for none."""

    ranked: Sequence[RankedPassage]
    rows: Sequence[RankedPassage]
    tilt: Tilt
    factors: Mapping[str, float]

    @property
    def priors(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """p(d|x) and p(d|x,u) among what was read."""
        return retrieval.priors(self.rows, {}), retrieval.priors(self.rows, self.factors)


def unbiased(said: Sequence[Piece], passages: Sequence[Passage], read: ReadPassages) -> list[Piece]:
    """`said` with the posteriors that p(d|x) would have led to: what is cited is nobody's taste."""
    fitting = read.rows[: len(passages)]
    before, after = retrieval.priors(fitting, {}), retrieval.priors(fitting, read.factors)
    return impersonal(said, before, after) if read.factors else list(said)


def read_by(
    asker: Asker, ranked: Sequence[RankedPassage], rows: Sequence[RankedPassage], now: float, floor: float
) -> ReadPassages:
    """What `asker` reads of what was found, where nobody in particular would read `rows`."""
    tilt = asker.tilt(ranked, now)
    chosen, factors = ranking.reading(rows, ranked, tilt.total, floor)
    return ReadPassages(ranked, chosen, tilt, factors)


def traced(
    told: AnswerContext,
    answer: Answer,
    audience: Collection[str],
    read: ReadPassages | None,
    said: Sequence[Piece],
    *,
    held: Sequence[float | None],
) -> Trace:
    """The trace of an answer; without `read` nothing was near enough to be read. `held` is p(held | x, d) of each."""
    message = told.message
    trace = Trace(
        answer.id,
        message.person,
        told.asked.said,
        message.sent_at,
        tuple(sorted(audience)),
        answer.outcome,
        sources=answer.sources or answer.nearest,
        nearest=tuple(source.passage.heading_path for source in answer.nearest),
        wishes=in_force(told),
        events=told.asker.learned.events,
        plain=told.plain,
        held=answer.held,
    )
    if read is None:
        return trace
    shares = carried(said, [row.passage for row in read.rows], answer.sources)
    return replace(
        trace,
        passages=weighed(read, shares, held),
        vector=vector_of(told.vector, read.rows, shares) if answer.outcome is Outcome.ANSWERED else "",
        gate=read.tilt.gate,
        scale=read.tilt.scale,
    )


def weighed(read: ReadPassages, shares: Sequence[float], held: Sequence[float | None]) -> tuple[PassageWeight, ...]:
    """Each passage that was to be read, with what moved it.

    `shares` is what each carried of the answer; `held` the verdicts on the first ones, None where it was not read.
    """
    before, after = read.priors
    places = {one.passage.id: number for number, one in enumerate(read.ranked)}
    told = []
    for number, row in enumerate(read.rows):
        place = places.get(row.passage.id)
        tilt, passage = read.tilt, row.passage
        team, taste, mates = (_at(part, place) for part in (tilt.team, tilt.taste, tilt.teammates))
        share = shares[number] if number < len(shares) else 0.0
        verdict = held[number] if number < len(held) else None
        told.append(
            PassageWeight(
                passage.id,
                passage.source,
                passage.heading_path,
                before[number],
                after[number],
                team,
                taste,
                mates,
                share,
                verdict,
                read=number >= len(held) or verdict is not None,
            )
        )
    return tuple(told)


def _at(values: NDArray[np.float64], place: int | None) -> float:
    return 0.0 if place is None else float(values[place])


def carried(said: Sequence[Piece], passages: Sequence[Passage], sources: Sequence[Source]) -> tuple[float, ...]:
    """What each passage carried of the answer: its posterior, or an equal part of those cited where there is none."""
    if tells_words_apart(said):
        return said[-1].posterior
    cited = {source.passage.id for source in sources}
    return tuple((passage.id in cited) / max(len(cited), 1) for passage in passages)


def vector_of(question: Vector, rows: Sequence[RankedPassage], shares: Sequence[float]) -> str:
    """What is learned from an answer: its question, and the passages that carried it."""
    known = [(row.vector, share) for row, share in zip(rows, shares, strict=False) if row.vector is not None]
    return interests.event_vector(question, [vector for vector, _ in known], [share for _, share in known])


def signals_of(trace: Trace, before: Trace | None) -> list[Signal]:
    """What an answered question is to its asker's interests; `before` is the answer they had before.

    The same answer in another form says nothing more of them, and is no complaint about what was answered.
    """
    if trace.outcome is not Outcome.ANSWERED or not trace.vector or is_rewording(trace.question):
        return []
    shown = tuple(dict.fromkeys(source.passage.source for source in trace.sources))
    told = interests.phrases(trace.question)
    asked = Signal(f"{trace.answer}:asked", Action.ASKED, trace.at, trace.vector, shown=shown, phrases=told)
    if before is None or not _rephrases(trace, before):
        return [asked]
    again = Signal(f"{before.answer}:rephrased", Action.REPHRASED, trace.at, before.vector)
    return [again, asked]


def _rephrases(trace: Trace, before: Trace) -> bool:
    """Whether somebody asks the same in other words, soon after: the first answer was no good."""
    if before.answer == trace.answer or not before.vector or before.question == trace.question:
        return False
    soon = timedelta() < trace.at - before.at <= REPHRASED_WITHIN
    now, then = interests.unpacked(trace.vector), interests.unpacked(before.vector)
    return soon and now.size == then.size and float(now @ then) >= REPHRASED_FROM


def in_force(told: AnswerContext) -> tuple[str, ...]:
    """The wishes that an answer obeys, as a person would write them."""
    chosen, applied, brevity = told.wishes
    default, names = preferences.Preferences(), ("length", "tone", "format", "level", "language")
    set_ = [f"{name} {getattr(chosen, name)}" for name in names if getattr(chosen, name) != getattr(default, name)]
    style = preferences.learned_style(brevity)
    return (*set_, *([f"learned: {style}"] if style else []), *(f"{one.polarity} {one.text}" for one in applied))
