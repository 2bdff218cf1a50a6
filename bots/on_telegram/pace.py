"""How fast each chat is written to: under Telegram's limits, and as a chat's own `retry_after` has it.

A chat that is told to wait makes no other chat wait. A frame of a growing answer is dropped where there is no room for
it; everything else waits its turn, so that final text always has room. Knows nothing of what is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from telegram.error import RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

SHOWING = frozenset(
    {"sendMessage", "editMessageText", "editMessageReplyMarkup", "sendDocument", "sendMessageDraft", "deleteMessage"}
)
FRAME = "frame"  # `rate_limit_args` of what may be dropped
TRIES = 8
KNOWN_CHATS = 10_000

Result = bool | dict[str, Any] | list[dict[str, Any]]


class FrameSkippedError(TelegramError):
    """There was no room for a frame."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `burst` at once and `per_second` in the long run; a frame leaves `reserve` for what is final."""

    burst: float
    per_second: float
    reserve: float = 1.0


PRIVATE = Rate(4, 0.9)
GROUP = Rate(6, 14 / 60, reserve=2.0)  # 20 in any minute
OVERALL = Rate(25, 25, reserve=5.0)


@dataclass(slots=True)
class _Bucket:
    """What is left of a rate."""

    rate: Rate
    left: float
    at: float
    wait_until: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def seconds(self, now: float, needed: float) -> float:
        """How long until `needed` are left."""
        self.left = min(self.rate.burst, self.left + (now - self.at) * self.rate.per_second)
        self.at = now
        short = max(0.0, needed - self.left) / self.rate.per_second
        return max(self.wait_until - now, short)


class ChatPace(BaseRateLimiter[str]):
    """The limiter of one bot."""

    def __init__(self, private: Rate = PRIVATE, group: Rate = GROUP, overall: Rate = OVERALL) -> None:
        self._rates = {True: private, False: group}
        self._overall = _Bucket(overall, overall.burst, time.monotonic())
        self._chats: dict[int, _Bucket] = {}

    async def initialize(self) -> None:
        """There is nothing to open."""

    async def shutdown(self) -> None:
        """There is nothing to close."""

    async def process_request(  # noqa: PLR0917 - as the library calls it
        self,
        callback: Callable[..., Coroutine[Any, Any, Result]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: str | None,
    ) -> Result:
        """Call when the chat has room for it.

        Raises:
            SkippedError: it is a frame, and there is no room.
            RetryAfter: the chat was told to wait so often that there is no sense in going on.
        """
        bucket = self._bucket(data.get("chat_id")) if endpoint in SHOWING else None
        if bucket is None:
            return await callback(*args, **kwargs)
        if rate_limit_args == FRAME:
            return await self._frame(bucket, callback, args, kwargs)
        async with bucket.turn:
            return await self._patiently(bucket, callback, args, kwargs)

    async def _frame(self, bucket: _Bucket, callback: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Result:
        now = time.monotonic()
        full = any(each.seconds(now, 1 + each.rate.reserve) > 0 for each in (bucket, self._overall))
        if full or bucket.turn.locked():
            raise FrameSkippedError("There is no room for a frame.")
        try:
            return await self._called(bucket, callback, args, kwargs)
        except RetryAfter:
            raise FrameSkippedError("There is no room for a frame.") from None

    async def _patiently(
        self, bucket: _Bucket, callback: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> Result:
        for tried in range(1, TRIES + 1):
            await self._room(bucket)
            try:
                return await self._called(bucket, callback, args, kwargs)
            except RetryAfter:
                if tried == TRIES:
                    raise
        raise AssertionError  # the loop returns or raises

    async def _room(self, bucket: _Bucket) -> None:
        while (wait := max(each.seconds(time.monotonic(), 1) for each in (bucket, self._overall))) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)

    async def _called(self, bucket: _Bucket, callback: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Result:
        bucket.left -= 1
        self._overall.left -= 1
        try:
            result: Result = await callback(*args, **kwargs)
        except RetryAfter as error:
            bucket.wait_until = max(bucket.wait_until, time.monotonic() + _seconds(error))
            raise
        return result

    def _bucket(self, chat: Any) -> _Bucket | None:
        if not isinstance(chat, int):
            return None
        if chat not in self._chats:
            if len(self._chats) >= KNOWN_CHATS:
                now = time.monotonic()
                self._chats = {
                    i: kept for i, kept in self._chats.items() if kept.turn.locked() or kept.wait_until > now
                }
            rate = self._rates[chat > 0]
            self._chats[chat] = _Bucket(rate, rate.burst, time.monotonic())
        return self._chats[chat]


def _seconds(error: RetryAfter) -> float:
    wait: float | timedelta = error.retry_after  # a timedelta in the library's next version
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
