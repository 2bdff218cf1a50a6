"""What every request to the console passes: the name it was asked by, its session, the token of its form.

Every answer carries the headers that forbid a browser whatever the console does not need. Knows no page.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bots.web.console import texts
from bots.web.console.desk import failure_of
from bots.web.console.session import ConsoleSession, Entrance
from bots.web.console.view import View
from bots.web.server import body_of, host_of, is_local
from core.errors import OperatorError, PersonError

COOKIE, FORM_COOKIE = "attune_console", "attune_form"
FORM_SECONDS = 15.0  # that a form may take to come in
FORM_BYTES = 2**20
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

Endpoint = Callable[[Request], Awaitable[Response]]


def known_hosts(address: str, url: str | None) -> frozenset[str]:
    """The names by which a console that listens at `address` may be asked, `url` being where a proxy leads to it."""
    named = (urlsplit(url).hostname or "") if url else ""
    return LOCAL | {name for name in (host_of(address), named.lower()) if name and name not in {"0.0.0.0", "::"}}  # noqa: S104


class HostCheck:
    """Refuses requests by another name, as a page elsewhere makes them whose name leads here all of a sudden."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app = self._app if _asked(Headers(scope=scope)) in self._hosts else PlainTextResponse(texts.OTHER_NAME, 421)
        await app(scope, receive, send_guarded)


class Doorkeeper:
    """Wraps endpoints: only who is signed in gets to them, and a form only with the token of its session."""

    def __init__(self, entrance: Entrance, view: View) -> None:
        self._entrance = entrance
        self._view = view
        self._secret = secrets.token_bytes(32)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint` for those who are signed in."""

        async def guarded(request: Request) -> Response:
            session = self._entrance.sessions.find(request.cookies.get(cookie_name(request, COOKIE), ""))
            if session is None:
                return _to_sign_in(request)
            request.state.session, request.state.token = session, session.token
            return await self._answered(endpoint, request, session.token)

        return guarded

    def open(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint` for everybody: its forms carry a token that only a page of ours could have set."""

        async def opened(request: Request) -> Response:
            name = cookie_name(request, FORM_COOKIE)
            mark = request.cookies.get(name) or secrets.token_urlsafe(24)
            request.state.session = None
            request.state.token = hmac.new(self._secret, mark.encode(), "sha256").hexdigest()
            response = await self._answered(endpoint, request, request.state.token)
            set_cookie(request, response, name, mark)
            return response

        return opened

    async def _answered(self, endpoint: Endpoint, request: Request, token: str) -> Response:
        try:
            if request.method == "POST":
                request.state.form = await _form_of(request)
                if not _is_ours(request, token):
                    return await self._view.problem(request, texts.FORGED, 403)
            return await endpoint(request)
        except (OperatorError, PersonError) as error:
            return await self._view.problem(request, str(error), 400)
        except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
            sentence = failure_of(error, "console_page_failed", path=request.url.path)
            return await self._view.problem(request, sentence, 500)


async def _form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form, each once."""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await body_of(request, FORM_BYTES)
    except TimeoutError:
        raise PersonError(texts.TOO_SLOW) from None
    if body is None:
        raise PersonError(texts.TOO_LARGE)
    try:
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        raise PersonError(texts.TOO_LARGE) from None
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def _is_ours(request: Request, token: str) -> bool:
    """Whether a page of this console sent the form."""
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    sent = request.headers.get("x-csrf-token") or request.state.form.get("csrf", "")
    return not foreign and hmac.compare_digest(sent.encode(), token.encode())


def _to_sign_in(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse("/sign-in", 303)


def _asked(headers: Headers) -> str:
    """The host that a request names; nothing where what it names is none: a library would take this machine's."""
    try:
        parts = urlsplit(f"//{headers.get('host', '')}")
        return (parts.hostname or "").lower() if parts.port != 0 and not parts.path else ""
    except ValueError:
        return ""


def cookie_name(request: Request, name: str) -> str:
    """A cookie's name at the port that is asked: browsers have one cookie of a name for all ports of a host."""
    return f"{name}_{request.url.port}" if request.url.port else name


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """A cookie that no script reads, that no other site sends, and that goes over TLS alone but on this machine."""
    secure = not is_local(request.url.hostname or "")
    response.set_cookie(name, value, httponly=True, samesite="strict", secure=secure)


def session_of(request: Request) -> ConsoleSession:
    """The session of a guarded request."""
    session = request.state.session
    assert isinstance(session, ConsoleSession)  # noqa: S101 - guarded
    return session


def form_of(request: Request, name: str) -> str:
    """A field of the form that was sent, without blanks around it."""
    return str(request.state.form.get(name, "")).strip()
