"""How much is in work at once: events that are answered, and lessons, which have places of their own.

Knows nothing of what is in either.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done at once, and how long an end may take, in seconds. `lessons` come on top of `at_once`."""

    at_once: int = 8
    grace: float = 20.0
    lessons: int = 2


class Slots:
    """`freed` is called when what holds a slot of answering lets go of it."""

    def __init__(self, pace: Pace, freed: Callable[[], None]) -> None:
        self._pace = pace
        self._freed = freed
        self._lessons = asyncio.Semaphore(pace.lessons)  # first come, first served
        self._aside = 0  # events that are learned from or wait for it

    def full(self, in_work: int) -> bool:
        """Whether nothing more is answered now, with so many events in work, lessons among them."""
        return in_work - self._aside >= self._pace.at_once

    @asynccontextmanager
    async def learning(self, limit: TimeLimit) -> AsyncIterator[None]:
        """A place for a lesson, outside the slots of answering; `limit` runs anew from when there is one."""
        self._aside += 1
        self._freed()
        limit.pause()
        try:
            async with self._lessons:
                limit.start()
                yield
        finally:
            self._aside -= 1


class TimeLimit:
    """How long something may take, in seconds; it can be paused from within."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None

    async def done_in_time(self, task: asyncio.Task[None]) -> bool:
        """Wait for the end of `task`, whatever it is; whether it came in time."""
        try:
            async with asyncio.timeout(self._seconds) as self._timeout:
                await asyncio.wait({task})
        except TimeoutError:
            return False
        finally:
            self._timeout = None
        return True

    def pause(self) -> None:
        """Let no time pass."""
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(None)

    def start(self) -> None:
        """Begin anew."""
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)
