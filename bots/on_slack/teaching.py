"""Teaching in Slack: a shared file, a message or a thread becomes a lesson. What may be, `bots.lessons` says.

Knows nothing of how lessons are kept or read, nor of modals.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots import texts
from bots.lessons import FILE_BYTES, LessonReply, LessonRequest, Lessons, LessonSource, ReaderChoice, refusal
from bots.on_slack import texts as slack_texts
from bots.on_slack.addresses import API, download, is_slacks
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.errors import reason_of
from bots.on_slack.events import plain_text
from core.documents.slack_words import whole_message
from core.errors import LessonError
from core.text.words import whole_number

REPLIES = 200  # of a thread
ELSEWHERE = {"not_in_channel", "channel_not_found"}  # of a private channel Slack says the latter


async def learn_file(lessons: Lessons, pressed: SlackPress, choice: str, file: str) -> LessonReply:
    """Learn a file that was shared."""
    client = pressed.place.client

    async def fetch() -> LessonSource:
        return await _shared(client, file, client.base_url)

    return await lessons.learn(_request(pressed, choice, pressed.text("channel")), fetch, pressed.delivery)


async def learn_thread(lessons: Lessons, pressed: SlackPress, about: str, values: Mapping[str, Any]) -> LessonReply:
    """Learn a message or its thread, as the modal was filled in."""
    where, title = json.loads(about), str(values.get("name") or "").strip()

    async def fetch() -> LessonSource:
        return LessonSource(title, await _written(pressed.place.client, where, whole=values.get("part") != "message"))

    asked = _request(pressed, str(values.get("readers") or ReaderChoice.ME), where["channel"])
    return await lessons.learn(asked, fetch, pressed.delivery, title)


def _request(pressed: SlackPress, choice: str, channel: str) -> LessonRequest:
    shared = "" if channel.startswith("D") else channel
    return LessonRequest(pressed.person, shared, pressed.event.received_at, ReaderChoice(choice))


async def _written(client: AsyncWebClient, where: Mapping[str, str], *, whole: bool) -> str:
    """What stands in a thread, or in one message of it.

    Raises:
        LessonError: the bot is not in that channel.
    """
    try:
        found = await client.conversations_replies(channel=where["channel"], ts=where["root"], limit=REPLIES)
    except SlackApiError as error:
        if reason_of(error) not in ELSEWHERE:
            raise
        raise LessonError(slack_texts.THREAD_NOT_HERE) from None
    messages = [message for message in found.get("messages") or () if whole or message["ts"] == where["ts"]]
    return "\n\n".join(plain_text(whole_message(message)) for message in messages)


async def _shared(client: AsyncWebClient, file: str, api: str = API) -> LessonSource:
    """A shared file.

    Raises:
        LessonError: it is gone, too large, or not kept in Slack.
    """
    try:
        info: dict[str, Any] = (await client.files_info(file=file))["file"]
    except SlackApiError:
        raise LessonError(texts.FILE_GONE) from None
    name = str(info.get("name") or "file")
    if why := refusal(name, whole_number(str(info.get("size") or 0)) or 0):
        raise LessonError(why)
    url = str(info.get("url_private_download") or "")
    if url and not is_slacks(url, api):
        raise LessonError(texts.FILE_ELSEWHERE)
    data = await download(url, client.token or "", api, most=FILE_BYTES) if url else None
    if data is None:
        raise LessonError(texts.FILE_GONE)
    return LessonSource(name, data)
