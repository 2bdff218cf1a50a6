"""An ASGI app is served at an address while a context is open. Signals stay with whoever else runs here.

Knows nothing of what is served.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from bots.web.console import texts
from core.errors import ConfigurationError
from core.together import ended

LOOK = 0.01  # seconds between two looks whether it has started
GRACE = 3  # seconds to finish open answers


class _Server(uvicorn.Server):
    """A server that leaves signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def served(app: ASGIApp, address: str) -> AsyncIterator[str]:
    """Serve `app` at `address`, host:port; port 0 is any. Gives the URL.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        ws="none",
    )
    host, _, port = address.rpartition(":")
    listening = _listening(host.strip("[]"), int(port))
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(LOOK)
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait([task], timeout=2 * GRACE)
        await ended(task)
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(texts.port_taken(f"{host}:{port}", reason)) from None
