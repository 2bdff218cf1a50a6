"""What the doctor finds in Telegram, each with the fix."""

from __future__ import annotations

import dataclasses

import pytest

from bots.cli import doctor
from bots.on_telegram import doctor_texts as texts
from bots.on_telegram.doctor import TelegramConfig, telegram_checks
from bots.platform import Check, CheckStatus
from core.settings import Settings
from tests.bots.test_telegram import TEAM
from tests.doubles.telegram_people import User, group
from tests.doubles.telegram_rules import BOT, TOKEN, UPDATES
from tests.doubles.telegram_server import TelegramDouble


async def checks(double: TelegramDouble, **changes: object) -> dict[str, Check]:
    """The rows by their names."""
    wanted = dataclasses.replace(TelegramConfig(TOKEN, double.url, None, frozenset()), **changes)
    return {check.name: check async for check in telegram_checks(wanted)}


def healthy() -> TelegramDouble:
    commands = [{"command": "help", "description": "what I can do"}]
    return TelegramDouble(allowed=set(UPDATES), commands={("default", ""): commands})


async def test_all_is_well():
    """Where nothing is wrong, every row is good and none has a fix."""
    async with healthy().serving() as double:
        found = await checks(double)
        assert {check.mark for check in found.values()} == {CheckStatus.GOOD}
        assert not any(check.fix for check in found.values())
        assert found["telegram"].found == "connected as @attune_bot"


async def test_a_wrong_token():
    """A token that Telegram does not know is named as such."""
    async with healthy().serving() as double:
        found = await checks(double, token="1:wrong")  # noqa: S106
        assert found == {"telegram": Check(CheckStatus.BAD, "telegram", texts.BAD_TOKEN, texts.FIX_TOKEN)}


async def test_no_way_to_telegram():
    """An address where nobody answers is named, without the token in it."""
    found = await checks(TelegramDouble(url="http://127.0.0.1:9"))
    assert found["telegram"].mark is CheckStatus.BAD
    assert "127.0.0.1:9" in found["telegram"].found
    assert TOKEN not in str(found)


@pytest.mark.parametrize(
    ("double", "changes", "row", "fix"),
    [
        (TelegramDouble(privacy=False), {}, "telegram privacy", texts.FIX_READS_ALL),
        (
            TelegramDouble(webhook={"url": "https://b.example"}),
            {},
            "telegram delivery",
            texts.FIX_WEBHOOK_CONFLICTS,
        ),
        (TelegramDouble(), {"webhook": "http://a.example"}, "telegram delivery", texts.FIX_HTTPS),
        (TelegramDouble(), {"webhook": "https://a.example"}, "telegram delivery", texts.FIX_WEBHOOK_ELSEWHERE),
        (
            TelegramDouble(webhook={"url": "https://a.example", "last_error_date": 1, "last_error_message": "502"}),
            {"webhook": "https://a.example"},
            "telegram delivery",
            texts.FIX_WEBHOOK_FAILS,
        ),
        (TelegramDouble(), {}, "telegram updates", texts.FIX_SERVE_ONCE),
        (TelegramDouble(), {}, "telegram commands", texts.FIX_SERVE_ONCE),
    ],
)
async def test_what_is_wrong_comes_with_its_fix(double: TelegramDouble, changes: dict, row: str, fix: str):
    """Privacy mode, webhooks, updates and commands that are not as they should be each have their sentence."""
    async with double.serving():
        found = (await checks(double, **changes))[row]
        assert found.mark is not CheckStatus.GOOD
        assert found.fix == fix


async def test_groups_on_the_list():
    """A group on the list where the bot is not, or is no administrator, is named."""
    async with healthy().serving() as double:
        User(double, 7, "Ann")
        double.users[BOT["id"]] = BOT
        team = group(double, TEAM)
        allowed = frozenset({f"channel:telegram//{TEAM}", "channel:telegram//-1"})
        found = await checks(double, allowed=allowed)
        assert found[f"telegram {TEAM}"].fix == texts.FIX_NO_ADMINISTRATOR
        assert found["telegram -1"].fix == texts.FIX_NOT_IN_GROUP
        team.chat.members[BOT["id"]] = "administrator"
        assert (await checks(double, allowed=allowed))[f"telegram {TEAM}"].found == texts.ADMINISTRATOR


async def test_the_doctor_looks_at_telegram_where_there_is_a_token():
    """With a token set, Telegram's rows stand in the doctor's table; without one there are none."""
    async with healthy().serving() as double:
        settings = Settings(telegram_token=TOKEN, telegram_api=double.url)
        assert "connected as @attune_bot" in [check.found for check in await doctor._platforms(settings)]
        assert await doctor._platforms(Settings()) == []
