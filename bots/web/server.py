"""An ASGI app, served at an address while something else runs: starts, tells where, and ends with what opened it.

Uvicorn, without its signal handlers and its logging, which are those of the process. Knows no app.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import structlog
import uvicorn
from starlette.types import ASGIApp

from core.errors import ConfigurationError
from core.together import ended

log = structlog.get_logger(__name__)

CONNECTIONS = 1000  # at once; beyond them a request is refused
IDLE = 30  # seconds that a connection may wait for its next request
GRACE = 2  # seconds that an end waits for open responses
STARTING = 0.01  # seconds between two looks whether it has started


class _Server(uvicorn.Server):
    """A server that leaves the signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


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
        http="h11",
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


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `address`, host:port."""
    host = _host(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


def _listen(address: str, setting: str) -> socket.socket:
    host, port = _host(address), int(address.rpartition(":")[2])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"{setting} is {address}, where nothing can be served ({error.strerror or error}). Name another port."
        ) from None
