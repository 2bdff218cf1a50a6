"""The answer as it grows: the model's verdict first, then its words as far as they are grounded, then the sources.

Knows nothing of how the model decodes, or of what is kept of the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import zip_longest

from core.answering.attribution import cite, impersonal
from core.answering.conversations import rests_of
from core.answering.cutting import cut_short
from core.answering.grounding import Grounding, grounded
from core.answering.history import Query
from core.answering.prompt import NOT_FOUND, grounds, says_not_found
from core.answering.ranking import Selection
from core.answering.repeating import unrepeated
from core.answering.verdict import Calibration
from core.domain import (
    Answer,
    CutOff,
    DecodingSummary,
    Outcome,
    Passage,
    Piece,
    Prompt,
    QueuePosition,
    RankedPassage,
    Source,
    Verdicts,
)

Step = Piece | QueuePosition | Verdicts | CutOff

NEAREST = 3  # sections shown where nothing was found


class AnswerDraft:
    """One answer to `query`, made from `selection` by a model that reads `prompt`."""

    def __init__(
        self,
        query: Query,
        selection: Selection,
        prompt: Prompt,
        calibration: Calibration | None,
        judged: Sequence[float] = (),
    ) -> None:
        """`calibration`: what the model's verdicts are worth; None for one that gives none.

        `judged`: log-odds of the first rows of `selection`, which were judged before: `prompt` has those behind them.
        """
        self.selection = selection
        self.prompt = prompt
        self._query = query
        self._calibration = calibration
        self._grounding = Grounding(grounds(prompt, query.quoted), "" if query.said == query.quoted else query.said)
        self._before = tuple(judged)
        self._verdicts = Verdicts(())
        self._pieces: list[Piece] = []
        self._is_cut = False

    @property
    def has_read_on(self) -> bool:
        """Whether other passages were judged before those that it reads."""
        return bool(self._before)

    @property
    def reads(self) -> tuple[RankedPassage, ...]:
        """The rows that the model is to read."""
        return tuple(self._rows[len(self._before) :])

    @property
    def judged(self) -> list[tuple[RankedPassage, float]]:
        """The rows that the model read, with its verdicts, also those of before."""
        verdicts = zip(self._rows, self._verdicts.log_odds, strict=False)
        return [(row, log_odds) for row, log_odds in verdicts if log_odds is not None]

    @property
    def left(self) -> list[RankedPassage]:
        """The rows that it did not read: too unlikely beside the first ones, or without room."""
        log_odds = self._verdicts.log_odds
        return [row for row, said in zip_longest(self.selection.rows, log_odds) if said is None]

    @property
    def held(self) -> float | None:
        """p(held | x); None before a verdict, or where none is given."""
        calibration, log_odds = self._calibration, self._verdicts.log_odds
        return calibration.probability_held(log_odds) if calibration and log_odds else None

    @property
    def each_held(self) -> tuple[float | None, ...]:
        """p(held | x, d) of the passages that were judged; None for one that was not read."""
        return self._calibration.each_held(self._verdicts.log_odds) if self._calibration else ()

    @property
    def said(self) -> list[Piece]:
        """What was said, with the posteriors that p(d|x) would have led to: what is cited is nobody's taste."""
        if not self.selection.factors:
            return self._pieces
        return impersonal(self._pieces, *self.selection.priors(self._count))

    async def grow(
        self, events: AsyncGenerator[Step, None], certainty: float
    ) -> AsyncGenerator[Piece | QueuePosition, None]:
        """What of the model's `events` is shown, which it closes; nothing where p(held | x) is under `certainty`."""
        async with aclosing(events), aclosing(self._shown(events)) as shown:
            async for event in shown:
                if isinstance(event, Verdicts):
                    self._verdicts = Verdicts((*self._before, *event.log_odds))
                    if self.held is not None and self.held < certainty:
                        return
                elif isinstance(event, CutOff):
                    self._is_cut = True
                elif isinstance(event, Piece):
                    self._pieces.append(self._of_all(event))
                    yield self._pieces[-1]
                else:
                    yield event

    def _of_all(self, piece: Piece) -> Piece:
        """With a posterior over all rows: what was judged before carries nothing."""
        nothing = (0.0,) * len(self._before)
        return replace(piece, posterior=(*nothing, *piece.posterior)) if nothing and piece.posterior else piece

    def _shown(self, events: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        return unrepeated(grounded(events, self._grounding))

    def finish(self) -> Answer:
        """The whole answer with its sources, when nothing more is said."""
        heard = [*self.prompt.turns, *([self._query.goes_on] if self._query.goes_on else [])]
        rests = rests_of(self._rows, heard)
        return replace(self._answered(), held=self.held, log_odds=self._verdicts.log_odds, rests=rests)

    @property
    def _rows(self) -> Sequence[RankedPassage]:
        """What of the selection was read."""
        return self.selection.rows[: self._count]

    @property
    def _count(self) -> int:
        """Of the rows that were read, or are to be."""
        return len(self._before) + len(self.prompt.passages)

    def _answered(self) -> Answer:
        said, grounding = self.said, self._grounding
        text = "".join(piece.text for piece in said).strip()
        text = cut_short(text) if self._is_cut else text
        decoded, left_out = said[-1].decoded if said else DecodingSummary.EXACT, tuple(grounding.left_out)
        if not text or says_not_found(text) or (left_out and not grounding.whole):
            return replace(not_found(self.selection.ranked, decoded), left_out=left_out)
        sources = self._sources(said)
        return Answer(text, Outcome.ANSWERED, sources, decoded=decoded, left_out=left_out)

    def _sources(self, said: Sequence[Piece]) -> tuple[Source, ...]:
        told = said[-1].posterior  # without one, words have to tell: those of what was read for this answer
        return cite(said, [row.passage for row in self._rows] if told else self.prompt.passages)


def not_found(ranked: Sequence[RankedPassage], decoded: DecodingSummary = DecodingSummary.EXACT) -> Answer:
    """The answer that says so, with the sections that came nearest."""
    sections: dict[str, Passage] = {}
    for candidate in ranked:
        sections.setdefault(candidate.passage.heading_path, candidate.passage)
    nearest = tuple(Source(number, passage) for number, passage in enumerate(sections.values(), start=1))[:NEAREST]
    return Answer(NOT_FOUND, Outcome.NOT_FOUND, nearest=nearest, decoded=decoded)
