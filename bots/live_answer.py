"""An answer as it grows on a terminal: finished blocks stand for good, only the last one is drawn again.

So an answer may be longer than the screen, and scrolling back shows all of it. Knows nothing of the engine,
of the keyboard, or of what is asked.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bots import texts
from bots.render import ANSWER_CHARS, Tail, clean, finished_blocks, one_line, terminal, terminal_footer
from bots.replies import Final

SHOW_SECONDS_AFTER = 3.0  # a clock from the first moment on would only make people nervous
REFRESHES = 12  # a second


class LiveAnswer:
    """A context manager around one answer. What was shown stays shown, however it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = ""
        self._spinner = Spinner("dots", style="dim")
        self._started = time.monotonic()
        self._text = ""  # all of the answer so far, clean
        self._raw = ""
        self._standing = 0  # characters of `_text` that stand for good
        self._live = Live(self, console=console, transient=True, refresh_per_second=REFRESHES)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def status(self, text: str) -> None:
        """Say what is going on."""
        self._status = one_line(text, limit=400)

    def add(self, text: str) -> None:
        """Add to the answer."""
        self._raw += text
        self._text = clean(self._raw)[:ANSWER_CHARS].lstrip()
        if finished := finished_blocks(self._text[self._standing :]):
            self._stand(finished)

    def finish(self, final: Final) -> None:
        """Show what is still missing of the answer, then its sources."""
        whole = clean(final.markdown)[:ANSWER_CHARS].lstrip()
        if not whole.startswith(self._text[: self._standing]):  # the engine changed its mind: show its word
            self._standing = 0
        self._text = whole
        self._stand_rest()
        if (footer := terminal_footer(final)) is not None:
            self._console.print()
            self._console.print(footer)

    def stop(self) -> None:
        """Leave the part so far, marked as stopped."""
        self._stand_rest()
        self._console.print(Text(texts.STOPPED, style="yellow"))

    def fail(self, markdown: str) -> None:
        """Leave the part so far, and say why there is no more."""
        self._stand_rest()
        self._console.print(Group(Text(""), terminal(markdown)) if self._standing else terminal(markdown))

    def _stand_rest(self) -> None:
        rest = self._text[self._standing :]
        if rest.strip():
            self._stand(rest)
        self._status = ""

    def _stand(self, block: str) -> None:
        first = self._standing == 0
        self._standing += len(block)  # before printing: the frame below must not show it twice
        self._console.print(terminal(block) if first else Group(Text(""), terminal(block)))

    def __rich__(self) -> RenderableType:
        """What changes from moment to moment; asked for at every print, so that it never shows a standing block."""
        rest = self._text[self._standing :]
        if rest.strip():
            blank = [Text("")] if self._standing else []
            return Group(*blank, Tail(terminal(rest), spare=3))
        return self._working() if self._status else Text("")

    def _working(self) -> RenderableType:
        seconds = time.monotonic() - self._started
        clock = f" {seconds:.0f} s" if seconds > SHOW_SECONDS_AFTER else ""
        line = Table.grid(padding=(0, 1))
        line.add_column(width=1)
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(no_wrap=True)
        line.add_row(self._spinner, Text(self._status, style="dim"), Text(clock, style="dim"))
        return line
