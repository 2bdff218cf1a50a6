"""Telegram as a part of `attune serve`: the real inbox and the real workers between its two halves."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.adapters import companion
from core.settings import Settings
from tests.conftest import wait_until
from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

SCRIPT = Path(__file__).parent / "serve_telegram.py"
SAID = "Parental leave is twenty weeks and you ask your lead for it"


@asynccontextmanager
async def served(double: TelegramDouble, data: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs `attune serve` with a scripted model; killed afterwards if it still runs."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(SCRIPT.parent.parent.parent),
        "ATTUNE_HOME": str(data),
        "ATTUNE_TELEGRAM_TOKEN": TOKEN,
        "ATTUNE_TELEGRAM_API": double.url,
        "ATTUNE_ALLOW": " ".join(f"person:telegram//{user}" for user in range(7, 20)),
        "ATTUNE_METRICS": "off",
        "ATTUNE_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), *arguments, env=environ)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_serve_answers_in_telegram_and_ends_when_told(data: Path):
    """With a token set, serving answers in Telegram; told to end, it does, and Telegram has nothing left to deliver."""
    async with TelegramDouble().serving() as double:
        ann = User(double, 7, "Ann")
        async with served(double, data) as process:
            await ann.say("How long is parental leave?")
            [answer] = await ann.private.answered()
            assert answer.text.startswith(SAID)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 60) == 0
        assert double.updates == []
    wait_until(lambda: not companion.run_folder(Settings(home=data).data_folder).joinpath("valkey.sock").exists())
