"""The two pages by which another workspace installs the app: off to Slack's question, and back with its answer.

Knows nothing of how tokens are kept.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import structlog
from aiohttp import web
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bots.on_slack import manifest as slack_manifest
from bots.on_slack import texts as slack_texts
from bots.on_slack.clients import new_client
from bots.on_slack.errors import ERRORS, reason_of

log = structlog.get_logger(__name__)

INSTALL, BACK = "/slack/install", "/slack/oauth_redirect"
COOKIE = "attune-install"
COOKIE_SECONDS = 600
RETURNS_MINUTE = 30  # installations that may be finished in a minute
AUTHORIZE = "https://slack.com/oauth/v2/authorize"


class Installations(Protocol):
    """Where the tokens of workspaces are kept."""

    async def token_of(self, team: str) -> str | None:
        """The token of a workspace."""
        ...

    async def save(self, team: str, token: str) -> None:
        """Keep a token."""
        ...

    async def remove(self, team: str) -> None:
        """Forget a workspace."""
        ...

    async def new_state(self) -> str:
        """A word that comes back once."""
        ...

    def made(self, state: str) -> bool:
        """Whether it is one; asks nobody."""
        ...

    async def take_state(self, state: str) -> bool:
        """Whether it is one, which is then used up."""
        ...


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """Who the app is to Slack."""

    client_id: str
    client_secret: str


class Rate:
    """So many in a minute, whoever they are: behind a proxy all addresses look the same, and any can be claimed."""

    def __init__(self, minute: int, now: Callable[[], float] = time.monotonic) -> None:
        self._minute = minute
        self._now = now
        self._left, self._at = float(minute), now()

    def admits(self) -> bool:
        """Whether one more fits."""
        at = self._now()
        self._left = min(self._minute, self._left + (at - self._at) * self._minute / 60)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Installing:
    """The pages."""

    def __init__(self, installations: Installations, app: AppSecrets, url: str, api: str) -> None:
        self._installations = installations
        self._app = app
        self._back = f"{url.rstrip('/')}{BACK}"
        self._api = api
        self._returns = Rate(RETURNS_MINUTE)

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [web.get(INSTALL, self._begin), web.get(BACK, self._return)]

    async def removed(self, body: dict[str, Any]) -> None:
        """A workspace removed the app: its token goes."""
        await self._installations.remove(str(body["team_id"]))

    async def _begin(self, _: web.Request) -> web.StreamResponse:
        state = await self._installations.new_state()
        asked = {
            "client_id": self._app.client_id,
            "scope": ",".join(slack_manifest.scopes()),
            "state": state,
            "redirect_uri": self._back,
        }
        reply = web.Response(status=302, headers={"Location": f"{AUTHORIZE}?{urlencode(asked)}"})
        reply.set_cookie(COOKIE, state, max_age=COOKIE_SECONDS, secure=True, httponly=True, samesite="Lax")
        return reply

    async def _return(self, request: web.Request) -> web.StreamResponse:
        """Only a browser that began here may finish: the word in its cookie is the one that Slack sends back."""
        state, code = request.query.get("state", ""), request.query.get("code", "")
        same = hmac.compare_digest(state.encode(), request.cookies.get(COOKIE, "").encode())
        if not (code and same and self._installations.made(state)):
            return web.Response(status=400, text=slack_texts.INSTALL_AGAIN)
        if not self._returns.admits():  # each costs a key for ten minutes, and a call of Slack's
            return web.Response(status=429, text=slack_texts.INSTALL_LATER, headers={"Retry-After": "60"})
        if not await self._installations.take_state(state):
            return web.Response(status=400, text=slack_texts.INSTALL_AGAIN)
        try:
            granted = await self._granted(code)
        except ERRORS as error:
            log.warning("installation_failed", error=reason_of(error))
            return web.Response(status=400, text=slack_texts.INSTALL_AGAIN)
        if granted.get("is_enterprise_install") or not granted.get("team"):
            return web.Response(status=400, text=slack_texts.INSTALL_ONE)
        await self._installations.save(str(granted["team"]["id"]), str(granted["access_token"]))
        log.info("app_installed", team=granted["team"]["id"])
        return web.Response(text=slack_texts.INSTALLED)

    async def _granted(self, code: str) -> AsyncSlackResponse:
        """What Slack gives for the code; the SDK's own call uses something that aiohttp is about to remove."""
        asked = {
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret,
            "code": code,
            "redirect_uri": self._back,
        }
        return await new_client(None, self._api).api_call("oauth.v2.access", data=asked)
