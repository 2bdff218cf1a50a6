"""What one claim of the inbox is to a platform's sender: what was shown, and a place to note more.

Knows nothing of who claims, or of what is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

import structlog

from core.errors import StoreError
from core.inbox import Claim
from core.ports import Inbox

log = structlog.get_logger(__name__)

T = TypeVar("T")

PAUSE, LONGEST_PAUSE = 0.2, 2.0  # seconds between two tries while the store is away


class ClaimedDelivery:
    """The `Delivery` of a claim. `on_lost` is called once when another worker has the event.

    `place` is where it learns.
    """

    def __init__(
        self,
        inbox: Inbox,
        claim: Claim,
        on_lost: Callable[[], None] = lambda: None,
        place: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
    ) -> None:
        self._inbox = inbox
        self._claim = claim
        self._shown = list(claim.shown)
        self._on_lost = on_lost
        self._place = place
        self.stopped = claim.stopped
        self.lost = False
        self.over = claim.ended

    @property
    def attempt(self) -> int:
        """1 the first time."""
        return self._claim.attempt

    @property
    def shown(self) -> tuple[str, ...]:
        """The platform's ids of the messages that stand for this event."""
        return tuple(self._shown)

    async def note(self, message_id: str) -> None:
        """Remember a message."""
        if message_id not in self._shown:
            self._shown.append(message_id)
        await self._own(lambda: self._inbox.note(self._claim.token, message_id))

    async def ended(self, answer: str = "") -> None:
        """Say that the end was seen."""
        await self._own(lambda: self._inbox.ended(self._claim.token, answer))
        self.over = True

    def learning(self) -> AbstractAsyncContextManager[None]:
        """A place among those that learn, outside those that answer."""
        return self._place()

    async def answer_of(self, message_id: str) -> str | None:
        """The answer that a message in this channel stands for."""
        return await self._inbox.answer_of(self._claim.event.conversation, message_id)

    async def messages_of(self, answer: str) -> tuple[str, ...]:
        """The messages in this channel that stand for an answer."""
        return await self._inbox.messages_of(self._claim.event.conversation, answer)

    def lose(self) -> None:
        """Another worker has the event: nothing is to be shown any more."""
        if not self.lost:
            self.lost = True
            self._on_lost()

    async def _own(self, call: Callable[[], Awaitable[bool]]) -> None:
        if not await insist(call):
            self.lose()
            raise asyncio.CancelledError


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Ask the store until it answers: what was shown must be known before more is."""
    pause = PAUSE
    while True:
        try:
            return await call()
        except StoreError as error:
            log.warning("store_unavailable", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
