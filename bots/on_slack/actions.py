"""Everything but questions: modals, slash commands, emoji, the home tab, the assistant pane; and buttons by `buttons`.

Each is turned into what a person could have typed, or into feedback, and `bots.dialogue` does the rest.
Knows no queue and no model.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from bots import texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.lessons import LessonReply, Lessons
from bots.on_slack import blocks as slack_blocks
from bots.on_slack import home as slack_home
from bots.on_slack import texts as slack_texts
from bots.on_slack.buttons import Buttons, whisperer
from bots.on_slack.clients import Clients
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.ephemeral import SlackPress, StatelessDelivery
from bots.on_slack.errors import ERRORS
from bots.on_slack.events import EventKind, body_of
from bots.on_slack.render import Block
from bots.on_slack.teaching import learn_thread
from bots.on_slack.views import fill
from bots.platform import Delivery
from core.inbox import Event
from core.people.feedback import Verdict
from core.people.interests import Reason

UP = {"+1", "thumbsup", "heart", "heart_eyes", "white_check_mark", "tada", "clap", "raised_hands", "100"}
DOWN = {"-1", "thumbsdown", "x", "confused", "disappointed"}


class Actions:
    """What is done with each kind of event that is no question."""

    def __init__(
        self, clients: Clients, dialogue: Dialogue, talk: SlackConversation, door: SlackEntrance, lessons: Lessons
    ) -> None:
        self._clients = clients
        self._dialogue = dialogue
        self._talk = talk
        self._door = door
        self._lessons = lessons
        self._buttons = Buttons(dialogue, talk, lessons)
        self._kinds: Mapping[str, Callable[[SlackPress], Awaitable[None]]] = {
            EventKind.PRESS: self._press,
            EventKind.MODAL: self._prefs_modal,
            EventKind.SUBMIT: self._submit,
            EventKind.WHISPER: self._whisper,
            EventKind.REACTION: self._reaction,
            EventKind.HOME: self._home,
            EventKind.PANE: self._pane,
        }

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for."""
        place = await self._clients.of(event.person.workspace)
        pressed = SlackPress(event, body_of(event), place, delivery)
        channel = pressed.text("channel")
        if not await self._door.admits(place.client, event.person.workspace, event.person.user, channel):
            await self._turn_away(pressed)
        elif event.kind in self._kinds:
            await self._kinds[event.kind](pressed)

    async def apologise(self, event: Event, sentence: str) -> None:
        """Tell whoever pressed something that nothing comes of it."""
        place = await self._clients.of(event.person.workspace)
        body = body_of(event)
        if event.kind == EventKind.HOME:
            await place.client.views_publish(user_id=event.person.user, view=slack_home.closed(sentence))
        elif view := str(body.get("view") or ""):
            await fill(place.client, view, slack_blocks.text_modal(translated(slack_texts.SORRY), sentence))
        elif body.get("response_url"):
            await whisperer(SlackPress(event, body, place, StatelessDelivery())).say(sentence)

    async def _turn_away(self, pressed: SlackPress) -> None:
        if pressed.event.kind == EventKind.HOME:
            await self._publish(pressed, slack_home.closed(translated(slack_texts.NOT_ADMITTED)))
        elif view := pressed.text("view"):
            await fill(
                pressed.place.client,
                view,
                slack_blocks.text_modal(translated(slack_texts.SORRY), translated(slack_texts.NOT_ADMITTED)),
            )
        elif pressed.event.kind == EventKind.WHISPER:
            await whisperer(pressed).say(translated(slack_texts.NOT_ADMITTED))

    # Buttons

    async def _press(self, pressed: SlackPress) -> None:
        name = pressed.text("action")
        if name.startswith((slack_blocks.UNLEARN, slack_blocks.RELEARN)) and pressed.body.get("home"):
            await self._home(pressed, told=await self._buttons.lesson(pressed))
        elif name == slack_blocks.PREFS:
            await self._prefs_modal(pressed)
        elif name.startswith(slack_blocks.RUN):
            await self._run(pressed, pressed.text("value"))
        else:
            await self._buttons.press(pressed)

    async def _run(self, pressed: SlackPress, command: str) -> None:
        """A command behind a button of the home tab: then the tab is drawn anew."""
        said = await self._talk.said(pressed, command)
        if command == "/prefs export":
            await self._send_privately(pressed, said)
            said = translated(slack_texts.EXPORT_SENT)
        if pressed.body.get("home"):
            await self._home(pressed, told=LessonReply(said))

    async def _send_privately(self, pressed: SlackPress, text: str) -> None:
        client = pressed.place.client
        opened = await client.conversations_open(users=pressed.person.user)
        for blocks in slack_home.pages(text):
            await client.chat_postMessage(
                channel=opened["channel"]["id"],
                text=translated(texts.EXPORT),
                blocks=blocks,
                unfurl_links=False,
                unfurl_media=False,
            )

    # Modals

    async def _prefs_modal(self, pressed: SlackPress) -> None:
        profile = await self._dialogue.profile(pressed.person)
        await fill(pressed.place.client, pressed.text("view"), slack_home.prefs_modal(profile))

    async def _submit(self, pressed: SlackPress) -> None:
        values: Mapping[str, Any] = pressed.body.get("values", {})
        about = pressed.text("about")
        match pressed.text("callback"):
            case slack_blocks.REASONS:
                await self._buttons.judge(pressed, about, Verdict.DOWN, Reason[str(values["reason"])])
            case slack_blocks.PREFS:
                for command in slack_home.commands_of(values, await self._dialogue.profile(pressed.person)):
                    await self._talk.said(pressed, command)
            case slack_blocks.TEACH:
                told = await learn_thread(self._lessons, pressed, about, values)
                await whisperer(pressed, about).say(told.sentence, slack_blocks.lesson_buttons(told))

    # Slash commands

    async def _whisper(self, pressed: SlackPress) -> None:
        """Answer for one person's eyes, in a channel or anywhere."""
        channel, text = pressed.text("channel"), pressed.text("text")
        message = await self._talk.message(pressed, text, f"@{pressed.person.user}", private=True)
        share = "" if channel.startswith("D") else text
        await self._talk.whisper(pressed, message, whisperer(pressed), share=share)

    # Emoji

    async def _reaction(self, pressed: SlackPress) -> None:
        emoji = pressed.text("reaction").partition("::")[0]
        verdict = Verdict.UP if emoji in UP else Verdict.DOWN if emoji in DOWN else None
        if verdict is None:
            return
        if (answer := await pressed.delivery.answer_of(pressed.text("ts"))) is not None:
            await self._buttons.judge(pressed, answer, verdict if pressed.body.get("added") else Verdict.NONE)

    # The home tab and the pane

    async def _home(self, pressed: SlackPress, told: LessonReply | None = None) -> None:
        person = pressed.person
        profile = await self._dialogue.profile(person)
        shown = slack_home.HomeView(
            recommended=await self._talk.said(pressed, "/recommend") if profile.interests else "",
            asked=await self._dialogue.recent(person),
            lessons=await self._lessons.of(person, await self._talk.may_see(pressed)),
            told=told,
        )
        await self._publish(pressed, slack_home.home(profile, shown))

    async def _publish(self, pressed: SlackPress, view: Block) -> None:
        await pressed.place.client.views_publish(user_id=pressed.person.user, view=view)

    async def _pane(self, pressed: SlackPress) -> None:
        """Suggest what to ask: Slack may not know the call, and then nothing is lost."""
        asked = await self._dialogue.recent(pressed.person)
        prompts = slack_home.prompts(asked, await self._lessons.new_titles(await self._talk.may_see(pressed)))
        with suppress(*ERRORS):
            await pressed.place.client.assistant_threads_setSuggestedPrompts(
                channel_id=pressed.text("channel"),
                thread_ts=pressed.text("thread") or None,
                title=translated(slack_texts.PANE_PROMPTS),
                prompts=prompts,
            )
