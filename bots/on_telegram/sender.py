"""The answering half of Telegram: each event to what it asks for, and the menu of commands.

Knows what people can ask for in Telegram; how it is answered is in the modules it hands over to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
from telegram import BotCommand, BotCommandScope, BotCommandScopeAllGroupChats, BotCommandScopeChat
from telegram.error import TelegramError

from bots.command_table import OPERATORS, PERSONAL, Command, commands_with
from bots.dialogue import Dialogue
from bots.language import LANGUAGES, Voice, speaking, translated
from bots.lessons import Lessons
from bots.on_telegram import texts as say
from bots.on_telegram.api import Bot, ChatTarget, GoneError, TelegramApi, connected
from bots.on_telegram.buttons import ButtonAction, ButtonPress, forward_buttons
from bots.on_telegram.catching_up import CatchingUp
from bots.on_telegram.conversation import TelegramConversation, command_of, spot_of
from bots.on_telegram.entrance import Membership, TelegramEntrance
from bots.on_telegram.events import Incoming, UpdateKind, from_event
from bots.on_telegram.prefs import FORGET, MAIN, panel
from bots.on_telegram.presses import ButtonPresses
from bots.on_telegram.render import telegram
from bots.on_telegram.screen import Screen, Streaming
from bots.on_telegram.teaching import Teaching
from bots.operator_lists import OperatorLists
from bots.platform import Delivery
from bots.study_requests import is_personal
from bots.texts import escaped
from core.errors import PersonError
from core.inbox import Event
from core.people.access import Access
from core.threads.chats import ChatLog

log = structlog.get_logger(__name__)

IN_GROUPS = ("help", "private", "catchup", "learn", "unlearn", "stop")
OWN_COMMANDS = ("stop", "learn", "unlearn", "private")
MENU = [one for one in commands_with(OWN_COMMANDS) if one.name not in {"plain", "open"}]  # these have buttons
PANELS = {"prefs": MAIN, "forget": FORGET}  # what comes with buttons when nothing stands behind it

Handler = Callable[[Incoming, Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """What the answering half works with."""

    dialogue: Dialogue
    lessons: Lessons
    access: Access
    lists: OperatorLists
    chats: ChatLog


class TelegramSender:
    """The port `Sender` for Telegram."""

    def __init__(self, bot: Bot, services: Services, groups: tuple[int, ...], streaming: Streaming) -> None:
        self._bot = bot
        self._line = TelegramApi(bot)
        self._services = services
        membership = Membership(bot, groups)
        self._entrance = TelegramEntrance(services.access, membership)
        self._talk = TelegramConversation(self._line, services.dialogue, membership.channels, streaming)
        self._teaching = Teaching(self._talk, services.lessons, membership.channels)
        self._catching_up = CatchingUp(self._talk, services.chats)
        self._taps = ButtonPresses(
            self._talk, services.dialogue, {**self._teaching.taps, ButtonAction.ANSWER: self._answer_forwarded}
        )
        self._kinds: Mapping[UpdateKind, Handler] = {
            UpdateKind.ASK: self._ask,
            UpdateKind.EDIT: self._ask,
            UpdateKind.FILE: self._teaching.offered,
            UpdateKind.FORWARD: self._forwarded,
            UpdateKind.REFUSE: self._refuse,
            UpdateKind.TAP: self._taps.tap,
            UpdateKind.REACTION: self._taps.reaction,
            UpdateKind.JOINED: self._joined,
            UpdateKind.DIGEST: self._digest,
        }
        self._commands: Mapping[str, Handler] = {
            "start": self._start,
            "private": self._private,
            "catchup": self._catching_up.asked,
            "learn": self._teaching.asked,
            "unlearn": self._teaching.list_for_unlearning,
            **{one.name: self._desk for one in OPERATORS},
        }

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Hold the connection, and tell Telegram the commands."""
        async with connected(self._bot):
            await self._register(MENU)
            await self._register([one for one in MENU if one.name in IN_GROUPS], BotCommandScopeAllGroupChats())
            yield

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for. Who cannot be written to any more has an answer less, and nobody an error."""
        incoming = from_event(event)
        try:
            await self._kinds[incoming.kind](incoming, delivery)
        except PersonError as error:
            await self._talk.say(incoming, delivery, translated(error.sentence, **error.values))
        except GoneError as error:
            log.info("recipient_unreachable", error=str(error), kind=incoming.kind.value)
            await delivery.ended()

    async def voice(self, event: Event) -> Voice:
        """How to speak to whoever sent `event`."""
        return Voice(event.language)

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that it takes a while."""
        await self._say_plainly(event, delivery, sentence)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that there will be no answer."""
        await self._say_plainly(event, delivery, sentence)

    async def _say_plainly(self, event: Event, delivery: Delivery, sentence: str) -> None:
        if event.kind == UpdateKind.DIGEST:  # nobody asked
            return
        try:
            await Screen(self._line, spot_of(from_event(event)), delivery, "off").finish(telegram(sentence))
        except GoneError as error:
            log.info("recipient_unreachable", error=str(error), kind=event.kind)

    async def _register(self, commands: Sequence[Command], scope: BotCommandScope | None = None) -> None:
        """In English for everybody, and in the other languages for whoever has Telegram in one."""
        for language in ("", *LANGUAGES):
            with speaking(language):
                menu = [BotCommand(one.name, translated(one.summary)) for one in commands]
            try:
                await self._bot.set_my_commands(menu, scope, language or None)
            except TelegramError as error:  # the menu can wait, answers cannot
                log.warning("command_registration_failed", error=type(error).__name__)
                return

    async def _ask(self, incoming: Incoming, delivery: Delivery) -> None:
        command = command_of(incoming.text)
        if command is None:
            if is_personal(incoming.text):
                await self._talk.in_private(incoming, delivery)
            elif not await self._catching_up.took(incoming, delivery):
                await self._talk.answer(incoming, delivery)
            return
        name, rest = command
        if name in self._commands:
            await self._commands[name](incoming, delivery)
        elif name in PANELS and not rest:
            await self._panel(incoming, delivery, PANELS[name])
        elif (name, rest.lower()) == ("prefs", "export"):
            await self._taps.export(incoming, delivery)
        elif name in PERSONAL:
            await self._talk.in_private(incoming, delivery)
        else:
            await self._talk.answer(incoming, delivery)

    async def _start(self, incoming: Incoming, delivery: Delivery) -> None:
        """The beginning, in two messages."""
        welcome = [
            *telegram(translated(say.WELCOME, name=escaped(incoming.name))),
            *telegram(translated(say.WELCOME_NEXT)),
        ]
        await Screen(self._line, spot_of(incoming), delivery, "off").finish(welcome)
        await delivery.ended()
        if incoming.private and await self._services.access.is_operator(incoming.person):
            await self._register([*MENU, *OPERATORS], BotCommandScopeChat(incoming.chat))

    async def _private(self, incoming: Incoming, delivery: Delivery) -> None:
        command = command_of(incoming.text)
        question = command[1] if command else ""
        if question or incoming.said:
            await self._talk.in_private(incoming, delivery, question, None if question else incoming.said)
        else:
            await self._talk.say(incoming, delivery, translated(say.NOTHING_ASKED))

    async def _panel(self, incoming: Incoming, delivery: Delivery, name: str) -> None:
        drawn = panel(await self._services.dialogue.profile(incoming.person), name)
        await self._talk.say_in_private(incoming, delivery, drawn.markdown, drawn.keyboard)

    async def _forwarded(self, incoming: Incoming, delivery: Delivery) -> None:
        if not incoming.private:
            await self._talk.answer(incoming, delivery, "", incoming.text)
            return
        message = incoming.asked("", quoted=incoming.text)
        if comment := await self._services.dialogue.comment_on(message):  # answered by itself, a moment ago
            asked = replace(incoming, kind=UpdateKind.EDIT, message=incoming.message - 1)
            await self._talk.answer(asked, delivery, comment, incoming.text)
            return
        await self._services.dialogue.keep_forward(message)
        spot = replace(spot_of(incoming), reply_to=incoming.message)
        await self._talk.say_at(spot, delivery, translated(say.FORWARDED), forward_buttons())

    async def _answer_forwarded(self, incoming: Incoming, _tap: ButtonPress, delivery: Delivery) -> None:
        await self._talk.answer(incoming, delivery, "", incoming.said)

    async def _refuse(self, incoming: Incoming, delivery: Delivery) -> None:
        await self._talk.say(incoming, delivery, translated(say.CANNOT_READ[incoming.data]))

    async def _joined(self, incoming: Incoming, delivery: Delivery) -> None:
        spot = replace(spot_of(incoming), reply_to=0)
        said = translated(say.JOINED, mention=f"`@{self._bot.username}`")  # code, to be copied
        notice = await self._catching_up.notice(incoming.chat)
        await self._talk.say_at(spot, delivery, f"{said}\n\n{notice}".strip())

    async def _digest(self, incoming: Incoming, delivery: Delivery) -> None:
        """In private, once: the title is posted first, and the rest is edited into it."""
        if not await self._entrance.admits(incoming):
            return
        operator = await self._services.access.is_operator(incoming.person)
        message = await self._talk.asked(incoming, "")
        due = await self._services.dialogue.digest(message, incoming.data, operator=operator)
        if due is None:
            return
        screen = Screen(self._line, ChatTarget(incoming.chat), delivery, "off")
        try:
            if not screen.messages:
                await screen.finish(telegram(escaped(due.title)))
            await screen.finish(telegram(due.markdown), once=True)
        except GoneError:
            await self._services.dialogue.unreachable(incoming.person)
            raise
        await self._services.dialogue.digest_shown(due)
        await delivery.ended()

    async def _desk(self, incoming: Incoming, delivery: Delivery) -> None:
        name, _ = command_of(incoming.text) or ("", "")
        said = await self._services.lists.reply(name, incoming.person, private=incoming.private)
        await self._talk.say(incoming, delivery, said)
