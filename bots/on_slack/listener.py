"""What is done with each delivery of Slack's: it is put into the inbox, and a modal that is wanted at once is opened.

Returns as soon as the event is safe; whatever else takes a call of Slack's happens beside it.
Knows no model, no store and no connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bots import texts
from bots.language import speaking, translated
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import texts as slack_texts
from bots.on_slack.clients import Clients
from bots.on_slack.events import (
    EventKind,
    SlackMessage,
    ask_event,
    deleted,
    deleted_event,
    for_others,
    is_courtesy,
    is_stop,
    named,
    personal_event,
    plain_text,
    said,
    stamped,
)
from bots.on_slack.limits import ID_CHARS
from bots.on_slack.members import Members
from bots.on_slack.presses import press_event
from bots.on_slack.render import Block
from bots.on_slack.threads import Threads
from bots.platform import Inlet
from core.documents.slack_words import whole_message
from core.domain import Conversation, Person
from core.inbox import Event, Receipt

_REFUSALS = {Receipt.HURRIED: texts.HURRIED, Receipt.CROWDED: texts.CROWDED}

Later = Callable[[Coroutine[Any, Any, None]], None]


class Listener:
    """What is done with each kind of delivery."""

    def __init__(self, clients: Clients, inlet: Inlet, threads: Threads, members: Members, later: Later) -> None:
        self._clients = clients
        self._members = members
        self._inlet = inlet
        self._threads = threads
        self._later = later

    async def heard(self, body: dict[str, Any]) -> None:
        """A message, whether it names the bot or not."""
        bot_user = (await self._clients.of(named(body["team_id"]))).bot_user
        if (gone := deleted(body, bot_user)) is not None:
            if await self._is_for_us(gone, bot_user):
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

    async def _is_for_us(self, message: SlackMessage, bot_user: str) -> bool:
        if message.private or message.mentioned:
            return True
        if not message.in_thread or for_others(message, bot_user) or is_courtesy(message.text):
            return False
        client = (await self._clients.of(message.team)).client
        return await self._threads.takes_part(client, message.team, message.channel, message.root, bot_user)

    async def _put(self, event: Event, message: SlackMessage) -> None:
        receipt = await self._inlet.put(event)
        sentence = _REFUSALS.get(receipt)
        if sentence is not None:
            self._later(self._whisper(message, sentence))

    @asynccontextmanager
    async def _speaking(self, team: str, user: str) -> AsyncIterator[None]:
        """Speak the language of somebody, where Slack says at once what it is."""
        client = (await self._clients.of(named(team))).client
        with speaking(await self._members.language(client, team, named(user))):
            yield

    async def _whisper(self, message: SlackMessage, sentence: str) -> None:
        client = (await self._clients.of(message.team)).client
        async with self._speaking(message.team, message.user):
            sentence = translated(sentence)
        thread = message.root if message.in_thread or message.private else None
        if message.private:
            await client.chat_postMessage(
                channel=message.channel, thread_ts=thread, text=sentence, unfurl_links=False, unfurl_media=False
            )
        else:
            await client.chat_postEphemeral(channel=message.channel, user=message.user, thread_ts=thread, text=sentence)

    async def reacted(self, body: dict[str, Any]) -> None:
        """An emoji was put on one of the bot's messages, or taken back."""
        event, bot_user = body["event"], (await self._clients.of(named(body["team_id"]))).bot_user
        if event.get("item_user") != bot_user or event["item"].get("type") != "message" or event["user"] == bot_user:
            return
        channel, ts = named(event["item"]["channel"]), stamped(event["item"]["ts"])
        kept = {"channel": channel, "ts": ts, "reaction": event["reaction"], "added": event["type"] == "reaction_added"}
        name = f"{ts}:{event['event_ts']}"
        event_for = personal_event(body["team_id"], event["user"], EventKind.REACTION, name, kept)
        lane = Conversation("slack", body["team_id"], channel, f"@{event['user']}")
        await self._inlet.put(replace(event_for, conversation=lane))

    async def home(self, body: dict[str, Any]) -> None:
        """The home tab, or the messages of an agent, were opened."""
        event = body["event"]
        kind = EventKind.HOME if event.get("tab", "home") == "home" else EventKind.PANE
        kept = {"channel": event.get("channel", ""), "thread": ""}
        await self._inlet.put(personal_event(body["team_id"], event["user"], kind, str(event["event_ts"]), kept))

    async def pane(self, body: dict[str, Any]) -> None:
        """The assistant pane was opened."""
        thread = body["event"]["assistant_thread"]
        kept = {"channel": thread["channel_id"], "thread": thread["thread_ts"]}
        await self._inlet.put(
            personal_event(body["team_id"], thread["user_id"], EventKind.PANE, thread["thread_ts"], kept)
        )

    async def stop_pressed(self, body: dict[str, Any]) -> None:
        """Slack's own stop button."""
        event, team = body["event"], body["team_id"]
        conversation = Conversation("slack", named(team), named(event["channel"]), str(event.get("thread_ts") or ""))
        await self._inlet.stop(conversation, Person("slack", team, named(event["user"])))

    async def pressed(self, ack: Any, body: dict[str, Any]) -> Any:
        """A button or a menu."""
        action = body["actions"][0]
        async with self._speaking(body["team"]["id"], body["user"]["id"]):
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
        await self._inlet.put(personal_event(body["team"]["id"], user["id"], EventKind.SUBMIT, name, kept))
        return await ack()

    async def teach(self, ack: Any, body: dict[str, Any]) -> Any:
        """The shortcut "Teach this" on a message."""
        message, channel = body["message"], named(body["channel"]["id"])
        root = stamped(message.get("thread_ts") or message["ts"])
        title = plain_text(whole_message(message)).partition("\n")[0]
        async with self._speaking(body["team"]["id"], body["user"]["id"]):
            view = slack_blocks.teach_modal(channel, message["ts"], root, title, private=channel.startswith("D"))
        self._later(self._open(body, view))
        return await ack()

    async def command(self, ack: Any, body: dict[str, Any]) -> Any:
        """A slash command: its answer is for one person's eyes."""
        async with self._speaking(body["team_id"], body["user_id"]):
            return await ack(await self._commanded(body))

    async def _commanded(self, body: dict[str, Any]) -> str:
        """What is said at once to a slash command; nothing where a modal opens."""
        team, user, name, trigger = body["team_id"], body["user_id"], body["command"], body["trigger_id"]
        words = str(body.get("text") or "").strip()
        if name == "/ask" and not words:
            return translated(slack_texts.ASK_WHAT)
        if name == "/prefs" and not words:
            view = slack_blocks.loading(translated(texts.PREFS_TITLE), f"prefs:{trigger}"[:ID_CHARS])
            await self._inlet.put(personal_event(team, user, EventKind.MODAL, trigger, {"view": view["external_id"]}))
            self._later(self._open(body, view))
            return ""
        kept = {
            "text": words if name == "/ask" else f"{name} {words}".strip(),
            "channel": body["channel_id"],
            "response_url": body["response_url"],
            "question": name == "/ask",
        }
        receipt = await self._inlet.put(personal_event(team, user, EventKind.WHISPER, trigger, kept))
        return translated({**_REFUSALS, Receipt.HUSHED: texts.HURRIED}.get(receipt, slack_texts.LOADING))

    async def _open(self, body: Mapping[str, Any], view: Block) -> None:
        team = str(body.get("team_id") or body["team"]["id"])
        client = (await self._clients.of(team)).client
        await client.views_open(trigger_id=body["trigger_id"], view=view)


def _chosen(state: Mapping[str, Any]) -> Any:
    """What stands in one input of a modal."""
    element = next(iter(state.values()))
    if "selected_options" in element and element["type"] == "checkboxes":
        return [each["value"] for each in element["selected_options"]]
    if element.get("selected_option") is not None:
        return element["selected_option"]["value"]
    return element.get("value") or ""
