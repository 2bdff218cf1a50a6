"""Progress of long steps on stderr: a bar on a terminal, a line elsewhere; and whether anybody sees it.

Implements `core.models.files.Progress`. Knows nothing of what the steps are.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from bots.cli import operator_texts
from bots.render import one_line
from core.settings import Settings

T = TypeVar("T")


class Bars:
    """One bar at a time; between `finish` and the next `start` the screen is free for others."""

    def __init__(self, console: Console, between: str = "") -> None:
        """`between`: what a terminal says where nothing is counted, from now on until `close`."""
        self._console = console
        self._between = between if console.is_terminal else ""
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self.finish()

    def start(self, label: str, total: int) -> None:
        """A step begins; a `total` of 0 is not known."""
        self.close()
        if not self._console.is_terminal:
            self._console.print(one_line(label), markup=False, highlight=False)
            return
        columns = _byte_columns() if total else [TimeElapsedColumn()]
        text = TextColumn("{task.description}", markup=False)
        self._progress = Progress(SpinnerColumn(style="dim"), text, *columns, console=self._console, transient=True)
        self._task = self._progress.add_task(one_line(label), total=total or None)
        self._progress.start()

    def advance(self, count: int) -> None:
        """`count` more are done."""
        if self._progress is not None:
            self._progress.advance(self._task, count)

    def finish(self) -> None:
        """The step is over, well or not."""
        self.close()
        if self._between:
            self.start(self._between, 0)

    def close(self) -> None:
        """Show nothing any more."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def is_interactive() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@asynccontextmanager
async def opened(
    opener: Callable[[Settings, Bars], AbstractAsyncContextManager[T]], settings: Settings, errors: Console
) -> AsyncIterator[T]:
    """Open, with a sign of life: importing torch and loading a model take seconds, fetching one minutes."""
    bars = Bars(errors, operator_texts.PREPARING)
    try:
        async with opener(settings, bars) as opened:
            bars.close()
            yield opened
    finally:
        bars.close()


def _byte_columns() -> list[ProgressColumn]:
    return [BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True)]
