"""What the server does for every app: who takes nothing is left, and what is asked is counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator

import aiohttp
import pytest
from starlette.types import Receive, Scope, Send

from bots.service.metrics import Metrics
from bots.web import server
from bots.web.feed import EventStream
from bots.web.server import CountedApp, served


async def brief(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - as above
    """An app that answers at once."""
    status = 200 if scope["path"] == "/here" else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def test_who_takes_nothing_of_an_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their connection is closed under them, and what is made for them ends: many such would shut out the others."""
    monkeypatch.setattr(server, "UNREAD", 0.5)
    over = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(100_000):
                yield b"x" * 65_536
        finally:
            over.set()

    loop = asyncio.get_running_loop()
    async with served(EventStream(endless()), "127.0.0.1:0", "ATTUNE_API") as address:  # type: ignore[arg-type]
        with socket.socket() as connection:
            connection.setblocking(False)
            host, port = address.split(":")
            await loop.sock_connect(connection, (host, int(port)))
            await loop.sock_sendall(connection, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.wait_for(over.wait(), 20)


async def test_requests_are_counted_by_their_status() -> None:
    """By nothing else: no path, no name."""
    metrics = Metrics()
    async with (
        served(CountedApp(brief, metrics, "api"), "127.0.0.1:0", "ATTUNE_API") as address,
        aiohttp.ClientSession() as session,
    ):
        for path in ("here", "here", "there"):
            async with session.get(f"http://{address}/{path}") as reply:
                await reply.read()
    page = metrics.page(None, {}).decode()
    assert 'attune_requests_total{door="api",status="200"} 2.0' in page
    assert 'attune_requests_total{door="api",status="404"} 1.0' in page
    assert 'attune_request_seconds_count{door="api"} 3.0' in page
    assert "there" not in page
