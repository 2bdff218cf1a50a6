"""The line to Telegram: sends and edits messages, and makes sense of what goes wrong.

What may be repeated is repeated; entities that are refused after all give way to plain text, a topic that is gone to
the chat, a group that moved to where it is now. What cannot be written to any more is a `GoneError`. Knows nothing of
answers or of when something is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, TypeVar

import structlog
from telegram import InlineKeyboardMarkup, LinkPreviewOptions, Message, MessageEntity, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, TimedOut
from telegram.ext import ExtBot

from bots import texts
from bots.on_telegram.pace import FRAME
from bots.on_telegram.pages import MessagePage
from bots.on_telegram.render import plain_pages
from core.errors import ConfigurationError, LessonError

log = structlog.get_logger(__name__)

TELEGRAM = "https://api.telegram.org"
TRIES = 6
PAUSE = 0.5  # seconds before the second try; twice as long before each further one
LONGEST_PAUSE = 30.0
READ = 10.0  # seconds beyond those that a poll may take by itself
Keyboard = InlineKeyboardMarkup | None
T = TypeVar("T")

_STOPPABLE = {"can_stop": True}  # Bot API 10.3; servers that do not know it pass over it
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_GONE = (
    "chat not found",
    "have no rights to send",
    "not enough rights",
    "group chat was deactivated",
    "peer_id_invalid",
    "user_is_blocked",
    "chat_write_forbidden",
    "input_user_deactivated",
)
_UNCONNECTED = "httpx.ConnectError"  # how the library's errors begin where nothing was sent at all
_NOT_EDITABLE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message to delete not")


class Bot(ExtBot[str]):
    """The library's bot, which also hands out updates as they came."""

    async def raw_updates(self, offset: int | None, limit: int, wait: int, kinds: Sequence[str]) -> Any:
        """What Telegram has from `offset` on, as it stands in its reply; waits for `wait` seconds where it has nothing.

        Raises:
            TelegramError: Telegram refuses, or its reply is none.
        """
        asked = {"offset": offset, "limit": limit, "timeout": wait, "allowed_updates": kinds}
        return await self._post("getUpdates", asked, read_timeout=wait + READ)


class GoneError(Exception):
    """The chat cannot be written to: blocked, deleted, or the bot was thrown out."""


class MaybePostedError(Exception):
    """A message may have been posted, or not: the reply was lost."""


@dataclass(frozen=True, slots=True)
class ChatTarget:
    """Where something is said. Topic and reply are 0 where there is none."""

    chat: int
    topic: int = 0
    reply_to: int = 0


