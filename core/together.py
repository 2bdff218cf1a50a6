"""What runs at the same time as something else, and does not outlive it. Knows nothing of what it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar, overload

AGAIN = 1.0  # seconds after which what has not ended is cancelled once more

Result = TypeVar("Result")
First = TypeVar("First")
Second = TypeVar("Second")


@overload
async def together(
    first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second], /
) -> tuple[First, Second]: ...
@overload
async def together(*work: Coroutine[Any, Any, Result]) -> tuple[Result, ...]: ...
async def together(*work: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """The results of all, in order.

    However this ends, by an error of one of them or cancelled, nothing runs on behind it. (`asyncio.gather` leaves the
    others running, which then meet stores that are closed.)
    """
    tasks = [asyncio.create_task(each) for each in work]
    try:
        for task in (await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))[0]:
            task.result()
        return tuple(task.result() for task in tasks)
    finally:
        await ended(*tasks)


async def to_the_end(work: Coroutine[Any, Any, Result], hurry: Callable[[], None] | None = None) -> Result:
    """The result of `work`, never cut off: a cancellation calls `hurry` and is raised when it has ended.

    For what cannot be cancelled, such as a thread, and for what must not be, such as writing to a store: whoever waited
    for it may go on only when nothing of it can come afterwards.
    """
    task, cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
            if hurry:
                hurry()
    if cancelled:
        raise asyncio.CancelledError from (None if task.cancelled() else task.exception())
    return task.result()


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """End `tasks` and return when they have ended, also where whoever waits for it is cancelled meanwhile.

    What has not ended after `AGAIN` seconds is cancelled once more: a library may take a cancellation for a failure of
    its own and try again. Not sooner, since that would cut off what they do at their end.
    """
    cancelled, cancel_at = False, 0.0
    clock = asyncio.get_running_loop().time
    while unfinished := [task for task in tasks if not task.done()]:
        if clock() >= cancel_at:
            cancel_at = clock() + AGAIN
            for task in unfinished:
                task.cancel()
        try:
            await asyncio.wait(unfinished, timeout=max(0.0, cancel_at - clock()))
        except asyncio.CancelledError:
            cancelled = True
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: asyncio complains of one that nobody wanted to hear of
    if cancelled:
        raise asyncio.CancelledError


@asynccontextmanager
async def begun(stream: AsyncGenerator[Result, None]) -> AsyncIterator[AsyncIterator[Result]]:
    """All of `stream`, which has begun when this is entered; leaving closes it."""
    first = asyncio.create_task(_first(stream))
    try:
        yield _whole(first, stream)
    finally:
        try:
            await ended(first)
        finally:
            await stream.aclose()


async def _first(stream: AsyncGenerator[Result, None]) -> list[Result]:
    """The first item, or nothing where there is none."""
    async for item in stream:
        return [item]
    return []


async def _whole(first: asyncio.Task[list[Result]], stream: AsyncGenerator[Result, None]) -> AsyncIterator[Result]:
    for item in await first:
        yield item
    async for item in stream:
        yield item


@asynccontextmanager
async def in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run `work` meanwhile; what it failed by is known at the end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await ended(task)
        if not task.cancelled():
            task.result()
