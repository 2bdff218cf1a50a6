"""Telegram's two halves as the settings have them. Knows nothing of how either works, nor of how stores are built."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bots.dialogue import Dialogue
from bots.lessons import Lessons
from bots.on_telegram.api import Bot
from bots.on_telegram.doctor import TelegramConfig, telegram_checks
from bots.on_telegram.entrance import Membership, TelegramEntrance, listed_groups
from bots.on_telegram.events import PLATFORM, digest_event
from bots.on_telegram.receiver import TelegramReceiver, new_bot
from bots.on_telegram.sender import OWN_COMMANDS, Services, TelegramSender
from bots.on_telegram.webhook import new_webhook
from bots.operator_lists import OperatorLists
from bots.platform import Check, Platform, PlatformServices
from core.errors import ConfigurationError
from core.people.access import listed_names
from core.settings import Settings


def telegram() -> Platform:
    """The platform."""
    return Platform(
        PLATFORM, telegram_receiver, telegram_sender, telegram_platform_checks, OWN_COMMANDS, digest=digest_event
    )


def telegram_receiver(settings: Settings, means: PlatformServices) -> TelegramReceiver:
    """The receiving half."""
    bot = _bot(settings)
    secret = settings.telegram_webhook_secret.get_secret_value() if settings.telegram_webhook_secret else None
    webhook = (
        new_webhook(settings.telegram_webhook, secret, settings.telegram_listen) if settings.telegram_webhook else None
    )
    entrance = TelegramEntrance(means.access, Membership(bot, _groups(settings)))
    return TelegramReceiver(bot, entrance, means.chats, webhook, means.reception(PLATFORM))


def telegram_sender(settings: Settings, dialogue: Dialogue, means: PlatformServices) -> TelegramSender:
    """The answering half."""
    lists = OperatorLists(means.usage, means.inbox, means.access)
    services = Services(dialogue, Lessons(means.teacher, means.access), means.access, lists, means.chats)
    return TelegramSender(_bot(settings), services, _groups(settings), settings.telegram_streaming)


def telegram_platform_checks(settings: Settings) -> AsyncIterator[Check]:
    """What the doctor looks at."""
    allowed = frozenset(listed_names(settings.allow, "ATTUNE_ALLOW"))
    return telegram_checks(TelegramConfig(_token(settings), settings.telegram_api, settings.telegram_webhook, allowed))


def _bot(settings: Settings) -> Bot:
    return new_bot(_token(settings), settings.telegram_api)


def _token(settings: Settings) -> str:
    if settings.telegram_token is None:
        raise ConfigurationError(
            "ATTUNE_TELEGRAM_TOKEN is not set. Get a token from @BotFather; docs/telegram.md says how."
        )
    return settings.telegram_token.get_secret_value()


def _groups(settings: Settings) -> tuple[int, ...]:
    return listed_groups(listed_names(settings.allow, "ATTUNE_ALLOW"))
