"""Two things at the same time, and what is left of them."""

from __future__ import annotations

import asyncio

import pytest

from core.together import to_the_end, together


async def after(seconds: float, said: list[str], word: str) -> str:
    """Say `word` when the time has come."""
    await asyncio.sleep(seconds)
    said.append(word)
    return word


async def test_both_results_come_in_order() -> None:
    """Whoever is done first, the first comes first."""
    said: list[str] = []
    assert await together(after(0.02, said, "slow"), after(0, said, "quick")) == ("slow", "quick")
    assert said == ["quick", "slow"]


@pytest.mark.parametrize("turned", [False, True])
async def test_an_error_leaves_nothing_running(*, turned: bool) -> None:
    """The other one ends before the error is heard of."""
    said: list[str] = []

    async def broken() -> str:
        raise ValueError("broken")

    pair = (after(0.02, said, "late"), broken()) if turned else (broken(), after(0.02, said, "late"))
    with pytest.raises(ValueError, match="broken"):
        await together(*pair)
    heard = list(said)
    await asyncio.sleep(0.05)
    assert said == heard


async def test_who_is_cancelled_has_ended_both() -> None:
    """Also one that takes its time to end."""
    ended: list[str] = []

    async def slow_to_end(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(name)

    both = asyncio.create_task(together(slow_to_end("one"), slow_to_end("other")))
    await asyncio.sleep(0.01)
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both
    assert sorted(ended) == ["one", "other"]


async def test_what_must_not_be_cut_off_ends_before_the_cancellation() -> None:
    """Told to hurry, each time; what it would have said is not heard."""
    said: list[str] = []
    work = asyncio.create_task(to_the_end(after(0.1, said, "done"), hurry=lambda: said.append("hurry")))
    await asyncio.sleep(0.01)
    for _ in range(2):
        work.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await work
    assert said == ["hurry", "hurry", "done"]


async def test_what_is_not_cancelled_gives_its_result_or_its_error() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    assert await to_the_end(after(0, [], "done")) == "done"
    with pytest.raises(ValueError, match="broken"):
        await to_the_end(broken())
