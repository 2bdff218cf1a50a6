"""An ASGI app, served at an address while something else runs: starts, tells where, and ends with what opened it.

Uvicorn, without its signal handlers and its logging, which are those of the process. What is asked is counted. Knows no
app.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

import h11
import structlog
import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bots.watching import Watcher
from core.errors import ConfigurationError
from core.together import ended

log = structlog.get_logger(__name__)

CONNECTIONS = 200  # at once; beyond them a request is refused
HEADERS = 10.0  # seconds that the head of a request may take to come in
IDLE = 30  # seconds that a connection may wait for its next request
UNREAD = 60.0  # seconds that whoever asked may take nothing of what is sent to them
GRACE = 2  # seconds that an end waits for open responses
STARTING = 0.01  # seconds between two looks whether it has started
GONE = 499  # the status of a request that nobody waited for


class _Impatient(H11Protocol):
    """Closes a connection whose request does not come in, or whose response nobody takes.

    Uvicorn waits for ever, and many such shut out the others.
    """

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Wait no longer when a request is there, and for the rest of one that is begun."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._rest()
        self._go_on()

    def pause_writing(self) -> None:
        """Wait a while for whoever takes nothing."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """They took something."""
        super().resume_writing()
        self._go_on()

    def on_response_complete(self) -> None:
        """Wait no longer for the rest of a body that nobody wants to read."""
        super().on_response_complete()
        if self._is_answered():
            self._watch()

    def _is_answered(self) -> bool:
        """Whether a request was answered before all of it was there."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE and not self._is_answered():
            self._rest()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS, self.transport.close)

    def _go_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Server(uvicorn.Server):
    """A server that leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class CountedApp:
    """An app whose requests a `Watcher` is told of, by the `door` that they came through."""

    app: ASGIApp
    watcher: Watcher
    door: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        start, status = time.perf_counter(), GONE

        async def send_counted(message: Message) -> None:
            nonlocal status
            status = message["status"] if message["type"] == "http.response.start" else status
            await send(message)

        try:
            await self.app(scope, receive, send_counted)
        finally:
            self.watcher.requested(self.door, status, time.perf_counter() - start)


@asynccontextmanager
async def served(app: ASGIApp, address: str, setting: str) -> AsyncIterator[str]:
    """Serve `app` at `address`, host:port, where port 0 is any that is free. Gives the address of the server.

    Raises:
        ConfigurationError: nothing can be served there; `setting` names the address.
    """
    listening = _listen(address, setting)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http=_Impatient,
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise ConfigurationError(f"Nothing can be served at {address} ({setting}).")
            await asyncio.sleep(STARTING)
        yield f"{address.rpartition(':')[0]}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=2 * GRACE)
        await ended(task)
        listening.close()


async def body_of(request: Request, longest: int) -> bytes | None:
    """All of a request's body; None where that is more than `longest` bytes. Who calls says how long to wait."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            return None
    return bytes(body)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `address`, host:port."""
    return is_local(host_of(address))


def is_local(host: str) -> bool:
    """Whether `host` is this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_of(address: str) -> str:
    """The host of `host:port`, without the brackets of IPv6."""
    return address.rpartition(":")[0].strip("[]").lower()


def _listen(address: str, setting: str) -> socket.socket:
    host, port = host_of(address), int(address.rpartition(":")[2])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"{setting} is {address}, where nothing can be served ({error.strerror or error}). Name another port."
        ) from None
