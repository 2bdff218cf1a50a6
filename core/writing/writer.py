"""A text from documents: what is read for it, condensed where it is too much, and the draft that keeps to its limits.

The same as an answer in all else: the same access, the same verdict, nothing invented, the sources below. Knows nothing
of how the model decodes, or of what is kept.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from itertools import accumulate

from core.answering.attribution import cite_by_sentences, cite_by_words
from core.answering.draft import AnswerDraft, Step
from core.answering.fitting import TEMPLATE_TOKENS, fitting_turns
from core.answering.grounding import Grounding
from core.answering.history import Query
from core.answering.prompt import about, grounds, passage_block, writing_block
from core.answering.ranking import Selection
from core.answering.retrieval import merge_neighbours
from core.answering.rewording import wish_of
from core.answering.verdict import Calibration, Judging, check_text
from core.domain import (
    Answer,
    Decoding,
    Mode,
    Outcome,
    Passage,
    Piece,
    PortionStarted,
    Prompt,
    QueuePosition,
    RankedPassage,
    Source,
    Verdicts,
)
from core.people.asker import AnswerForm
from core.people.preferences import Format, Length
from core.ports import Generator
from core.writing.condensing import MOST_PORTIONS, Condensate, Condenser
from core.writing.limits import Bounds, Limits, bounded, limits_in, word_count
from core.writing.material import is_named
from core.writing.requests import TextRequest

READ_TOKENS = 2200  # of documents that are read at once; what is more is condensed
LEAST_ROOM = 300  # … where there is room for so much: notes take as long as what they are of, and hardly fit
SHORTER = 0.6  # of its words that a text keeps which is to be shorter
LONGER = 1.7  # times as many that one may have which is to be longer
LEAST_WORDS = 12
MOST_SOURCES = 8  # under a text
REWORKED = 2400  # characters of the last text that are read to make it otherwise
JUDGE = Decoding(Mode.SEQUENCE, max_tokens=1, clear=2.0)  # a verdict on each passage, and no text
SHORT_WORDS = 80  # of a text by somebody who wants them short


@dataclass(frozen=True, slots=True)
class Commission:
    """A text that is wanted: the request, in which form, and what it is made from."""

    query: Query
    wanted: TextRequest
    form: AnswerForm
    selection: Selection

    @property
    def limits(self) -> Limits:
        """How long it may be: as it was asked for, or as a re-wording of the last one wishes."""
        limits, last = self.wanted.limits, self.query.reworks
        if own := limits_in(self.query.wish):
            return own
        if last and self.length is Length.SHORT:
            return replace(limits, words=max(round(self.times * word_count(last)), LEAST_WORDS))
        if last:
            return Limits() if self.query.form.get("length") is Length.DETAILED else limits
        short = self.form.preferences.length is Length.SHORT and not limits
        return Limits(words=SHORT_WORDS) if short else limits

    @property
    def length(self) -> Length | None:
        """What this message, and none before it, wishes of the length of the last text."""
        wish = wish_of(self.query.wish)
        return wish.form.get("length") if wish else None

    @property
    def times(self) -> float:
        """How many times as long as the last text this one is to be."""
        wish = wish_of(self.query.wish)
        return (wish.times if wish else 0.0) or (SHORTER if self.length is Length.SHORT else LONGER)

    @property
    def question(self) -> str:
        """What the model is asked to write."""
        asked, last = about(self.query.question, self.query.quoted), self.query.reworks[:REWORKED]
        task = "Say more of the same" if self.length is Length.DETAILED else "Keep to what it says"
        wish = self.query.wish.strip(" .!?\n")
        return f"{asked}\n\nThe last version was:\n\n{last}\n\nRewrite this version: {wish}. {task}." if last else asked


class TextDraft(AnswerDraft):
    """A text as it grows, made from passages `origins`, some by way of notes; `judged` where they hold it for sure.

    `unread` passages of what it is of were too much to be read.
    """

    def __init__(
        self,
        commission: Commission,
        prompt: Prompt,
        calibration: Calibration | None,
        *,
        origins: Sequence[Passage],
        unread: int,
        judged: bool,
    ) -> None:
        query = commission.query
        super().__init__(query, commission.selection, prompt, calibration)
        asked = "" if query.said == query.quoted else f"{query.own}\n{query.said}"
        self._grounding = Grounding([*grounds(prompt, query.quoted), *map(passage_block, origins)], asked)
        limits, wanted = commission.limits, commission.wanted
        self._bounds = Bounds(limits, as_list=wanted.is_list and limits.items > 0) if limits else None
        self._origins = origins
        self._unread = unread
        self._judged = judged

    async def grow(
        self, events: AsyncGenerator[Step, None], certainty: float
    ) -> AsyncGenerator[Piece | QueuePosition, None]:
        """As an answer does."""
        async with aclosing(super().grow(events, 0.0 if self._judged else certainty)) as shown:
            async for event in shown:
                yield event

    def finish(self) -> Answer:
        """The whole text with its sources."""
        answer = super().finish()
        return replace(answer, is_text=answer.outcome is Outcome.ANSWERED, unread=self._unread)

    def _shown(self, events: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        shown = super()._shown(events)
        return bounded(shown, self._bounds) if self._bounds else shown

    @property
    def _rows(self) -> Sequence[RankedPassage]:
        return self.selection.rows

    def _sources(self, said: Sequence[Piece]) -> tuple[Source, ...]:
        text = "".join(piece.text for piece in said)
        return cite_by_sentences(text, self._origins, most=MOST_SOURCES) or cite_by_words(text, self._origins)


class Writer:
    """Prepares texts for `generator`; `certainty` as in `AnswerLimits`."""

    def __init__(self, generator: Generator, *, answer_tokens: int, history_tokens: int, certainty: float) -> None:
        self._generator = generator
        self._answer_tokens = answer_tokens
        self._history_tokens = history_tokens
        self._certainty = certainty

    async def prepare(self, commission: Commission) -> AsyncGenerator[PortionStarted | QueuePosition | TextDraft, None]:
        """The draft of a text, once enough was read for it; none where nothing that was read holds it."""
        async with aclosing(self._holding(commission)) as held:
            async for found in held:
                if isinstance(found, QueuePosition):
                    yield found
                else:
                    commission = found
        rows = commission.selection.rows
        read, origins = [one.passage for one in merge_neighbours(rows)], [one.passage for one in rows]
        room, condensed, unread = self._room(commission), False, 0
        if self._tokens(read) > room:
            most = MOST_PORTIONS if room >= LEAST_ROOM else 1
            condenser = Condenser(self._generator, budget=room, certainty=self._certainty, most=most)
            async with aclosing(condenser.condense(origins, commission.wanted.topic)) as steps:
                async for step in steps:
                    if isinstance(step, Condensate):
                        read, origins, unread = list(step.passages), list(step.origins), step.unread
                        condensed = most > 1
                    else:
                        yield step
        if read:
            judged = condensed or bool(commission.query.reworks)
            prompt, calibration = self._prompt(commission, read), self._generator.protocol.calibration
            yield TextDraft(commission, prompt, calibration, origins=origins, unread=unread, judged=judged)

    async def _holding(self, commission: Commission) -> AsyncGenerator[QueuePosition | Commission, None]:
        """`commission` with what holds it, by the model's verdict on each passage; what it names is not doubted.

        All in one prompt are judged as one, and something that is nearly about it is enough for a yes.
        """
        judges = self._certainty and self._generator.protocol.judging is Judging.FIRST and not commission.query.reworks
        doubted = self._doubted(commission) if judges else []
        if not doubted:
            return
        prompt = self._prompt(commission, [one.passage for one in doubted])
        async with aclosing(self._generator.generate(prompt, JUDGE)) as events:
            async for event in events:
                if isinstance(event, QueuePosition):
                    yield event
                elif isinstance(event, Verdicts):
                    yield self._without(commission, doubted, event)
                    return

    def _doubted(self, commission: Commission) -> list[RankedPassage]:
        """The likeliest passages that the request does not name, as many as there is room for in one prompt."""
        merged = merge_neighbours(commission.selection.rows)
        doubted = [one for one in merged if not is_named(commission.wanted, one.passage)]
        room = self._room(commission)
        sizes = accumulate(self._tokens([one.passage]) for one in doubted)
        return [one for one, size in zip(doubted, sizes, strict=True) if size <= room]

    def _without(self, commission: Commission, doubted: Sequence[RankedPassage], verdicts: Verdicts) -> Commission:
        """`commission` without those of the `doubted` passages that do not hold it."""
        calibration, selection = self._generator.protocol.calibration, commission.selection
        each = calibration.each_held(verdicts.log_odds) if calibration else ()
        failed = [one for one, held in zip(doubted, each, strict=False) if held is not None and held < self._certainty]
        gone = {part.id for one in failed for part in one.parts or (one.passage,)}
        return replace(
            commission, selection=replace(selection, rows=[r for r in selection.rows if r.passage.id not in gone])
        )

    def _room(self, commission: Commission) -> int:
        asked = self._generator.count_tokens(commission.question)
        taken = self._answer_tokens + self._history_tokens + 2 * TEMPLATE_TOKENS + asked
        return max(min(READ_TOKENS, self._generator.context_tokens - taken), 1)

    def _tokens(self, passages: Sequence[Passage]) -> int:
        return sum(self._generator.count_tokens(passage_block(one)) for one in passages)

    def _prompt(self, commission: Commission, read: Sequence[Passage]) -> Prompt:
        query, form, protocol = commission.query, commission.form, self._generator.protocol
        preferences = form.preferences
        if "format" not in query.form:  # what they set is for answers: no e-mail is a list
            preferences = replace(preferences, format=Format.PROSE)
        if query.reworks:  # the last text has its length
            preferences = replace(preferences, length=Length.NORMAL)
        refuse = bool(self._certainty) and protocol.judging is Judging.NONE
        brevity = 0.0 if query.reworks else form.brevity
        person = writing_block(preferences, form.stated, brevity, refuse=refuse)
        check = check_text(commission.wanted.topic) if self._certainty and protocol.judging is Judging.CHECK else ""
        turns = fitting_turns(
            [turn for turn in query.turns if turn.answer], self._history_tokens, self._generator.count_tokens
        )
        return Prompt(
            protocol.system,
            tuple(read),
            (1 / len(read),) * len(read),
            turns,
            " ".join(filter(None, (_wish(commission), person))),
            commission.question,
            check,
            query.begun,
        )


def _wish(commission: Commission) -> str:
    """What the model is told of the limits that the request does not say itself."""
    limits, asked = asdict(commission.limits), asdict(commission.wanted.limits)
    if commission.length is Length.DETAILED:
        return f"About {round(commission.times * word_count(commission.query.reworks))} words."
    own = {name: most for name, most in limits.items() if most and most != asked[name]}
    return " ".join(f"At most {most} {name if most > 1 else name.removesuffix('s')}." for name, most in own.items())
