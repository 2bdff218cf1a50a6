"""The conversation in a terminal and through pipes."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import stat
from pathlib import Path

import pytest
import structlog
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from bots import texts
from bots.console_bot import HISTORY_FILE, OWN_COMMANDS, ConsoleBot, answer_lines, console_message
from bots.dialogue import Dialogue
from bots.live_answer import LiveAnswer
from bots.render import THEME
from bots.replies import EXPORT_FILE, Final
from core.domain import Source
from core.errors import MemoryUnavailableError
from tests.bots.fake_engine import HANDBOOK, FakeEngine


class Terminal:
    """A console bot with a keyboard that tests press and a screen that they read."""

    def __init__(self, engine: FakeEngine, folder: Path, *, tty: bool = False) -> None:
        self.folder = folder
        self.dialogue = Dialogue(engine, own_commands=OWN_COMMANDS)
        self.console = Console(file=io.StringIO(), width=100, height=30, theme=THEME, force_terminal=tty)

    async def type(self, keys: str, while_talking=None) -> str:
        """Press `keys`, talk until the person leaves, and give back all that was printed."""
        with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
            keyboard.send_text(keys)
            talking = asyncio.create_task(ConsoleBot(self.dialogue, self.folder, self.console).talk())
            if while_talking:
                await while_talking(keyboard)
            await asyncio.wait_for(talking, 10)
        return self.console.file.getvalue()


async def test_a_question_is_answered_with_sources(tmp_path: Path):
    """The answer and its numbered sources stand on the screen."""
    shown = await Terminal(FakeEngine("**Twenty** weeks [1]."), tmp_path).type("How long?\r/quit\r")
    assert "Twenty weeks [1]." in shown
    assert "1. Handbook › Leave › Parents — /docs/handbook.md:12" in shown


async def test_a_question_may_be_typed_before_the_model_is_there(tmp_path: Path):
    """It is answered as soon as the model is; Ctrl-C gives up the wait and not the program."""
    engine, opening = FakeEngine("Twenty weeks."), asyncio.get_running_loop().create_future()

    async def open_late(keyboard) -> None:
        await asyncio.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.2)
        assert engine.asked == []
        keyboard.send_text("How long?\r")
        await asyncio.sleep(0.2)
        opening.set_result(Dialogue(engine, own_commands=OWN_COMMANDS))
        keyboard.send_text("/quit\r")

    terminal = Terminal(engine, tmp_path)
    terminal.dialogue = opening
    shown = await terminal.type("Never mind\r", open_late)
    assert [asked.text for asked in engine.asked] == ["How long?"]
    assert "Twenty weeks." in shown


@pytest.mark.parametrize("leave", ["\x04", "/quit\r", "/exit\r", "exit\r"])
async def test_leaving(tmp_path: Path, leave: str):
    """Ctrl-D and /quit end the conversation, and so does what people type in other programs."""
    engine = FakeEngine()
    await Terminal(engine, tmp_path).type(leave)
    assert engine.asked == []


async def test_ctrl_c_at_an_empty_prompt_hints(tmp_path: Path):
    """Ctrl-C on an empty line says how to leave; on a full line it clears the line."""
    engine = FakeEngine()
    shown = await Terminal(engine, tmp_path).type("\x03half a thought\x03\x04")
    assert shown.count(texts.QUIT_HINT) == 1
    assert engine.asked == []


async def test_ctrl_c_stops_the_answer_and_keeps_the_program(tmp_path: Path):
    """The part so far stays, marked as stopped, and the next question is answered."""
    engine = FakeEngine("one two three four", pace=0.05)

    async def interrupt(keyboard) -> None:
        await asyncio.wait_for(engine.started.wait(), 5)
        await asyncio.sleep(0.12)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)  # at the prompt: nothing to stop, nothing breaks
        engine.text, engine.pace = "five", 0
        keyboard.send_text("who?\r/quit\r")

    shown = await Terminal(engine, tmp_path).type("why?\r", interrupt)
    assert re.search(rf"one.*\n{re.escape(texts.STOPPED)}", shown)
    assert "four" not in shown
    assert "five" in shown
    assert engine.closed


async def test_a_multi_line_paste_is_one_question(tmp_path: Path):
    """A paste with newlines is not sent line by line."""
    engine = FakeEngine()
    await Terminal(engine, tmp_path).type("\x1b[200~first\nsecond\x1b[201~\r/quit\r")
    assert [asked.text for asked in engine.asked] == ["first\nsecond"]


async def test_history_is_private_and_can_be_forgotten(tmp_path: Path):
    """Only the owner reads what was typed, and `/forget everything` removes it too."""
    file = tmp_path / "data" / HISTORY_FILE
    await Terminal(FakeEngine(), tmp_path / "data").type("my secret?\r/quit\r")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "my secret?" in file.read_text()
    shown = await Terminal(FakeEngine(), tmp_path / "data").type("/forget everything\r\x04")
    assert texts.FORGOTTEN in shown
    assert file.read_text() == ""


async def test_an_error_amid_an_answer_keeps_both(tmp_path: Path):
    """What was said stays, the reason follows, no stack trace is shown."""
    engine = FakeEngine("one two three", error=ValueError("inner words"), fail_after=2)
    with structlog.testing.capture_logs() as logs:
        shown = await Terminal(engine, tmp_path).type("why?\r/quit\r")
    assert "one two" in shown
    assert logs[0]["error_id"] in shown
    assert "Traceback" not in shown
    assert "inner words" not in shown


async def test_one_conversation_goes_on_across_restarts():
    """The console's person and conversation are the same each time."""
    first, second = console_message("a"), console_message("b")
    assert (first.person, first.conversation) == (second.person, second.conversation)
    assert first.id != second.id


