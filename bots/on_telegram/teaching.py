"""Teaching by chat: a document or a message, and who may see what was learned from it.

Asks for whom first; the buttons hang on a message that replies to the document, so that nothing has to be remembered
until they are pressed. Knows nothing of how a document is read or kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from bots.language import translated
from bots.on_telegram import texts as say
from bots.on_telegram.api import ChatTarget, Keyboard
from bots.on_telegram.buttons import ButtonAction, ButtonPress, lesson_buttons, reader_buttons
from bots.on_telegram.conversation import Channels, TelegramConversation, in_time
from bots.on_telegram.events import PLATFORM, WORKSPACE, Incoming
from bots.on_telegram.render import telegram
from bots.on_telegram.texts import Words
from bots.platform import Delivery
from core.documents.archives import is_readable
from core.documents.teaching import Lesson
from core.domain import EVERYONE, Person
from core.errors import LessonError, OperatorError
from core.readers import Readers, audience, channel_reader, person_reader

DOWNLOAD_BYTES = 20 * 2**20  # what Telegram lets bots fetch
LISTED = 8  # lessons that can be forgotten by a button
TITLE_CHARACTERS = 60

IsOperator = Callable[[Person], Awaitable[bool]]


class Teaching(Protocol):
    """What Telegram needs of `core.documents.teaching.Teacher`."""

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a document."""
        ...

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a message."""
        ...

    async def forget(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Forget a lesson."""
        ...

    async def lessons(self, audience: Collection[str]) -> list[Lesson]:
        """The lessons that `audience` may see, the newest first."""
        ...


