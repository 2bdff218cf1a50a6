"""A word that processes agree on: the first of them says it, and it stands for as long as one that took it lives.

It is kept in a file of a folder whose lock is held wherever anybody looks or speaks, so that all of them hear one word.
The kernel notices when the last of them ends, however that comes; the next one is then the first. Knows nothing of what
the word means.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.storage.folder_lock import locked

_LONGEST = 4096  # bytes of a word


class Agreement:
    """The word of the file `name` in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._file = folder / name

    @contextmanager
    def held(self, choose: Callable[[], str]) -> Iterator[str]:
        """The word that stands, else the one of `choose`; it stands at least for as long as this is open.

        Raises:
            OSError: the folder or the file cannot be written.
        """
        with ExitStack() as stack:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self._folder):
                descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, descriptor)
                word = _standing(descriptor)
                if word is None:
                    word = choose()
                    os.truncate(descriptor, 0)
                    os.pwrite(descriptor, word.encode(), 0)
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield word

    def word(self) -> str | None:
        """The word that stands, if any; whoever asks holds the lock of the folder.

        Raises:
            OSError: the file cannot be read.
        """
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            return _standing(descriptor)
        finally:
            os.close(descriptor)


def _standing(descriptor: int) -> str | None:
    """What is written, where somebody else holds the file; else this process has it to itself until it lets go."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, _LONGEST, 0).decode(errors="replace")
    return None
