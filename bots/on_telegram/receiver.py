"""The receiving half of Telegram, by long polling or webhook: what comes in is kept before Telegram is told so.

Each update is read and handed into the inbox by itself: one that nobody can read is counted and confirmed, and is no
other's matter. Strangers are sent away here, so that they cannot fill the inbox. Knows no model and no answers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog
from telegram import Update
from telegram.request import HTTPXRequest

from bots import texts
from bots.language import speaking, translated
from bots.on_telegram import texts as say
from bots.on_telegram.api import TELEGRAM, Bot, TelegramApi, connected
from bots.on_telegram.buttons import ASKERS, ButtonAction, read_tap
from bots.on_telegram.conversation import command_of, spot_of
from bots.on_telegram.entrance import TelegramEntrance, group_name
from bots.on_telegram.events import PLATFORM, Incoming, UpdateKind, group_of, to_event
from bots.on_telegram.pace import ChatPace
from bots.on_telegram.pages import MessagePage
from bots.on_telegram.polling import Polling
from bots.on_telegram.render import telegram
from bots.on_telegram.updates import arrived, event_key, moved, overheard, read, removed_from
from bots.on_telegram.webhook import Listening, Webhook
from bots.on_telegram.wire import ApiRequest, update_of
from bots.platform import Inlet
from bots.reception import Reception
from core.errors import PersonError, StoreError
from core.inbox import Receipt
from core.threads.chats import ChatLog, ChatPost

log = structlog.get_logger(__name__)

PATIENCE = 60.0  # seconds without a reply of Telegram's after which nothing is received; a poll takes 25
TAKING = 30.0  # seconds that handing one update in may take
TOLD_AGAIN = 3600.0  # seconds after which a strange group is told again
TOLD_GROUPS = 10_000
CONNECTIONS = 32

_REFUSALS = {Receipt.HURRIED: texts.HURRIED, Receipt.CROWDED: texts.CROWDED}


def new_bot(token: str, api: str = TELEGRAM, pace: ChatPace | None = None) -> Bot:
    """A bot that is not connected yet."""
    logging.getLogger("telegram").setLevel(
        logging.CRITICAL + 1
    )  # its log quotes messages, and addresses hold the token
    base = api.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=HTTPXRequest(CONNECTIONS, read_timeout=15, write_timeout=15, connect_timeout=10, pool_timeout=10),
        get_updates_request=ApiRequest(1, read_timeout=10, connect_timeout=10, pool_timeout=10),
        rate_limiter=pace or ChatPace(),
    )


class TelegramReceiver:
    """The port `Receiver` for Telegram."""

    def __init__(
        self,
        bot: Bot,
        entrance: TelegramEntrance,
        chats: ChatLog,
        webhook: Webhook | None = None,
        reception: Reception | None = None,
    ) -> None:
        self._bot = bot
        self._line = TelegramApi(bot)
        self._entrance = entrance
        self._chats = chats
        self._webhook = webhook
        self._reception = reception or Reception(PLATFORM)
        self._asides: set[asyncio.Task[None]] = set()
        self._told: dict[int, float] = {}

    @asynccontextmanager
    async def receiving(self, inlet: Inlet) -> AsyncIterator[None]:
        """Receive while open."""

        async def take(raw: Any) -> None:
            await self._understood(raw, inlet)

        async with connected(self._bot):
            if self._webhook is None:
                self._reception.quiet = PATIENCE
                receive = Polling(self._bot, take, self._reception).run
            else:
                receive = Listening(self._bot, self._webhook, take, self._reception).run
            async with self._reception.kept_up(receive):
                yield
            if self._asides:
                await asyncio.wait(self._asides, timeout=10)

    async def _understood(self, raw: Any, inlet: Inlet) -> None:
        """Take an update in; what nobody can read is counted, and is done with.

        Raises:
            StoreError, TimeoutError: it is not kept, and has to come again.
        """
        try:
            async with asyncio.timeout(TAKING):
                await self.take(update_of(raw, self._bot), inlet)
        except (StoreError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever somebody thought of
            self._reception.not_understood(error)

    async def take(self, update: Update, inlet: Inlet) -> None:
        """Hand an update in, or send whoever sent it away. Returns when it is kept, or needs not be.

        Raises:
            StoreError: it is not kept.
        """
        if (ids := moved(update)) is not None:
            log.warning("group_migrated", old=group_name(ids[0]), new=group_name(ids[1]))
        await self._came_or_left(update)
        incoming = read(update, self._bot.bot)
        if incoming is not None:
            with speaking(incoming.language):
                await self._take(event_key(self._bot.id, update), incoming, inlet)
        if (heard := overheard(update, self._bot.bot)) is not None:
            await self._overhear(*heard)

    async def _came_or_left(self, update: Update) -> None:
        """Whoever comes into a group is not told what was written before; a bot that is removed keeps nothing."""
        if (arrivals := arrived(update)) is not None:
            chat, people, at = arrivals
            for person in people:
                await self._chats.arrived(group_of(chat), person, at)
        elif (left := removed_from(update)) is not None and await self._chats.keeps(group_of(left)):
            await self._chats.end(group_of(left))

    async def _overhear(self, chat: int, post: ChatPost) -> None:
        """Keep what is written in a group that wants it kept, by people who get in."""
        group = group_of(chat)
        if await self._chats.keeps(group) and (post.person is None or await self._entrance.knows(post.person, chat)):
            await self._chats.add(group, post)

    async def _take(self, key: str, incoming: Incoming, inlet: Inlet) -> None:
        command = command_of(incoming.text)
        if incoming.kind is UpdateKind.STOP or (incoming.kind is UpdateKind.ASK and command and command[0] == "stop"):
            await self._stop(incoming, inlet)
        elif incoming.kind is UpdateKind.NAMELESS:
            self._aside(incoming, translated(say.NAMELESS))
        elif incoming.kind is UpdateKind.TAP and _is_elses(incoming):
            self._later(self._line.toast(incoming.query, translated(texts.ASKERS_ONLY)))
        elif await self._entrance.admits(incoming):
            if not await self._took_code(key, incoming, inlet):
                await self._put(key, incoming, inlet)
        else:
            await self._send_away(key, incoming, inlet)

    async def _put(self, key: str, incoming: Incoming, inlet: Inlet) -> None:
        receipt = await inlet.put(to_event(key, incoming))
        if incoming.kind is UpdateKind.TAP:
            self._later(self._line.toast(incoming.query, _toast(incoming)))
        if receipt in _REFUSALS:
            self._aside(incoming, translated(_REFUSALS[receipt]))

    async def _stop(self, incoming: Incoming, inlet: Inlet) -> None:
        """Past the inbox, so that it does not wait behind the answer that it is to stop."""
        stopped = await inlet.stop(incoming.conversation, incoming.person)
        if not stopped and incoming.kind is UpdateKind.ASK and await self._entrance.admits(incoming):
            self._aside(incoming, translated(texts.NOTHING_TO_STOP))

    async def _took_code(self, key: str, incoming: Incoming, inlet: Inlet) -> bool:
        """Whether somebody who is in already sent a code, as one that makes an operator; a wrong one is a question."""
        if incoming.kind is not UpdateKind.ASK:
            return False
        try:
            return await self._welcomed(key, incoming, inlet)
        except PersonError as error:
            if wrong := incoming.text.startswith("/pair"):
                self._aside(incoming, translated(error.sentence, **error.values))
            return wrong

    async def _welcomed(self, key: str, incoming: Incoming, inlet: Inlet) -> bool:
        """Whether it was a code: then somebody is welcome, and begins.

        Raises:
            PersonError: it is a code, and not a valid one.
        """
        if said := await self._entrance.pairs(incoming):
            self._aside(incoming, translated(said))
            await self._put(key, replace(incoming, kind=UpdateKind.ASK, text="/start"), inlet)
        return bool(said)

    async def _send_away(self, key: str, incoming: Incoming, inlet: Inlet) -> None:
        """A stranger: a code lets them in, all else is told what to do."""
        if incoming.kind is UpdateKind.TAP:
            self._later(self._line.toast(incoming.query))
            return
        if incoming.kind is UpdateKind.REACTION:
            return
        try:
            if await self._welcomed(key, incoming, inlet):
                return
        except PersonError as error:
            self._aside(incoming, translated(error.sentence, **error.values))
            return
        if incoming.private:
            self._aside(incoming, translated(say.STRANGER))
        elif time.monotonic() - self._told.get(incoming.chat, -TOLD_AGAIN) >= TOLD_AGAIN:
            if len(self._told) >= TOLD_GROUPS:
                self._told.clear()
            self._told[incoming.chat] = time.monotonic()
            log.info("group_turned_away", group=group_name(incoming.chat))
            self._aside(incoming, translated(say.STRANGE_GROUP))

    def _aside(self, incoming: Incoming, markdown: str) -> None:
        """Say something that is not worth waiting for."""
        self._later(self._say(incoming, telegram(markdown)[0]))

    async def _say(self, incoming: Incoming, page: MessagePage) -> None:
        await self._line.send(spot_of(incoming), page)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)


def _is_elses(incoming: Incoming) -> bool:
    """Whether a button is whoever asked's to press, and it was somebody else."""
    tap = read_tap(incoming.data)
    return tap is not None and tap.act in ASKERS and (incoming.is_elses or tap.asker not in {0, incoming.user})


def _toast(incoming: Incoming) -> str:
    tap = read_tap(incoming.data)
    thanks = tap is not None and tap.act in {ButtonAction.UP, ButtonAction.REASON}
    return translated(say.THANKS) if thanks else ""


async def _quietly(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - nobody waits for it
        log.info("background_task_failed", error=type(error).__name__)
