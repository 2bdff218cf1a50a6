"""The fake Slack as `evals.chaos` needs a platform: each conversation is a thread of somebody's direct messages.

Socket Mode, whose connections die with the processes. Every text that a message ever had is kept with its time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

from bots.on_slack.platform import slack
from bots.platform import Platform
from evals.chaos_checks import Visible
from tests.doubles.slack_people import text_of
from tests.doubles.slack_server import SlackServer
from tests.doubles.slack_state import Json, Workspace

SCOPES = {"assistant:write", "channels:read", "chat:write", "im:history", "im:read", "im:write", "users:read"}
ACK_SECONDS = 3.0
REFRESH_EVERY = 60  # deliveries: then every socket is asked to connect anew, as Slack does every few hours


class ChaosSlack:
    """People who write, and all that was visible."""

    def __init__(self) -> None:
        self._space = Workspace(scopes=set(SCOPES))
        self._server = SlackServer(self._space)
        self._server.ack_seconds = ACK_SECONDS
        self._sent: dict[str, Json] = {}  # by tag
        self._roots: dict[int, str] = {}
        self._versions: dict[tuple[str, str], list[tuple[float, str]]] = defaultdict(list)
        self._space.on_shown = self._shown

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Slack, running."""
        async with self._server:
            yield self

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the serving processes."""
        return {
            "ATTUNE_SLACK_BOT_TOKEN": self._space.bot_token,
            "ATTUNE_SLACK_APP_TOKEN": self._space.app_token,
            "ATTUNE_SLACK_API": self._server.api,
            "ATTUNE_ALLOW": f"workspace:slack/{self._space.team}",
        }

    @staticmethod
    def platforms(_: Mapping[str, str]) -> list[Platform]:
        """The platforms of a serving process."""
        return [slack()]

    async def send(self, conversation: int, tag: str, text: str) -> bool:
        """Deliver once. Whether some process acknowledged it."""
        if tag not in self._sent:
            self._sent[tag] = self._written(conversation, text)
        if len(self._server.sent) % REFRESH_EVERY == REFRESH_EVERY - 1:
            await self._server.refresh()
        sent = self._server.event(self._sent[tag])
        assert sent is not None
        await self._server.delivered(sent)
        return sent.acked

    def visible(self) -> list[Visible]:
        """Every message of the bot that is there in the end, with every text it had."""
        threads = {root: conversation for conversation, root in self._roots.items()}
        return [
            Visible(threads[self._space.messages[channel][ts]["thread_ts"]], tuple(versions))
            for (channel, ts), versions in self._versions.items()
            if ts in self._space.messages[channel]
        ]

    def _written(self, conversation: int, text: str) -> Json:
        user = f"U{conversation}"
        if user not in self._space.users:
            self._space.add_user(user)
        channel, ts = self._space.dm(user), self._space.ts()
        root = self._roots.setdefault(conversation, ts)
        message = {"type": "message", "user": user, "text": text, "ts": ts, "team": self._space.team}
        if root != ts:
            message["thread_ts"] = root
        self._space.messages[channel][ts] = message
        return {**message, "channel": channel, "channel_type": "im", "event_ts": ts}

    def _shown(self, channel: str, message: Json) -> None:
        self._versions[channel, message["ts"]].append((time.time(), text_of(message)))
