"""Teaching in Telegram: a document or a message, and the buttons around a lesson.

Asks for whom first; the buttons hang on a message that replies to the document, so that nothing has to be remembered
until they are pressed. What is learned, and what may be, `bots.lessons` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bots import texts
from bots.language import translated
from bots.lessons import LessonReply, LessonRequest, Lessons, LessonSource, ReaderChoice, refusal, title_of
from bots.on_telegram import texts as say
from bots.on_telegram.api import ChatTarget, Keyboard
from bots.on_telegram.buttons import ButtonAction, ButtonPress, lesson_button, lesson_buttons, reader_buttons
from bots.on_telegram.conversation import Channels, TelegramConversation, in_time
from bots.on_telegram.events import Incoming
from bots.on_telegram.render import telegram
from bots.platform import Delivery
from bots.texts import escaped
from core.readers import audience

LISTED = 8  # lessons that can be forgotten by a button


class Teaching:
    """Learning and forgetting, as people ask for it in chats."""

    def __init__(self, talk: TelegramConversation, lessons: Lessons, channels: Channels) -> None:
        self._talk = talk
        self._line = talk.line
        self._lessons = lessons
        self._channels = channels

    @property
    def taps(self) -> dict[ButtonAction, Callable[[Incoming, ButtonPress, Delivery], Awaitable[None]]]:
        """What the buttons do."""
        return {
            ButtonAction.LEARN: self._learn,
            ButtonAction.UNLEARN: self._unlearn,
            ButtonAction.RELEARN: self._relearn,
        }

    async def offered(self, incoming: Incoming, delivery: Delivery) -> None:
        """Somebody sent a document: say why it cannot be learned, or ask for whom."""
        if why := refusal(incoming.file_name, incoming.file_size):
            await self._talk.say(incoming, delivery, why)
        else:
            await self._ask_for_whom(incoming, delivery, incoming.message, incoming.file_name)

    async def asked(self, incoming: Incoming, delivery: Delivery) -> None:
        """`/learn`, in reply to a message."""
        if not incoming.reply_to or not (incoming.said or incoming.file):
            await self._talk.say(incoming, delivery, translated(say.LEARN_HINT))
        elif incoming.file:
            await self.offered(incoming, delivery)
        else:
            await self._ask_for_whom(incoming, delivery, incoming.reply_to, title_of(incoming.said))

    async def list_for_unlearning(self, incoming: Incoming, delivery: Delivery) -> None:
        """`/unlearn`: what the person taught, to choose from; it is nobody else's business."""
        at_home = replace(incoming, chat=incoming.user, private=True, topic=0)
        seen = audience(at_home.asked(None, await self._channels(at_home)))
        lessons = await self._lessons.of(incoming.person, seen)
        said = translated(texts.UNLEARN_WHICH if lessons else texts.NOTHING_TAUGHT)
        buttons = lesson_buttons([(lesson.id, lesson.name) for lesson in lessons[:LISTED]]) if lessons else None
        await self._talk.say_in_private(incoming, delivery, said, buttons)

    async def _ask_for_whom(self, incoming: Incoming, delivery: Delivery, about: int, name: str) -> None:
        spot = ChatTarget(incoming.chat, incoming.topic, about)
        await self._talk.say_at(spot, delivery, _offer(name), await self._choices(incoming))

    async def _choices(self, incoming: Incoming) -> Keyboard:
        return reader_buttons(await self._lessons.choices(incoming.person, private=incoming.private))

    async def _learn(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        """The reader was chosen: learn what the message with the button replies to."""
        if not tap.rest:  # of a forwarded message
            await self._edit(incoming, _offer(title_of(incoming.said)), await self._choices(incoming))
            return
        name = incoming.file_name if incoming.file else title_of(incoming.said)
        channel = "" if incoming.private else str(incoming.chat)
        asked = LessonRequest(incoming.person, channel, incoming.at, ReaderChoice(tap.rest))
        await self._edit(incoming, translated(texts.READING, name=escaped(name)))

        async def fetch() -> LessonSource:
            return LessonSource(name, await self._line.download(incoming.file) if incoming.file else incoming.said)

        try:
            reply = await self._lessons.learn(asked, fetch, delivery, name)
        except asyncio.CancelledError:
            if delivery.stopped:
                await in_time(self._edit(incoming, translated(texts.STOPPED)))
            raise
        await self._show(incoming, reply, delivery)

    async def _unlearn(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        await self._changed(incoming, await self._lessons.forget(incoming.person, tap.rest), delivery)

    async def _relearn(self, incoming: Incoming, tap: ButtonPress, delivery: Delivery) -> None:
        await self._changed(incoming, await self._lessons.bring_back(incoming.person, tap.rest, delivery), delivery)

    async def _changed(self, incoming: Incoming, reply: LessonReply, delivery: Delivery) -> None:
        """In a group everybody may press the button: a refusal leaves it to whom it belongs to."""
        if incoming.private or reply.forgettable or reply.returnable:
            await self._show(incoming, reply, delivery)
        else:
            await self._talk.say_in_private(incoming, delivery, reply.sentence)

    async def _show(self, incoming: Incoming, reply: LessonReply, delivery: Delivery) -> None:
        await self._edit(incoming, reply.sentence, lesson_button(reply))
        await delivery.ended()

    async def _edit(self, incoming: Incoming, markdown: str, buttons: Keyboard = None) -> None:
        """Put `markdown` in the place of the message whose button was pressed."""
        await self._line.edit(incoming.chat, incoming.message, telegram(markdown)[0], buttons)


def _offer(name: str) -> str:
    return translated(texts.OFFER, name=escaped(name))
