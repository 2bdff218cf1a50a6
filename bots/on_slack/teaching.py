"""Teaching in Slack: shared files and threads become lessons, for readers that the person chose and may choose.

Whoever taught something, or an operator, can have it forgotten, and brought back. Knows nothing of how lessons are kept
or read, nor of modals.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from bots.on_slack.addresses import API, download, is_slacks
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.events import PLATFORM, plain_text
from bots.on_slack.limits import NAME_CHARS
from bots.on_slack.render import Block
from bots.texts import escaped
from core.documents.teaching import Lesson
from core.domain import EVERYONE, Person
from core.errors import LessonError, PersonError
from core.readers import Readers, channel_reader, person_reader
from core.text.words import whole_number

FILE_BYTES = 20_000_000
REPLIES = 200  # of a thread
TITLES = 3


class Teaching(Protocol):
    """What is needed of `core.documents.teaching.Teacher`."""

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a document."""
        ...

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a message or a thread."""
        ...

    async def forget(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Forget a lesson, so that it can be brought back."""
        ...

    async def bring_back(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Learn a forgotten lesson again."""
        ...

    async def lessons(self, audience: Collection[str]) -> list[Lesson]:
        """What `audience` may see, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class LessonReply:
    """What became of something, in a sentence of Markdown, and what can be done about it."""

    sentence: str
    buttons: Sequence[Block] = ()


class Lessons:
    """Takes lessons and takes them back; says what became of each in one sentence."""

    def __init__(self, teacher: Teaching | None, door: SlackEntrance) -> None:
        self._teacher = teacher
        self._door = door

    async def new(self, may_see: Collection[str]) -> list[str]:
        """The titles of what was taught lately, as far as somebody may see it."""
        if self._teacher is None:
            return []
        return [lesson.name.rpartition(".")[0] for lesson in (await self._teacher.lessons(may_see))[:TITLES]]

    async def of(self, person: Person, may_see: Collection[str]) -> list[Lesson]:
        """The lessons that a person can have forgotten: their own; an operator's, all that they may see."""
        if self._teacher is None:
            return []
        operator = await self._door.is_operator(person)
        lessons = await self._teacher.lessons({*may_see, person_reader(person)})
        return [lesson for lesson in lessons if lesson.author == person or operator]

    async def learn_file(self, pressed: SlackPress, who: str, file: str) -> LessonReply:
        """Learn a file that was shared."""
        person, teacher = pressed.person, self._teacher
        if (refusal := await self._refusal(person, who)) is not None or teacher is None:
            return LessonReply(refusal or slack_texts.TEACH_NOT_HERE)
        readers = readers_of(who, person, pressed.text("channel"))
        try:
            lesson = await self._learned_before(pressed, readers)
            if lesson is None:
                client = pressed.place.client
                async with pressed.delivery.learning():
                    name, data = await _shared(client, file, client.base_url)
                    lesson = await teacher.learn_file(name, data, person, readers, pressed.event.received_at)
        except PersonError as error:
            return LessonReply(str(error))
        return _taught(lesson, who)

    async def learn_thread(self, pressed: SlackPress, about: str, values: Mapping[str, Any]) -> LessonReply:
        """Learn a message or its thread, as the modal was filled in."""
        where, who, person, teacher = (
            json.loads(about),
            str(values.get("readers") or "me"),
            pressed.person,
            self._teacher,
        )
        if (refusal := await self._refusal(person, who)) is not None or teacher is None:
            return LessonReply(refusal or slack_texts.TEACH_NOT_HERE)
        text = await _written(pressed.place.client, where, whole=values.get("part") != "message")
        if not text.strip():
            return LessonReply(slack_texts.TEACH_EMPTY)
        title = str(values.get("name") or "").strip() or text.strip().partition("\n")[0][:NAME_CHARS]
        readers = readers_of(who, person, where["channel"])
        try:
            lesson = await self._learned_before(pressed, readers)
            if lesson is None:
                async with pressed.delivery.learning():
                    lesson = await teacher.learn_text(title, text, person, readers, pressed.event.received_at)
        except PersonError as error:
            return LessonReply(str(error))
        return _taught(lesson, who)

    async def forget(self, person: Person, id_: str) -> LessonReply:
        """Forget a lesson; a button brings it back."""
        if self._teacher is None:
            return LessonReply(slack_texts.TEACH_NOT_HERE)
        try:
            lesson = await self._teacher.forget(id_, person, operator=await self._door.is_operator(person))
        except PersonError as error:
            return LessonReply(str(error))
        return LessonReply(slack_texts.unlearned(escaped(lesson.name)), [slack_blocks.bring_back(lesson)])

    async def bring_back(self, pressed: SlackPress, id_: str) -> LessonReply:
        """Learn a forgotten lesson again."""
        person = pressed.person
        if self._teacher is None:
            return LessonReply(slack_texts.TEACH_NOT_HERE)
        try:
            operator = await self._door.is_operator(person)
            async with pressed.delivery.learning():
                lesson = await self._teacher.bring_back(id_, person, operator=operator)
        except PersonError as error:
            return LessonReply(str(error))
        return LessonReply(slack_texts.relearned(escaped(lesson.name)), [slack_blocks.unlearn(lesson)])

    async def _refusal(self, person: Person, who: str) -> str | None:
        if self._teacher is None:
            return slack_texts.TEACH_NOT_HERE
        if who == "everyone" and not await self._door.is_operator(person):
            return slack_texts.TEACH_NOT_EVERYONE
        return None

    async def _learned_before(self, pressed: SlackPress, readers: Readers) -> Lesson | None:
        """What an attempt learned that died before it could say so."""
        if pressed.delivery.attempt == 1 or self._teacher is None:
            return None
        at = pressed.event.received_at
        lessons = await self._teacher.lessons(readers)
        return next((one for one in lessons if (one.author, one.taught_at) == (pressed.person, at)), None)


def _taught(lesson: Lesson, who: str) -> LessonReply:
    said = slack_texts.taught(escaped(lesson.name), slack_texts.READERS_NAMES[who])
    return LessonReply(said, [slack_blocks.unlearn(lesson)])


async def _written(client: AsyncWebClient, where: Mapping[str, str], *, whole: bool) -> str:
    """What stands in a thread, or in one message of it."""
    found = await client.conversations_replies(channel=where["channel"], ts=where["root"], limit=REPLIES)
    messages = [message for message in found.get("messages") or () if whole or message["ts"] == where["ts"]]
    return "\n\n".join(plain_text(str(message.get("text", ""))) for message in messages)


def readers_of(who: str, person: Person, channel: str) -> Readers:
    """Whom the choice stands for."""
    if who == "everyone":
        return (EVERYONE,)
    if who == "channel" and not channel.startswith("D"):
        return (channel_reader(PLATFORM, person.workspace, channel),)
    return (person_reader(person),)


async def _shared(client: AsyncWebClient, file: str, api: str = API) -> tuple[str, bytes]:
    """A shared file's name and content.

    Raises:
        LessonError: it is gone, too large, or not kept in Slack.
    """
    try:
        info: dict[str, Any] = (await client.files_info(file=file))["file"]
    except SlackApiError:
        raise LessonError(slack_texts.TEACH_GONE) from None
    if (whole_number(str(info.get("size") or 0)) or 0) > FILE_BYTES:
        raise LessonError(slack_texts.TEACH_TOO_LARGE)
    url = str(info.get("url_private_download") or "")
    if url and not is_slacks(url, api):
        raise LessonError(slack_texts.TEACH_ELSEWHERE)
    data = await download(url, client.token or "", api, most=FILE_BYTES) if url else None
    if data is None:
        raise LessonError(slack_texts.TEACH_GONE)
    return str(info.get("name") or "file"), data
