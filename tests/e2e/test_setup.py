"""`attune setup` as the real command at a terminal: what is typed, what is shown, and what Ctrl-C leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings_files import read_env, read_toml
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble
from tests.e2e.home import Home, Terminal, opened_home

WRONG = "1:" + "b" * 35


@pytest.fixture
def bare_home(tmp_path: Path) -> Iterator[Home]:
    """A home without models: what is tested needs none."""
    with opened_home(tmp_path) as home:
        home.write("documents/leave.md", "# Leave\n\nTwenty weeks.\n")
        yield home


def words(home: Home, telegram: str) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(home.folder / "config"), "ATTUNE_TELEGRAM_API": telegram}


async def test_setting_up_at_a_terminal(bare_home: Home) -> None:
    """Paths are completed, a token is never shown, Ctrl-C keeps what was answered, and the next run goes on from it."""
    async with TelegramDouble().serving() as double:
        await asyncio.to_thread(begin, bare_home, double.url)
        await asyncio.to_thread(go_on, bare_home, double.url)


def begin(home: Home, telegram: str) -> None:
    with Terminal(home, "setup", **words(home, telegram)) as terminal:
        terminal.wait_for("1/6 Documents")
        terminal.wait_for("Folder or address .Enter skips.:")
        terminal.type(f"{home.folder}/docu\t")
        terminal.wait_for("ments")
        terminal.type("\r")
        terminal.wait_for("Saved in attune.toml")
        terminal.wait_for("Token .Enter skips.:")
        terminal.type(f"{WRONG}\r")
        terminal.wait_for("does not recognise this token")
        terminal.wait_for(r"Keep it all the same\? .y/N.")
        terminal.type("n\r")
        terminal.wait_for("Token .Enter skips.:")
        terminal.type(f"{TOKEN}\r")
        terminal.wait_for("connected as @attune_bot")
        terminal.wait_for("Saved in .env")
        terminal.wait_for(r"Bot token")
        terminal.type("xoxb-half\x03")
        terminal.wait_for("Setup stopped. What was answered so far is kept. To go on: attune setup")
        assert terminal.leave() == 1
        assert not re.search(rb"aaaaa|bbbbb|xoxb-half|Traceback", terminal.seen)
    folder = home.folder / "config" / "attune"
    assert read_toml(folder / "attune.toml") == {"ATTUNE_DOCUMENTS": f"{home.folder}/documents"}
    assert read_env(folder / ".env") == {"ATTUNE_TELEGRAM_TOKEN": TOKEN}
    assert sorted(file.name for file in folder.iterdir()) == [".env", "attune.toml"]


def go_on(home: Home, telegram: str) -> None:
    with Terminal(home, "setup", "documents", "telegram", "slack", **words(home, telegram)) as terminal:
        terminal.wait_for("Enter keeps .*documents")
        terminal.type("\r")
        terminal.wait_for("connected as @attune_bot")
        terminal.wait_for("Enter keeps the one that is set")
        terminal.type("\r")
        terminal.wait_for(r"\x1b]8;[^;]*;https://api.slack.com/apps\?new_app=1")  # a link, where terminals have them
        terminal.wait_for("Bot token")
        terminal.type("\x04")
        terminal.wait_for("Setup stopped")
        assert terminal.leave() == 1


def test_setting_up_over_a_pipe(bare_home: Home) -> None:
    """What it sees is plain text; `--here` keeps the settings in this folder, where all commands find them."""
    done = bare_home.run("setup", "--here", "documents", said=f"{bare_home.folder}/documents\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert (bare_home.folder / "attune.toml").is_file()
    found = bare_home.run("setup", "documents", said="\n")
    assert "Enter keeps documents" in found.stdout
    stopped = bare_home.run("setup", "nonsense")
    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert stopped.stderr.startswith("There is no step nonsense.")
