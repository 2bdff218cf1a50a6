"""The way into the console and out of it: the page behind a one-time link, the sign-in page, signing out.

Knows nothing of what is behind them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots.web.console import texts
from bots.web.console.gate import COOKIE, Doorkeeper, cookie_name, form_of, set_cookie
from bots.web.console.session import Entrance
from bots.web.console.view import View

FIRST_PAGE = "/ask"


class EntryPages:
    """Lets a browser in and out."""

    def __init__(self, entrance: Entrance, view: View) -> None:
        self._entrance = entrance
        self._view = view

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route("/enter", keeper.open(self._link), methods=["GET"]),
            Route("/enter", keeper.open(self._enter), methods=["POST"]),
            Route("/sign-in", keeper.open(self._form), methods=["GET"]),
            Route("/sign-in", keeper.open(self._sign_in), methods=["POST"]),
            Route("/sign-out", keeper.guarded(self._sign_out), methods=["POST"]),
            Route("/", keeper.guarded(self._first), methods=["GET"]),
        ]

    async def _link(self, request: Request) -> Response:
        """A page with one button: whatever looks at a link before a person does would use it up.

        The key stands behind the # of the link, which no browser sends: a script puts it into the form.
        """
        return await self._view.page(request, "enter.html")

    async def _enter(self, request: Request) -> Response:
        return await self._opened(request, self._entrance.by_link(form_of(request, "key")), texts.WRONG_LINK)

    async def _form(self, request: Request) -> Response:
        return await self._again(request, "", 200)

    async def _sign_in(self, request: Request) -> Response:
        who = _address(request)
        if not self._entrance.allows(who):
            return await self._again(request, texts.TOO_MANY_TRIES, 429)
        typed = str(request.state.form.get("password", ""))
        return await self._opened(request, self._entrance.by_password(typed, who), texts.WRONG_PASSWORD)

    async def _opened(self, request: Request, session: str | None, wrong: str) -> Response:
        if session is None:
            return await self._again(request, wrong, 403)
        response = RedirectResponse(FIRST_PAGE, 303)
        set_cookie(request, response, cookie_name(request, COOKIE), session)
        return response

    async def _again(self, request: Request, problem: str, status: int) -> Response:
        has_password = self._entrance.has_password
        return await self._view.page(request, "sign_in.html", status, problem=problem, has_password=has_password)

    async def _sign_out(self, request: Request) -> Response:
        name = cookie_name(request, COOKIE)
        self._entrance.sessions.end(request.cookies.get(name, ""))
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(name)
        return response

    async def _first(self, _: Request) -> Response:
        return RedirectResponse(FIRST_PAGE, 303)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
