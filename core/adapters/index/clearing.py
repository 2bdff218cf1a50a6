"""When what was removed from a store's files is cleared away: at once, but not again and again.

It costs a rewriting of the store. So it rests between two for four times as long as the last one took; all who ask in
that time wait for one clearing, which comes when the rest is over, or when the store is closed. A mark on the disk says
that there is something to clear, for who is killed before. Knows nothing of the store, or of how it is cleared.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from core.adapters.redis.keeper import GRACE
from core.errors import StoreError
from core.storage.durable import sync_folder
from core.together import ended

REST = 4.0  # times the last clearing away, before the next
LONGEST = GRACE / 2  # seconds of the last one, after which none begins at the end: whoever is slow then is killed


class Clearing:
    """Does `work` for a store whose users pass its gate; `mark` is a file beside the store's own."""

    def __init__(self, mark: Path, work: Callable[[], Awaitable[None]]) -> None:
        self._mark = mark
        self._work = work
        self._gate = Gate()
        self._notes = 0
        self._marking = threading.Lock()  # who removes notes it in a thread
        self._rested_at = 0.0
        self._took = 0.0  # seconds, the last time
        self._round: asyncio.Task[StoreError | None] | None = None
        self._ending = asyncio.Event()

    def note(self) -> None:
        """Something is about to be removed."""
        with self._marking:
            self._notes += 1
            if not self._mark.exists():
                self._mark.touch(0o600)
                sync_folder(self._mark.parent)

    def using(self) -> AbstractAsyncContextManager[None]:
        """Use the store among others."""
        return self._gate.together()

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Use the store while nobody else does."""
        return self._gate.alone()

    def begin(self) -> None:
        """Clear away what is noted, also by somebody who was killed, without being waited for."""
        if self._mark.exists():
            self._current_round()

    async def clear(self) -> None:
        """Return when it is done: now, or when it has rested. Whoever is cancelled meanwhile does not cut it off.

        Raises:
            StoreError: it failed; the mark stays for the next time.
        """
        while self._mark.exists():  # what is noted while it is done takes another time
            current = self._current_round()
            await asyncio.wait([current])
            if current.cancelled():
                return
            if error := current.result():
                raise error

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """Nobody uses the store any more: what is to be cleared is, if that is quick; inside it may be closed."""
        self._ending.set()
        try:
            if self._took <= LONGEST:
                with suppress(StoreError, TimeoutError):
                    async with asyncio.timeout(LONGEST):
                        await self.clear()
            if self._round is not None:
                await ended(self._round)
        finally:  # where it was not, or failed, the mark stays for the next time
            async with self._gate.alone():
                yield

    def _current_round(self) -> asyncio.Task[StoreError | None]:
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._cleared())
        return self._round

    async def _cleared(self) -> StoreError | None:
        """Once, after the rest, or why not."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), max(0.0, self._rested_at - time.monotonic()))
        notes, began = self._notes, time.monotonic()
        try:
            await self._work()
        except StoreError as error:
            return error
        with self._marking:
            if notes == self._notes:
                self._mark.unlink(missing_ok=True)
        self._took = time.monotonic() - began
        self._rested_at = time.monotonic() + REST * self._took
        return None


class Gate:
    """Whoever wants to be alone waits for those inside; whoever comes then waits outside. Of one event loop."""

    def __init__(self) -> None:
        self._inside = 0
        self._open, self._empty = asyncio.Event(), asyncio.Event()
        self._open.set()
        self._empty.set()
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """With others."""
        while not self._open.is_set():
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """With nobody else."""
        async with self._one:
            self._open.clear()
            try:
                await self._empty.wait()
                yield
            finally:
                self._open.set()
