"""Turns over folders, told by the order in which work begins and ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.storage.folder_lock import Turns


async def _taken(turns: Turns, place: str, said: list[str], go: asyncio.Event) -> None:
    async with turns.of([Path(place)]):
        said.append(f"+{place}")
        await go.wait()
        said.append(f"-{place}")


async def test_folders_beside_each_other_do_not_wait_and_those_inside_do() -> None:
    """A lesson is read beside another; all lessons wait for both, and what comes after waits for them."""
    turns, said, go = Turns(), [], asyncio.Event()
    work = [asyncio.create_task(_taken(turns, place, said, go)) for place in ("/l/a", "/l/b", "/l", "/l/c", "/m")]
    while len(said) < 3:  # noqa: ASYNC110 - nothing says when all that can begin has begun
        await asyncio.sleep(0)
    assert said == ["+/l/a", "+/l/b", "+/m"]
    go.set()
    await asyncio.gather(*work)
    assert [one for one in said if one in {"+/l", "-/l", "+/l/c"}] == ["+/l", "-/l", "+/l/c"]
    assert said.index("+/l") > max(said.index("-/l/a"), said.index("-/l/b"))


async def test_one_that_is_cancelled_while_it_waits_holds_nobody_up() -> None:
    """What comes behind it goes on when those before it have ended, and not earlier."""
    turns, said, go = Turns(), [], asyncio.Event()
    work = [asyncio.create_task(_taken(turns, place, said, go)) for place in ("/l/a", "/l", "/l/a/b")]
    await asyncio.sleep(0.01)
    work[1].cancel()
    await asyncio.sleep(0.01)
    assert said == ["+/l/a"]
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await work[1]
    await asyncio.gather(work[0], work[2])
    assert said == ["+/l/a", "-/l/a", "+/l/a/b", "-/l/a/b"]
