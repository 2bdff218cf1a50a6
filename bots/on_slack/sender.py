"""Slack's answering half: questions become answers in their threads, and the end of each is seen once.

What is asked and said goes through `bots.dialogue`; buttons, modals and the home tab are `actions`'. Knows no
queue, no model and no connection but Slack's Web API.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass

import structlog
from cachetools import LRUCache

from bots import texts
from bots.dialogue import Dialogue
from bots.language import Voice, translated
from bots.on_slack import blocks as slack_blocks
from bots.on_slack.actions import Actions
from bots.on_slack.answer import SlackAnswer
from bots.on_slack.clients import Clients, Workspace
from bots.on_slack.conversation import show
from bots.on_slack.digests import SlackDigests
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.ephemeral import SlackPress
from bots.on_slack.errors import ERRORS
from bots.on_slack.events import EventKind, SlackMessage, body_of, kind_of, plain_text, question, said_in, sent_at
from bots.on_slack.limits import THREAD_TITLE_CHARS
from bots.on_slack.members import MOMENT, Members
from bots.on_slack.posting import PostTarget, messages_for
from bots.on_slack.side_messages import SideMessages
from bots.on_slack.summaries import SlackSummaries
from bots.on_slack.threads import said_before
from bots.platform import Delivery
from bots.replies import Delta, Final
from core.domain import Message, Person
from core.inbox import Event
from core.threads.chats import ChatLog

log = structlog.get_logger(__name__)

TITLED = 2_000  # threads whose title was set


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """A question, where it was asked, and how far its answer came."""

    said: SlackMessage
    place: Workspace
    message: Message
    answer: SlackAnswer


class SlackSender:
    """Handles what was received."""

    def __init__(
        self,
        clients: Clients,
        dialogue: Dialogue,
        members: Members,
        door: SlackEntrance,
        actions: Actions,
        *,
        asides: SideMessages,
        digests: SlackDigests,
        chats: ChatLog,
        hurry: bool = False,
    ) -> None:
        self._clients = clients
        self._summaries = SlackSummaries(dialogue, members, chats)
        self._members = members
        self._door = door
        self._actions = actions
        self._asides = asides
        self._digests = digests
        self._hurry = hurry
        self._titled: LRUCache[tuple[str, str], bool] = LRUCache(TITLED)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Nothing is held between calls."""
        yield

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for."""
        match kind_of(event):
            case EventKind.ASK:
                await self._ask(event, said_in(event), delivery)
            case EventKind.DIGEST:
                await self._digests.send(event, delivery)
            case EventKind.DELETED:
                await self._take_back(said_in(event))
            case _:
                await self._actions.handle(event, delivery)

    async def voice(self, event: Event) -> Voice:
        """How to speak to whoever sent `event`: Slack takes only slash commands that it knows, and none in threads."""
        slash = event.kind == EventKind.WHISPER and not body_of(event).get("question")
        return Voice(await self._language(event.person), "/" if slash else "!")

    async def _language(self, person: Person) -> str:
        """The language that somebody has Slack in; empty where Slack does not say."""
        with suppress(*ERRORS):
            async with asyncio.timeout(MOMENT):
                client = (await self._clients.of(person.workspace)).client
                return await self._members.language(client, person.workspace, person.user)
        return ""

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that the answer takes a while."""
        if event.kind == EventKind.ASK:
            said = said_in(event)
            place = await self._clients.of(said.team)
            await self._answer(said, place, delivery).status(sentence)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that there will be no answer, in the place of what was shown of it."""
        if event.kind == EventKind.ASK:
            said = said_in(event)
            place = await self._clients.of(said.team)
            await self._answer(said, place, delivery).finish(sentence)
        else:
            await self._actions.apologise(event, sentence)

    async def _ask(self, event: Event, said: SlackMessage, delivery: Delivery) -> None:
        place = await self._clients.of(said.team)
        if (refusal := await self._door.refusal(place.client, said, place.bot_user)) is not None:
            if said.private or said.mentioned:
                await self._whisper(place, said, refusal)
            return
        body = {"channel": said.channel, "thread": said.root if said.in_thread or said.private else ""}
        try:
            await self._answered(SlackPress(event, body, place, delivery), said)
        except asyncio.CancelledError:
            if not delivery.stopped or delivery.shown:
                raise
            await self._answer(said, place, delivery).stop()

    async def _answered(self, pressed: SlackPress, said: SlackMessage) -> None:
        place, delivery = pressed.place, pressed.delivery
        text = "" if said.is_forward else question(said.text, place.bot_user)
        if said.files:
            await self._asides.offer(pressed, said, asks=bool(text or said.quoted))
            if not (text or said.quoted):
                return
        over = await self._earlier(place, said) if said.edited else ()
        answer = self._answer(said, place, delivery, over)
        if await self._asides.taken(pressed, said, text, answer):
            return
        if not text.startswith("/"):
            await answer.status(translated(texts.SEARCHING))  # before all else that Slack is asked
        message = await self._message(place, said, text)
        asked = PendingAnswer(said, place, message, answer)
        await self._title(asked)
        await self._show(asked, delivery)

    async def _message(self, place: Workspace, said: SlackMessage, text: str) -> Message:
        channels = await self._members.channels(place.client, said.team, said.user) if said.private else frozenset()
        name = f"{said.ts}:{said.edited}" if said.edited else said.ts
        return Message(
            name,
            said.conversation,
            said.person,
            text,
            sent_at(said.ts),
            private=said.private,
            channels=channels,
            insiders=await self._members.within(place.client, said),
            quoted=plain_text(said.quoted) or await said_before(place.client, said, place.bot_user),
            zone=await self._members.zone(place.client, said.team, said.user),
        )

    async def _show(self, asked: PendingAnswer, delivery: Delivery) -> None:
        """Show what the dialogue says; stopped, show how far it came."""
        said = ""
        try:
            async with aclosing(self._summaries.replies(asked.place, asked.said, asked.message)) as replies:
                async for reply in replies:
                    said += reply.text if isinstance(reply, Delta) else ""
                    await show(reply, asked.answer, said, asked.said.user)
                    if isinstance(reply, Final):
                        await delivery.ended(reply.answer)
        except asyncio.CancelledError:
            if not delivery.stopped:
                raise
            await asked.answer.stop()
            await delivery.ended()

    def _answer(
        self, said: SlackMessage, place: Workspace, delivery: Delivery, over: Sequence[str] = ()
    ) -> SlackAnswer:
        spot = PostTarget(said.channel, said.root, said.ts, said.user, said.home or said.team, place.bot_user)
        return SlackAnswer(place.client, spot, delivery, place.abilities, over=over, hurry=self._hurry)

    async def _earlier(self, place: Workspace, said: SlackMessage) -> Sequence[str]:
        """The messages that answered the question before it was edited."""
        spot = PostTarget(said.channel, said.root, said.ts, said.user, said.home, place.bot_user)
        with suppress(*ERRORS):
            return await messages_for(place.client, spot, finished=True)
        return ()

    async def _take_back(self, said: SlackMessage) -> None:
        """The question was deleted: its answer goes too."""
        place = await self._clients.of(said.team)
        for ts in await self._earlier(place, said):
            with suppress(*ERRORS):
                await place.client.chat_delete(channel=said.channel, ts=ts)

    async def _whisper(self, place: Workspace, said: SlackMessage, sentence: str) -> None:
        """Say something to the person alone."""
        client = place.client
        if said.private:
            await client.chat_postMessage(
                channel=said.channel, thread_ts=said.root, text=sentence, unfurl_links=False, unfurl_media=False
            )
            return
        thread = said.root if said.in_thread else None
        await client.chat_postEphemeral(channel=said.channel, user=said.user, thread_ts=thread, text=sentence)

    async def _title(self, asked: PendingAnswer) -> None:
        """Name the thread in the assistant pane by its first question."""
        key = (asked.said.channel, asked.said.root)
        if not asked.said.private or key in self._titled or asked.message.text.startswith("/"):
            return
        self._titled[key] = True
        with suppress(*ERRORS):
            title = slack_blocks.plain(asked.message.text or asked.message.quoted, THREAD_TITLE_CHARS)["text"]
            await asked.place.client.assistant_threads_setTitle(
                channel_id=asked.said.channel, thread_ts=asked.said.root, title=title
            )
