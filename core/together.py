"""Two things at the same time, neither of which outlives the other's end. Knows nothing of what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


async def together(first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second]) -> tuple[First, Second]:
    """The results of both.

    However this ends, by an error of one of them or cancelled, nothing runs on behind it. (`asyncio.gather` leaves the
    other one running, which then meets stores that are closed.)
    """
    one, other = asyncio.create_task(first), asyncio.create_task(second)
    try:
        return await one, await other
    finally:
        await ended(one, other)


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """End `tasks` and return when they have ended, also where whoever waits for it is cancelled meanwhile."""
    for task in tasks:
        task.cancel()
    cancelled = False
    while unfinished := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(unfinished)
        except asyncio.CancelledError:
            cancelled = True
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: asyncio complains of one that nobody wanted to hear of
    if cancelled:
        raise asyncio.CancelledError


async def finished(work: Awaitable[First]) -> First:
    """What `work` gives, also where whoever waits for it is cancelled: then they learn of it when it has ended.

    For what a thread does with something shared: it cannot be stopped, and goes on behind whoever leaves it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at
        raise
