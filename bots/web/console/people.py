"""The page People: who is let in and by what, codes that let in, and how much is kept of how many; nobody's words.

Knows nothing of how access is decided.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots.web.console import texts
from bots.web.console.desk import Desk
from bots.web.console.gate import Doorkeeper, form_of, session_of
from bots.web.console.view import View
from core.people.access import CODE_LASTS, listed_names

HERE = "/people"


class PeoplePages:
    """The page People and its forms."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view
        self._access = desk.attune.records.access

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route(HERE, keeper.guarded(self._page), methods=["GET"]),
            Route(f"{HERE}/code", keeper.guarded(self._new_code), methods=["POST"]),
            Route(f"{HERE}/revoke", keeper.guarded(self._revoke), methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        return await self._shown(request)

    async def _new_code(self, request: Request) -> Response:
        """The page with a new code, which nobody can see again."""
        operator = bool(form_of(request, "operator"))
        return await self._shown(request, await self._access.new_code(operator=operator), operator=operator)

    async def _revoke(self, request: Request) -> Response:
        person = form_of(request, "person")
        known = await self._access.unpair(person)
        session_of(request).notice = texts.revoked(person) if known else texts.not_paired(person)
        return RedirectResponse(HERE, 303)

    async def _shown(self, request: Request, code: str = "", *, operator: bool = False) -> Response:
        settings = self._desk.settings
        return await self._view.page(
            request,
            "people.html",
            pairings=await self._access.pairings(),
            allowed=sorted(listed_names(settings.allow, "ATTUNE_ALLOW")),
            operators=sorted(listed_names(settings.operators, "ATTUNE_OPERATORS")),
            code=code,
            operator=operator,
            minutes=int(CODE_LASTS.total_seconds() // 60),
            kept=await self._desk.attune.records.memory.footprint(),
            days=settings.keep,
        )
