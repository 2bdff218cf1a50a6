"""Files that a crash or a power cut leaves whole: the old one, the new one or none, never half of one.

Knows nothing of what is in them.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_PRIVATE = 0o600
SHARED = 0o666  # less what the umask takes away
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_whole(path: Path, data: bytes, *, mode: int = _PRIVATE) -> None:
    """Write `path` anew, for its owner only unless told: a draft beside it, on the disk, takes its place.

    Raises:
        OSError: it could not be written, and is what it was.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        write_new(draft, data, mode=mode)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_new(path: Path, data: bytes, *, mode: int = _PRIVATE) -> None:
    """Write a file that is not there yet, for its owner only unless told. Its folder has to be synced after that.

    Raises:
        OSError: it is there, or the disk is full.
    """
    with os.fdopen(os.open(path, _FLAGS, mode), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def sync_tree(folder: Path) -> None:
    """Make all files and names in `folder`, and in those in it, survive a power cut."""
    for place, _, names in os.walk(folder):
        for name in names:
            _sync(Path(place, name), os.O_RDONLY)
        sync_folder(Path(place))


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut: what was created, renamed or removed there."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
