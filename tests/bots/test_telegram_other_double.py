"""The same bot against a Bot API double that was not written here: the npm package telegram-test-api.

It checks nothing and knows few methods, but nobody here decided what it sends. Its faults are mended from outside, in
`tests/doubles/node/telegram.js`.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.bots.telegram_home import Wishes, telegram_home
from tests.bots.test_telegram import ANSWER, LEAVE
from tests.doubles.telegram_rules import TOKEN
from tests.doubles.telegram_server import TelegramDouble

PACKAGE = "telegram-test-api@4.2.1"
SCRIPT = Path(__file__).parent.parent / "doubles" / "node" / "telegram.js"
ANN = {"id": 7, "is_bot": False, "first_name": "Ann", "language_code": "en"}
CHAT = {"id": 7, "type": "private", "first_name": "Ann"}

needs_node = pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs node and npm")


@dataclass
class Other:
    """The double's user side."""

    url: str
    session: aiohttp.ClientSession

    async def say(self, text: str) -> None:
        message = {"botToken": TOKEN, "from": ANN, "chat": CHAT, "date": int(time.time()), "text": text}
        if not text.startswith("/"):
            await self._post("sendMessage", message)
            return
        entity = {"type": "bot_command", "offset": 0, "length": len(text)}
        await self._post("sendCommand", {**message, "entities": [entity]})

    async def press(self, label: str, shown: dict[str, Any]) -> None:
        rows = shown["message"]["reply_markup"]["inline_keyboard"]
        data = next(button["callback_data"] for row in rows for button in row if label in button["text"])
        message = {"message_id": shown["messageId"], "chat": CHAT, "date": int(time.time()), "text": "…"}
        await self._post("sendCallback", {"botToken": TOKEN, "from": ANN, "message": message, "data": data})

    async def until(self, true: Callable[[dict[str, Any]], Any], count: int = 1) -> list[dict[str, Any]]:
        """Wait for so many messages of the bot of which that is so."""
        for _ in range(600):
            history = await self._post("getUpdatesHistory", {"token": TOKEN})
            mine = [item for item in history["result"] if "message" in item and "chat_id" in item["message"]]
            found = [item for item in mine if true(item["message"])]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"it never was so: {mine}")

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.session.post(f"{self.url}/{path}", json=body) as reply:
            return dict(await reply.json())


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, from wherever npm is set to fetch."""
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture
def server(package: Path) -> Iterator[str]:
    """The double's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [shutil.which("node") or "node", str(SCRIPT), str(package), str(port)]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert node.stdout is not None
        assert node.stdout.readline().strip() == "ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        node.kill()
        node.communicate()


@pytest.fixture
async def other(server: str) -> AsyncIterator[Other]:
    async with aiohttp.ClientSession() as session:
        yield Other(server, session)


@needs_node
async def test_start_question_edit_and_button(redis: Redis, tmp_path: Path, other: Other):
    """/start, a question whose answer grows by edits, and a button that is pressed, with somebody else's server."""
    wishes = Wishes("edit", double=TelegramDouble(url=other.url))
    async with telegram_home(redis, tmp_path, wishes):
        await other.say("/start")
        await other.until(lambda message: message["text"].startswith(("Hello Ann!", "Just ask.")), 2)
        await other.say(LEAVE)
        [answer] = await other.until(lambda message: ANSWER in message["text"] and "reply_markup" in message)
        await other.press("👍", answer)
        await other.until(lambda message: "👍 ✓" in str(message.get("reply_markup")))
        await other.press("👎", answer)
        await other.until(lambda message: "Too long" in str(message.get("reply_markup")))
