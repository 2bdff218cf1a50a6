"""A real web server on loopback whose pages the test changes; it counts what it was asked for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Page:
    """What the server sends."""

    data: bytes | str
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Site:
    """Pages by path, with their queries; each has an ETag. `asked` has each request with the status it was given."""

    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""

    def write(self, path: str, body: str | bytes, **more: object) -> None:
        self.pages[path] = Page(body, **more)  # type: ignore[arg-type]

    def redirect(self, path: str, target: str) -> None:
        self.pages[path] = Page("", status=302, headers={"Location": target})

    def statuses(self) -> dict[str, int]:
        return dict(self.asked)

    async def answer(self, request: web.Request) -> web.Response:
        page = self.pages.get(request.raw_path, Page("no such page", status=404))
        if page.seconds:
            await asyncio.sleep(page.seconds)
        data = page.data.encode() if isinstance(page.data, str) else page.data
        mark = f'"{hashlib.sha256(data).hexdigest()[:12]}"'
        same = page.status == 200 and request.headers.get("If-None-Match") == mark
        status = 304 if same else page.status
        self.asked.append((request.raw_path, status))
        headers = {"Content-Type": page.kind, "ETag": mark, **page.headers}
        return web.Response(body=b"" if same else data, status=status, headers=headers)


@asynccontextmanager
async def served_site() -> AsyncIterator[Site]:
    """A site at `url`, without a slash at its end."""
    site, app = Site(), web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    site.url = str(server.make_url("")).rstrip("/")
    try:
        yield site
    finally:
        await server.close()


def page(title: str, *said: str, links: tuple[str, ...] = ()) -> str:
    """A page of the web."""
    anchors = "".join(f'<p><a href="{link}">More about {link}</a></p>' for link in links)
    words = "".join(f"<p>{each}</p>" for each in said)
    head, body = f"<head><title>{title}</title></head>", f"<body><h1>{title}</h1>{words}{anchors}</body>"
    return f"<!doctype html><html>{head}{body}</html>"
