"""A stream that begins before it is asked for, and ends when it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from core.together import begun

SOON = 0.05  # seconds that closing takes


async def numbers(ended: list[str]) -> AsyncGenerator[int, None]:
    """Two numbers, the second of which never comes unless it is waited for; closing takes a moment."""
    try:
        yield 1
        await asyncio.sleep(0)
        yield 2
    finally:
        await asyncio.sleep(SOON)
        ended.append("closed")


async def test_all_of_the_stream_comes_in_order() -> None:
    """Beginning early changes nothing of what is said."""
    ended: list[str] = []
    async with begun(numbers(ended)) as stream:
        assert [number async for number in stream] == [1, 2]
    assert ended == ["closed"]


async def test_it_begins_before_anybody_asks() -> None:
    """The first item is worked on while whoever wants it does something else."""
    began = asyncio.Event()

    async def one() -> AsyncGenerator[int, None]:
        began.set()
        yield 1

    async with begun(one()):
        await asyncio.wait_for(began.wait(), timeout=5)


async def test_an_error_reaches_who_asks() -> None:
    """What goes wrong in the beginning is told when the first item is wanted."""

    async def broken() -> AsyncGenerator[int, None]:
        yield 1 // 0

    async with begun(broken()) as stream:
        with pytest.raises(ZeroDivisionError):
            await anext(stream)


async def test_leaving_closes_it() -> None:
    """Who has heard enough leaves nothing running."""
    ended: list[str] = []
    async with begun(numbers(ended)) as stream:
        async for _ in stream:
            break
    assert ended == ["closed"]


async def test_it_is_closed_where_who_leaves_is_cancelled_meanwhile() -> None:
    """A second cancellation does not leave a stream behind that ends by itself, after its stores."""
    ended: list[str] = []

    async def never() -> AsyncGenerator[int, None]:
        try:
            await asyncio.sleep(60)
            yield 1
        finally:
            await asyncio.sleep(SOON)
            ended.append("closed")

    async def leave() -> None:
        async with begun(never()):
            await asyncio.sleep(0.01)

    leaving = asyncio.create_task(leave())
    await asyncio.sleep(0.03)  # it waits for the stream to close now
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert ended == ["closed"]
