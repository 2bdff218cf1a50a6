"""Progress of long steps on stderr: a bar on a terminal, a line elsewhere.

Implements `core.models.files.Progress`. Knows nothing of what the steps are.
"""

from __future__ import annotations

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

from bots.render import one_line


class Bars:
    """One bar at a time; between `finish` and the next `start` the screen is free for others."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def start(self, label: str, total: int) -> None:
        """A step begins; a `total` of 0 is not known."""
        self.finish()
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
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _byte_columns() -> list[ProgressColumn]:
    return [BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(compact=True)]
