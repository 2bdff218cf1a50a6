"""How the receiver of one platform is doing: what came that nobody can read, and whether it still receives.

What comes from outside may be malformed or forged; it is logged, counted and confirmed, and never ends a receiver. A
receiver that ends all the same is started again. JSON from outside is read here, too: numbers of any length, characters
that cannot be written. Knows no platform, and keeps nothing of what anybody wrote.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from bots.watching import Watcher
from core.errors import AttuneError, ReceiverError
from core.text.words import MOST
from core.together import ended

log = structlog.get_logger(__name__)

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before a receiver that ended is started again
STEADY = 60.0  # seconds after which an end counts as the first one again
QUIET = 8.0  # seconds without a sign of life after which a receiver is taken for gone

_DIGITS = len(str(MOST)) + 1  # of a whole number, with its sign: a longer one is not exact, and Python may refuse it

Receiving = Callable[[], Coroutine[None, None, None]]


class NotUnderstoodError(ValueError):
    """What came is not what the platform sends: confirmed, so that it does not come again, and left alone."""


class Reception:
    """Looks after the receiver of `platform`; `quiet` is how many seconds it may give no sign of life."""

    def __init__(self, platform: str, watcher: Watcher | None = None, *, quiet: float = QUIET) -> None:
        self.platform = platform
        self.quiet = quiet
        self._watcher = watcher or Watcher()
        self._works = False
        self._at = 0.0
        self._begun = asyncio.Event()

    def works(self) -> None:
        """Say that it receives: what it has just asked or looked at was as it should be."""
        self._works, self._at = True, time.monotonic()
        self._begun.set()

    def fails(self) -> None:
        """Say that it receives nothing just now."""
        self._works = False

    def not_understood(self, error: BaseException) -> None:
        """Log and count what could not be read. The error's own words stay unsaid: they may quote somebody."""
        log.warning("delivery_malformed", platform=self.platform, error=type(error.__cause__ or error).__name__)
        self._watcher.not_understood(self.platform)

    async def check(self) -> None:
        """Return where it receives.

        Raises:
            ReceiverError: it does not.
        """
        if not self._works or time.monotonic() - self._at > self.quiet:
            raise ReceiverError(f"Nothing is being received from {self.platform} at the moment. The log says why.")

    @asynccontextmanager
    async def kept_up(self, receive: Receiving) -> AsyncIterator[None]:
        """Have `receive` run while open, and again whenever it ends; it calls `works` from the first moment on.

        Raises:
            Exception: what it ended in before it had worked once.
        """
        keeping = asyncio.create_task(self._keep_up(receive), name=f"{self.platform}:keeping")
        begun = asyncio.create_task(self._begun.wait())
        try:
            await asyncio.wait({keeping, begun}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                await keeping
            yield
        finally:
            try:
                await ended(keeping, begun)
            finally:
                self.fails()

    async def _keep_up(self, receive: Receiving) -> None:
        pause = SHORTEST_PAUSE
        while True:
            start = time.monotonic()
            error = await self._ended(receive)
            self.fails()
            if error is not None and not self._begun.is_set():
                raise error
            said = str(error) if isinstance(error, AttuneError | OSError) else ""
            log.error("receiver_stopped", platform=self.platform, error=type(error).__name__, said=said, again_in=pause)
            self._watcher.receiver_ended(self.platform)
            await asyncio.sleep(pause)
            pause = SHORTEST_PAUSE if time.monotonic() - start > STEADY else min(2 * pause, LONGEST_PAUSE)

    async def _ended(self, receive: Receiving) -> BaseException | None:
        """Run it in a task of its own, so that whatever ends it, ends that alone; what it ended in."""
        running = asyncio.create_task(receive(), name=f"{self.platform}:polling or listening")
        try:
            await asyncio.wait({running})
        finally:
            await ended(running)
        return None if running.cancelled() else running.exception()


def parsed(payload: bytes) -> Any:
    """The JSON that stands in `payload`, as something that can be handed on.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    return plain(json.loads(payload.decode("utf-8", "replace"), parse_int=_number))


def plain(found: Any) -> Any:
    """The same in characters that can be written again: half a surrogate pair becomes a question mark."""
    return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"), parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)
