"""A small HTTP server of our own, for what platforms post to us: it opens, listens and ends, and is seen to listen.

Knows no platform.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from core.errors import ReceiverError

EVERY = 1.0  # seconds between two looks
ENDING = 10.0  # seconds that a delivery in work may take when the server ends


@dataclass(frozen=True, slots=True)
class OpenServer:
    """A server that was opened."""

    server: asyncio.Server

    @property
    def port(self) -> int:
        """Where it listens, also where any port was wanted."""
        return int(self.server.sockets[0].getsockname()[1])

    async def watched(self, works: Callable[[], None]) -> None:
        """Say `works` as long as it listens.

        Raises:
            ReceiverError: it does not listen any more.
        """
        while self.server.is_serving() and self.server.sockets:
            works()
            await asyncio.sleep(EVERY)
        raise ReceiverError("The server has stopped listening.")


@asynccontextmanager
async def listening(pages: web.Application, host: str, port: int) -> AsyncIterator[OpenServer]:
    """Serve `pages` while open.

    Raises:
        OSError: the address is taken.
    """
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=ENDING)
    await runner.setup()
    made = cast("web.Server", runner.server)  # there is one once it is set up
    try:
        server = await asyncio.get_running_loop().create_server(made, host, port)
        try:
            yield OpenServer(server)
        finally:
            server.close()
    finally:
        await runner.cleanup()
