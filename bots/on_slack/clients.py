"""A client of Slack's Web API for each workspace, and who the bot is there.

One token serves one workspace; `Tokens` has those of several. Rate limits are waited for, as Slack asks.
Knows nothing of what is called.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.answer import Abilities
from core.errors import ConfigurationError

RATE_LIMIT_TRIES = 5
TIMEOUT_SECONDS = 30
KEPT = 1_000  # workspaces


class Tokens(Protocol):
    """The bot tokens of the workspaces that installed the app."""

    async def token_of(self, team: str) -> str | None:
        """The token for this workspace, if it installed the app."""
        ...


@dataclass(frozen=True, slots=True)
class OneToken:
    """A bot in one workspace, or in the several of one organisation that share a token."""

    token: str = field(repr=False)

    async def token_of(self, team: str) -> str | None:  # noqa: ARG002
        """The one there is."""
        return self.token


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace: how to call it, and who the bot is in it."""

    client: AsyncWebClient
    bot_user: str
    abilities: Abilities


class Clients:
    """Clients by workspace, each made and introduced once."""

    def __init__(self, tokens: Tokens, api: str) -> None:
        self._tokens = tokens
        self._api = api
        self._places: dict[tuple[str, str], Workspace] = {}
        self._lock = asyncio.Lock()

    async def of(self, team: str) -> Workspace:
        """The workspace of that id.

        Raises:
            ConfigurationError: it has not installed the app.
            SlackApiError: the token is not valid.
        """
        token = await self._tokens.token_of(team)
        if token is None:
            raise ConfigurationError(
                f"The Slack workspace {team} has not installed the app. Open /slack/install to install it."
            )
        if (known := self._places.get((team, token))) is not None:
            return known  # whoever is new makes nobody else wait
        async with self._lock:
            if len(self._places) >= KEPT:
                self._places.clear()
            if (team, token) not in self._places:
                client = new_client(token, self._api)
                me = await client.auth_test()
                self._places[team, token] = Workspace(client, str(me["user_id"]), Abilities())
            return self._places[team, token]


def new_client(token: str | None, api: str) -> AsyncWebClient:
    """A client that waits where Slack says so, and repeats nothing else: a repeated post could be a second message."""
    address = api if api.endswith("/") else f"{api}/"
    limits = AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_TRIES)
    return AsyncWebClient(token=token, base_url=address, timeout=TIMEOUT_SECONDS, retry_handlers=[limits])
