"""What only this process may know: secrets leave its environment, and its memory is closed to others of the same user.

A program that it starts inherits no secret, and a document that takes over its parser finds none in /proc. Knows
nothing of which secrets there are.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, MutableMapping
from contextlib import suppress

from core import linux


def withdraw(environ: MutableMapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Take the variables `names` out of `environ`, this process's own, and out of what the kernel shows of it.

    Returns the environment as it was.
    """
    before = dict(environ)
    for name in names:
        if name in environ:
            _blank(name)
            del environ[name]
    return before


def close() -> None:
    """From now on no other process of this user reads this one's memory, environment or files; on Linux only."""
    with suppress(OSError):
        linux.not_dumpable()


def _blank(name: str) -> None:
    """Overwrite the value where the process got it: unsetting it leaves it there, for `/proc/PID/environ` to show."""
    library = ctypes.CDLL(None)
    library.getenv.restype = ctypes.c_void_p
    if place := library.getenv(name.encode()):
        ctypes.memset(place, 0, len(ctypes.string_at(place)))
