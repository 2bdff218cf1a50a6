"""A question or a command in, what the dialogue says of it on somebody's screen.

Says things where they belong: an answer where it was asked, what is personal in private. Knows nothing of how an answer
is found, and of updates only what `events` made of them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bots import texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.on_telegram import texts as say
from bots.on_telegram.api import ChatTarget, GoneError, Keyboard, TelegramApi
from bots.on_telegram.buttons import answer_buttons, choice_buttons
from bots.on_telegram.events import Incoming, UpdateKind
from bots.on_telegram.pages import MessagePage
from bots.on_telegram.render import answer_pages, closed, telegram
from bots.on_telegram.screen import Screen, Streaming
from bots.platform import Delivery
from bots.replies import Delta, Final, Notice, Reply, Status
from core.domain import Message
from core.text.words import whole_number
from core.threads.posts import Discussion
from core.threads.requests import ThreadRequest

COMMAND = re.compile(r"/(?P<name>[a-zA-Z]+)(?:@\w+)?(?:\s+(?P<rest>.*))?", re.DOTALL)
STOP_SHOWN = 20.0  # seconds that showing a stop may take

Channels = Callable[[Incoming], Awaitable[frozenset[str]]]
Steps = AsyncGenerator[Reply, None]


@dataclass(slots=True)
class _Progress:
    """How far an answer came, and which it is."""

    answer: str = ""
    text: str = ""


def command_of(text: str) -> tuple[str, str] | None:
    """The name of the command that `text` is, and what stands behind it."""
    match = COMMAND.fullmatch(text.strip())
    return (match["name"].lower(), (match["rest"] or "").strip()) if match else None


class TelegramConversation:
    """Shows what the dialogue says. `channels` tells which groups somebody belongs to."""

    def __init__(self, line: TelegramApi, dialogue: Dialogue, channels: Channels, streaming: Streaming) -> None:
        self.line = line
        self._dialogue = dialogue
        self._channels = channels
        self._streaming = streaming

    async def answer(
        self, incoming: Incoming, delivery: Delivery, text: str | None = None, quoted: str | None = None
    ) -> bool:
        """Answer where it was asked; an edited question in the place of its first answer."""
        message = await self.asked(incoming, text, quoted)
        if incoming.answers_another and quoted is None and not await self._dialogue.has_said(message, incoming.said):
            message = replace(message, quoted=incoming.said)
        spot = spot_of(incoming)
        earlier = await self._earlier(message, delivery) if incoming.kind is UpdateKind.EDIT else ()
        screen = Screen(self.line, spot, delivery, self._streaming, incoming.message, earlier)
        return await self._show(incoming, self._dialogue.respond(message), screen, delivery)

    async def sum_up(
        self, incoming: Incoming, delivery: Delivery, discussion: Discussion, request: ThreadRequest
    ) -> None:
        """Say what was written where it was asked; where the request was edited, in the place of what was said."""
        message = await self.asked(incoming)
        earlier = await self._earlier(message, delivery) if incoming.kind is UpdateKind.EDIT else ()
        screen = Screen(self.line, spot_of(incoming), delivery, self._streaming, incoming.message, earlier)
        answer = await self._dialogue.answer_id(message)
        await self._show(incoming, self._dialogue.sum_up(discussion, request), screen, delivery, answer)

    async def in_private(
        self, incoming: Incoming, delivery: Delivery, text: str | None = None, quoted: str | None = None
    ) -> None:
        """Answer in the asker's private chat, also what was asked in a group."""
        if incoming.private:
            await self.answer(incoming, delivery, text, quoted)
            return
        home = replace(incoming, chat=incoming.user, private=True, topic=0)
        message = replace(await self.asked(home, text, quoted), id=f"{incoming.chat}/{incoming.message}")
        screen = Screen(self.line, ChatTarget(home.chat), delivery, self._streaming)
        await self.show_in_private(
            incoming, delivery, lambda: self._show(home, self._dialogue.respond(message), screen, delivery)
        )

    async def say_in_private(
        self, incoming: Incoming, delivery: Delivery, markdown: str, keyboard: Keyboard = None
    ) -> None:
        """Say something in the asker's private chat, wherever it was asked for."""
        spot = home_of(incoming)
        await self.show_in_private(incoming, delivery, lambda: self.say_at(spot, delivery, markdown, keyboard))

    async def show_in_private(
        self, incoming: Incoming, delivery: Delivery, show: Callable[[], Awaitable[object]]
    ) -> None:
        """Show something in private, and say so in the group where it was asked for."""
        if incoming.private:
            await show()
            return
        try:
            await self.line.reach(incoming.user)
            await show()
        except GoneError:
            link = f"https://t.me/{self.line.bot.username}?start=hello"
            opener = InlineKeyboardButton(translated(say.OPEN_PRIVATE_BUTTON), url=link)
            await self.say(incoming, delivery, translated(say.OPEN_PRIVATE), InlineKeyboardMarkup([[opener]]))
            return
        if incoming.kind is not UpdateKind.TAP:
            await self.line.send(spot_of(incoming), telegram(translated(say.ASK_IN_PRIVATE))[0])

    async def say(self, incoming: Incoming, delivery: Delivery, markdown: str, keyboard: Keyboard = None) -> None:
        """Say something where it was asked."""
        await self.say_at(spot_of(incoming), delivery, markdown, keyboard)

    async def say_at(self, spot: ChatTarget, delivery: Delivery, markdown: str, keyboard: Keyboard = None) -> None:
        """Say something there."""
        await Screen(self.line, spot, delivery, "off").finish(telegram(markdown), keyboard)
        await delivery.ended()

    async def asked(self, incoming: Incoming, text: str | None = None, quoted: str | None = None) -> Message:
        """The message as the dialogue takes it: in private with the groups that the person belongs to now."""
        return incoming.asked(text, await self._channels(incoming) if incoming.private else frozenset(), quoted)

    def screen(self, incoming: Incoming, delivery: Delivery) -> Screen:
        """Where something grows that is no answer."""
        return Screen(self.line, spot_of(incoming), delivery, self._streaming, incoming.message)

    async def _earlier(self, message: Message, delivery: Delivery) -> tuple[int, ...]:
        """The messages in which the question was answered before it was edited."""
        noted = map(whole_number, await delivery.messages_of(await self._dialogue.answer_id(message)))
        return tuple(shown for shown in noted if shown is not None)

    async def _show(
        self, incoming: Incoming, steps: Steps, screen: Screen, delivery: Delivery, answer: str = ""
    ) -> bool:
        """Show all of it; it stands for `answer`, where it is none that says so itself."""
        said = _Progress(answer)
        try:
            return await self._follow(incoming, steps, screen, delivery, said)
        except asyncio.CancelledError:
            if delivery.stopped:
                await in_time(self._stopped(said, screen, delivery))
            else:
                screen.abandon()
            raise
        except BaseException:
            screen.abandon()
            raise

    async def _follow(
        self, incoming: Incoming, steps: Steps, screen: Screen, delivery: Delivery, said: _Progress
    ) -> bool:
        """Show reply after reply, until the last one or until nobody wants more; whether that was what was asked for.

        `stopped` is asked too: under Python 3.11 redis-py can swallow the cancellation that tells of it.
        """
        async with aclosing(steps) as replies:
            async for reply in replies:
                if delivery.stopped:
                    break
                match reply:
                    case Status(text):
                        screen.grow(text, status=True)
                    case Delta(text):
                        said.text += text
                        screen.grow(said.text)
                    case Final():
                        await screen.finish(_shown(answer_pages(reply)), self._buttons(incoming, reply), once=True)
                        await delivery.ended(reply.answer or said.answer)
                        return True
                    case _:
                        choices = self._choices(incoming, reply) if isinstance(reply, Notice) else None
                        await screen.finish(_shown(telegram(reply.markdown)), choices)
                        await delivery.ended()
                        return False
        await self._stopped(said, screen, delivery)
        return False

    def _buttons(self, incoming: Incoming, final: Final) -> Keyboard:
        shared = not incoming.private
        under = answer_buttons(final.answer, len(final.openable), shared=shared, text=final.is_text)
        return under or self._choices(incoming, final)

    def _choices(self, incoming: Incoming, reply: Final | Notice) -> Keyboard:
        return choice_buttons(reply.choices, 0 if incoming.private else incoming.user)

    async def _stopped(self, said: _Progress, screen: Screen, delivery: Delivery) -> None:
        stopped = f"*{translated(texts.STOPPED)}*"
        await screen.finish(telegram(f"{closed(said.text)}\n\n{stopped}" if said.text.strip() else stopped))
        await delivery.ended()


async def in_time(showing: Coroutine[None, None, None]) -> None:
    """Finish what is shown although the task was cancelled."""
    await asyncio.wait({asyncio.create_task(showing)}, timeout=STOP_SHOWN)


def spot_of(incoming: Incoming) -> ChatTarget:
    """Where an answer belongs; in groups it hangs on the question."""
    reply = 0 if incoming.private and incoming.kind is not UpdateKind.TAP else incoming.message
    return ChatTarget(incoming.chat, incoming.topic, reply)


def home_of(incoming: Incoming) -> ChatTarget:
    """Where in somebody's private chat something belongs."""
    return spot_of(incoming) if incoming.private else ChatTarget(incoming.user)


def _shown(pages: Sequence[MessagePage]) -> Sequence[MessagePage]:
    """Never nothing."""
    return pages or [MessagePage("…")]
