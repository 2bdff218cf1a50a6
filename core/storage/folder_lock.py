"""One at a time in a folder: among all processes by a lock, in this one by turns.

The kernel frees a lock when its holder ends, however that comes. Work takes turns where one folder lies in the other,
and goes side by side where not. Knows nothing of the work.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import DocumentError

PAUSE = 0.01  # seconds between two tries


class FolderLock:
    """The lock of one folder, which is made where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold it for as long as this is open. Whoever holds it already would wait for itself.

        Raises:
            DocumentError: the folder cannot be opened.
        """
        descriptor = await asyncio.to_thread(self._opened)
        try:
            while not _is_locked(descriptor):  # noqa: ASYNC110 - nobody in this process knows when it is free
                await asyncio.sleep(PAUSE)
            yield
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise DocumentError(
                f"{self._folder} cannot be opened: {error.strerror}. Change its permissions, then try again."
            ) from error


@contextmanager
def locked(path: Path, flags: int = os.O_RDONLY) -> Iterator[None]:
    """Hold the lock of a file or a folder, opened with `flags`, for as long as this is open; blocks while others do.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    places: tuple[Path, ...]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, other: _Turn) -> bool:
        return any(
            one.is_relative_to(another) or another.is_relative_to(one)
            for one in self.places
            for another in other.places
        )


class Turns:
    """Who comes first goes first."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    @asynccontextmanager
    async def of(self, places: Iterable[Path]) -> AsyncIterator[None]:
        """Have these files and folders to oneself."""
        turn = _Turn(tuple(place.absolute() for place in places))
        before = [other for other in self._turns if other.meets(turn)]
        self._turns.append(turn)
        try:
            for other in before:
                await other.over.wait()
            yield
        finally:
            self._turns.remove(turn)
            turn.over.set()
