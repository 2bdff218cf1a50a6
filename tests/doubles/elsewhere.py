"""A host that is nobody we know: it notes the tokens that it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Host:
    """A server that notes the tokens it was sent."""

    url: str = ""
    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def host(reply: Callable[[web.Request], web.Response]) -> AsyncIterator[Host]:
    found = Host()

    async def handle(request: web.Request) -> web.Response:
        found.seen.append(request.headers.get("Authorization", ""))
        return reply(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


def hello(_: web.Request) -> web.Response:
    return web.Response(body=b"hello", content_type="text/plain")
