"""A stream of events that somebody else listens to: made in a task of its own, with beats while nothing comes.

Who listens may go at any moment; then what makes the events is ended, too, and has ended when this returns. Knows
nothing of what the events are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Generic, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Send

from core.together import ended

AHEAD = 64  # events that may be made before somebody hears them
BEAT = 1.0  # seconds

T = TypeVar("T")


class _End:
    """Nothing more comes."""


class Feed(Generic[T]):
    """What is heard of a stream."""

    def __init__(self, events: AsyncGenerator[T, None], longest: float) -> None:
        self._events = events
        self._longest = longest
        self._queue: asyncio.Queue[T | Exception | _End] = asyncio.Queue(AHEAD)

    async def next(self) -> AsyncGenerator[T | None, None]:
        """Each event, and None whenever none came for a beat. Raises what was raised where they are made."""
        while True:
            try:
                async with asyncio.timeout(BEAT):
                    event = await self._queue.get()
            except TimeoutError:
                yield None
                continue
            if isinstance(event, _End):
                return
            if isinstance(event, Exception):
                raise event
            yield event

    async def run(self) -> None:
        """Make the events, which must not take longer than was said."""
        try:
            async with asyncio.timeout(self._longest), aclosing(self._events):
                async for event in self._events:
                    await self._queue.put(event)
        except Exception as error:  # noqa: BLE001 - it is raised where it is heard
            await self._queue.put(error)
        else:
            await self._queue.put(_End())


@asynccontextmanager
async def feeding(events: AsyncGenerator[T, None], *, longest: float) -> AsyncIterator[Feed[T]]:
    """All of `events`, made while open."""
    feed = Feed(events, longest)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        try:
            await ended(task)
        finally:
            await events.aclose()  # where it never began


class EventStream(StreamingResponse):
    """Server-sent events; what makes them is closed as soon as whoever asked is gone."""

    body_iterator: AsyncGenerator[str, None]

    def __init__(self, frames: AsyncGenerator[str, None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy is to hold nothing back
        super().__init__(frames, media_type="text/event-stream", headers=headers)

    async def stream_response(self, send: Send) -> None:
        """Send all of it."""
        async with aclosing(self.body_iterator):
            await super().stream_response(send)
