"""The whole console: its pages behind their gate, served at an address.

Knows no page's work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bots.web.console import texts
from bots.web.console.asking import AskPages
from bots.web.console.desk import Desk
from bots.web.console.documents import DocumentPages
from bots.web.console.entry import EntryPages
from bots.web.console.gate import Doorkeeper, HostCheck, known_hosts
from bots.web.console.health import HealthPages
from bots.web.console.people import PeoplePages
from bots.web.console.quality import QualityPages
from bots.web.console.session import Entrance, entrance_of
from bots.web.console.unanswered import UnansweredPages
from bots.web.console.view import STATIC, View
from bots.web.server import CountedApp, is_loopback, served

DOOR = "console"  # in the figures


class ConsoleSite:
    """The pages of one Attune; `hosts` are the names by which it may be asked."""

    def __init__(self, desk: Desk, entrance: Entrance, hosts: frozenset[str]) -> None:
        self._view = View(desk.version)
        keeper = Doorkeeper(entrance, self._view)
        self._asking, self._documents = AskPages(desk, self._view), DocumentPages(desk, self._view)
        self._quality = QualityPages(desk, self._view)
        pages = (
            EntryPages(entrance, self._view),
            self._asking,
            self._documents,
            UnansweredPages(desk, self._view),
            PeoplePages(desk, self._view),
            self._quality,
            HealthPages(desk, self._view),
        )
        self.routes = [route for page in pages for route in page.routes(keeper)]
        nowhere = Route("/{path:path}", keeper.guarded(self._nowhere), methods=["GET", "POST"])
        static = Mount("/static", StaticFiles(directory=STATIC))
        self.app: ASGIApp = HostCheck(Starlette(routes=[static, *self.routes, nowhere]), hosts)

    async def close(self) -> None:
        """Stop what goes on behind the pages."""
        await self._asking.close()
        await self._documents.close()
        await self._quality.close()

    async def _nowhere(self, request: Request) -> Response:
        return await self._view.problem(request, texts.NO_PAGE, 404)


@asynccontextmanager
async def open_console(desk: Desk, address: str) -> AsyncIterator[str]:
    """Serve the console at `address`, host:port; gives its URL there.

    Raises:
        ConfigurationError: others could reach it, and there is no password; or the address is taken.
    """
    entrance = entrance_of(desk.settings, wide=not is_loopback(address))
    site = ConsoleSite(desk, entrance, known_hosts(address, desk.settings.console_url))
    async with served(CountedApp(site.app, desk.metrics, DOOR), address, "ATTUNE_CONSOLE") as place:
        try:
            yield f"http://{place}"
        finally:
            await site.close()
