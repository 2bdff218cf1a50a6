"""Teaching by chat: what is learned, for whom, and who may have it forgotten or brought back; on every platform alike.

A platform says how a document is fetched, and draws the buttons. Knows no platform, and not how a lesson is kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath

import structlog

from bots import texts
from bots.language import translated
from bots.platform import Delivery
from bots.texts import escaped
from core.documents.archives import is_readable
from core.documents.teaching import Lesson, Teacher
from core.domain import EVERYONE, Person
from core.errors import LessonError, OperatorError, PersonError
from core.people.access import Access
from core.readers import Readers, channel_reader, person_reader

log = structlog.get_logger(__name__)

FILE_BYTES = 20 * 2**20  # of a document that is sent in a chat
TITLE_CHARACTERS = 60
TITLES = 3


class ReaderChoice(StrEnum):
    """Who may get answers from a lesson; buttons carry these, older ones other names for them."""

    ME = "me"
    CHAT = "chat"
    EVERYONE = "everyone"

    @classmethod
    def _missing_(cls, value: object) -> ReaderChoice | None:
        return {"channel": cls.CHAT, "all": cls.EVERYONE}.get(str(value))


@dataclass(frozen=True, slots=True)
class LessonRequest:
    """Somebody who teaches, in a `channel` that is empty in private, at a moment that names the request."""

    person: Person
    channel: str
    at: datetime
    choice: ReaderChoice

    @property
    def readers(self) -> Readers:
        """Whom the choice stands for."""
        if self.choice is ReaderChoice.EVERYONE:
            return (EVERYONE,)
        if self.choice is ReaderChoice.CHAT and self.channel:
            return (channel_reader(self.person.platform, self.person.workspace, self.channel),)
        return (person_reader(self.person),)


@dataclass(frozen=True, slots=True)
class LessonSource:
    """What is learned: a document by its file name, or the text of messages by a title."""

    name: str
    content: bytes | str


@dataclass(frozen=True, slots=True)
class LessonReply:
    """What became of a lesson, in Markdown; the lesson that can now be forgotten, or brought back."""

    sentence: str
    forgettable: Lesson | None = None
    returnable: Lesson | None = None


class Lessons:
    """Takes lessons and takes them back; says what became of each in one sentence."""

    def __init__(self, teacher: Teacher | None, access: Access) -> None:
        self._taught = teacher
        self._access = access

    @property
    def _teacher(self) -> Teacher:
        if self._taught is None:
            raise LessonError(texts.NO_TEACHER)
        return self._taught

    async def choices(self, person: Person, *, private: bool) -> list[ReaderChoice]:
        """Whom somebody may teach."""
        shared = [] if private else [ReaderChoice.CHAT]
        everyone = [ReaderChoice.EVERYONE] if await self._access.is_operator(person) else []
        return [ReaderChoice.ME, *shared, *everyone]

    async def new_titles(self, audience: Collection[str]) -> list[str]:
        """The titles of what was taught lately, as far as somebody may see it."""
        lessons = await self._taught.lessons(audience) if self._taught else []
        return [lesson.name.rpartition(".")[0] for lesson in lessons[:TITLES]]

    async def of(self, person: Person, audience: Collection[str]) -> list[Lesson]:
        """The lessons that a person can have forgotten: their own; an operator's, all that they may see."""
        if self._taught is None:
            return []
        operator = await self._access.is_operator(person)
        lessons = await self._taught.lessons({*audience, person_reader(person)})
        return [lesson for lesson in lessons if lesson.author == person or operator]

    async def learn(
        self, asked: LessonRequest, fetch: Callable[[], Awaitable[LessonSource]], delivery: Delivery, name: str = ""
    ) -> LessonReply:
        """Learn what `fetch` brings; `name` is what it is called where it has another name when it is kept."""
        if asked.choice is ReaderChoice.EVERYONE and not await self._access.is_operator(asked.person):
            return LessonReply(translated(texts.NOT_FOR_EVERYONE))
        try:
            lesson = await self._learned_before(asked, delivery)
            if lesson is None:
                async with delivery.learning():
                    lesson = await self._learned(asked, await fetch())
        except PersonError as error:
            return LessonReply(translated(error.sentence, **error.values))
        except OperatorError:
            trace = secrets.token_hex(4)
            log.exception("lesson_not_learned", trace=trace)
            return LessonReply(translated(texts.CANNOT_LEARN, trace=trace))
        who = translated(texts.FOR_READERS[asked.choice])
        return LessonReply(translated(texts.LEARNED, name=escaped(name or lesson.name), who=who), forgettable=lesson)

    async def forget(self, person: Person, id_: str) -> LessonReply:
        """Forget a lesson."""
        try:
            lesson = await self._teacher.forget(id_, person, operator=await self._access.is_operator(person))
        except PersonError as error:
            return LessonReply(translated(error.sentence, **error.values))
        return LessonReply(translated(texts.UNLEARNED, name=escaped(lesson.name)), returnable=lesson)

    async def bring_back(self, person: Person, id_: str, delivery: Delivery) -> LessonReply:
        """Learn a forgotten lesson again."""
        try:
            operator = await self._access.is_operator(person)
            async with delivery.learning():
                lesson = await self._teacher.bring_back(id_, person, operator=operator)
        except PersonError as error:
            return LessonReply(translated(error.sentence, **error.values))
        return LessonReply(translated(texts.RELEARNED, name=escaped(lesson.name)), forgettable=lesson)

    async def _learned_before(self, asked: LessonRequest, delivery: Delivery) -> Lesson | None:
        """What an attempt learned that died before it could say so."""
        if delivery.attempt == 1:
            return None
        lessons = await self._teacher.lessons(asked.readers)
        return next((one for one in lessons if (one.author, one.taught_at) == (asked.person, asked.at)), None)

    async def _learned(self, asked: LessonRequest, source: LessonSource) -> Lesson:
        content = source.content
        if isinstance(content, bytes):
            return await self._teacher.learn_file(source.name, content, asked.person, asked.readers, asked.at)
        if not content.strip():
            raise LessonError(texts.NOTHING_TO_LEARN)
        title = source.name.strip() or title_of(content)
        return await self._teacher.learn_text(title, content, asked.person, asked.readers, asked.at)


def refusal(name: str, size: int = 0) -> str:
    """Why a document cannot be learned by chat, before it is fetched; empty where it can."""
    if size > FILE_BYTES:
        return translated(texts.TOO_LARGE, name=escaped(name))
    return "" if is_readable(PurePath(name)) else translated(texts.NOT_READABLE, name=escaped(name))


def title_of(text: str) -> str:
    """The first line, short enough for a name."""
    first = " ".join(next(iter(text.strip().splitlines()), "").split())
    return first if len(first) <= TITLE_CHARACTERS else f"{first[:TITLE_CHARACTERS].rstrip()}…"
