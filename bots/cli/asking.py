"""Questions to whoever sets something up: at a terminal with editing and hidden secrets, through a pipe a line each.

Nothing that is typed as a secret is shown, kept or logged. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bots.cli import setup_texts as say

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer


class SetupStoppedError(Exception):
    """There are no more answers: Ctrl-C, Ctrl-D, or the end of the pipe."""


class Prompter:
    """Asks on stdin. `live` is whether a person types there."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.live = sys.stdin.isatty()

    async def ask(self, question: str, *, secret: bool = False, path: bool = False) -> str:
        """What was answered, without the space around it; empty for Enter alone.

        Raises:
            SetupStoppedError: nothing was, and nothing will be.
        """
        typed = await (self._typed(question, secret=secret, path=path) if self.live else self._next_line(question))
        return typed.strip()

    async def confirm(self, question: str, *, default: bool) -> bool:
        """Whether the answer is yes; Enter alone is `default`."""
        while True:
            typed = (await self.ask(f"{question} {say.YES_NO if default else say.NO_YES} ")).lower()
            if not typed:
                return default
            if typed in {"y", "yes", "n", "no"}:
                return typed.startswith("y")

    async def _typed(self, question: str, *, secret: bool, path: bool) -> str:
        from prompt_toolkit import PromptSession  # noqa: PLC0415 - a pipe does without
        from prompt_toolkit.completion import PathCompleter  # noqa: PLC0415

        completer: Completer | None = PathCompleter(expanduser=True) if path else None
        session: PromptSession[str] = PromptSession()  # one for each question: it remembers what was typed
        try:
            return await session.prompt_async(
                question, is_password=secret, completer=completer, complete_while_typing=False
            )
        except (KeyboardInterrupt, EOFError):
            raise SetupStoppedError from None

    async def _next_line(self, question: str) -> str:
        self._console.print(Text(question.rstrip()))
        line: str = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            raise SetupStoppedError
        return line