class TelegramApi:
    """Telegram's methods as Attune uses them."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._moved: dict[int, int] = {}

    async def send(self, spot: ChatTarget, page: MessagePage, keyboard: Keyboard = None, *, frame: bool = False) -> int:
        """Post a message. Returns its id.

        Raises:
            UnsureError: nobody knows whether it was posted.
            GoneError: the chat cannot be written to.
        """

        async def call(to: ChatTarget, shown: MessagePage) -> Message:
            reply = ReplyParameters(to.reply_to, allow_sending_without_reply=True) if to.reply_to else None
            return await self.bot.send_message(
                to.chat,
                shown.text,
                entities=_entities(shown),
                message_thread_id=to.topic or None,
                reply_parameters=reply,
                reply_markup=keyboard,
                link_preview_options=_NO_PREVIEW,
                rate_limit_args=FRAME if frame else None,
            )

        return (await self._posted(call, spot, page)).message_id

    async def document(self, spot: ChatTarget, name: str, data: bytes, caption: str) -> int:
        """Post a file. Returns the message's id."""

        async def call(to: ChatTarget, shown: MessagePage) -> Message:
            return await self.bot.send_document(
                to.chat, data, filename=name, caption=shown.text, message_thread_id=to.topic or None
            )

        return (await self._posted(call, spot, MessagePage(caption))).message_id

    async def edit(
        self, chat: int, message: int, page: MessagePage, keyboard: Keyboard = None, *, frame: bool = False
    ) -> bool:
        """Replace a message. False where it is not there any more, or cannot be edited."""

        async def call(to: ChatTarget, shown: MessagePage) -> Any:
            return await self.bot.edit_message_text(
                shown.text,
                to.chat,
                message,
                entities=_entities(shown),
                reply_markup=keyboard,
                link_preview_options=_NO_PREVIEW,
                rate_limit_args=FRAME if frame else None,
            )

        return await self._changed(call, ChatTarget(chat), page, tries=1 if frame else TRIES)

    async def keyboard(self, chat: int, message: int, keyboard: Keyboard) -> bool:
        """Replace a message's buttons."""

        async def call(to: ChatTarget, _: MessagePage) -> Any:
            return await self.bot.edit_message_reply_markup(to.chat, message, reply_markup=keyboard)

        return await self._changed(call, ChatTarget(chat), MessagePage(""))

    async def has_keyboard(self, chat: int, message: int, keyboard: Keyboard) -> bool:
        """Whether a message has just these buttons; one of ours that has others gets them."""
        try:
            await steadily(lambda: self.bot.edit_message_reply_markup(chat, message, reply_markup=keyboard))
        except BadRequest as error:
            return "not modified" in str(error).lower()
        return False

    async def draft(self, spot: ChatTarget, number: int, page: MessagePage) -> None:
        """Show a growing message in a private chat, as a frame. Raises what the library raises."""

        async def call(to: ChatTarget, shown: MessagePage) -> bool:
            return await self.bot.send_message_draft(
                to.chat,
                number,
                shown.text,
                message_thread_id=to.topic or None,
                entities=_entities(shown),
                rate_limit_args=FRAME,
                api_kwargs=_STOPPABLE,
            )

        await self._mended(call, spot, page)

    async def reach(self, chat: int) -> None:
        """Return where the chat can be written to.

        Raises:
            GoneError: it cannot.
        """

        async def call(to: ChatTarget, _: MessagePage) -> bool:
            return await self.bot.send_chat_action(to.chat, "typing")

        await steadily(lambda: self._mended(call, ChatTarget(chat), MessagePage("")))

    async def delete(self, chat: int, message: int) -> None:
        """Remove a message, if that can be."""

        async def call(to: ChatTarget, _: MessagePage) -> Any:
            return await self.bot.delete_message(to.chat, message)

        await self._changed(call, ChatTarget(chat), MessagePage(""))

    async def toast(self, query: str, text: str = "") -> None:
        """End the little clock on a pressed button; too late is no matter."""
        try:
            await self.bot.answer_callback_query(query, text or None)
        except (BadRequest, NetworkError) as error:
            log.debug("toast_failed", error=type(error).__name__)

    async def download(self, file: str) -> bytes:
        """The content of a file that somebody sent.

        Raises:
            LessonError: it is said to be elsewhere than with Telegram.
        """

        async def fetch() -> bytes:
            found = await self.bot.get_file(file)
            if not self._keeps(found.file_path or ""):
                log.warning("download_host_rejected")
                raise LessonError(texts.FILE_ELSEWHERE)
            return bytes(await found.download_as_bytearray())

        return await steadily(fetch)

    def _keeps(self, place: str) -> bool:
        """Whether a file is where the Bot API's files are; only an API server of our own may name one on this disk."""
        own = not self.bot.base_url.startswith(f"{TELEGRAM}/")
        return place.startswith(f"{self.bot.base_file_url}/") or (own and PurePath(place).is_absolute())

    async def _posted(
        self, call: Callable[[ChatTarget, MessagePage], Awaitable[Message]], spot: ChatTarget, page: MessagePage
    ) -> Message:
        for tried in range(1, TRIES + 1):
            try:
                return await self._mended(call, spot, page)
            except NetworkError as error:
                if isinstance(error, BadRequest):
                    raise
                if not str(error).startswith(_UNCONNECTED) or tried == TRIES:
                    raise MaybePostedError from error
                await asyncio.sleep(PAUSE * 2**tried)
        raise AssertionError  # the loop returns or raises

    async def _changed(
        self,
        call: Callable[[ChatTarget, MessagePage], Awaitable[Any]],
        spot: ChatTarget,
        page: MessagePage,
        tries: int = TRIES,
    ) -> bool:
        try:
            await steadily(lambda: self._mended(call, spot, page), tries)
        except BadRequest as error:
            said = str(error).lower()
            if any(part in said for part in _NOT_EDITABLE):
                return False
            if "not modified" not in said:
                raise
        return True

    async def _mended(
        self, call: Callable[[ChatTarget, MessagePage], Awaitable[T]], spot: ChatTarget, page: MessagePage
    ) -> T:
        """Call, and once more where Telegram's complaint has a cure."""
        spot = replace(spot, chat=self._moved.get(spot.chat, spot.chat))
        try:
            return await call(spot, page)
        except ChatMigrated as error:
            self._moved[spot.chat] = error.new_chat_id
            return await call(replace(spot, chat=error.new_chat_id), page)
        except Forbidden as error:
            raise GoneError(str(error)) from error
        except BadRequest as error:
            said = str(error).lower()
            if any(part in said for part in _GONE):
                raise GoneError(str(error)) from error
            if "thread not found" in said and spot.topic:
                return await call(replace(spot, topic=0), page)
            if "entit" in said and page.entities:
                log.warning("entities_rejected", error=str(error))
                return await call(spot, plain_pages(page))
            raise


@asynccontextmanager
async def connected(bot: Bot) -> AsyncIterator[None]:
    """Hold the connection of `bot`, once Telegram answers.

    Raises:
        ConfigurationError: Telegram does not know the token.
    """
    try:
        await _initialized(bot)
        yield
    finally:
        await bot.shutdown()


async def _initialized(bot: Bot) -> None:
    pause = PAUSE
    while True:
        try:
            return await bot.initialize()
        except InvalidToken:
            raise ConfigurationError(
                "Telegram does not recognise ATTUNE_TELEGRAM_TOKEN. @BotFather shows the token: /mybots, "
                "the bot, API Token."
            ) from None
        except NetworkError as error:
            log.warning("telegram_unreachable", error=type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def steadily(call: Callable[[], Awaitable[T]], tries: int = TRIES) -> T:
    """Call until it works, for what may be done twice: the network and Telegram's servers have bad moments."""
    for tried in range(1, tries + 1):
        try:
            return await call()
        except NetworkError as error:
            if isinstance(error, BadRequest) or tried == tries:
                raise
            pause = 0.0 if isinstance(error, TimedOut) else PAUSE * 2**tried
        await asyncio.sleep(pause)
    raise AssertionError  # the loop returns or raises


def _entities(page: MessagePage) -> list[MessageEntity]:
    return [
        MessageEntity(
            entity.kind, entity.offset, entity.length, url=entity.url or None, language=entity.language or None
        )
        for entity in page.entities
    ]
