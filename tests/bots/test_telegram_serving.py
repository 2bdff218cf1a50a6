"""Telegram as a part of `attune serve`: the real inbox and the real workers between its two halves."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles.telegram_people import User
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

SCRIPT = Path(__file__).parent / "serve_telegram.py"
PEOPLE = 40
SAID = "Parental leave is twenty weeks and you ask your lead for it"


@asynccontextmanager
async def served(
    double: TelegramDouble, data: Path, role: str = "both", streaming: str = "auto"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs `attune serve` with a scripted model; killed afterwards if it still runs."""
    environ = {
        **os.environ,
        "PYTHONPATH": str(SCRIPT.parent.parent.parent),
        "ATTUNE_HOME": str(data),
        "ATTUNE_TELEGRAM_TOKEN": TOKEN,
        "ATTUNE_TELEGRAM_API": double.url,
        "ATTUNE_ALLOW": " ".join(f"person:telegram//{user}" for user in range(7, 7 + PEOPLE)),
        "ATTUNE_TELEGRAM_STREAMING": streaming,
        "ATTUNE_METRICS": "off",
        "ATTUNE_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), role, env=environ)
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


@dataclass
class Chaos:
    """What stood on the screens after workers were killed while they answered."""

    asked: int = 0
    kills: int = 0
    unfinished: int = 0  # answers that stood there half at the moment of a kill, all kills together
    lost: int = 0
    doubled: int = 0
    statuses: int = 0  # left behind where a worker died between posting one and noting it


def half(user: User) -> bool:
    """Whether somebody sees an answer, or its status, that is not whole yet."""
    said = user.private.said()
    return bool(user.private.chat.drafts) or len(said) > len(user.private.finished())


async def chaos(data: Path, streaming: str, *, people: int, questions: int, kills: int, seed: int = 0) -> Chaos:
    """Everybody asks; meanwhile workers are killed at random moments and others take over."""
    found, dice = Chaos(asked=people * questions), random.Random(seed)  # noqa: S311 - not for secrets
    async with TelegramDouble().serving() as double, served(double, data, "receiver", streaming):
        users = [User(double, 7 + number, f"P{number}") for number in range(people)]
        async with AsyncExitStack() as workers:
            running = [await workers.enter_async_context(served(double, data, "worker", streaming)) for _ in range(3)]
            for _ in range(questions):
                for user in users:
                    await user.say(f"How long is parental leave, asks {user.name}?")
            while found.kills < kills:
                await users[0].private.until(lambda _: any(half(user) for user in users))
                await asyncio.sleep(dice.uniform(0.0, 1.5))
                found.unfinished += sum(half(user) for user in users)
                running.pop(0).kill()
                found.kills += 1
                running.append(await workers.enter_async_context(served(double, data, "worker", streaming)))
            with suppress(TimeoutError):
                async with asyncio.timeout(300), double.changed:
                    enough = lambda: all(len(user.private.finished()) >= questions for user in users)  # noqa: E731
                    await double.changed.wait_for(enough)
            await asyncio.sleep(1.0)
        for user in users:
            whole = [message for message in user.private.said() if SAID in message.text]
            found.lost += max(0, questions - len(whole))
            found.doubled += max(0, len(whole) - questions)
            found.statuses += len(user.private.said()) - len(whole)
    return found


@pytest.mark.parametrize("streaming", ["draft", "edit"])
async def test_killed_workers_lose_and_double_nothing(data: Path, streaming: str):
    """Workers are killed in the middle of answers: every question is answered once."""
    found = await chaos(data, streaming, people=4, questions=2, kills=2)
    assert found.unfinished > 0
    assert (found.kills, found.lost, found.doubled) == (2, 0, 0)
