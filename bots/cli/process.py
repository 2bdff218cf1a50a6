"""What every `attune` command shares as a process: its version, its streams and its last sentence.

Imports nothing that takes long. Knows nothing of what a command does.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def version_text() -> str:
    """The installed version."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("attune")
    except PackageNotFoundError:
        return "from source"


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
