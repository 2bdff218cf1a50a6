"""Two things at the same time, neither of which outlives the other's end. Knows nothing of what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
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
        await _ended(one, other)


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    if unfinished := [task for task in tasks if not task.done()]:
        await asyncio.wait(unfinished)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at: asyncio complains of one that nobody wanted to hear of
