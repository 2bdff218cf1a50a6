"""Long polling: fetches updates, hands each on, and confirms it once it is kept, or cannot be read by anybody.

The library's own loop reads a whole batch at once and ends where handing on fails; here one update that nobody can read
costs itself alone. Knows nothing of what is in an update.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telegram.error import BadRequest, Conflict, RetryAfter, TelegramError, TimedOut

from bots.on_telegram.line import Bot
from bots.on_telegram.updates import ALLOWED_UPDATES
from bots.on_telegram.wire import TooDeepError, id_of
from bots.reception import Reception
from core.errors import StoreError

log = structlog.get_logger(__name__)

POLL = 25  # seconds that Telegram may hold a request open
SLACK = 25  # … and that sending it and its reply may take
BATCH = 100  # updates at once, Telegram's most
PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before the next try after a failure

Take = Callable[[Any], Awaitable[None]]


class Polling:
    """Fetches for one bot. `take` returns when an update is dealt with, and raises `StoreError` where it must wait."""

    def __init__(self, bot: Bot, take: Take, reception: Reception) -> None:
        self._bot = bot
        self._take = take
        self._reception = reception
        self._offset: int | None = None  # what is below it is confirmed by the next request
        self._alone = False  # whether the webhook of an earlier start is taken back: with one, nothing can be polled
        self._batch = BATCH
        self._pause = 0.0

    async def run(self) -> None:
        """Fetch until cancelled; what was dealt with by then is confirmed."""
        wait = 0  # the first reply comes at once, and says that there is somebody to poll
        try:
            while True:
                await self._round(wait)
                if self._pause:
                    await asyncio.sleep(self._pause)
                wait = 0 if self._pause else POLL
        finally:
            await self._confirm()

    async def _round(self, wait: int) -> None:
        """One request and what it brought."""
        try:
            async with asyncio.timeout(wait + SLACK):
                self._alone = self._alone or await self._bot.delete_webhook()
                found = await self._bot.raw_updates(self._offset, self._batch, wait, ALLOWED_UPDATES)
            await self._dealt_with(found)
        except TimedOut:
            self._pause = 0.1
        except (StoreError, TimeoutError) as error:
            log.warning("not_kept", error=type(error).__name__)
            self._failed(PAUSE)
        except TooDeepError as error:
            self._narrow(error)
        except TelegramError as error:
            self._refused(error)

    async def _dealt_with(self, found: Any) -> None:
        """Hand each update on; then all count as confirmed. What comes again was known before."""
        if not isinstance(found, list):
            raise TelegramError("Telegram's reply is no list of updates.")
        self._reception.works()
        for raw in found:
            await self._take(raw)
            self._reception.works()
        numbers = [number for raw in found if (number := id_of(raw)) is not None and number >= (self._offset or 0)]
        self._batch, self._pause = BATCH, 0.0
        if numbers:
            self._offset = numbers[-1] + 1
        elif found:
            self._pass_by()

    def _pass_by(self) -> None:
        """Nothing that came has a number which could be confirmed: they run on, so it is probably the next one's."""
        self._offset = None if self._offset is None else self._offset + 1
        self._pause = PAUSE

    def _narrow(self, error: TooDeepError) -> None:
        """Find the update that makes a reply unreadable, by itself, and go past it."""
        if self._batch > 1:
            self._batch, self._pause = 1, 0.1
            return
        self._reception.not_understood(error)
        self._batch, self._pause = BATCH, 0.1
        if error.first is None:
            self._pass_by()
        else:
            self._offset = error.first + 1

    def _refused(self, error: TelegramError) -> None:
        if isinstance(error, Conflict):
            fix = "Another program fetches this bot's messages: end it, or take another token."
            log.error("another_poller", fix=fix)
        else:
            log.warning("poll_failed", error=type(error).__name__)
        if isinstance(error, BadRequest):
            self._offset = None
        self._failed(_asked_to_wait(error))

    def _failed(self, least: float) -> None:
        self._reception.fails()
        self._pause = max(least, min(max(PAUSE, 1.5 * self._pause), LONGEST_PAUSE))

    async def _confirm(self) -> None:
        """Tell Telegram what was dealt with: it would send it again after the next start."""
        if self._offset is None:
            return
        try:
            async with asyncio.timeout(PAUSE * 5):
                await self._bot.raw_updates(self._offset, 1, 0, ALLOWED_UPDATES)
        except (TelegramError, TimeoutError) as error:
            log.info("not_confirmed", error=type(error).__name__)


def _asked_to_wait(error: TelegramError) -> float:
    if not isinstance(error, RetryAfter):
        return 0.0
    wait = error.retry_after
    return min(wait if isinstance(wait, int | float) else wait.total_seconds(), LONGEST_PAUSE)
