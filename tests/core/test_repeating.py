"""A text ends where it repeats itself, however it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from core.answering.repeating import unrepeated
from core.domain import Piece

ONE = "- Military leave with pay and vacation\n"


async def shown(text: str, size: int) -> str:
    async def events() -> AsyncGenerator[Piece, None]:
        for place in range(0, len(text), size):
            yield Piece(text[place : place + size])

    return "".join([event.text async for event in unrepeated(events()) if isinstance(event, Piece)])


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize(
    "more",
    [
        "- Military leave with pay and vacation and military leave\n- Military leave with pay\n",
        "- Military leave with pay and vacation\n",
        "- Military leave with pay and vacation",
        "\n2. Military leave with pay and vacation and pay\n",
    ],
)
async def test_a_line_that_only_says_the_one_before_ends_a_text(size: int, more: str) -> None:
    """With words added that it has already, or none; a number before it is no news."""
    assert (await shown(ONE + more, size)).rstrip() == ONE.rstrip()


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_list_grows_once(size: int) -> None:
    """One item may go on where the last one ended; the next may not do so again."""
    text = f"{ONE}- Military leave with pay and vacation and bonuses\n"
    assert await shown(text, size) == text
    longer = f"{text}- Military leave with pay and vacation and bonuses and rest\n- more"
    assert (await shown(longer, size)).rstrip() == text.rstrip()


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "- Request leave: https://hr.example\n- Report sickness: https://hr.example\n- Payslips: https://pay.example\n",
        "1. Open https://example.org/time\n2. Choose your project in it\n3. Confirm in https://example.org/time\n",
        "See https://example.org.\n\nBring your badge",
        "- Laptop\n- Laptop bag\n- Laptop bag and screen\n",
        "- Ask your lead for leave\n- Ask your lead for a laptop\n\nThen wait.",
        "| a | b |\n|---|---|\n| yes | yes |\n| yes | yes |\n",
        "No, no, no. Ask your lead.",
        "```\n}\n}\n}\n```\nEnd",
    ],
)
async def test_what_is_alike_is_no_repetition(size: int, text: str) -> None:
    """Nothing of an ordinary text is held back in the end."""
    assert await shown(text, size) == text


async def test_a_line_that_goes_round_ends() -> None:
    """What it says for the third time is said."""
    text = "- Ask " + "your lead and the office " * 9
    assert (await shown(text, 4)).count("lead") <= 3
