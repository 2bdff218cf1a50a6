"""The story of one message: recall, question, search, rank, prompt, verdict, decode, cite, keep.

`Engine.answer` tells it in this order; each step is a module of `core.answering`. Asks the ports and decides nothing
that a pure module can decide. Knows no platform, no store and no model.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from core.answering import history, ranking, retrieval
from core.answering.conversations import Conversations
from core.answering.draft import AnswerDraft, not_found
from core.answering.fitting import fit_prompt
from core.answering.history import Query
from core.answering.ranking import Selection
from core.answering.sources import SourceAccess
from core.answering.tracing import AnswerContext, trace_of
from core.answering.verdict import Judging
from core.domain import (
    Answer,
    AnswerEvent,
    Decoding,
    Message,
    Mode,
    Outcome,
    Passage,
    Prompt,
    RankedPassage,
    ReadingStarted,
    Turn,
)
from core.errors import QuestionTooLongError, StoreError
from core.learning.course_files import CourseFolder
from core.learning.explaining import Explainer
from core.learning.team_courses import TeamCourses
from core.learning.tutor import Tutor
from core.notices.digests import Digests
from core.notices.watch import Histories
from core.people.asker import Asker
from core.people.people import People
from core.people.traces import Trace
from core.ports import Embedder, Generator, Inbox, Memory, PassageIndex, Usage
from core.readers import audience
from core.settings import Settings
from core.text.words import clean
from core.threads.minutes import Minuting
from core.together import together
from core.upkeep import Upkeep
from core.writing.material import material
from core.writing.writer import Commission, Writer

LIKELY = 0.05  # p(d|x) from which a passage may be what answers a question that was asked before

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """What one answer may take."""

    passages: int = 4
    following: int = 2  # passages read behind the likeliest one
    further: int = 8  # passages read where those hold no answer, by a model that judges first
    question_characters: int = 4000
    history_tokens: int = 400
    relevance: float = 0.2  # cosine under which nothing is read
    certainty: float = 0.65  # p(the documents hold the answer) under which nothing is said; 0 does not ask
    decoding: Decoding = field(default_factory=Decoding)


def limits_of(settings: Settings) -> AnswerLimits:
    """What one answer may take, as the settings have it."""
    return AnswerLimits(
        passages=settings.passages,
        following=settings.following,
        further=settings.further,
        history_tokens=settings.history_tokens,
        relevance=settings.relevance,
        certainty=settings.certainty,
        decoding=Decoding(settings.decoding, settings.answer_tokens, settings.temperature, settings.top_p),
    )


class Engine:
    """Answers messages from passages.

    What is kept of `people` and of `conversations`, what may be seen of `sources`, the `tutor`, the `team_courses`, the
    `digests`, and the minutes of what people wrote to each other are doors of their own.
    """

    def __init__(
        self,
        *,
        embedder: Embedder,
        index: PassageIndex,
        memory: Memory,
        usage: Usage,
        generator: Generator,
        limits: AnswerLimits,
        upkeep: Upkeep | None = None,
        inbox: Inbox | None = None,
        histories: Histories | None = None,
        courses: CourseFolder | None = None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._generator = generator
        self._limits = limits
        self._writer = Writer(
            generator,
            answer_tokens=limits.decoding.max_tokens,
            history_tokens=limits.history_tokens,
            certainty=limits.certainty,
        )
        self._upkeep = upkeep or Upkeep(index, generator)
        self.people = People(memory, usage, inbox)
        self.conversations = Conversations(memory, index)
        self.sources = SourceAccess(self.people, index, embedder.dimension)
        explainer = Explainer(generator, limits.decoding, relevance=limits.relevance, certainty=limits.certainty)
        self.tutor = Tutor(self.people, index, embedder, generator, explainer)
        self.team_courses = TeamCourses(self.people, index, self.tutor, courses)
        self.digests = Digests(self.people, index, embedder, usage, self.recheck, histories, self.tutor)
        self.minuting = Minuting(generator, certainty=limits.certainty)

    async def answer(
        self, message: Message, *, plain: bool = False, reworks: Trace | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Answer `message`: what is read, then the text in pieces, then the whole with its sources.

        The turn is kept before the last event is sent, or after it where the memory was away; what follows from it is
        learned when that was heard. Closing it early stops the model, and nothing is kept. With `plain` nothing of the
        person acts on the answer, and nothing is learned from it. With `reworks` it is about that answer, which may not
        be the last.

        Raises:
            QuestionTooLongError: the question is over the limit.
            StoreError: memory or index do not answer.
        """
        text = self._check(message.text.strip()) or self._readable(message.quoted)
        asker, recalled = await together(
            self.people.asker(message.person, plain=plain), self.conversations.recall(message)
        )
        quoted = message.quoted or (history.quoted_with(text, recalled.turns) if plain else "")
        turns = history.waiting(recalled.turns, message.sent_at)
        heard = history.up_to(turns, reworks.question, reworks.at) if reworks else turns
        query = history.understand(text, history.before(text, heard, again=plain), self._beside(text, quoted))
        query = query if len(heard) == len(turns) else replace(query, said=query.question)  # what came since is another
        context, found = await self._search(message, recalled.answer_id, query, asker, plain=plain)  # p(d|x)
        draft: AnswerDraft | None = None
        async with aclosing(self._grown(context, found, self._decoding(query))) as steps:  # Σ_d w_d · p(y|x,d,u)
            async for step in steps:
                if isinstance(step, AnswerDraft):
                    draft = step
                else:
                    yield step
        answer = draft.finish() if draft else not_found(found)
        async with self._keeping(context, answer, draft) as kept:
            yield kept

    async def consult(
        self, message: Message, turns: Sequence[Turn], seen_by: Collection[str], *, tokens: int | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Answer `message` after `turns` of what `seen_by` may see, in at most so many `tokens`.

        It is for nobody in particular: nothing is kept of it, learned from it, or known of it but what is given.

        Raises:
            QuestionTooLongError: the question is over the limit.
            StoreError: the index does not answer.
        """
        query = history.understand(self._check(message.text.strip()), turns)
        asker = Asker(message.person)
        context, found = await self._search(message, "", query, asker, plain=True, seen_by=frozenset(seen_by))
        decoding = self._decoding(query)
        decoding = replace(decoding, max_tokens=min(decoding.max_tokens, tokens or decoding.max_tokens))
        answer = not_found(found)
        async with aclosing(self._grown(context, found, decoding)) as steps:
            async for step in steps:
                if isinstance(step, AnswerDraft):
                    answer = step.finish()
                else:
                    yield step
        yield answer

    async def search(self, text: str, seen_by: Collection[str]) -> list[RankedPassage]:
        """What comes nearest to `text` of what `seen_by` may see, the likeliest first.

        Raises:
            QuestionTooLongError: the text is over the limit.
            StoreError: the index does not answer.
        """
        asked = self._check(text.strip())
        vectors = await self._embedder.embed_questions([asked])
        return await retrieval.find({asked: 1.0}, vectors, self._index, seen_by, self._embedder.dense_weight)

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`, as the language model counts them."""
        return self._generator.count_tokens(text)

    async def recheck(self, message: Message, is_new: Callable[[Passage], bool]) -> Answer | None:
        """The answer to `message` by itself, where something that `is_new` is read for it; nothing is kept of it.

        Raises:
            StoreError: memory or index do not answer.
        """
        asker = await self.people.asker(message.person, plain=False)
        query = history.understand(self._check(message.text.strip()), ())
        context, found = await self._search(message, "", query, asker, plain=True)
        selection = await self._rank(context, found) if context.answerable else None
        likely = [row.passage for row in selection.rows if row.probability >= LIKELY] if selection else []
        if selection is None or not any(map(is_new, likely)):
            return None
        draft = self._draft(context, selection)
        async with aclosing(self._written(context, draft, self._limits.decoding)) as steps:
            async for step in steps:
                draft = step if isinstance(step, AnswerDraft) else draft
        return draft.finish()

    def _draft(self, context: AnswerContext, selection: Selection) -> AnswerDraft:
        return self._noted(context, selection, self._prompt(context, selection))

    def _noted(
        self, context: AnswerContext, selection: Selection, prompt: Prompt, judged: Sequence[float] = ()
    ) -> AnswerDraft:
        """A draft; what is read for it is remembered for when nobody asks."""
        self._upkeep.note(prompt.passages)
        return AnswerDraft(context.query, selection, prompt, self._generator.protocol.calibration, judged)

    def _further(self, context: AnswerContext, draft: AnswerDraft) -> AnswerDraft | None:
        """One that reads on, once, where the model says no to all that `draft` read; None where there is no more."""
        limits, selection, judged = self._limits, draft.selection, draft.judged
        judges = self._generator.protocol.judging is Judging.FIRST and context.query.text is None
        if not (judges and judged) or draft.has_read_on or draft.held is None or draft.held >= limits.certainty:
            return None
        about = self._about(context.query, selection.ranked)
        left = [row for row in draft.left if row.probability]
        rows = [*left, *retrieval.further_rows(about, selection.rows, count=limits.further)][: limits.further]
        if not rows:
            return None
        try:
            prompt = self._prompt(context, replace(selection, rows=rows))
        except QuestionTooLongError:  # the next passage alone is longer than there is room for
            return None
        read = [*(row for row, _ in judged), *rows[: len(prompt.passages)]]
        return self._noted(context, replace(selection, rows=read), prompt, [log_odds for _, log_odds in judged])

    def _check(self, text: str) -> str:
        asked, limit = clean(text), self._limits.question_characters
        if len(asked) > limit:
            raise QuestionTooLongError(
                "Your message has {length:,} characters, and I can read at most {limit:,}. Please shorten it.",
                length=len(asked),
                limit=limit,
            )
        return asked

    def cuts(self, message: Message) -> int:
        """How much of what `message` quotes is read, where that is not all of it; else 0."""
        asked = self._check(message.text.strip())
        read = len(self._beside(asked or self._readable(message.quoted), message.quoted))
        return read if read < len(clean(message.quoted)) else 0

    def _readable(self, quoted: str) -> str:
        return clean(quoted)[: self._limits.question_characters].rstrip()

    def _beside(self, text: str, quoted: str) -> str:
        """As much of what is quoted as may be read with `text`."""
        said = self._readable(quoted)
        return said if said == text else said[: self._limits.question_characters - len(text)].rstrip()

    async def _search(
        self,
        message: Message,
        answer_id: str,
        query: Query,
        asker: Asker,
        *,
        plain: bool,
        seen_by: frozenset[str] | None = None,
    ) -> tuple[AnswerContext, list[RankedPassage]]:
        """Who asks what, as far as the search has to know it, and what it finds; for `seen_by` where that is given."""
        seen_by, asker = audience(message) if seen_by is None else seen_by, asker.wishing(query.form)
        vectors = await self._embedder.embed_questions([*query.searches, *asker.wished])
        form = asker.form(query.likeliest, vectors[0], vectors[len(query.searches) :], message.sent_at.timestamp())
        found = await retrieval.find(query.searches, vectors, self._index, seen_by, self._embedder.dense_weight)
        near = self._is_relevant(query, found)
        return AnswerContext(message, answer_id, seen_by, query, asker, form, vectors[0], near, plain), found

    def _is_relevant(self, query: Query, found: Sequence[RankedPassage]) -> bool:
        return any(retrieval.is_relevant(text, found, self._limits.relevance) for text in query.searches)

    def _about(self, query: Query, found: Sequence[RankedPassage]) -> list[RankedPassage]:
        """What of `found` is about the question."""
        return [one for one in found if self._is_relevant(query, [one])]

    async def _grown(
        self, context: AnswerContext, found: Sequence[RankedPassage], decoding: Decoding
    ) -> AsyncGenerator[AnswerEvent | AnswerDraft, None]:
        """An answer as it grows, and last the draft of it; nothing where nothing that was found is about it."""
        if not context.answerable:
            return
        async with aclosing(self._drafts(context, found)) as steps:
            async for step in steps:
                if not isinstance(step, AnswerDraft):
                    yield step
                    continue
                async with aclosing(self._written(context, step, decoding)) as shown:
                    async for event in shown:
                        yield event

    async def _written(
        self, context: AnswerContext, draft: AnswerDraft, decoding: Decoding
    ) -> AsyncGenerator[AnswerEvent | AnswerDraft, None]:
        """An answer as it grows, then its draft; the same again with what is read further before all is refused."""
        reading: AnswerDraft | None = draft
        while reading is not None:
            events = self._generator.generate(reading.prompt, decoding)
            async with aclosing(reading.grow(events, self._limits.certainty)) as shown:
                async for event in shown:
                    yield event
            yield reading
            reading = self._further(context, reading)
            if reading is not None:
                yield ReadingStarted(reading.reads)

    async def _drafts(
        self, context: AnswerContext, found: Sequence[RankedPassage]
    ) -> AsyncGenerator[AnswerEvent | AnswerDraft, None]:
        """What is read for an answer or a text, and last the draft of it; none where a text has nothing to go by."""
        selection = await self._rank(context, found)  # p(d|x,u)
        yield ReadingStarted(tuple(selection.rows))
        query = context.query
        if query.text is None:
            yield self._draft(context, selection)
            return
        async with aclosing(self._writer.prepare(Commission(query, query.text, context.form, selection))) as steps:
            async for step in steps:
                yield step

    def _decoding(self, query: Query) -> Decoding:
        """A text is made of all that is read at once."""
        return replace(self._limits.decoding, mode=Mode.STUFFED) if query.text else self._limits.decoding

    async def _rank(self, context: AnswerContext, found: Sequence[RankedPassage]) -> Selection:
        """What is read of what was found."""
        limits, now = self._limits, context.message.sent_at.timestamp()
        if context.query.text:
            rows = await material(context.query.text, found, self._about(context.query, found), self._index)
        else:
            rows = await retrieval.rows_to_read(found, self._index, count=limits.passages, following=limits.following)
        added = 0 if context.query.text else ranking.ADDED  # a document that somebody names is read alone
        return ranking.select(context.asker, found, rows, now, limits.decoding.floor, added=added)

    def _prompt(self, context: AnswerContext, selection: Selection) -> Prompt:
        """What the model reads."""
        return fit_prompt(
            context.query,
            context.form,
            selection,
            self._generator,
            answer_tokens=self._limits.decoding.max_tokens,
            history_tokens=self._limits.history_tokens,
            may_refuse=self._limits.certainty > 0,
        )

    @asynccontextmanager
    async def _keeping(
        self, context: AnswerContext, unnamed: Answer, draft: AnswerDraft | None
    ) -> AsyncIterator[Answer]:
        """Keep the turn, which waits for the disk once; learn from it when the person has the answer already.

        A memory that went away meanwhile does not cost the answer: the turn is kept when the person has it, and whoever
        shows it has waited for the store.
        """
        message = context.message
        answer = replace(unnamed, id=context.answer_id, listing=context.form.preferences.sources)
        trace = trace_of(context, answer, draft)
        query = context.query
        turn = Turn(message.person, query.said, answer.text, message.sent_at, answer.rests, query.quoted)
        keep = partial(self.conversations.keep, message, turn, trace)
        is_kept = await _possible(keep(), "turn_store_failed")
        try:
            yield answer
        finally:
            if is_kept or await _possible(keep(), "turn_store_failed"):
                await self._learn(context, trace, warned=answer.outcome is Outcome.ANSWERED and answer.left_out != ())

    async def _learn(self, context: AnswerContext, trace: Trace, *, warned: bool) -> None:
        """What an answer says of documents, and of its asker."""
        await _possible(self.people.note_use(trace, context.query.own, warned=warned), "learning_failed")
        if context.teaches:
            await _possible(self.people.learn_from(trace), "learning_failed")


async def _possible(work: Awaitable[None], failure: str) -> bool:
    """Whether `work` could be done; a store that is away is logged as `failure`, for the answer stands without it."""
    try:
        await work
    except StoreError as error:
        log.warning(failure, error=type(error).__name__)
        return False
    return True
