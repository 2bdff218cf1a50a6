"""Where files from Telegram may be."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from telegram import File
from telegram.error import TelegramError

from bots.on_telegram.api import TELEGRAM, TelegramApi
from bots.on_telegram.receiver import new_bot
from core.errors import LessonError
from tests.doubles.elsewhere import hello, host

TOKEN = "1:x"  # noqa: S105 - the test's own


@pytest.mark.parametrize("api", [TELEGRAM, "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    "place", ["", "https://evil.example/f", "https://api.telegram.org.evil.example/file/bot1:x/f", "relative/f"]
)
async def test_a_file_elsewhere_is_not_fetched(monkeypatch: pytest.MonkeyPatch, api: str, place: str) -> None:
    """Whatever the Bot API says, nothing is asked of another host."""
    await _refused(monkeypatch, api, place)


async def test_telegram_names_no_file_on_this_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library would read a file of ours that the Bot API names; only the operator's own server may do that."""
    (tmp_path / "secret.txt").write_bytes(b"ours")
    await _refused(monkeypatch, TELEGRAM, str(tmp_path / "secret.txt"))
    bot = new_bot(TOKEN, "http://127.0.0.1:1")
    _says(monkeypatch, str(tmp_path / "secret.txt"))
    assert await TelegramApi(bot).download("F") == b"ours"


async def _refused(monkeypatch: pytest.MonkeyPatch, api: str, place: str) -> None:
    _says(monkeypatch, place)
    asked: list[object] = []
    monkeypatch.setattr(File, "download_as_bytearray", lambda *_: asked.append(1))
    with pytest.raises(LessonError, match="stored somewhere else"):
        await TelegramApi(new_bot(TOKEN, api)).download("F")
    assert asked == []
    monkeypatch.undo()


def _says(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    async def get_file(bot: object, file: str) -> File:
        found = File(file, "u", file_path=place or None)
        found.set_bot(bot)  # type: ignore[arg-type]
        return found

    monkeypatch.setattr("telegram.ext.ExtBot.get_file", get_file)


@pytest.mark.parametrize("status", [302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """The address of a file holds the token, and nothing is fetched from where a server sends on to."""
    async with AsyncExitStack() as stack:
        elsewhere = await stack.enter_async_context(host(hello))
        there = {"Location": f"{elsewhere.url}/f"}
        api = await stack.enter_async_context(host(lambda _: web.Response(status=status, headers=there)))
        request = new_bot(TOKEN, api.url).request
        await request.initialize()
        stack.push_async_callback(request.shutdown)
        with pytest.raises(TelegramError):
            await request.retrieve(f"{api.url}/file/bot{TOKEN}/f")
        assert len(api.seen) == 1
    assert elsewhere.seen == []
