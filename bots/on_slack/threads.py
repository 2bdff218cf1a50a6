"""Where the bot takes part: in a thread in which it was named or has answered, nobody has to name it again.

Remembered for a while; after a restart Slack is asked. Knows nothing of what is said in a thread.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

import structlog
from cachetools import TLRUCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.errors import reason_of

log = structlog.get_logger(__name__)

KEPT = 5_000  # threads
ABSENT_SECONDS = 10.0  # that "takes no part" is believed: another process may have been asked
REPLIES = 200  # of a thread that are looked at
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


def _believed_until(_: object, takes_part: bool, now: float) -> float:  # noqa: FBT001 - as the cache calls it
    return math.inf if takes_part else now + ABSENT_SECONDS
