"""A conversation, whatever the platform: a message in, replies out, and errors turned into words.

Knows nothing of platforms, of layout, of length limits, or of how the engine finds and writes an answer.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from bots import digest_texts, personal_texts, texts, thread_texts
from bots.commands import Commands
from bots.language import translated
from bots.replies import (
    AskAgain,
    CommandReply,
    Delta,
    DueDigest,
    Final,
    Notice,
    PersonForgotten,
    Problem,
    Reply,
    SlowNotice,
    Status,
    StudyRequest,
    TextWanted,
)
from bots.studies import Studies
from core.answering.history import points
from core.answering.prompt import NOT_FOUND
from core.domain import (
    EVERYONE,
    Answer,
    AnswerEvent,
    DecodingSummary,
    Message,
    Outcome,
    Passage,
    Person,
    Piece,
    PortionStarted,
    QueuePosition,
    ReadingStarted,
    Sources,
)
from core.embedder_choice import knows
from core.engine import Engine
from core.errors import ModelUnavailableError, OperatorError, PersonError, StoreError
from core.notices.digests import SETTLED
from core.people.feedback import Feedback
from core.people.profile import Profile
from core.threads.minutes import Minutes, PartStarted
from core.threads.posts import Discussion
from core.threads.requests import ThreadRequest
from core.together import begun

AT_ONCE = timedelta(seconds=3)  # a messenger sends a comment, then what is forwarded with it

GAPS_EVERY = timedelta(days=6, hours=12)  # at least, between two lists of gaps for an operator: once a week

log = structlog.get_logger(__name__)


class Dialogue:
    """Answers messages one by one and keeps nothing between them.

    `own_commands` are the platform's: they are listed and suggested here, and run there; `hint` ends the help.
    `operator_present` shows an operator's error in full, where whoever asks is the operator. Whoever asks in a language
    that `embedder` does not know is told so where nothing is found. With `digest_gaps` operators' digests list gaps.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        own_commands: Iterable[str] = (),
        hint: str = texts.HELP_HINT,
        operator_present: bool = False,
        embedder: str = "",
        digest_gaps: bool = True,
    ) -> None:
        self._engine = engine
        self._commands = Commands(engine, own_commands, hint)
        self._studies = Studies(engine)
        self._operator_present = operator_present
        self._embedder = embedder
        self._digest_gaps = digest_gaps

    async def respond(self, message: Message) -> AsyncGenerator[Reply, None]:
        """Everything to show for one message; the last one is a Final, Notice, Forgotten or Problem.

        Closing or cancelling the iterator stops the answer.
        """
        try:
            said = await self._said_at_once(message)
            if isinstance(said, Notice | PersonForgotten):
                yield said
                return
            if isinstance(said, SlowNotice):
                yield Status(translated(texts.SEARCHING))
                yield await said.make()
                return
            if isinstance(said, StudyRequest):
                async with aclosing(self._studies.reply(message, said)) as replies:
                    async for reply in replies:
                        yield reply
                return
            async with begun(self._answers(message, said)) as steps:
                yield Status(translated(texts.SEARCHING))  # and while the platform shows it, there is a search already
                async for step in steps:
                    if isinstance(step, Answer) and step.decoded is not DecodingSummary.EXACT:
                        log.info("question_answered", decoded=step.decoded.value)
                    yield self._with_note(_as_reply(step), message)
        except PersonError as error:
            yield Problem(translated(error.sentence, **error.values))
        except Exception as error:  # noqa: BLE001 - the person gets a sentence, the log gets the error
            yield self._explained(error)

    async def sum_up(self, discussion: Discussion, request: ThreadRequest) -> AsyncGenerator[Reply, None]:
        """Everything to show for a discussion that somebody wants summed up; nothing of it is kept."""
        try:
            made: list[Minutes] = []
            for wanted in request.each:
                async with aclosing(self._engine.minuting.take(discussion, wanted)) as steps:
                    async for step in steps:
                        match step:
                            case PartStarted(number, total):
                                yield Status(thread_texts.reading_part(number, total))
                            case QueuePosition(ahead):
                                yield Status(texts.queued(ahead))
                            case Minutes():
                                made.append(step)
            yield Final(thread_texts.minutes_shown(made, request), note=thread_texts.read_of(discussion, made, request))
        except PersonError as error:
            yield Problem(translated(error.sentence, **error.values))
        except Exception as error:  # noqa: BLE001 - as above
            yield self._explained(error)

    async def answer_id(self, message: Message) -> str:
        """The name that the answer to `message` has, or will have.

        Raises:
            StoreError: the memory does not answer.
        """
        return await self._engine.conversations.answer_id(message)

    async def keep_forward(self, message: Message) -> None:
        """Keep what was forwarded without a word: the next message may ask about it.

        Raises:
            StoreError: the memory does not answer.
        """
        await self._engine.conversations.keep_forward(message)

    async def let_go(self, message: Message) -> None:
        """What was forwarded waits for no question any more.

        Raises:
            StoreError: the memory does not answer.
        """
        await self._engine.conversations.let_go(message)

    async def has_said(self, message: Message, shown: str) -> bool:
        """Whether what is `shown` answered somebody in this conversation.

        Raises:
            StoreError: the memory does not answer.
        """
        return await self._engine.conversations.has_said(message, shown)

    async def comment_on(self, message: Message) -> str:
        """The question that came just before what is forwarded here, where it points at something.

        Raises:
            StoreError: the memory does not answer.
        """
        last = await self._engine.conversations.last_turn(message)
        if last is None or last.person != message.person or last.quoted or not points(last.question):
            return ""
        return last.question if abs(message.sent_at - last.asked_at) <= AT_ONCE else ""

    async def feedback(self, feedback: Feedback) -> Notice | Problem:
        """Learn from what a person did with an answer, and say what follows."""
        try:
            return await self._commands.feedback(feedback)
        except Exception as error:  # noqa: BLE001 - as above
            return self._explained(error)

    async def open_source(
        self, person: Person, answer: str, number: int, *, looking: Message | None = None
    ) -> Passage | Problem:
        """The passage behind a source of one of the person's answers, from which they are known to care about it.

        Where they are `looking` decides who may see it; without a place none of their channels is known.
        """
        try:
            passage = await self._engine.sources.open(person, answer, number, datetime.now(UTC), looking=looking)
        except Exception as error:  # noqa: BLE001 - as above
            return self._explained(error)
        return passage or Problem(translated(personal_texts.SOURCE_GONE))

    async def look_at_source(self, asker: Person, answer: str, number: int, *, looking: Message) -> Passage | Problem:
        """The passage behind a source of somebody else's answer, if that was shown in the place of `looking`."""
        try:
            passage = await self._engine.sources.look_at(asker, answer, number, looking=looking)
        except Exception as error:  # noqa: BLE001 - as above
            return self._explained(error)
        return passage or Problem(translated(personal_texts.SOURCE_GONE))

    async def profile(self, person: Person) -> Profile:
        """What the person set and what was learned of them, for buttons and forms; named are documents for everybody.

        Raises:
            StoreError: the memory does not answer.
        """
        return await self._engine.sources.profile(person, {EVERYONE})

    async def recent(self, person: Person, limit: int = 5) -> list[str]:
        """What the person asked lately, each once, the latest first.

        Raises:
            StoreError: the memory does not answer.
        """
        traces = await self._engine.people.recent(person, 2 * limit)
        return list(dict.fromkeys(trace.question for trace in traces))[:limit]

    async def digest(self, message: Message, name: str, *, operator: bool) -> DueDigest | None:
        """The digest `name` that is due for whoever `message` is of; None where there is nothing to send, or not again.

        Raises:
            StoreError: a store does not answer.
        """
        people = self._engine.people
        kept, until = await people.subscription(message.person), message.sent_at - SETTLED
        if kept is None or kept.last == name or until <= kept.since:
            return None
        told = await self._engine.digests.compose(message, kept.since, until, kept.waiting)
        until = told.until
        gaps_since = kept.gaps_since or until - GAPS_EVERY
        with_gaps = operator and self._digest_gaps and until - gaps_since >= GAPS_EVERY
        if with_gaps:
            told = replace(told, gaps=await self._engine.digests.gaps(gaps_since, until))
        if told.empty:
            await people.note_digest(message.person, name, until, with_gaps=with_gaps, waiting=told.waiting)
            return None
        title, text = digest_texts.title(kept.schedule), digest_texts.digest(told, kept.schedule.zone)
        hint = translated(digest_texts.STOP_HINT)
        whole = f"**{title}**\n\n{text}\n\n{hint}"
        return DueDigest(message.person, name, until, title, whole, with_gaps=with_gaps, waiting=told.waiting)

    async def digest_shown(self, due: DueDigest) -> None:
        """The person has it: what it tells is not told again.

        Raises:
            StoreError: a store does not answer.
        """
        await self._engine.people.note_digest(
            due.person, due.name, due.until, with_gaps=due.with_gaps, waiting=due.waiting
        )

    async def unreachable(self, person: Person) -> None:
        """Nobody can write to this person any more: they get no digest.

        Raises:
            StoreError: a store does not answer.
        """
        await self._engine.people.unsubscribe(person)

    def _answers(self, message: Message, said: AskAgain | TextWanted | None) -> AsyncGenerator[AnswerEvent, None]:
        match said:
            case None:
                return self._engine.answer(message)
            case AskAgain(question):
                return self._engine.answer(replace(message, text=question), plain=True)
            case TextWanted(request, None):
                return self._engine.answer(replace(message, text=request))
            case TextWanted(request, reworks):  # every button under a message would lead to one answer
                message = replace(message, text=request, id=f"{message.id}:{request}")
                return self._engine.answer(message, reworks=reworks)

    async def _said_at_once(self, message: Message) -> CommandReply | None:
        if message.text.strip():
            return await self._commands.reply(message)
        return None if message.quoted.strip() else Notice(translated(texts.EMPTY_QUESTION))  # nobody's command

    def _with_note(self, reply: Reply, message: Message) -> Reply:
        """`reply`, saying why nothing may have been found, or what was not read."""
        if not isinstance(reply, Final):
            return reply
        notes = [reply.note]
        if message.quoted and (count := self._engine.cuts(message)):
            notes.append(translated(texts.QUOTE_CUT, count=count))
        asked = message.text.strip() or message.quoted
        if reply.markdown == translated(NOT_FOUND) and not knows(self._embedder, [asked]):
            notes.append(translated(texts.IN_ENGLISH))
        return replace(reply, note=" ".join(filter(None, notes)))

    def _explained(self, error: Exception) -> Problem:
        error_id = secrets.token_hex(4)
        log.error("answer_failed", error_id=error_id, exc_info=error)
        if isinstance(error, OperatorError) and self._operator_present:
            return Problem(str(error))
        if isinstance(error, StoreError):
            return Problem(texts.store_down(error_id))
        if isinstance(error, ModelUnavailableError):
            return Problem(texts.model_down(error_id))
        if isinstance(error, OperatorError):
            return Problem(texts.operator_needed(error_id))
        return Problem(texts.unexpected(error_id))


def _note(answer: Answer) -> str:
    """What is to be known of an answer."""
    left_out = translated(texts.LEFT_OUT) if answer.left_out else ""
    unread = translated(texts.UNREAD, count=answer.unread) if answer.unread else ""
    return " ".join(filter(None, (left_out, unread)))


def _as_reply(step: AnswerEvent) -> Reply:
    match step:
        case ReadingStarted(passages):
            titles = dict.fromkeys(ranked.passage.title for ranked in passages)
            return Status(texts.reading_passages(len(passages), list(titles)))
        case PortionStarted(number, total):
            return Status(texts.reading_portion(number, total))
        case QueuePosition(ahead):
            return Status(texts.queued(ahead))
        case Piece(text):
            return Delta(text)
        case Answer():
            sources = () if step.listing is Sources.OFF else step.sources
            note = _note(step) if step.outcome is Outcome.ANSWERED else ""
            text = translated(NOT_FOUND) if step.text.strip() == NOT_FOUND else step.text
            return Final(text, sources, step.nearest, note, step.id, step.listing, is_text=step.is_text)
