"""The conversation in a terminal, or through a pipe.

`ConsoleBot` talks: a prompt with history, an answer that grows, Ctrl-C to stop it. `answer_lines` serves
pipes: a question a line, plain text out. Knows nothing of how answers are made, nor of layout.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import signal
import sys
import termios
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from rich.console import Console
from rich.text import Text

from bots import personal_texts, texts
from bots.command_table import commands_with
from bots.dialogue import Dialogue
from bots.language import translated
from bots.live_answer import LiveAnswer
from bots.logs import private_file
from bots.render import THEME, body, home_folder, plain, short_path, terminal, typed_choices
from bots.replies import EXPORT_FILE, Delta, Final, Notice, PersonForgotten, Problem, Reply, Status
from core.domain import Conversation, Message, Person

PLATFORM = "console"
WORKSPACE = "local"  # not the host's name, which may change while the person stays the same
OWN_COMMANDS = ("quit",)
HISTORY_FILE = "console_history"
_LEAVE = {"/quit", "/exit", "quit", "exit"}
_COMPLETED = [f"/{one.name}" for one in commands_with(OWN_COMMANDS)]


def console_person() -> Person:
    """Whoever runs the program."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        user = str(os.getuid())
    return Person(PLATFORM, WORKSPACE, user)


def console_message(text: str, thread: str = "") -> Message:
    """A message from this terminal. Without a thread, one conversation goes on across restarts."""
    person = console_person()
    conversation = Conversation(PLATFORM, WORKSPACE, person.user, thread)
    return Message(uuid.uuid4().hex, conversation, person, text, datetime.now(UTC), private=True)


class ConsoleBot:
    """A conversation with the person at the keyboard."""

    def __init__(
        self, dialogue: Dialogue | asyncio.Future[Dialogue], data_folder: Path, console: Console | None = None
    ) -> None:
        """A `dialogue` that is still to come is waited for when the first message is there."""
        self._dialogue = dialogue
        self._history = data_folder / HISTORY_FILE
        self._console = console or Console(theme=THEME)
        self._session = self._new_session()
        self._showing: asyncio.Task[None] | None = None
        self._stopped = False  # by Ctrl-C, and not from outside

    async def talk(self) -> None:
        """Ask and answer until the person leaves."""
        with _on_ctrl_c(self._stop_answer):
            while (text := await self._next_text()) is not None:
                if text:
                    await self.answer(text)
                    self._console.print()

    async def _next_text(self) -> str | None:
        """What the person enters; None when they leave."""
        try:
            # Without handle_sigint: there must be no moment at which Ctrl-C ends the program.
            text = (await self._session.prompt_async(handle_sigint=False)).strip()
        except KeyboardInterrupt:
            self._console.print(Text(texts.QUIT_HINT, style="dim"))
            return ""
        except EOFError:
            return None
        return None if text.lower() in _LEAVE else text

    async def answer(self, text: str) -> None:
        """Show the answer to `text` as it grows."""
        with LiveAnswer(self._console) as answer, quiet_keyboard():
            self._showing = asyncio.create_task(self._show(text, answer))
            try:
                await self._showing
            except asyncio.CancelledError:
                answer.stop()
                if not self._stopped:
                    raise
            finally:
                self._showing.cancel()
                self._stopped = False

    def _stop_answer(self) -> None:
        if self._showing is not None:
            self._stopped = self._showing.cancel()

    async def _show(self, text: str, answer: LiveAnswer) -> None:
        if not isinstance(self._dialogue, Dialogue):
            answer.status(translated(texts.OPENING))
            self._dialogue = await asyncio.shield(self._dialogue)
        async with contextlib.aclosing(self._dialogue.respond(console_message(text))) as replies:
            async for reply in replies:
                self._show_reply(reply, answer)

    def _show_reply(self, reply: Reply, answer: LiveAnswer) -> None:
        match reply:
            case Status(said):
                answer.status(said)
            case Delta(said):
                answer.add(said)
            case Final():
                answer.finish(reply)
            case Notice():
                self._show_notice(reply)
            case PersonForgotten(said):
                self._forget_history()
                self._console.print(terminal(said))
            case Problem(said):
                answer.fail(said)

    def _show_notice(self, notice: Notice) -> None:
        said = notice.markdown
        if notice.file:
            private_file(export := self._history.with_name(EXPORT_FILE))
            export.write_text(notice.file, encoding="utf-8")
            path = short_path(str(export), home=home_folder(), here=Path.cwd())
            said = translated(personal_texts.EXPORTED_TO, path=f"`{path}`")
        self._console.print(terminal(said))
        if below := typed_choices(notice.choices):
            self._console.print(Text(f"\n{below}", style="dim"))

    def _forget_history(self) -> None:
        _forget_files(self._history)
        self._session = self._new_session()

    def _new_session(self) -> PromptSession[str]:
        private_file(self._history)
        return PromptSession(
            FormattedText([("bold", "› ")]),
            history=FileHistory(str(self._history)),
            auto_suggest=AutoSuggestFromHistory(),
            completer=WordCompleter(_COMPLETED, sentence=True),
            complete_while_typing=False,
            key_bindings=_keys(),
            color_depth=ColorDepth.DEPTH_1_BIT if self._console.no_color else None,
            reserve_space_for_menu=4,
        )


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _newline(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    def _clear_or_hint(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt, style="class:aborting")

    return keys


@contextlib.contextmanager
def _on_ctrl_c(action: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C runs `action` and does nothing else."""
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, action)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def quiet_keyboard() -> Iterator[None]:
    """Do not echo keys into what is shown; what is typed meanwhile stands at the next prompt."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    quiet = termios.tcgetattr(sys.stdin)
    quiet[3] &= ~termios.ECHO  # local modes
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def answer_lines(
    dialogue: Dialogue, lines: TextIO, out: TextIO, problems: TextIO, typed: Path | None = None
) -> int:
    """Answer each line of `lines`. Returns the exit code: 1 when a problem was shown.

    A run is a conversation of its own: a script gets the same answers whatever was talked of before. Who has their
    history forgotten is forgotten in `typed`, too, the file of what was typed at the prompt.
    """
    thread, code, between = uuid.uuid4().hex, 0, ""
    async for line in _questions(lines):
        async with contextlib.aclosing(dialogue.respond(console_message(line, thread))) as replies:
            async for reply in replies:
                if isinstance(reply, Problem):
                    code = 1
                    print(body(reply.markdown), file=problems, flush=True)
                if isinstance(reply, PersonForgotten) and typed:
                    _forget_files(typed)
                if (said := _plain_reply(reply)) is not None:
                    print(f"{between}{said}", file=out, flush=True)
                    between = "\n"
    return code


async def _questions(lines: TextIO) -> AsyncIterator[str]:
    while line := await asyncio.to_thread(lines.readline):
        if line.strip():
            yield line.strip()


def _forget_files(history: Path) -> None:
    """Forget what was typed, and what was exported."""
    history.with_name(EXPORT_FILE).unlink(missing_ok=True)
    if history.exists():
        history.write_bytes(b"")


def _plain_reply(reply: Reply) -> str | None:
    match reply:
        case Final():
            return plain(reply)
        case Notice():
            return "\n\n".join(part for part in (body(reply.markdown), typed_choices(reply.choices)) if part)
        case PersonForgotten(said):
            return body(said)
        case _:
            return None
