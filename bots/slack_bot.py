"""Slack's receiving half: what arrives is put into the inbox, and only then acknowledged, so that nothing is lost.

Over Socket Mode, or over HTTP with Slack's signature checked. What has to be shown within three seconds (a modal) is
opened here, empty where it needs knowledge; filling it is an event like any other. Knows no model and no store.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bots import slack_blocks, slack_texts
from bots.platform import Inlet
from bots.slack_clients import Clients, new_client
from bots.slack_events import (
    Kind,
    Said,
    ask_event,
    deleted,
    deleted_event,
    for_others,
    is_stop,
    personal_event,
    said,
)
from bots.slack_presses import press_event
from bots.slack_threads import Threads
from core.domain import Conversation, Person
from core.inbox import Event, Receipt

log = structlog.get_logger(__name__)

PING_SECONDS = 10.0
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

    def __init__(self, clients: Clients, connection: Connection, api: str) -> None:
        self._clients = clients
        self._connection = connection
        self._api = api
        self._threads = Threads()
        self._running: set[asyncio.Task[None]] = set()
        self.port = connection.port

    @asynccontextmanager
    async def receiving(self, inlet: Inlet) -> AsyncIterator[None]:
        """Receive while open; closing stops receiving and waits for what is being handed in."""
        app = self._app(inlet)
        opened = self._socket(app) if self._connection.app_token else self._http(app)
        async with opened:
            yield
        if self._running:
            await asyncio.wait(self._running, timeout=5)

    @asynccontextmanager
    async def _socket(self, app: AsyncApp) -> AsyncIterator[None]:
        handler = AsyncSocketModeHandler(app, self._connection.app_token, ping_interval=PING_SECONDS)
        await handler.connect_async()
        try:
            yield
        finally:
            await handler.close_async()

    @asynccontextmanager
    async def _http(self, app: AsyncApp) -> AsyncIterator[None]:
        from aiohttp import web  # noqa: PLC0415 - only where deliveries come by HTTP

        runner = web.AppRunner(app.web_app(path=PATH, port=self._connection.port))
        await runner.setup()
        await web.TCPSite(runner, self._connection.host, self._connection.port).start()
        self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

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
        listener = _Listener(self._clients, inlet, self._threads, self._later)
        for kind in ("message", "app_mention"):
            app.event(kind)(listener.heard)
        for kind in ("reaction_added", "reaction_removed"):
            app.event(kind)(listener.reacted)
        app.event("app_home_opened")(listener.home)
        app.event("assistant_thread_started")(listener.pane)
        app.event("agent_session_stopped")(listener.stop_pressed)
        app.event(re.compile(".*"))(_ignored)
        app.action(re.compile("attune_.*"))(listener.pressed)
        app.view(re.compile("attune_.*"))(listener.submitted)
        app.shortcut(slack_blocks.TEACH)(listener.teach)
        app.command(re.compile("/.*"))(listener.command)
        return app

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the acknowledgement; what goes wrong in it costs nothing that was handed in."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)


class _Listener:
    """What is done with each kind of delivery."""

    def __init__(self, clients: Clients, inlet: Inlet, threads: Threads, later: Any) -> None:
        self._clients = clients
        self._inlet = inlet
        self._threads = threads
        self._later = later

    async def heard(self, body: dict[str, Any]) -> None:
        """A message, whether it names the bot or not."""
        bot_user = (await self._clients.of(body["team_id"])).bot_user
        if body["event"].get("subtype") == "message_deleted":
            if (gone := deleted(body, bot_user)) is not None:
                await self._inlet.stop(gone.conversation, gone.person)
                await self._inlet.put(deleted_event(gone))
            return
        message = said(body, bot_user)
        if message is None or not await self._is_for_us(message, bot_user):
            return
        self._threads.joined(message.team, message.channel, message.root)
        if is_stop(message) and await self._inlet.stop(message.conversation, message.person):
            return
        await self._put(ask_event(message), message)

    async def _is_for_us(self, message: Said, bot_user: str) -> bool:
        if message.private or message.mentioned:
            return True
        if not message.in_thread or for_others(message, bot_user):
            return False
        client = (await self._clients.of(message.team)).client
        return await self._threads.takes_part(client, message.team, message.channel, message.root, bot_user)

    async def _put(self, event: Event, message: Said) -> None:
        receipt = await self._inlet.put(event)
        sentence = {Receipt.HURRIED: slack_texts.HURRIED, Receipt.CROWDED: slack_texts.CROWDED}.get(receipt)
        if sentence is not None:
            self._later(self._whisper(message, sentence))

    async def _whisper(self, message: Said, sentence: str) -> None:
        client = (await self._clients.of(message.team)).client
        thread = message.root if message.in_thread or message.private else None
        if message.private:
            await client.chat_postMessage(
                channel=message.channel, thread_ts=thread, text=sentence, unfurl_links=False, unfurl_media=False
            )
        else:
            await client.chat_postEphemeral(channel=message.channel, user=message.user, thread_ts=thread, text=sentence)

    async def reacted(self, body: dict[str, Any]) -> None:
        """An emoji was put on one of the bot's messages, or taken back."""
        event, bot_user = body["event"], (await self._clients.of(body["team_id"])).bot_user
        if event.get("item_user") != bot_user or event["item"].get("type") != "message" or event["user"] == bot_user:
            return
        kept = {**event["item"], "reaction": event["reaction"], "added": event["type"] == "reaction_added"}
        name = f"{event['item']['ts']}:{event['event_ts']}"
        event_for = personal_event(body["team_id"], event["user"], Kind.REACTION, name, kept)
        lane = Conversation("slack", body["team_id"], event["item"]["channel"], f"@{event['user']}")
        await self._inlet.put(replace(event_for, conversation=lane))

    async def home(self, body: dict[str, Any]) -> None:
        """The home tab, or the messages of an agent, were opened."""
        event = body["event"]
        kind = Kind.HOME if event.get("tab", "home") == "home" else Kind.PANE
        kept = {"channel": event.get("channel", ""), "thread": ""}
        await self._inlet.put(personal_event(body["team_id"], event["user"], kind, str(event["event_ts"]), kept))

    async def pane(self, body: dict[str, Any]) -> None:
        """The assistant pane was opened."""
        thread = body["event"]["assistant_thread"]
        kept = {"channel": thread["channel_id"], "thread": thread["thread_ts"]}
        await self._inlet.put(personal_event(body["team_id"], thread["user_id"], Kind.PANE, thread["thread_ts"], kept))

    async def stop_pressed(self, body: dict[str, Any]) -> None:
        """Slack's own stop button."""
        event, team = body["event"], body["team_id"]
        conversation = Conversation("slack", team, event["channel"], str(event.get("thread_ts") or ""))
        await self._inlet.stop(conversation, Person("slack", team, event["user"]))

    async def pressed(self, ack: Any, body: dict[str, Any]) -> Any:
        """A button or a menu."""
        action = body["actions"][0]
        event, view = press_event(body, action)
        await self._inlet.put(event)
        if view is not None:
            self._later(self._open(body, view))
        return await ack()

    async def submitted(self, ack: Any, body: dict[str, Any]) -> Any:
        """A modal was sent."""
        view, user = body["view"], body["user"]
        kept = {
            "callback": view["callback_id"],
            "about": view.get("private_metadata", ""),
            "values": {name: _chosen(state) for name, state in view["state"]["values"].items()},
        }
        name = f"{view['id']}:{view.get('hash', '')}"
        await self._inlet.put(personal_event(body["team"]["id"], user["id"], Kind.SUBMIT, name, kept))
        return await ack()

    async def teach(self, ack: Any, body: dict[str, Any]) -> Any:
        """The shortcut "Teach this" on a message."""
        message, channel = body["message"], body["channel"]["id"]
        root = str(message.get("thread_ts") or message["ts"])
        title = str(message.get("text", "")).partition("\n")[0]
        view = slack_blocks.teach_modal(channel, message["ts"], root, title, private=channel.startswith("D"))
        self._later(self._open(body, view))
        return await ack()

    async def command(self, ack: Any, body: dict[str, Any]) -> Any:
        """A slash command: its answer is for one person's eyes."""
        team, user, name = body["team_id"], body["user_id"], body["command"]
        words = str(body.get("text") or "").strip()
        if name == "/ask" and not words:
            return await ack(slack_texts.ASK_WHAT)
        if name == "/prefs" and not words:
            view = slack_blocks.loading(slack_texts.PREFS_TITLE, f"prefs:{body['trigger_id']}"[:255])
            event = personal_event(team, user, Kind.MODAL, body["trigger_id"], {"view": view["external_id"]})
            await self._inlet.put(event)
            self._later(self._open(body, view))
            return await ack()
        kept = {
            "text": words if name == "/ask" else f"{name} {words}".strip(),
            "channel": body["channel_id"],
            "response_url": body["response_url"],
            "question": name == "/ask",
        }
        receipt = await self._inlet.put(personal_event(team, user, Kind.WHISPER, body["trigger_id"], kept))
        return await ack(slack_texts.SEEN.get(receipt.value, slack_texts.LOADING))

    async def _open(self, body: Mapping[str, Any], view: slack_blocks.Block) -> None:
        team = str(body.get("team_id") or body["team"]["id"])
        client = (await self._clients.of(team)).client
        await client.views_open(trigger_id=body["trigger_id"], view=view)


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
        log.warning("beside", error=type(error).__name__, detail=str(error).partition("\n")[0])


def _chosen(state: Mapping[str, Any]) -> Any:
    """What stands in one input of a modal."""
    element = next(iter(state.values()))
    if "selected_options" in element and element["type"] == "checkboxes":
        return [each["value"] for each in element["selected_options"]]
    if element.get("selected_option") is not None:
        return element["selected_option"]["value"]
    return element.get("value") or ""


def _quiet_logger() -> logging.Logger:
    """Bolt's and the SDK's own lines: warnings only, since the others hold what people wrote."""
    logger = logging.getLogger("attune.slack")
    logger.setLevel(logging.WARNING)
    return logger
