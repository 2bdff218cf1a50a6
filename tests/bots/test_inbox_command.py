"""`attune inbox` and `attune serve` as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from core.bootstrap import open_inbox
from core.settings import Settings
from tests.bots.test_command import attune
from tests.doubles.chat import to_event

SECRET = "what nobody else may read"  # noqa: S105


def give_up(folder: Path, *keys: str) -> None:
    """Leave dead letters in the inbox of `folder`."""

    async def bury() -> None:
        async with open_inbox(Settings(home=folder / "home")) as inbox:
            for key in keys:
                await inbox.put(to_event({"key": key, "channel": key, "user": "ann", "text": SECRET}))
                claim = await inbox.claim(key)
                assert claim is not None
                await inbox.bury(claim.token, "3 workers died on it; error id 1a2b3c4d")

    asyncio.run(bury())


def test_an_empty_inbox_says_so(data: Path) -> None:
    """Two short lines."""
    done = attune("inbox", cwd=data)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "0 messages waiting, 0 being answered.\nNo message has been given up.\n"


def test_what_was_given_up_is_listed_retried_and_dropped(data: Path) -> None:
    """By its key, with its reason, and without what the person wrote."""
    give_up(data, "1", "2", "3")
    shown = attune("inbox", cwd=data).stdout
    assert "chat:1" in shown
    assert "error id 1a2b3c4d" in shown
    listed = attune("inbox", "--json", cwd=data).stdout
    assert [letter["key"] for letter in json.loads(listed)["dead"]] == ["chat:1", "chat:2", "chat:3"]
    assert SECRET not in shown + listed

    assert attune("inbox", "retry", "chat:1", cwd=data).stdout == "1 message queued again.\n"
    missing = attune("inbox", "drop", "chat:1", cwd=data)
    assert (missing.returncode, missing.stderr) == (
        1,
        "No message with the key chat:1 was given up. `attune inbox` lists the keys.\n",
    )
    assert attune("inbox", "drop", "all", cwd=data).stdout == "2 messages discarded.\n"
    left = json.loads(attune("inbox", "--json", cwd=data).stdout)
    assert (left["waiting"], left["dead"]) == (1, [])


def test_serving_without_a_platform_says_what_to_set(data: Path) -> None:
    """One sentence, at once, and exit code 2."""
    for command in ("serve", "worker"):
        done = attune(command, cwd=data)
        assert done.returncode == 2
        assert "ATTUNE_TELEGRAM_TOKEN" in done.stderr
        assert "Traceback" not in done.stderr
