"""The fake Telegram as `evals.chaos` needs a platform: each conversation is a private chat, fetched by polling.

Of several processes that poll with one token Telegram turns all but one away: `--roles receive,work,work,work`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from bots.on_telegram.platform import telegram
from bots.platform import Platform
from evals.chaos_checks import Visible
from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

FIRST = 1000  # the id of the first person
ACK_SECONDS = 3.0


class ChaosTelegram:
    """People who write, and all that was visible."""

    def __init__(self) -> None:
        self._double = TelegramDouble()
        self._people: dict[int, User] = {}
        self._sent: dict[str, dict[str, Any]] = {}  # updates, by tag

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Telegram, running."""
        async with self._double.serving():
            yield self

    @property
    def environ(self) -> dict[str, str]:
        """Settings of the serving processes."""
        people = (f"person:telegram//{FIRST + number}" for number in range(500))
        return {
            "ATTUNE_TELEGRAM_TOKEN": TOKEN,
            "ATTUNE_TELEGRAM_API": self._double.url,
            "ATTUNE_TELEGRAM_STREAMING": os.environ.get("CHAOS_STREAMING", "auto"),
            "ATTUNE_ALLOW": ",".join(people),
        }

    @staticmethod
    def platforms(_: Mapping[str, str]) -> list[Platform]:
        """The platforms of a serving process."""
        return [telegram()]

    async def send(self, conversation: int, tag: str, text: str) -> bool:
        """Deliver, or once more although it was taken. Whether the update was confirmed."""
        if tag in self._sent:
            if self._sent[tag] not in self._double.updates:
                self._double.again.append(self._sent[tag])
                await self._double.tell()
        else:
            if conversation not in self._people:
                self._people[conversation] = User(self._double, FIRST + conversation, f"P{conversation}")
            await self._people[conversation].say(text)
            self._sent[tag] = self._double.posted
        with suppress(TimeoutError):
            async with asyncio.timeout(ACK_SECONDS), self._double.changed:
                await self._double.changed.wait_for(lambda: self._sent[tag] not in self._double.updates)
        return self._sent[tag] not in self._double.updates

    def visible(self) -> list[Visible]:
        """Every message of the bot that is there in the end, with every text it had."""
        return [
            Visible(chat - FIRST, tuple(versions))
            for (chat, message), versions in self._double.versions.items()
            if message in self._double.chats[chat].messages
        ]
