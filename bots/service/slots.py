"""How much is in work at once: events that are answered, and lessons and programs, which have places of their own.

Knows nothing of what is in either.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.errors import BusyError

HURRIED = "Too many requests. Please wait {seconds:.0f} seconds, then try again."
CROWDED = "Too many requests are waiting already. Please try again in a minute."
A_WHILE = 60.0  # seconds after which who was refused for others' sake may try again


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


class ClientLanes:
    """Where programs wait: one request of each at a time, whichever came first, and few of all at once.

    They are answered beside people and never in a place of theirs, however many there are and whatever they send.
    """

    def __init__(self, *, at_once: int = 2, minute: int = 60, waiting: int = 10, crowd: int = 100) -> None:
        """`minute`: requests of one program per minute, which may come at once; `waiting`: of one, `crowd`: of all."""
        self._places = asyncio.Semaphore(at_once)  # first come, first served
        self._lanes: dict[str, asyncio.Lock] = {}
        self._minute = minute
        self._waiting = waiting
        self._crowd = crowd
        self._inside: Counter[str] = Counter()
        self._budgets: dict[str, tuple[float, float]] = {}  # what is left of a minute's worth, and when that was

    def spend(self, client: str) -> None:
        """Take one request out of a program's minute, before anything is done for it.

        Raises:
            BusyError: nothing is left of it.
        """
        now = asyncio.get_running_loop().time()
        left, at = self._budgets.get(client, (float(self._minute), now))
        left = min(self._minute, left + (now - at) * self._minute / 60)
        if left < 1:
            raise _hurried(max(1.0, (1 - left) * 60 / self._minute))
        self._budgets[client] = left - 1, now

    @asynccontextmanager
    async def turn(self, client: str, *, answers: bool = True) -> AsyncIterator[None]:
        """Wait for the turn of a request, and hold it while open; what only searches takes no place from `answers`.

        Raises:
            BusyError: too many requests wait, of the program or of all together.
        """
        self._check_room(client)
        self._inside[client] += 1
        lane = self._lanes.setdefault(client, asyncio.Lock())
        try:
            async with lane:
                if answers:
                    async with self._places:
                        yield
                else:
                    yield
        finally:
            self._inside[client] -= 1
            if not self._inside[client]:
                del self._inside[client], self._lanes[client]

    def _check_room(self, client: str) -> None:
        if self._inside[client] >= self._waiting:
            raise _hurried(1.0)
        if self._inside.total() >= self._crowd:
            raise BusyError(CROWDED, own=False, seconds=A_WHILE)


def _hurried(seconds: float) -> BusyError:
    return BusyError(HURRIED.format(seconds=seconds), own=True, seconds=seconds)


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
