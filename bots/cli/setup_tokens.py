"""The tokens that `attune setup` asks for: how each looks, and how the platform is asked whether it works.

What the platform is asked is what `attune doctor` looks at. Knows nothing of how an answer is asked for or kept.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bots.cli import setup_texts as say
from bots.platform import Check, CheckStatus
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class SetupToken:
    """A secret that a platform gives. `look` asks the platform about the one in the settings."""

    setting: str
    label: str
    shape: re.Pattern[str]
    other_shape: str
    look: Callable[[Settings], Awaitable[Sequence[Check]]]

    def known_to(self, settings: Settings) -> bool:
        """Whether there is one."""
        return getattr(settings, self.setting.removeprefix("ATTUNE_").lower()) is not None


def telegram_token() -> SetupToken:
    """What @BotFather gives."""
    shape = re.compile(r"[0-9]+:[A-Za-z0-9_-]{20,}")
    return SetupToken("ATTUNE_TELEGRAM_TOKEN", say.TELEGRAM_TOKEN, shape, say.NO_TELEGRAM_TOKEN, _telegram)


def slack_tokens() -> tuple[SetupToken, SetupToken]:
    """The bot's token, and the app's for Socket Mode."""
    return (
        SetupToken(
            "ATTUNE_SLACK_BOT_TOKEN", say.SLACK_BOT_TOKEN, re.compile(r"xoxb-[\w-]+"), say.NO_BOT_TOKEN, _slack_bot
        ),
        SetupToken(
            "ATTUNE_SLACK_APP_TOKEN", say.SLACK_APP_TOKEN, re.compile(r"xapp-[\w-]+"), say.NO_APP_TOKEN, _slack_app
        ),
    )


async def slack_workspace(settings: Settings) -> tuple[str, str]:
    """The workspace of the bot's token: as a list of `ATTUNE_ALLOW` names it, and as people do; empty if unknown."""
    from bots.on_slack.doctor import set_up_of, token_findings, workspace_of  # noqa: PLC0415

    _, me = await token_findings(set_up_of(settings))
    return workspace_of(me) if me is not None else ("", "")


async def _telegram(settings: Settings) -> Sequence[Check]:
    from bots.on_telegram.platform import telegram_platform_checks  # noqa: PLC0415

    checks = [check async for check in telegram_platform_checks(settings)]
    return [check for check in checks if check is checks[0] or check.mark is CheckStatus.BAD]


async def _slack_bot(settings: Settings) -> Sequence[Check]:
    from bots.on_slack.doctor import set_up_of, token_findings  # noqa: PLC0415

    return (await token_findings(set_up_of(settings)))[0]


async def _slack_app(settings: Settings) -> Sequence[Check]:
    from bots.on_slack.doctor import delivery, set_up_of  # noqa: PLC0415

    return [await delivery(set_up_of(settings))]
