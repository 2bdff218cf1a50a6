"""Everything but questions: buttons, menus, modals, slash commands, emoji, the home tab, the assistant pane.

Each press is turned into what a person could have typed, or into feedback, and `bots.dialogue` does the rest.
Knows no queue and no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

from bots.commands import Forgotten, Notice
from bots.dialogue import Delta, Dialogue, Final, Problem
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import home as slack_home
from bots.on_slack import texts as slack_texts
from bots.on_slack.answer import SlackAnswer
from bots.on_slack.clients import Clients
from bots.on_slack.door import Door
from bots.on_slack.errors import ERRORS
from bots.on_slack.events import PLATFORM, Kind, body_of
from bots.on_slack.markdown import escaped
from bots.on_slack.members import Members
from bots.on_slack.posting import Spot
from bots.on_slack.render import Block
from bots.on_slack.teaching import Lessons
from bots.on_slack.views import fill
from bots.on_slack.whisper import Pressed, Unnoted, Whisper
from bots.platform import Delivery
from core.domain import Conversation, Message, Passage
from core.feedback import Feedback, Reason, Verdict
from core.inbox import Event

UP = {"+1", "thumbsup", "heart", "heart_eyes", "white_check_mark", "tada", "clap", "raised_hands", "100"}
DOWN = {"-1", "thumbsdown", "x", "confused", "disappointed"}


class Actions:
    """What is done with each kind of event that is no question."""

    def __init__(
        self,
        clients: Clients,
        dialogue: Dialogue,
        members: Members,
        door: Door,
        lessons: Lessons,
        *,
        hurry: bool = False,
    ) -> None:
        self._clients = clients
        self._dialogue = dialogue
        self._members = members
        self._door = door
        self._lessons = lessons
        self._hurry = hurry
        self._kinds: Mapping[str, Callable[[Pressed], Awaitable[None]]] = {
            Kind.PRESS: self._press,
            Kind.MODAL: self._prefs_modal,
            Kind.SUBMIT: self._submit,
            Kind.WHISPER: self._whisper,
            Kind.REACTION: self._reaction,
            Kind.HOME: self._home,
            Kind.PANE: self._pane,
        }

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for."""
        place = await self._clients.of(event.person.workspace)
        pressed = Pressed(event, body_of(event), place, delivery)
        channel = pressed.text("channel")
        if not await self._door.admits(place.client, event.person.workspace, event.person.user, channel):
            await self._turn_away(pressed)
        elif event.kind in self._kinds:
            await self._kinds[event.kind](pressed)

    async def apologise(self, event: Event, sentence: str) -> None:
        """Tell whoever pressed something that nothing comes of it."""
        place = await self._clients.of(event.person.workspace)
        body = body_of(event)
        if event.kind == Kind.HOME:
            await place.client.views_publish(user_id=event.person.user, view=slack_home.closed(sentence))
        elif view := str(body.get("view") or ""):
            await fill(place.client, view, slack_blocks.text_modal(slack_texts.SORRY, sentence))
        elif body.get("response_url"):
            await self._whisperer(Pressed(event, body, place, Unnoted())).say(sentence)

    async def _turn_away(self, pressed: Pressed) -> None:
        if pressed.event.kind == Kind.HOME:
            await self._publish(pressed, slack_home.closed(slack_texts.NOT_ADMITTED))
        elif view := pressed.text("view"):
            await fill(pressed.place.client, view, slack_blocks.text_modal(slack_texts.SORRY, slack_texts.NOT_ADMITTED))
        elif pressed.event.kind == Kind.WHISPER:
            await self._whisperer(pressed).say(slack_texts.NOT_ADMITTED)

    # Buttons

    async def _press(self, pressed: Pressed) -> None:
        name, value = pressed.text("action"), pressed.text("value")
        if name.startswith(slack_blocks.FEEDBACK):
            verdict, _, answer = value.partition(":")
            await self._feedback(pressed, answer, Verdict.UP if verdict == "up" else Verdict.DOWN)
        elif name == slack_blocks.SOURCE:
            await self._source(pressed, value)
        elif name == slack_blocks.WHY:
            view = slack_blocks.text_modal(slack_texts.WHY, await self._said(pressed, f"/why {value}"))
            await fill(pressed.place.client, pressed.text("view"), view)
        elif name == slack_blocks.PLAIN:
            await self._again(pressed, f"/plain {value}")
        elif name == slack_blocks.PREFS:
            await self._prefs_modal(pressed)
        elif name == slack_blocks.SHARE:
            await self._share(pressed, value)
        elif name.startswith(slack_blocks.LEARN):
            await self._learn_file(pressed, value)
        elif name.startswith(slack_blocks.RUN):
            await self._run(pressed, value)

    async def _feedback(self, pressed: Pressed, answer: str, verdict: Verdict, reason: Reason | None = None) -> None:
        at = pressed.event.received_at
        await self._dialogue.feedback(Feedback(pressed.person, answer, verdict, at, reason))

    async def _source(self, pressed: Pressed, value: str) -> None:
        answer, _, number = value.partition(":")
        found = await self._dialogue.open_source(pressed.person, answer, int(number or 0))
        if isinstance(found, Passage):
            view = slack_blocks.passage_modal(found)
        else:
            view = slack_blocks.text_modal(slack_texts.SOURCE_TITLE, found.markdown)
        await fill(pressed.place.client, pressed.text("view"), view)

    async def _again(self, pressed: Pressed, text: str) -> None:
        """Answer once more, in the same thread."""
        channel, root = pressed.text("channel"), pressed.text("root")
        named = pressed.event.key.rpartition(":")[2]  # the moment of the press
        spot = Spot(channel, root, named, pressed.person.user, pressed.person.workspace, pressed.place.bot_user)
        answer = SlackAnswer(pressed.place.client, spot, pressed.delivery, pressed.place.abilities, hurry=self._hurry)
        await self._stream(pressed, await self._message(pressed, text, root), answer)

    async def _stream(self, pressed: Pressed, message: Message, answer: SlackAnswer) -> None:
        from bots.on_slack.sender import show  # noqa: PLC0415 - the sender knows this module

        said = ""
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                said += reply.text if isinstance(reply, Delta) else ""
                await show(reply, answer, said)
                if isinstance(reply, Final):
                    await pressed.delivery.ended(reply.answer)

    async def _share(self, pressed: Pressed, text: str) -> None:
        """Ask in the channel what was asked in private: there it is answered from what all may see."""
        channel, client = pressed.text("channel"), pressed.place.client
        asked = await client.chat_postMessage(
            channel=channel,
            text=slack_texts.asked_by(pressed.person.user, escaped(text)),
            unfurl_links=False,
            unfurl_media=False,
        )
        root = str(asked["ts"])
        spot = Spot(channel, root, root, pressed.person.user, pressed.person.workspace, pressed.place.bot_user)
        answer = SlackAnswer(client, spot, pressed.delivery, pressed.place.abilities, hurry=self._hurry)
        await self._stream(pressed, await self._message(pressed, text, root), answer)

    async def _learn_file(self, pressed: Pressed, value: str) -> None:
        who, _, file = value.partition(":")
        said = await self._lessons.learn_file(pressed.place.client, pressed.person, pressed.text("channel"), who, file)
        await self._whisperer(pressed).replace(said)

    async def _run(self, pressed: Pressed, command: str) -> None:
        """A command behind a button of the home tab: then the tab is drawn anew."""
        said = await self._said(pressed, command)
        if command == "/prefs export":
            await self._send_privately(pressed, said)
        if pressed.body.get("home"):
            await self._home(pressed, said="" if command == "/prefs export" else said)

    async def _send_privately(self, pressed: Pressed, text: str) -> None:
        client = pressed.place.client
        opened = await client.conversations_open(users=pressed.person.user)
        for blocks in slack_home.pages(text):
            await client.chat_postMessage(
                channel=opened["channel"]["id"],
                text=slack_texts.HOME_EXPORT,
                blocks=blocks,
                unfurl_links=False,
                unfurl_media=False,
            )

    # Modals

    async def _prefs_modal(self, pressed: Pressed) -> None:
        profile = await self._dialogue.profile(pressed.person)
        await fill(pressed.place.client, pressed.text("view"), slack_home.prefs_modal(profile))

    async def _submit(self, pressed: Pressed) -> None:
        values: Mapping[str, Any] = pressed.body.get("values", {})
        about = pressed.text("about")
        match pressed.text("callback"):
            case slack_blocks.REASONS:
                await self._feedback(pressed, about, Verdict.DOWN, Reason[str(values["reason"])])
            case slack_blocks.PREFS:
                for command in slack_home.commands_of(values, await self._dialogue.profile(pressed.person)):
                    await self._said(pressed, command)
            case slack_blocks.TEACH:
                said = await self._lessons.learn_thread(pressed.place.client, pressed.person, about, values)
                await self._whisperer(pressed, about=about).say(said)

    # Slash commands

    async def _whisper(self, pressed: Pressed) -> None:
        """Answer for one person's eyes, in a channel or anywhere."""
        if pressed.delivery.shown:  # another attempt showed it
            return
        channel, text = pressed.text("channel"), pressed.text("text")
        message = await self._message(pressed, text, f"@{pressed.person.user}", private=True)
        whisper = self._whisperer(pressed)
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                match reply:
                    case Final():
                        share = not channel.startswith("D")
                        footer = slack_blocks.under_answer(reply, question=text, shareable=share)
                        await whisper.say(reply.markdown, footer)
                        await pressed.delivery.ended(reply.answer)
                    case Notice(markdown) | Forgotten(markdown) | Problem(markdown):
                        await whisper.say(markdown)
                        await pressed.delivery.ended()
                    case _:
                        pass

    def _whisperer(self, pressed: Pressed, about: str = "") -> Whisper:
        return Whisper(pressed.place.client, pressed.person.user, pressed.body, pressed.delivery, about)

    # Emoji

    async def _reaction(self, pressed: Pressed) -> None:
        emoji = pressed.text("reaction").partition("::")[0]
        verdict = Verdict.UP if emoji in UP else Verdict.DOWN if emoji in DOWN else None
        if verdict is None:
            return
        if (answer := await pressed.delivery.answer_of(pressed.text("ts"))) is not None:
            await self._feedback(pressed, answer, verdict if pressed.body.get("added") else Verdict.NONE)

    # The home tab and the pane

    async def _home(self, pressed: Pressed, said: str = "") -> None:
        profile = await self._dialogue.profile(pressed.person)
        recommended = await self._said(pressed, "/recommend") if profile.interests else ""
        asked = await self._dialogue.recent(pressed.person)
        await self._publish(pressed, slack_home.home(profile, said=said, recommended=recommended, asked=asked))

    async def _publish(self, pressed: Pressed, view: Block) -> None:
        await pressed.place.client.views_publish(user_id=pressed.person.user, view=view)

    async def _pane(self, pressed: Pressed) -> None:
        """Suggest what to ask: Slack may not know the call, and then nothing is lost."""
        asked = await self._dialogue.recent(pressed.person)
        prompts = slack_home.prompts(asked, await self._lessons.titles(pressed.person.workspace))
        with suppress(*ERRORS):
            await pressed.place.client.assistant_threads_setSuggestedPrompts(
                channel_id=pressed.text("channel"),
                thread_ts=pressed.text("thread") or None,
                title=slack_texts.PANE_PROMPTS,
                prompts=prompts,
            )

    async def _said(self, pressed: Pressed, command: str) -> str:
        """What a command says."""
        message = await self._message(pressed, command, f"@{pressed.person.user}", private=True)
        async with aclosing(self._dialogue.respond(message)) as replies:
            async for reply in replies:
                if isinstance(reply, Notice | Forgotten | Problem | Final):
                    return reply.markdown
        return ""

    async def _message(self, pressed: Pressed, text: str, thread: str, *, private: bool | None = None) -> Message:
        person, channel = pressed.person, pressed.text("channel") or "home"
        alone = channel.startswith("D") if private is None else private
        channels: frozenset[str] = frozenset()
        if alone:
            channels = await self._members.channels(pressed.place.client, person.workspace, person.user)
        conversation = Conversation(PLATFORM, person.workspace, channel, thread)
        at = datetime.now(UTC)
        return Message(pressed.event.key, conversation, person, text, at, private=alone, channels=channels)
