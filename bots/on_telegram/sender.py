"""The answering half of Telegram: each event to what it asks for, and the menu of commands.

Knows what people can ask for in Telegram; how it is answered is in the modules it hands over to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
from telegram import BotCommand, BotCommandScope, BotCommandScopeAllGroupChats, BotCommandScopeChat
from telegram.error import TelegramError

from bots.dialogue import Dialogue
from bots.language import LANGUAGES, translated
from bots.on_telegram import texts as say
from bots.on_telegram.api import Bot, GoneError, TelegramApi, connected
from bots.on_telegram.buttons import ButtonAction, ButtonPress, forward_buttons
from bots.on_telegram.conversation import PERSONAL, TelegramConversation, command_of, spot_of
from bots.on_telegram.entrance import Membership
from bots.on_telegram.events import Incoming, UpdateKind, from_event
from bots.on_telegram.prefs import FORGET, MAIN, panel
from bots.on_telegram.presses import ButtonPresses
from bots.on_telegram.render import telegram
from bots.on_telegram.screen import Screen, Streaming
from bots.on_telegram.teaching import Lessons, Teaching
from bots.on_telegram.texts import Words
from bots.operator_lists import OperatorLists
from bots.platform import Delivery
from core.errors import PersonError
from core.inbox import Event
from core.people.access import Access

log = structlog.get_logger(__name__)

LISTED = 10  # gaps, documents or dead letters in one message
IN_GROUPS = ("help", "private", "learn", "unlearn", "stop")
OWN_COMMANDS = ("stop", "learn", "unlearn", "private")
PANELS = {"prefs": MAIN, "forget": FORGET}  # what comes with buttons when nothing stands behind it

Handler = Callable[[Incoming, Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """What the answering half works with."""

    dialogue: Dialogue
    teacher: Teaching | None
    access: Access
    lists: OperatorLists


class TelegramSender:
    """The port `Sender` for Telegram."""

    def __init__(self, bot: Bot, services: Services, groups: tuple[int, ...], streaming: Streaming) -> None:
        self._bot = bot
        self._line = TelegramApi(bot)
        self._services = services
        membership = Membership(bot, groups)
        self._talk = TelegramConversation(self._line, services.dialogue, membership.channels, streaming)
        self._lessons = Lessons(self._talk, services.teacher, services.access.is_operator, membership.channels)
        self._taps = ButtonPresses(
            self._talk, services.dialogue, {**self._lessons.taps, ButtonAction.ANSWER: self._answer_forwarded}
        )
        self._kinds: Mapping[UpdateKind, Handler] = {
            UpdateKind.ASK: self._ask,
            UpdateKind.EDIT: self._ask,
            UpdateKind.FILE: self._lessons.offered,
            UpdateKind.FORWARD: self._forwarded,
            UpdateKind.REFUSE: self._refuse,
            UpdateKind.TAP: self._taps.tap,
            UpdateKind.REACTION: self._taps.reaction,
            UpdateKind.JOINED: self._joined,
        }
        self._commands: Mapping[str, Handler] = {
            "start": self._start,
            "private": self._private,
            "learn": self._lessons.asked,
            "unlearn": self._lessons.list_for_unlearning,
            **dict.fromkeys(say.OPERATOR_COMMANDS, self._desk),
        }

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Hold the connection, and tell Telegram the commands."""
        async with connected(self._bot):
            await self._register(say.COMMANDS)
            await self._register({name: say.COMMANDS[name] for name in IN_GROUPS}, BotCommandScopeAllGroupChats())
            yield

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for. Who cannot be written to any more has an answer less, and nobody an error."""
        incoming = from_event(event)
        try:
            await self._kinds[incoming.kind](incoming, delivery)
        except PersonError as error:
            await self._talk.say(incoming, delivery, str(error))
        except GoneError as error:
            log.info("recipient_unreachable", error=str(error), kind=incoming.kind.value)
            await delivery.ended()

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that it takes a while."""
        await self._say_plainly(event, delivery, sentence)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that there will be no answer."""
        await self._say_plainly(event, delivery, sentence)

    async def _say_plainly(self, event: Event, delivery: Delivery, sentence: str) -> None:
        try:
            await Screen(self._line, spot_of(from_event(event)), delivery, "off").finish(telegram(translated(sentence)))
        except GoneError as error:
            log.info("recipient_unreachable", error=str(error), kind=event.kind)

    async def _register(self, commands: Mapping[str, str], scope: BotCommandScope | None = None) -> None:
        """In English for everybody, and in the other languages for whoever has Telegram in one."""
        for language in ("", *LANGUAGES):
            words = Words(language)
            menu = [BotCommand(name, words.plain(summary)) for name, summary in commands.items()]
            try:
                await self._bot.set_my_commands(menu, scope, language or None)
            except TelegramError as error:  # the menu can wait, answers cannot
                log.warning("command_registration_failed", error=type(error).__name__)
                return

    async def _ask(self, incoming: Incoming, delivery: Delivery) -> None:
        command = command_of(incoming.text)
        if command is None:
            await self._talk.answer(incoming, delivery)
        elif command.name in self._commands:
            await self._commands[command.name](incoming, delivery)
        elif command.name in PANELS and not command.rest:
            await self._panel(incoming, delivery, PANELS[command.name])
        elif (command.name, command.rest.lower()) == ("prefs", "export"):
            await self._taps.export(incoming, delivery)
        elif command.name in PERSONAL:
            await self._talk.in_private(incoming, delivery)
        else:
            await self._talk.answer(incoming, delivery)

    async def _start(self, incoming: Incoming, delivery: Delivery) -> None:
        """The beginning, in two messages."""
        words = Words(incoming.language)
        welcome = [*telegram(words(say.WELCOME, name=incoming.name)), *telegram(words(say.WELCOME_NEXT))]
        await Screen(self._line, spot_of(incoming), delivery, "off").finish(welcome)
        await delivery.ended()
        if incoming.private and await self._services.access.is_operator(incoming.person):
            await self._register({**say.COMMANDS, **say.OPERATOR_COMMANDS}, BotCommandScopeChat(incoming.chat))

    async def _private(self, incoming: Incoming, delivery: Delivery) -> None:
        command = command_of(incoming.text)
        question = (command.rest if command else "") or incoming.said
        if question:
            await self._talk.in_private(incoming, delivery, question)
        else:
            await self._talk.say(incoming, delivery, Words(incoming.language)(say.NOTHING_ASKED))

    async def _panel(self, incoming: Incoming, delivery: Delivery, name: str) -> None:
        drawn = panel(Words(incoming.language), await self._services.dialogue.profile(incoming.person), name)
        await self._talk.say_in_private(incoming, delivery, drawn.markdown, drawn.keyboard)

    async def _forwarded(self, incoming: Incoming, delivery: Delivery) -> None:
        words = Words(incoming.language)
        spot = replace(spot_of(incoming), reply_to=incoming.message)
        await self._talk.say_at(spot, delivery, words(say.FORWARDED), forward_buttons(words))

    async def _answer_forwarded(self, incoming: Incoming, _tap: ButtonPress, delivery: Delivery) -> None:
        await self._talk.answer(incoming, delivery, incoming.said)

    async def _refuse(self, incoming: Incoming, delivery: Delivery) -> None:
        await self._talk.say(incoming, delivery, Words(incoming.language)(say.CANNOT_READ[incoming.data]))

    async def _joined(self, incoming: Incoming, delivery: Delivery) -> None:
        spot = replace(spot_of(incoming), reply_to=0)
        said = Words(incoming.language).plain(say.JOINED, mention=f"`@{self._bot.username}`")  # code, to be copied
        await self._talk.say_at(spot, delivery, said)

    async def _desk(self, incoming: Incoming, delivery: Delivery) -> None:
        """What only operators may see, and only in private."""
        words, command = Words(incoming.language), command_of(incoming.text)
        if not await self._services.access.is_operator(incoming.person):
            said = words(say.OPERATORS_ONLY)
        elif not incoming.private or command is None:
            said = words(say.ONLY_IN_PRIVATE)
        elif command.name == "gaps":
            said = _listed(words, say.GAPS_TITLE, say.NO_GAPS, await self._services.lists.gaps())
        elif command.name == "usage":
            said = _listed(words, say.USAGE_TITLE, say.NO_USAGE, await self._services.lists.uses())
        else:
            said = _listed(words, say.DEAD_TITLE, say.NO_DEAD, await self._services.lists.dead())
        await self._talk.say(incoming, delivery, said)


def _listed(words: Words, title: str, nothing: str, lines: list[str]) -> str:
    if not lines:
        return words(nothing)
    more = len(lines) - LISTED
    shown = [f"- {line}" for line in lines[:LISTED]]
    return "\n".join([words(title), "", *shown, *([words(say.AND_MORE, count=str(more))] if more > 0 else [])])
