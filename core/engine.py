"""The story of one message, from question to answer.

Asks the ports in order and decides nothing that a pure module can decide. Knows no platform, no store and no model.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b

import structlog

from core.answering import history, opening, prompt, retrieval, standing
from core.answering.attribution import cite
from core.answering.cutting import cut_short
from core.answering.fitting import fitted
from core.answering.grounding import Grounding, grounded
from core.answering.history import Query
from core.answering.opening import Recommendation
from core.documents.gaps import Gap
from core.domain import (
    Answer,
    AnswerEvent,
    CutOff,
    Decoding,
    DecodingSummary,
    Message,
    Outcome,
    Passage,
    Person,
    Piece,
    Prompt,
    RankedPassage,
    ReadingStarted,
    Source,
    Turn,
    Verdicts,
)
from core.errors import QuestionTooLongError, StoreError
from core.people.feedback import Feedback, Verdict
from core.people.people import People
from core.people.personal import AnswerContext, Asker, ReadPassages, read_by, traced, unbiased
from core.people.preferences import Preferences
from core.people.traces import Trace
from core.ports import Embedder, Generator, Inbox, Memory, PassageIndex, Usage
from core.readers import alone, audience, shown_in
from core.text.words import clean
from core.together import together
from core.upkeep import Upkeep

log = structlog.get_logger(__name__)

NEAREST = 3  # sections shown where nothing was found
MAX_TURNS = 20  # turns looked at; fewer are read, as the budget has it


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """What one answer may take."""

    passages: int = 4
    following: int = 2  # passages read behind the likeliest one
    question_characters: int = 4000
    history_tokens: int = 400
    relevance: float = 0.2  # cosine under which nothing is read
    certainty: float = 0.5  # p(the documents hold the answer) under which nothing is said; 0 does not ask
    decoding: Decoding = field(default_factory=Decoding)


class Engine:
    """Answers messages from passages, and keeps what people say and set."""

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
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._memory = memory
        self._usage = usage
        self._generator = generator
        self._limits = limits
        self._upkeep = upkeep or Upkeep(index, generator)
        self.people = People(memory, usage, inbox)
        self._key: bytes | None = None

    async def answer(self, message: Message, *, plain: bool = False) -> AsyncGenerator[AnswerEvent, None]:
        """Answer `message`: what is read, then the text in pieces, then the whole with its sources.

        The turn is kept before the last event is sent, or after it where the memory was away; what follows from it is
        learned when that was heard. Closing it early stops the model, and nothing is kept. With `plain` nothing of the
        person acts on the answer, and nothing is learned from it.

        Raises:
            QuestionTooLongError: the question is over the limit.
            StoreError: memory or index do not answer.
        """
        text = self._checked(message.text)
        asker, remembered = await together(self.people.asker(message.person, plain=plain), self._remembered(message))
        asked = history.asked(text, history.before(text, remembered, again=plain))
        told, ranked = await self._find(message, asked, asker.wishing(asked.form), plain=plain)
        near = any(retrieval.is_relevant(text, ranked, self._limits.relevance) for text in asked.searches)
        if asked.refused or not near:
            async with self._kept(told, _not_found(ranked)) as kept:
                yield kept
            return
        rows = await self._read(ranked)
        read = read_by(told.asker, ranked, rows, message.sent_at.timestamp(), self._limits.decoding.floor)
        yield ReadingStarted(tuple(read.rows))
        asking = self._prompt(read, told)
        self._upkeep.note(asking.passages)
        said: list[Piece] = []
        verdicts, held, cut = Verdicts(()), None, False
        grounding = Grounding(prompt.everything(asking), told.asked.said)
        events = self._generator.generate(asking, self._limits.decoding)
        async with aclosing(events), aclosing(grounded(events, grounding)) as shown:
            async for event in shown:
                if isinstance(event, Verdicts):
                    verdicts, held = event, self._probability_held(event)
                    if held is not None and held < self._limits.certainty:
                        break
                    continue
                cut = cut or isinstance(event, CutOff)
                if isinstance(event, Piece):
                    said.append(event)
                if not isinstance(event, CutOff):
                    yield event
        said = unbiased(said, asking.passages, read)
        finished = _finished(said, asking.passages, ranked, grounding, cut=cut)
        answer = replace(finished, held=held, log_odds=verdicts.log_odds, rests=_rests(read, asking, asked))
        async with self._kept(told, answer, read, said) as kept:
            yield kept

    async def _remembered(self, message: Message) -> list[Turn]:
        """What was said here before, as far as it still stands for those who read the answer."""
        await self.answer_id(message)  # now: the memory may go away while the answer is made
        turns = await self._memory.turns(message.conversation, limit=MAX_TURNS)
        return await standing.standing(turns, self._index, audience(message))

    async def _find(
        self, message: Message, asked: Query, asker: Asker, *, plain: bool
    ) -> tuple[AnswerContext, list[RankedPassage]]:
        """Who asks what, as far as the search has to know it, and what it finds."""
        vectors = await self._embedder.embed([*asked.searches, *(one.text for one in asker.stated)])
        ranked = await retrieval.find(asked.searches, vectors, self._index, audience(message))
        applied = asker.applied(asked.likeliest, vectors[0], vectors[len(asked.searches) :])
        return AnswerContext(message, asked, asker, applied, vectors[0], plain), ranked

    def _probability_held(self, verdicts: Verdicts) -> float | None:
        calibration = self._generator.protocol.calibration
        return calibration.probability_held(verdicts.log_odds) if calibration else None

    def _each_held(self, answer: Answer) -> tuple[float | None, ...]:
        calibration = self._generator.protocol.calibration
        return calibration.each_held(answer.log_odds) if calibration else ()

    async def _read(self, ranked: Sequence[RankedPassage]) -> list[RankedPassage]:
        """The passages to read. The likeliest goes on where it was cut: procedures seldom end with a passage."""
        best = ranked[: self._limits.passages]
        following = await self._index.following([best[0].passage], count=self._limits.following)
        return retrieval.merge_neighbours(retrieval.with_following(best, following, ranked))

    async def preferences(self, person: Person) -> Preferences:
        """What the person set."""
        return await self._memory.preferences(person)

    async def set_preferences(self, person: Person, preferences: Preferences) -> None:
        """Replace what the person set."""
        await self._memory.save_preferences(person, preferences)

    async def begin_anew(self, message: Message) -> None:
        """Let what follows lean on nothing that was said in this conversation before."""
        await self._memory.append(message.conversation, Turn(message.person, "", "", message.sent_at, ()))

    async def asked_before(self, message: Message) -> list[str]:
        """The questions of whoever sent `message` in this conversation, oldest first."""
        turns = await self._memory.turns(message.conversation, limit=MAX_TURNS)
        return history.questions(history.before("", turns, again=False), message.person)

    async def answer_id(self, message: Message) -> str:
        """The name that the answer to `message` has, or will have."""
        if self._key is None:
            self._key = await self._memory.answer_key()
        return answer_id(message, self._key)

    async def forget(self, person: Person) -> None:
        """Remove all that is kept of the person."""
        await self.people.forget(person)

    async def open_source(
        self, person: Person, answer: str, number: int, at: datetime, *, looking: Message | None = None
    ) -> Passage | None:
        """The passage behind a source of one of the person's answers, as it stands now, and that they opened it.

        None where there is no such source, where it says something else now, or where they, or the place where they
        are `looking`, may not see it. Without a place no channel of theirs is known.
        """
        opened = Feedback(person, answer, Verdict.OPENED, at, None, number)
        seen_by = audience(looking) if looking else alone(person)
        return await opening.open_source(self.people, self._index, opened, seen_by)

    async def look_at_source(self, asker: Person, answer: str, number: int, *, looking: Message) -> Passage | None:
        """The same for an answer to somebody else, that was shown in the place of `looking`; nothing is learned."""
        trace = await self.people.trace(asker, answer) if answer else None
        if trace is None or not shown_in(looking.conversation, trace.audience):
            return None
        return await opening.source(trace, self._index, number, audience(looking))

    async def explained(self, trace: Trace, looking: Message) -> Trace:
        """`trace` with the places only of what stands there and may be seen where somebody is `looking`."""
        return await standing.seen_now(trace, self._index, audience(looking))

    async def documents_seen(self, sources: Iterable[str], looking: Message) -> set[str]:
        """Those of the documents `sources` that are there and may be seen where somebody is `looking`."""
        return await standing.visible(sources, self._index, audience(looking))

    async def recommend(self, message: Message) -> list[Recommendation]:
        """Documents that the person may care about and has not been shown."""
        seen_by, dimension = audience(message), self._embedder.dimension
        return await opening.recommend(self.people, self._index, message.person, seen_by, dimension)

    def _checked(self, text: str) -> str:
        asked, limit = clean(text), self._limits.question_characters
        if len(asked) > limit:
            raise QuestionTooLongError(
                f"Your message has {len(asked):,} characters and I read at most {limit:,}. Please ask in fewer words."
            )
        return asked

    def _prompt(self, read: ReadPassages, told: AnswerContext) -> Prompt:
        limits = self._limits
        return fitted(
            read,
            told,
            self._generator,
            answer_tokens=limits.decoding.max_tokens,
            history_tokens=limits.history_tokens,
            may_refuse=limits.certainty > 0,
        )

    @asynccontextmanager
    async def _kept(
        self, told: AnswerContext, unnamed: Answer, read: ReadPassages | None = None, said: Sequence[Piece] = ()
    ) -> AsyncIterator[Answer]:
        """Keep the turn, which waits for the disk once; learn from it when the person has the answer already.

        A memory that went away meanwhile does not cost the answer: the turn is kept when the person has it, and whoever
        shows it has waited for the store.
        """
        message, listing = told.message, told.asker.wishes.preferences.sources
        answer = replace(unnamed, id=await self.answer_id(message), listing=listing)
        trace = traced(told, answer, audience(message), read, said, held=self._each_held(answer))
        turn = Turn(message.person, told.asked.said, answer.text, message.sent_at, answer.rests)
        keep = partial(self._memory.append, message.conversation, turn, trace)
        is_kept = await _possible(keep(), "turn_store_failed")
        try:
            yield answer
        finally:
            if is_kept or await _possible(keep(), "turn_store_failed"):
                await self._learn(told, answer, trace)

    async def _learn(self, told: AnswerContext, answer: Answer, trace: Trace) -> None:
        """What an answer says of documents and of its asker."""
        if answer.outcome is Outcome.ANSWERED:
            used = self._usage.note_cited([source.passage.source for source in answer.sources], trace.at)
        else:
            used = self._usage.note_gap(Gap(told.asked.question, trace.person, trace.at, trace.nearest))
        await _possible(used, "learning_failed")
        if not told.asker.wishes.paused:
            await _possible(self.people.learn_from(trace), "learning_failed")


async def _possible(work: Awaitable[None], failure: str) -> bool:
    """Whether `work` could be done; a store that is away is logged as `failure`, for the answer stands without it."""
    try:
        await work
    except StoreError as error:
        log.warning(failure, error=type(error).__name__)
        return False
    return True


def answer_id(message: Message, key: bytes) -> str:
    """The name of the answer to `message`: the same however often it is answered, and nobody's to guess without `key`.

    Buttons carry it, and whoever can press one can send another name in its place.
    """
    place = message.conversation
    parts = (place.platform, place.workspace, place.channel, place.thread, message.id)
    return blake2b("\0".join(parts).encode(), digest_size=8, key=key).hexdigest()


def _finished(
    said: Sequence[Piece],
    passages: Sequence[Passage],
    ranked: Sequence[RankedPassage],
    grounding: Grounding,
    *,
    cut: bool,
) -> Answer:
    text = "".join(piece.text for piece in said).strip()
    text = cut_short(text) if cut else text
    decoded, left_out = said[-1].decoded if said else DecodingSummary.EXACT, tuple(grounding.left_out)
    if not text or prompt.says_not_found(text) or (left_out and not grounding.whole):
        return replace(_not_found(ranked, decoded), left_out=left_out)
    return Answer(text, Outcome.ANSWERED, cite(said, passages), decoded=decoded, left_out=left_out)


def _rests(read: ReadPassages, asking: Prompt, asked: Query) -> tuple[str, ...]:
    """What an answer rests on: what was read, and what the turns that were heard rest on."""
    heard = [*asking.turns, *([asked.goes_on] if asked.goes_on else [])]
    return standing.rests_of(read.rows[: len(asking.passages)], heard)


def _not_found(ranked: Sequence[RankedPassage], decoded: DecodingSummary = DecodingSummary.EXACT) -> Answer:
    sections: dict[str, Passage] = {}
    for candidate in ranked:
        sections.setdefault(candidate.passage.heading_path, candidate.passage)
    nearest = tuple(Source(number, passage) for number, passage in enumerate(sections.values(), start=1))[:NEAREST]
    return Answer(prompt.NOT_FOUND, Outcome.NOT_FOUND, nearest=nearest, decoded=decoded)
