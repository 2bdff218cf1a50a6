"""What `attune doctor` looks at in Telegram: token, privacy mode, webhook, what is delivered, and the menu.

Each check is a sentence, with the fix where something is wrong. Changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from telegram import WebhookInfo
from telegram.error import InvalidToken, TelegramError

from bots.on_telegram import doctor_texts as texts
from bots.on_telegram.api import Bot
from bots.on_telegram.entrance import listed_groups
from bots.on_telegram.receiver import new_bot
from bots.on_telegram.updates import ALLOWED_UPDATES
from bots.platform import Check, CheckStatus

NAME = "telegram"


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """What the settings say of Telegram."""

    token: str
    api: str
    webhook: str | None
    allowed: frozenset[str]


async def telegram_checks(wanted: TelegramConfig) -> AsyncIterator[Check]:
    """One row for each thing that can be wrong."""
    bot = new_bot(wanted.token, wanted.api)
    try:
        async with bot:
            me = bot.bot
            yield Check(CheckStatus.GOOD, NAME, texts.connected(me.username or me.first_name))
            yield _privacy(reads_all=bool(me.can_read_all_group_messages), joins=bool(me.can_join_groups))
            info = await bot.get_webhook_info()
            yield _delivery(wanted, info)
            yield _updates(info)
            yield _commands(len(await bot.get_my_commands()))
            async for check in _groups(bot, wanted.allowed):
                yield check
    except InvalidToken:
        yield Check(CheckStatus.BAD, NAME, texts.BAD_TOKEN, texts.FIX_TOKEN)
    except TelegramError as error:
        yield Check(CheckStatus.BAD, NAME, texts.unreachable(wanted.api, type(error).__name__), texts.FIX_NETWORK)


def _privacy(*, reads_all: bool, joins: bool) -> Check:
    if not joins:
        return Check(CheckStatus.CARE, f"{NAME} groups", texts.NO_GROUPS, texts.FIX_NO_GROUPS)
    if reads_all:
        return Check(CheckStatus.CARE, f"{NAME} privacy", texts.READS_ALL, texts.FIX_READS_ALL)
    return Check(CheckStatus.GOOD, f"{NAME} privacy", texts.PRIVACY_ON)


def _delivery(wanted: TelegramConfig, info: WebhookInfo) -> Check:
    """Whether Telegram delivers where the settings say."""
    name = f"{NAME} delivery"
    pending = info.pending_update_count
    if wanted.webhook and urlsplit(wanted.webhook).scheme != "https":
        return Check(CheckStatus.BAD, name, texts.NOT_HTTPS, texts.FIX_HTTPS)
    if info.last_error_message and wanted.webhook and info.url == wanted.webhook:
        return Check(
            CheckStatus.BAD, name, texts.webhook_fails(info.last_error_message, pending), texts.FIX_WEBHOOK_FAILS
        )
    if wanted.webhook and info.url != wanted.webhook:
        return Check(CheckStatus.CARE, name, texts.webhook_elsewhere(info.url), texts.FIX_WEBHOOK_ELSEWHERE)
    if not wanted.webhook and info.url:
        return Check(CheckStatus.CARE, name, texts.webhook_conflicts(info.url), texts.FIX_WEBHOOK_CONFLICTS)
    return Check(CheckStatus.GOOD, name, texts.delivered(webhook=wanted.webhook, pending=pending))


def _updates(info: WebhookInfo) -> Check:
    missing = [kind for kind in ALLOWED_UPDATES if kind not in (info.allowed_updates or ())]
    if missing:
        return Check(CheckStatus.CARE, f"{NAME} updates", texts.updates_missing(missing), texts.FIX_SERVE_ONCE)
    return Check(CheckStatus.GOOD, f"{NAME} updates", texts.UPDATES_ASKED)


def _commands(count: int) -> Check:
    if not count:
        return Check(CheckStatus.CARE, f"{NAME} commands", texts.NO_COMMANDS, texts.FIX_SERVE_ONCE)
    return Check(CheckStatus.GOOD, f"{NAME} commands", texts.commands_known(count))


async def _groups(bot: Bot, allowed: frozenset[str]) -> AsyncIterator[Check]:
    """Whether the bot is in the groups that the operator let in."""
    for group in listed_groups(allowed):
        name = f"{NAME} {group}"
        try:
            member = await bot.get_chat_member(group, bot.id)
        except TelegramError:
            yield Check(CheckStatus.BAD, name, texts.NOT_IN_GROUP, texts.FIX_NOT_IN_GROUP)
            continue
        if member.status == member.ADMINISTRATOR:
            yield Check(CheckStatus.GOOD, name, texts.ADMINISTRATOR)
        else:
            yield Check(CheckStatus.CARE, name, texts.NO_ADMINISTRATOR, texts.FIX_NO_ADMINISTRATOR)
