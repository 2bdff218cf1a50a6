"""Long polling: fetches updates, hands each on, and confirms it once it is kept, or cannot be read by anybody.

The library's own loop reads a whole batch at once and ends where handing on fails; here one update that nobody can read
costs itself alone. Knows nothing of what is in an update.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from telegram.error import BadRequest, Conflict, RetryAfter, TelegramError, TimedOut

from bots.on_telegram.api import Bot
from bots.on_telegram.updates import ALLOWED_UPDATES
from bots.on_telegram.wire import MalformedUpdatesError, id_of
from bots.reception import Reception
from core.errors import StoreError

log = structlog.get_logger(__name__)

POLL = 25  # seconds that Telegram may hold a request open
GRACE = 25  # … and that sending it and its reply may take
BATCH = 100  # updates at once, Telegram's most
FIRST = 2**31  # number that is believed where none is known yet
JUMP = 1_000  # numbers that Telegram leaves out at most
PUZZLED = 3  # replies after which a number is believed that is far from the others, or an update is given up
MOMENT = 0.1  # seconds between two tries of which the second is another one
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
        self._strange: list[frozenset[int]] = []  # of replies in turn, the numbers: none of them to be trusted
        self._unread = 0  # replies in turn that could not be read

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
            async with asyncio.timeout(wait + GRACE):
                self._alone = self._alone or await self._bot.delete_webhook()
                found = await self._bot.raw_updates(self._offset, self._batch, wait, ALLOWED_UPDATES)
            await self._dealt_with(found)
        except TimedOut:
            self._pause = MOMENT
        except (StoreError, TimeoutError) as error:
            log.warning("event_store_failed", error=type(error).__name__)
            self._failed(PAUSE)
        except MalformedUpdatesError as error:
            self._narrow(error)
        except TelegramError as error:
            self._refused(error)
        except Exception as error:  # noqa: BLE001 - the library stumbles over a reply that is none of Telegram's
            log.warning("poll_failed", error=type(error).__name__)
            self._failed(PAUSE)

    async def _dealt_with(self, found: Any) -> None:
        """Hand each update on; then all count as confirmed. What comes again was known before."""
        if not isinstance(found, list):
            raise TelegramError("Telegram's reply is not a list of updates.")
        self._reception.works()
        for raw in found:
            await self._take(raw)
            self._reception.works()
        self._batch, self._pause, self._unread = min(2 * self._batch, BATCH), 0.0, 0
        if found:
            self._confirmed([number for raw in found if (number := id_of(raw)) is not None])

    def _confirmed(self, numbers: Sequence[int]) -> None:
        """Go past what was dealt with. One number far from the others would skip what comes next.

        Where no number is to be trusted, the next one is gone past. But after a silent week Telegram begins anew with
        another number, which comes again and again: then it is believed.
        """
        if self._offset is None:
            least, most = 0, min(FIRST, statistics.median_low(numbers or [0]) + JUMP)
        else:
            least, most = self._offset, self._offset + JUMP
        known = [number for number in numbers if least <= number <= most]
        self._strange = [] if known else [*self._strange, frozenset(numbers)][-PUZZLED:]
        again = frozenset.intersection(*self._strange) if len(self._strange) == PUZZLED else frozenset()
        if known or again:
            self._offset = max(known or again) + 1
            return
        self._offset, self._pause = (None, PAUSE) if self._offset is None else (self._offset + 1, MOMENT)

    def _narrow(self, error: MalformedUpdatesError) -> None:
        """Find the update that makes a reply unreadable, by itself, and go past it."""
        self._unread += self._batch == 1
        if self._unread < PUZZLED:
            self._batch, self._pause = max(1, self._batch // 2), MOMENT
            return
        self._reception.not_understood(error)
        self._pause, self._unread = MOMENT, 0
        self._confirmed([] if error.first is None else [error.first])

    def _refused(self, error: TelegramError) -> None:
        if isinstance(error, Conflict):
            fix = "Another program fetches this bot's messages: end it, or take another token."
            log.error("polling_conflict", fix=fix)
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
            log.info("update_confirmation_failed", error=type(error).__name__)


def _asked_to_wait(error: TelegramError) -> float:
    if not isinstance(error, RetryAfter):
        return 0.0
    wait = error.retry_after
    return min(wait if isinstance(wait, int | float) else wait.total_seconds(), LONGEST_PAUSE)
