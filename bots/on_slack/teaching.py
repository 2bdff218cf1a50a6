"""Teaching in Slack: shared files and threads become lessons, for readers that the person chose and may choose.

Knows nothing of how lessons are kept or read, nor of buttons and modals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack import texts as slack_texts
from bots.on_slack.door import Door
from bots.on_slack.events import PLATFORM, plain_text
from core.domain import EVERYONE, Person
from core.errors import LessonError, PersonError
from core.readers import Readers, channel_reader, person_reader
from core.teaching import Lesson

log = structlog.get_logger(__name__)

FILE_BYTES = 20_000_000
REPLIES = 200  # of a thread
TITLES = 3


class Teaching(Protocol):
    """What is needed of `core.teaching.Teacher`."""

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a document."""
        ...

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a message or a thread."""
        ...

    async def lessons(self, audience: frozenset[str]) -> list[Lesson]:
        """What `audience` may see, the newest first."""
        ...


class Lessons:
    """Takes lessons; says what became of each in one sentence."""

    def __init__(self, teacher: Teaching | None, door: Door) -> None:
        self._teacher = teacher
        self._door = door

    async def titles(self, team: str) -> list[str]:
        """What was taught lately and everyone may see."""
        if self._teacher is None:
            return []
        audience = frozenset({EVERYONE, f"workspace:{PLATFORM}/{team}"})
        return [lesson.name.rpartition(".")[0] for lesson in (await self._teacher.lessons(audience))[:TITLES]]

    async def learn_file(self, client: AsyncWebClient, person: Person, channel: str, who: str, file: str) -> str:
        """Learn a file that was shared."""
        if (refusal := await self._refusal(person, who)) is not None or self._teacher is None:
            return refusal or slack_texts.TEACH_NOT_HERE
        try:
            name, data = await _shared(client, file)
            await self._teacher.learn_file(name, data, person, readers_of(who, person, channel), datetime.now(UTC))
        except PersonError as error:
            return str(error)
        return slack_texts.taught(name, slack_texts.READERS_NAMES[who])

    async def _refusal(self, person: Person, who: str) -> str | None:
        if self._teacher is None:
            return slack_texts.TEACH_NOT_HERE
        if who == "everyone" and not await self._door.is_operator(person):
            return slack_texts.TEACH_NOT_EVERYONE
        return None

    async def learn_thread(self, client: AsyncWebClient, person: Person, about: str, values: Mapping[str, Any]) -> str:
        """Learn a message or its thread, as the modal was filled in."""
        where, who = json.loads(about), str(values.get("readers") or "me")
        if (refusal := await self._refusal(person, who)) is not None or self._teacher is None:
            return refusal or slack_texts.TEACH_NOT_HERE
        found = await client.conversations_replies(channel=where["channel"], ts=where["root"], limit=REPLIES)
        messages = found.get("messages") or []
        if values.get("part") == "message":
            messages = [message for message in messages if message["ts"] == where["ts"]]
        text = "\n\n".join(plain_text(str(message.get("text", ""))) for message in messages)
        if not text.strip():
            return slack_texts.TEACH_EMPTY
        title = str(values.get("name") or "").strip() or text.strip().partition("\n")[0][:80]
        try:
            readers = readers_of(who, person, where["channel"])
            await self._teacher.learn_text(title, text, person, readers, datetime.now(UTC))
        except PersonError as error:
            return str(error)
        return slack_texts.taught(title, slack_texts.READERS_NAMES[who])


def readers_of(who: str, person: Person, channel: str) -> Readers:
    """Whom the choice stands for."""
    if who == "everyone":
        return (EVERYONE,)
    if who == "channel" and not channel.startswith("D"):
        return (channel_reader(PLATFORM, person.workspace, channel),)
    return (person_reader(person),)


async def _shared(client: AsyncWebClient, file: str) -> tuple[str, bytes]:
    """A shared file's name and content.

    Raises:
        LessonError: it is gone, or too large.
    """
    try:
        info: dict[str, Any] = (await client.files_info(file=file))["file"]
    except SlackApiError:
        raise LessonError(slack_texts.TEACH_GONE) from None
    if int(info.get("size") or 0) > FILE_BYTES:
        raise LessonError(slack_texts.TEACH_TOO_LARGE)
    data = await _download(str(info.get("url_private_download") or ""), client.token or "")
    if data is None:
        raise LessonError(slack_texts.TEACH_GONE)
    return str(info.get("name") or "file"), data


async def _download(url: str, token: str) -> bytes | None:
    """The file, or None where Slack shows its sign-in page instead or the file is too large."""
    if not url:
        return None
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as reply:
            if not reply.ok or reply.content_type == "text/html":
                return None
            data = await reply.content.read(FILE_BYTES + 1)
            while not reply.content.at_eof() and len(data) <= FILE_BYTES:
                data += await reply.content.read(FILE_BYTES + 1 - len(data))
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("download_failed", error=type(error).__name__)
        return None
    return data if len(data) <= FILE_BYTES else None
