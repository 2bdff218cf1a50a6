"""A stream whose first item is on its way before anybody asks for it.

Knows nothing of what streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def begun(stream: AsyncGenerator[T, None]) -> AsyncIterator[AsyncIterator[T]]:
    """All of `stream`, which has begun when this is entered; leaving closes it."""
    first = asyncio.create_task(_first(stream))
    try:
        yield _whole(first, stream)
    finally:
        first.cancel()
        await _closed(first, stream)


async def _closed(first: asyncio.Task[list[T]], stream: AsyncGenerator[T, None]) -> None:
    """Close `stream` also where whoever waits for it is cancelled meanwhile: nothing of it may run on by itself."""
    cancelled = False
    while not first.done():
        try:
            await asyncio.wait({first})
        except asyncio.CancelledError:
            cancelled = True
    if not first.cancelled():
        first.exception()  # whoever wanted to hear of an error has heard of it
    await stream.aclose()
    if cancelled:
        raise asyncio.CancelledError


async def _first(stream: AsyncGenerator[T, None]) -> list[T]:
    """The first item, or nothing where there is none."""
    async for item in stream:
        return [item]
    return []


async def _whole(first: asyncio.Task[list[T]], stream: AsyncGenerator[T, None]) -> AsyncIterator[T]:
    for item in await first:
        yield item
    async for item in stream:
        yield item