def test_an_answer_longer_than_the_screen_is_shown_whole():
    """On a terminal of ten rows, each of a hundred lines is shown for good, once and in order."""
    console = Console(file=io.StringIO(), width=40, height=10, theme=THEME, force_terminal=True)
    text = "\n\n".join(f"line {number}." for number in range(100))
    with LiveAnswer(console) as answer:
        answer.status("Reading")
        for start in range(0, len(text), 7):
            answer.add(text[start : start + 7])
        answer.finish(Final(text, (Source(1, HANDBOOK),)))
    printed = re.findall(r"line (\d+)\.", console.file.getvalue())
    assert list(dict.fromkeys(printed)) == [str(number) for number in range(100)]


def test_the_final_text_has_the_last_word():
    """Where the answer turns out otherwise than it began, the final text is shown."""
    console = Console(file=io.StringIO(), width=60, theme=THEME)
    with LiveAnswer(console) as answer:
        answer.add("The documents do")
        answer.finish(Final("I did not find that.", (), (Source(1, HANDBOOK),)))
    shown = console.file.getvalue()
    assert "I did not find that." in shown
    assert "The documents do" not in shown
    assert "1. Handbook › Leave › Parents" in shown


async def piped(engine: FakeEngine, lines: str) -> tuple[int, str, str]:
    out, problems = io.StringIO(), io.StringIO()
    code = await answer_lines(Dialogue(engine), io.StringIO(lines), out, problems)
    return code, out.getvalue(), problems.getvalue()


async def test_a_pipe_asks_a_question_a_line():
    """Each line that holds something is a question; answers are plain and a blank line apart."""
    engine = FakeEngine("\x1b[31mTwenty\x1b[0m weeks.")
    code, out, problems = await piped(engine, "one?\n\n  two?\n")
    answer = "Twenty weeks.\n\nSources\n1. Handbook › Leave › Parents — /docs/handbook.md:12\n"
    assert (code, out, problems) == (0, f"{answer}\n{answer}", "")
    assert [asked.text for asked in engine.asked] == ["one?", "two?"]


async def test_an_export_is_a_private_file_that_is_named(tmp_path: Path):
    """The terminal says where it is; a second one takes its place, and forgetting removes it."""
    folder = tmp_path / "data"
    for _ in range(2):
        shown = await Terminal(FakeEngine(), folder).type("/prefs export\r\x04")
    file = folder / EXPORT_FILE
    assert EXPORT_FILE in "".join(shown.split())
    assert "who" not in shown
    assert set(json.loads(file.read_text())) == {"who"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await Terminal(FakeEngine(), folder).type("/forget everything\r\x04")
    assert not file.exists()


async def test_an_export_through_a_pipe_is_what_the_pipe_gets(tmp_path: Path):
    """There it is the next program's; and forgetting there removes the file of the terminal, too."""
    out, dialogue, export = io.StringIO(), Dialogue(FakeEngine()), tmp_path / EXPORT_FILE
    await answer_lines(dialogue, io.StringIO("/prefs export\n"), out, io.StringIO())
    assert '{"who": ' in out.getvalue()
    assert not export.exists()
    export.write_text("{}")
    await answer_lines(dialogue, io.StringIO("/forget everything\n"), out, io.StringIO(), tmp_path / HISTORY_FILE)
    assert not export.exists()


async def test_forgetting_through_a_pipe_forgets_what_was_typed(tmp_path: Path):
    """As it does at the prompt; other commands leave it."""
    typed = tmp_path / HISTORY_FILE
    typed.write_text("+secret?\n")
    for line, left in (("/help\n", "+secret?\n"), ("/forget everything\n", "")):
        await answer_lines(Dialogue(FakeEngine()), io.StringIO(line), io.StringIO(), io.StringIO(), typed)
        assert typed.read_text() == left


async def test_a_pipe_is_a_conversation_of_its_own():
    """Lines of one run follow each other; the talk in the terminal is left alone."""
    engine = FakeEngine()
    await piped(engine, "one?\ntwo?\n")
    first, second = (asked.conversation for asked in engine.asked)
    assert first == second != console_message("x").conversation


async def test_a_pipe_tells_of_problems_by_its_exit_code():
    """A problem goes to stderr, the exit code is 1, and the other lines are answered."""
    code, out, problems = await piped(FakeEngine(), "/prefs length huge\nhow long?\n")
    assert code == 1
    assert problems == "`huge` isn't a choice for length. You can choose `short`, `normal` or `detailed`.\n"
    assert out.startswith("Twenty weeks [1].")
    with structlog.testing.capture_logs():
        code, out, problems = await piped(FakeEngine(error=MemoryUnavailableError("down")), "why?\n")
    assert (code, out) == (1, "")
    assert "Traceback" not in problems
