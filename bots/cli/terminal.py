"""How a run of the `attune` command begins and ends on a terminal: its streams, its last sentence.

Knows nothing of what the command did.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bots.cli import operator_texts

FULL = {errno.ENOSPC, errno.EDQUOT}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping


def forgiving_streams() -> None:
    """A terminal that knows few characters shows `?` for the others."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIOWrapper in a real process


def fail(sentence: str, code: int) -> NoReturn:
    """End with a sentence on stderr and an exit code."""
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True, soft_wrap=True)
    console.print(sentence, style="red", markup=False, highlight=False)
    sys.exit(code)


def crash(error: Exception, environ: MutableMapping[str, str]) -> NoReturn:
    """End with a mistake of ours: the log has the details, the person a sentence.

    A disk that is full and a folder that cannot be written to are nobody's mistake.
    """
    from bots.logs import crash_log  # noqa: PLC0415

    error_id, (level, folder) = secrets.token_hex(4), _log_place(environ)
    log = crash_log(error, error_id, level, environ, folder)
    if isinstance(error, OSError) and (error.errno in {*FULL, *CLOSED} or log is None):
        place, full = str(error.filename or folder), error.errno in FULL
        fail(operator_texts.disk_refused(place, str(error.strerror), full=full), 1)
    place = str(log) if log else operator_texts.no_log(str(folder))
    fail(operator_texts.crashed(type(error).__name__, error_id, place), 1)


def _log_place(environ: Mapping[str, str]) -> tuple[str, Path]:
    """How much is logged, and in which folder; where the settings cannot say it, one in which nothing can be."""
    from core.settings import Settings  # noqa: PLC0415
    from core.settings_files import settings_file  # noqa: PLC0415

    try:
        settings = Settings.from_env(environ, settings_file(Path()))
        place: tuple[str, Path] = settings.log_level, settings.data_folder
    except Exception:  # noqa: BLE001 - something else is being reported
        place = "info", Path(os.devnull)
    return place
