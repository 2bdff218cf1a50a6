"""A client of Slack's Web API for each workspace, and who the bot is there.

One token serves one workspace. Rate limits are waited for, as Slack asks.
Knows nothing of what is called.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.answer import Abilities

RATE_LIMIT_TRIES = 5
TIMEOUT_SECONDS = 30
KEPT = 1_000  # workspaces


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace: how to call it, and who the bot is in it."""

    client: AsyncWebClient
    bot_user: str
    abilities: Abilities


class Clients:
    """Clients by workspace, each made and introduced once."""

    def __init__(self, token: str, api: str) -> None:
        self._token = token
        self._api = api
        self._places: dict[str, Workspace] = {}
        self._lock = asyncio.Lock()

    async def of(self, team: str) -> Workspace:
        """The workspace of that id.

        Raises:
            SlackApiError: the token is not valid.
        """
        if (known := self._places.get(team)) is not None:
            return known  # whoever is new makes nobody else wait
        async with self._lock:
            if len(self._places) >= KEPT:
                self._places.clear()
            if team not in self._places:
                client = new_client(self._token, self._api)
                me = await client.auth_test()
                self._places[team] = Workspace(client, str(me["user_id"]), Abilities())
            return self._places[team]


def new_client(token: str | None, api: str) -> AsyncWebClient:
    """A client that waits where Slack says so, and repeats nothing else: a repeated post could be a second message."""
    address = api if api.endswith("/") else f"{api}/"
    limits = AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_TRIES)
    return AsyncWebClient(token=token, base_url=address, timeout=TIMEOUT_SECONDS, retry_handlers=[limits])
