"""Logging: readable on a terminal, JSON elsewhere, a file of its own beside a conversation.

At the default level no question, answer or document text is written: of an error its kind and the places in the
code, not its message, which may quote a person. Knows nothing of who logs what.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

import structlog
from structlog.typing import Processor

FILE_NAME = "attune.log"
FILE_BYTES = 2_000_000  # then it becomes attune.log.1, and the one before goes
OURS = ("bots", "core")

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(level: str, environ: MutableMapping[str, str], file: Path | None = None) -> None:
    """Log to `file`, or to stderr without one. Libraries speak only when something is wrong.

    Their switches are put into `environ`.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    verbose = number <= logging.DEBUG
    handler = _handler(file)
    readable = file is None and sys.stderr.isatty()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_common(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_whole if verbose else _without_messages),
                structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name in OURS:
        logging.getLogger(name).setLevel(number)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    _quiet_libraries(environ)


def crash_log(
    error: Exception, error_id: str, level: str, environ: MutableMapping[str, str], folder: Path
) -> Path | None:
    """Log what ended the program; returns where, or None where `folder` cannot be written."""
    try:
        configure(level, environ, folder / FILE_NAME)
    except OSError:
        return None
    structlog.get_logger(__name__).error("crashed", error_id=error_id, exc_info=error)
    return folder / FILE_NAME


def private_file(path: Path) -> None:
    """Make sure that `path` exists and only its owner can read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)


def _handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler()
    private_file(file)
    return RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8")


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]


def _quiet_libraries(environ: MutableMapping[str, str]) -> None:
    """Their own switches, read when they are imported: no bars across ours, and no telemetry."""
    for name, value in (
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("TRANSFORMERS_VERBOSITY", "error"),
    ):
        environ.setdefault(name, value)


def _whole(exc_info: ExcInfo) -> str:
    return "".join(traceback.format_exception(*exc_info))


def _without_messages(exc_info: ExcInfo) -> str:
    """Kinds and places of an error and of those that led to it, latest first."""
    parts = []
    for error in _chain(exc_info[1]):
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        parts.append("\n".join([f"{type(error).__module__}.{type(error).__qualname__}", *places]))
    return "\n".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