class Lessons:
    """Learning and forgetting, as people ask for it in chats."""

    def __init__(
        self, talk: TelegramConversation, teacher: Teaching | None, is_operator: IsOperator, channels: Channels
    ) -> None:
        self._talk = talk
        self._line = talk.line
        self._taught = teacher
        self._is_operator = is_operator
        self._channels = channels

    @property
    def taps(self) -> dict[ButtonAction, Callable[[Incoming, ButtonPress, Delivery], Awaitable[None]]]:
        """What the buttons do."""
        return {ButtonAction.LEARN: self._learn, ButtonAction.UNLEARN: self._unlearn}

    @property
    def _teacher(self) -> Teaching:
        if self._taught is None:
            raise LessonError("I can learn nothing here: the program that answers you has no place to keep it.")
        return self._taught

    async def offered(self, incoming: Incoming, delivery: Delivery) -> None:
        """Somebody sent a document: say why it cannot be learned, or ask for whom."""
        words = Words(incoming.language)
        if incoming.file_size > DOWNLOAD_BYTES:
            size = f"{incoming.file_size / 2**20:.0f}"
            await self._talk.say(incoming, delivery, words(say.TOO_LARGE, name=incoming.file_name, size=size))
        elif not is_readable(PurePath(incoming.file_name)):
            await self._talk.say(incoming, delivery, words(say.UNKNOWN_TYPE, name=incoming.file_name))
        else:
            await self._ask_for_whom(incoming, delivery, incoming.message, incoming.file_name)

    async def asked(self, incoming: Incoming, delivery: Delivery) -> None:
        """`/learn`, in reply to a message."""
        words = Words(incoming.language)
        if not incoming.reply_to or not (incoming.said or incoming.file):
            await self._talk.say(incoming, delivery, words(say.LEARN_HINT))
        elif incoming.file:
            await self.offered(incoming, delivery)
        else:
            await self._ask_for_whom(incoming, delivery, incoming.reply_to, _title(incoming.said))

    async def list_for_unlearning(self, incoming: Incoming, delivery: Delivery) -> None:
        """`/unlearn`: what the person taught, to choose from."""
        words, operator = Words(incoming.language), await self._is_operator(incoming.person)
        may_see = audience(incoming.asked(None, await self._channels(incoming)))
        theirs = [
            lesson
            for lesson in await self._teacher.lessons(may_see | {person_reader(incoming.person)})
            if lesson.author == incoming.person or operator
        ]
        if not theirs:
            await self._talk.say(incoming, delivery, words(say.NOTHING_TAUGHT))
            return
        buttons = lesson_buttons(words, [(lesson.id, lesson.name) for lesson in theirs[:LISTED]])
        await self._talk.say(incoming, delivery, words(say.WHICH_LESSON), buttons)

    async def _ask_for_whom(self, incoming: Incoming, delivery: Delivery, about: int, name: str) -> None:
        words = Words(incoming.language)
        operator = await self._is_operator(incoming.person)
        buttons = reader_buttons(words, private=incoming.private, operator=operator)
        spot = ChatTarget(incoming.chat, incoming.topic, about)
        await self._talk.say_at(spot, delivery, words(say.WHO_MAY_SEE, name=name), buttons)

    async def _learn(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        """The reader was chosen: learn what the message with the button replies to."""
        words, operator = Words(incoming.language), await self._is_operator(incoming.person)
        if tap.rest not in say.LEARNED_FOR:  # of a forwarded message
            await self._redraw(incoming, words(say.WHO_MAY_SEE, name=_title(incoming.said)), operator=operator)
            return
        if tap.rest == "all" and not operator:
            await self._redraw(incoming, words(say.NOT_YOURS), operator=operator)
            return
        name = incoming.file_name if incoming.file else _title(incoming.said)
        await self._edit(incoming, words(say.READING, name=name))
        try:
            if not await self._is_learned(incoming, delivery):
                async with delivery.learning():
                    await self._teach(incoming, _readers(incoming, tap))
            said = words(say.LEARNED, name=name, who=words.plain(say.LEARNED_FOR[tap.rest]))
        except (LessonError, OperatorError) as error:
            said = translated(str(error)) if isinstance(error, LessonError) else words(say.CANNOT_LEARN, name=name)
        except asyncio.CancelledError:
            if delivery.stopped:
                await in_time(self._edit(incoming, words(say.STOPPED)))
            raise
        await self._edit(incoming, said)
        await delivery.ended()

    async def _is_learned(self, incoming: Incoming, delivery: Delivery) -> bool:
        """Whether an attempt learned it that died before it could say so."""
        if delivery.attempt == 1:
            return False
        lessons = await self._teacher.lessons(audience(incoming.asked()) | {person_reader(incoming.person)})
        return any((one.author, one.taught_at) == (incoming.person, incoming.at) for one in lessons)

    async def _teach(self, incoming: Incoming, readers: Readers) -> None:
        if incoming.file:
            data = await self._line.download(incoming.file)
            await self._teacher.learn_file(incoming.file_name, data, incoming.person, readers, incoming.at)
        else:
            title = _title(incoming.said)
            await self._teacher.learn_text(title, incoming.said, incoming.person, readers, incoming.at)

    async def _unlearn(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        words = Words(incoming.language)
        try:
            operator = await self._is_operator(incoming.person)
            lesson = await self._teacher.forget(tap.rest, incoming.person, operator=operator)
            said = words(say.UNLEARNED, name=lesson.name)
        except LessonError as error:
            said = translated(str(error))
        await self._edit(incoming, said)
        await delivery.ended()

    async def _redraw(self, incoming: Incoming, said: str, *, operator: bool) -> None:
        buttons = reader_buttons(Words(incoming.language), private=incoming.private, operator=operator)
        await self._edit(incoming, said, buttons)

    async def _edit(self, incoming: Incoming, markdown: str, buttons: Keyboard = None) -> None:
        """Put `markdown` in the place of the message whose button was pressed."""
        await self._line.edit(incoming.chat, incoming.message, telegram(markdown)[0], buttons)


def _readers(incoming: Incoming, tap: ButtonPress) -> Readers:
    if tap.rest == "all":
        return (EVERYONE,)
    if tap.rest == "chat":
        return (channel_reader(PLATFORM, WORKSPACE, str(incoming.chat)),)
    return (person_reader(incoming.person),)


def _title(text: str) -> str:
    """The first line, short enough for a name."""
    first = " ".join(next(iter(text.strip().splitlines()), "").split())
    return first if len(first) <= TITLE_CHARACTERS else f"{first[:TITLE_CHARACTERS].rstrip()}…"
