"""One answer as it grows on somebody's screen: a status first, then frames, then the final text.

Frames are coalesced: the latest is shown when the chat has room for one, and one that finds none is dropped. The final
text never waits behind frames. A message is posted once: what was posted is noted in the delivery at once, and edited
from then on, also by the attempt that follows a crash.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import structlog
from telegram.error import BadRequest, TelegramError

from bots.on_telegram.api import PAUSE, TRIES, ChatTarget, GoneError, Keyboard, MaybePostedError, TelegramApi
from bots.on_telegram.pace import FrameSkippedError
from bots.on_telegram.pages import MessagePage
from bots.on_telegram.render import growing
from bots.platform import Delivery

log = structlog.get_logger(__name__)

Streaming = Literal["auto", "draft", "edit", "off"]
SENDING = "sending"  # noted before an answer is posted whole: it may have been posted, whatever happens then
LOOK = 0.25  # seconds after which a dropped frame is tried again …
LONGEST_LOOK = 4.0  # … and after which one is that Telegram failed to show
DRAFT_ALIVE = 20.0  # seconds after which a draft is shown again; Telegram lets it go after 30
PROBED = 12  # messages behind the question that may be an answer whose id was lost
ELLIPSIS = MessagePage("…")


class Screen:
    """What is shown for one event in one place.

    `question` is the id of the message that asks. `earlier` are messages to edit, where it was answered before.
    """

    def __init__(  # noqa: PLR0917 - each is named by its type
        self,
        line: TelegramApi,
        spot: ChatTarget,
        delivery: Delivery,
        streaming: Streaming,
        question: int = 0,
        earlier: Sequence[int] = (),
    ) -> None:
        self._line = line
        self._spot = spot
        self._delivery = delivery
        self._drafts = streaming in {"auto", "draft"} and spot.chat > 0
        self._still = streaming == "off"
        self._question = question
        noted = [int(message) for message in delivery.shown if message != SENDING]
        self._shown = [*earlier, *(message for message in noted if message not in earlier)]
        self._perhaps_sent = SENDING in delivery.shown
        self._look = LOOK
        self._wanted = ""
        self._new = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    @property
    def messages(self) -> tuple[int, ...]:
        """The ids of what stands there."""
        return tuple(self._shown)

    def grow(self, markdown: str, *, status: bool = False) -> None:
        """Show this soon, in place of what was shown so far. Returns at once."""
        if self._still and not (status and self._pump is None):
            return
        self._wanted = markdown
        self._new.set()
        if self._pump is None:
            self._pump = asyncio.create_task(self._run())

    async def finish(self, pages: Sequence[MessagePage], keyboard: Keyboard = None, *, once: bool = False) -> None:
        """Show the final text, with the buttons on its last message; with `once` no part of it may stand there twice.

        Raises:
            GoneError: there is nobody to show it to.
        """
        await self.close()
        known = list(self._shown)
        self._shown = []
        for number, page in enumerate(pages):
            buttons = keyboard if number == len(pages) - 1 else None
            if number < len(known) and await self._line.edit(self._spot.chat, known[number], page, buttons):
                await self._note(known[number])
            else:
                await (self._post_once(page, buttons) if once else self._post(page, buttons))
        for message in known[len(pages) :]:
            await self._line.delete(self._spot.chat, message)

    async def close(self) -> None:
        """Show no further frame; the one on its way arrives first, so that it cannot overtake the final text."""
        self._over.set()
        self._new.set()
        if self._pump is not None:
            with suppress(GoneError):
                await self._pump
            self._pump = None

    def abandon(self) -> None:
        """Show nothing any more."""
        self._over.set()
        if self._pump is not None:
            self._pump.cancel()

    async def _post(self, page: MessagePage, keyboard: Keyboard = None) -> None:
        """Post what may stand there twice: where nobody knows whether it was posted, it is posted again."""
        for tried in range(TRIES):
            try:
                await self._note(await self._line.send(self._spot, page, keyboard))
            except MaybePostedError:
                await asyncio.sleep(PAUSE * 2**tried)
            else:
                return
        raise MaybePostedError

    async def _post_once(self, page: MessagePage, keyboard: Keyboard) -> None:
        """Post a part of an answer.

        A little something is posted first, which may stand there twice, and the text is edited into it. In a private
        chat an answer can be told by its buttons and be found again, and is posted at once.
        """
        if keyboard is None or self._spot.chat < 0:
            await self._post(ELLIPSIS)
            await self._line.edit(self._spot.chat, self._shown[-1], page, keyboard)
            return
        if not self._perhaps_sent:
            await self._delivery.note(SENDING)
        for tried in range(TRIES):
            if self._perhaps_sent and (found := await self._found(keyboard)):
                await self._note(found)
                return
            try:
                await self._note(await self._line.send(self._spot, page, keyboard))
            except MaybePostedError:
                self._perhaps_sent = True
                await asyncio.sleep(PAUSE * 2**tried)
            else:
                return
        raise MaybePostedError

    async def _found(self, keyboard: Keyboard) -> int | None:
        """The message with these buttons, which name the answer: one that was posted, and whose id was lost."""
        if not self._question:
            return None
        noted = {int(message) for message in self._delivery.shown if message != SENDING}
        for message in range(self._question + 1, self._question + 1 + PROBED):
            if message not in noted and await self._line.has_keyboard(self._spot.chat, message, keyboard):
                return message
        return None

    async def _note(self, message: int) -> None:
        self._shown.append(message)
        if str(message) not in self._delivery.shown:
            await self._delivery.note(str(message))

    async def _run(self) -> None:
        """Show the latest frame whenever there is room."""
        shown, at = "", 0.0
        while not self._over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._new.wait(), DRAFT_ALIVE)
            self._new.clear()
            wanted = self._wanted
            stale = self._drafts and time.monotonic() - at >= DRAFT_ALIVE
            if self._over.is_set() or (wanted == shown and not stale):
                continue
            if await self._frame(wanted):
                shown, at = wanted, time.monotonic()
            elif not self._over.is_set():
                await self._rest()
                self._new.set()

    async def _rest(self) -> None:
        """Wait before the next try, but never longer than until the final text comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._look)

    async def _frame(self, markdown: str) -> bool:
        """Show one frame; False where there was no room, or it failed for now."""
        pages = growing(markdown)
        if not pages:
            return True
        page = pages[-1]
        try:
            if self._drafts and not self._shown:
                await self._line.draft(self._spot, self._question or 1, page)
            elif self._shown:
                await self._line.edit(self._spot.chat, self._shown[0], page, frame=True)
            else:
                await self._note(await self._line.send(self._spot, page, frame=True))
        except FrameSkippedError:
            return False
        except MaybePostedError:
            self._still = True  # there may be a status that cannot be edited: only the final text is posted
        except GoneError:
            self._over.set()
            raise
        except BadRequest as error:
            log.info("frame_rejected", error=str(error), drafts=self._drafts)
            self._drafts, self._still = False, not self._drafts
            return self._still
        except TelegramError as error:
            log.debug("frame_failed", error=type(error).__name__)
            self._look = min(2 * self._look, LONGEST_LOOK)
            return False
        self._look = LOOK
        return True
