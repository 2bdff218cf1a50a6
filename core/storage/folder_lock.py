"""One at a time, among all processes: a folder is locked by whoever changes what belongs to it.

The kernel frees it when its holder ends, however that comes. Knows nothing of what is changed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
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
