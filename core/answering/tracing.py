"""Why an answer became as it is: kept with it, for whoever asks, and for what is learned from it.

Pure: between a finished answer and `core.people.traces`, which has the nouns. Knows no store and no model.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.answering.attribution import tells_words_apart
from core.answering.draft import AnswerDraft
from core.answering.history import Query
from core.answering.ranking import Selection
from core.domain import Answer, Message, Outcome, Passage, Piece, RankedPassage, Source, Vector
from core.people import interests
from core.people.asker import AnswerForm, Asker
from core.people.traces import PassageWeight, Trace


@dataclass(frozen=True, slots=True, eq=False)
class AnswerContext:
    """A question on its way: who asked it, who sees the answer, in which form, and its likeliest `vector`.

    `near` where something that was found is about it.
    """

    message: Message
    answer_id: str
    seen_by: Collection[str]
    query: Query
    asker: Asker
    form: AnswerForm
    vector: Vector
    near: bool
    plain: bool

    @property
    def answerable(self) -> bool:
        """Whether it is worth reading anything for it."""
        return self.near and not self.query.refused

    @property
    def teaches(self) -> bool:
        """Whether the answer says something of its asker; the same in another form does not."""
        return not (self.asker.wishes.paused or self.query.rewords)


def trace_of(context: AnswerContext, answer: Answer, draft: AnswerDraft | None) -> Trace:
    """The trace of an answer; without a `draft` nothing was near enough to be read."""
    message = context.message
    trace = Trace(
        answer.id,
        message.person,
        context.query.said,
        message.sent_at,
        tuple(sorted(context.seen_by)),
        answer.outcome,
        sources=answer.sources or answer.nearest,
        nearest=tuple(source.passage.heading_path for source in answer.nearest),
        wishes=context.form.in_force,
        events=context.asker.learned.events,
        plain=context.plain,
        held=answer.held,
        decoded=answer.decoded,
        asked=interests.event_vector(context.vector, (), ()),
    )
    if draft is None:
        return trace
    selection = draft.selection
    shares = shares_of(draft.said, [row.passage for row in selection.rows], answer.sources)
    return replace(
        trace,
        passages=weights_of(selection, shares, draft.each_held),
        vector=vector_of(context.vector, selection.rows, shares) if answer.outcome is Outcome.ANSWERED else "",
        gate=selection.tilt.gate,
        scale=selection.tilt.scale,
    )


def weights_of(
    selection: Selection, shares: Sequence[float], held: Sequence[float | None]
) -> tuple[PassageWeight, ...]:
    """Each passage that was to be read, with what moved it.

    `shares` is what each carried of the answer; `held` the verdicts on the first ones, None where it was not read.
    """
    before, after = selection.priors()
    places = {one.passage.id: number for number, one in enumerate(selection.ranked)}
    told = []
    for number, row in enumerate(selection.rows):
        place = places.get(row.passage.id)
        tilt, passage = selection.tilt, row.passage
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


def shares_of(said: Sequence[Piece], passages: Sequence[Passage], sources: Sequence[Source]) -> tuple[float, ...]:
    """What each passage carried of the answer: its posterior, or an equal part of those cited where there is none."""
    if tells_words_apart(said):
        return said[-1].posterior
    cited = {source.passage.id for source in sources}
    return tuple((passage.id in cited) / max(len(cited), 1) for passage in passages)


def vector_of(question: Vector, rows: Sequence[RankedPassage], shares: Sequence[float]) -> str:
    """What is learned from an answer: its question, and the passages that carried it."""
    known = [(row.vector, share) for row, share in zip(rows, shares, strict=False) if row.vector is not None]
    return interests.event_vector(question, [vector for vector, _ in known], [share for _, share in known])
