"""A stream whose first item is on its way before anybody asks for it.

Knows nothing of what streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from core.together import ended

T = TypeVar("T")


@asynccontextmanager
async def begun(stream: AsyncGenerator[T, None]) -> AsyncIterator[AsyncIterator[T]]:
    """All of `stream`, which has begun when this is entered; leaving closes it."""
    first = asyncio.create_task(_first(stream))
    try:
        yield _whole(first, stream)
    finally:
        try:
            await ended(first)
        finally:
            await stream.aclose()


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
