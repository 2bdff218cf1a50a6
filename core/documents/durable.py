"""Files that are there whole or not at all, whenever the machine stops, and that only their owner can read."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from core.errors import DocumentError


def replace_file(file: Path, data: bytes) -> None:
    """Put `data` in the place of `file`; on the disk when it returns.

    Raises:
        DocumentError: it cannot be written; what was there before is there still.
    """
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # which only its owner can read
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, file)  # noqa: PTH105 - the draft is a name, not a path
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)  # noqa: PTH108 - as above
            raise
        sync_folder(file.parent)
    except OSError as error:
        raise DocumentError(f"{file} cannot be written: {error.strerror}. See that the disk has room.") from error


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
