"""Slack's receiving half: what arrives is put into the inbox, and only then acknowledged, so that nothing is lost.

Over Socket Mode, or over HTTP with Slack's signature checked. What has to be shown within three seconds (a modal) is
opened here, empty where it needs knowledge; filling it is an event like any other. Knows no model and no store.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bots.listening import listening
from bots.on_slack import blocks as slack_blocks
from bots.on_slack.clients import Clients, new_client
from bots.on_slack.deliveries import LARGEST, Deliveries, failed
from bots.on_slack.events import PLATFORM
from bots.on_slack.listener import Listener
from bots.on_slack.members import Members
from bots.on_slack.socket import Socket
from bots.on_slack.threads import Threads
from bots.platform import CheckedInlet, Inlet
from bots.reception import Reception

log = structlog.get_logger(__name__)

COMMANDS = ("/prefs", "/ask")
PATH = "/slack/events"


@dataclass(frozen=True, slots=True)
class Connection:
    """How Slack reaches us: over a socket (`app_token`), or by HTTP at `host` and `port` with a `signing_secret`."""

    app_token: str = ""
    signing_secret: str = ""
    host: str = "127.0.0.1"
    port: int = 8082


class SlackReceiver:
    """Receives from Slack and hands in."""

    def __init__(
        self,
        clients: Clients,
        connection: Connection,
        api: str,
        reception: Reception | None = None,
    ) -> None:
        self._clients = clients
        self._connection = connection
        self._api = api
        self._reception = reception or Reception(PLATFORM)
        self._threads = Threads()
        self._running: set[asyncio.Task[None]] = set()
        self.port = connection.port

    @asynccontextmanager
    async def receiving(self, inlet: Inlet) -> AsyncIterator[None]:
        """Receive while open; closing stops receiving and waits for what is being handed in."""
        app = self._app(CheckedInlet(inlet))
        deliveries = Deliveries(app, self._reception)

        async def socket() -> None:
            await Socket(app, self._connection.app_token, deliveries.by_socket, self._reception).run()

        async def http() -> None:
            await self._listen(deliveries)

        async with self._reception.kept_up(socket if self._connection.app_token else http):
            yield
        if self._running:
            await asyncio.wait(self._running, timeout=5)

    async def _listen(self, deliveries: Deliveries) -> None:
        check = SignatureVerifier(self._connection.signing_secret)

        async def posted(request: web.Request) -> web.Response:
            return await deliveries.by_post(request, check)

        pages = web.Application(client_max_size=LARGEST)
        pages.add_routes([web.post(PATH, posted)])
        async with listening(pages, self._connection.host, self.port) as served:
            self.port = served.port
            await served.watched(self._reception.works)

    def _app(self, inlet: Inlet) -> AsyncApp:
        """A Bolt app that answers only when a listener has returned: by then the event is in the inbox."""
        app = AsyncApp(
            client=new_client(None, self._api),
            authorize=_authorize(self._clients),
            signing_secret=self._connection.signing_secret,
            process_before_response=True,
            attaching_conversation_kwargs_enabled=False,
            logger=_quiet_logger(),
        )
        listener = Listener(self._clients, inlet, self._threads, Members(), self._later)
        for kind in ("message", "app_mention"):
            app.event(kind)(listener.heard)
        for kind in ("reaction_added", "reaction_removed"):
            app.event(kind)(listener.reacted)
        app.event("app_home_opened")(listener.home)
        app.event("assistant_thread_started")(listener.pane)
        app.event("agent_session_stopped")(listener.stop_pressed)
        app.event(re.compile(".*"))(_ignored)
        app.error(self._failed)
        app.action(re.compile("attune_.*"))(listener.pressed)
        app.view(re.compile("attune_.*"))(listener.submitted)
        app.shortcut(slack_blocks.TEACH)(listener.teach)
        app.command(re.compile("/.*"))(listener.command)
        return app

    async def _failed(self, error: Exception) -> BoltResponse:
        return failed(error, self._reception)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the acknowledgement; what goes wrong in it costs nothing that was handed in."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _authorize(clients: Clients) -> Callable[..., Awaitable[AuthorizeResult]]:
    async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:  # Bolt reads these names
        place = await clients.of(str(team_id or ""))
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=place.client.token, bot_user_id=place.bot_user
        )

    return authorize


async def _ignored() -> None:
    """Acknowledged, so that Slack does not send it again."""


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - nobody waits for it
        log.warning("background_task_failed", error=type(error).__name__, detail=str(error).partition("\n")[0])


def _quiet_logger() -> logging.Logger:
    """Bolt's and the SDK's own lines are left out: they quote what people wrote."""
    logger = logging.getLogger("attune.slack")
    logger.setLevel(logging.CRITICAL + 1)
    return logger
