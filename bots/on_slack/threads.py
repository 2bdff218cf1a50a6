"""Where the bot takes part: in a thread in which it was named or has answered, nobody has to name it again.

Remembered for a while; after a restart Slack is asked. Whoever names it below what others wrote asks about that, which
is fetched here. Knows nothing of how a question is answered.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from cachetools import TLRUCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.events import SlackMessage, plain_text
from core.documents.slack_words import whole_message

log = structlog.get_logger(__name__)

KEPT = 5_000  # threads
ABSENT_SECONDS = 10.0  # that "takes no part" is believed: another process may have been asked
REPLIES = 200  # of a thread that are looked at …
PAGES = 5  # … so many times, for what was said last in it
PATIENCE = 2.0  # seconds: what is not acknowledged within three comes again


class Threads:
    """The threads that were looked at lately."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._known: TLRUCache[tuple[str, str, str], bool] = TLRUCache(KEPT, _believed_until, now)

    def joined(self, team: str, channel: str, root: str) -> None:
        """The bot takes part in this thread from now on."""
        self._known[team, channel, root] = True

    async def takes_part(self, client: AsyncWebClient, team: str, channel: str, root: str, bot_user: str) -> bool:
        """Whether the bot was named in this thread or has written in it.

        Raises:
            SlackApiError, TimeoutError: Slack does not say in time. Not acknowledged, the message comes again.
        """
        key = (team, channel, root)
        if (known := self._known.get(key)) is not None:
            return known
        try:
            async with asyncio.timeout(PATIENCE):
                found = await client.conversations_replies(channel=channel, ts=root, limit=REPLIES)
        except SlackApiError as error:
            if reason_of(error) == "ratelimited":
                raise
            log.warning("thread_fetch_failed", error=reason_of(error))
            return False
        named = f"<@{bot_user}"
        there = any(
            each.get("user") == bot_user or named in str(each.get("text", "")) for each in found.get("messages") or ()
        )
        self._known[key] = there
        return there


async def said_before(client: AsyncWebClient, message: SlackMessage, bot_user: str) -> str:
    """What others wrote in the thread in which `message` names the bot: how it began, and what came last.

    Empty where the bot spoke last, which the conversation knows, or where Slack does not say.
    """
    if not (message.in_thread and message.mentioned):
        return ""
    with suppress(*ERRORS):
        async with asyncio.timeout(PATIENCE):
            return plain_text(_others(await _thread(client, message), message.ts, bot_user))
    return ""


async def _thread(client: AsyncWebClient, message: SlackMessage) -> list[Any]:
    """The thread up to `message`, page by page from its beginning; of one too long only that."""
    thread: list[Any] = []
    cursor: str | None = None
    for _ in range(PAGES):
        found = await client.conversations_replies(
            channel=message.channel, ts=message.root, latest=message.ts, limit=REPLIES, cursor=cursor
        )
        thread += found.get("messages") or ()
        cursor = (found.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return thread
    return thread[:1]


def _others(thread: list[Any], ts: str, bot_user: str) -> str:
    earlier = [each for each in thread if isinstance(each, dict) and str(each.get("ts")) < ts]
    earlier.sort(key=lambda each: str(each.get("ts")))  # the first one may stand on every page
    if not earlier or earlier[-1].get("user") == bot_user:
        return ""
    said = [whole_message(each) for each in (earlier[0], earlier[-1]) if each.get("user") != bot_user]
    return "\n\n".join(dict.fromkeys(text for text in said if f"<@{bot_user}" not in text))


def _believed_until(_: object, takes_part: bool, now: float) -> float:  # noqa: FBT001 - as the cache calls it
    return math.inf if takes_part else now + ABSENT_SECONDS
