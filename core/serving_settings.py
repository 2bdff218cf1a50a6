"""The settings of `attune serve`: the platforms, their limits, and what an operator sees.

Read by `core.settings`, which adds all others. Knows nothing of what the settings mean.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ServingSettings(BaseModel):
    """Every setting that only a bot on a platform needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    telegram_token: SecretStr | None = Field(
        None, alias="ATTUNE_TELEGRAM_TOKEN", description="the bot's token from @BotFather; unset: no Telegram"
    )
    telegram_webhook: str | None = Field(
        None,
        alias="ATTUNE_TELEGRAM_WEBHOOK",
        description="the public https address where Telegram delivers messages; unset: they are fetched (long polling)",
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None,
        alias="ATTUNE_TELEGRAM_WEBHOOK_SECRET",
        description="the word by which a delivery proves that it is Telegram's; unset: a random one at each start",
    )
    telegram_listen: str = Field(
        "127.0.0.1:8081",
        alias="ATTUNE_TELEGRAM_LISTEN",
        description="host and port where deliveries to ATTUNE_TELEGRAM_WEBHOOK arrive on this machine",
    )
    telegram_streaming: Literal["auto", "draft", "edit", "off"] = Field(
        "auto",
        alias="ATTUNE_TELEGRAM_STREAMING",
        description="how an answer grows in Telegram: draft, edit, off, or auto, the best that the chat allows",
    )
    telegram_api: str = Field(
        "https://api.telegram.org",
        alias="ATTUNE_TELEGRAM_API",
        description="where the Bot API is; for tests and proxies",
    )
    slack_bot_token: SecretStr | None = Field(
        None, alias="ATTUNE_SLACK_BOT_TOKEN", description="the app's bot token, xoxb-…; unset: no Slack"
    )
    slack_app_token: SecretStr | None = Field(
        None, alias="ATTUNE_SLACK_APP_TOKEN", description="the app-level token for Socket Mode, xapp-…"
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        alias="ATTUNE_SLACK_SIGNING_SECRET",
        description="the app's signing secret, for deliveries by HTTP instead of Socket Mode",
    )
    slack_listen: str = Field(
        "127.0.0.1:8082",
        alias="ATTUNE_SLACK_LISTEN",
        description="host and port where Slack's deliveries by HTTP arrive on this machine",
    )
    slack_api: str = Field(
        "https://slack.com/api/", alias="ATTUNE_SLACK_API", description="where the Web API is: a proxy, or a test's"
    )
    slack_config_token: SecretStr | None = Field(
        None,
        alias="ATTUNE_SLACK_CONFIG_TOKEN",
        description="an app configuration token, for `attune doctor` to see which events the app has subscribed to",
    )
    person_minute: int = Field(
        20, ge=1, le=100_000, alias="ATTUNE_PERSON_MINUTE", description="messages that one person may send in a minute"
    )
    workspace_minute: int = Field(
        200,
        ge=1,
        le=1_000_000,
        alias="ATTUNE_WORKSPACE_MINUTE",
        description="messages that all people of a workspace may send in a minute",
    )
    waiting: int = Field(
        500,
        ge=1,
        le=1_000_000,
        alias="ATTUNE_WAITING",
        description="messages that may wait for an answer; one more is refused with a sentence",
    )
    workers: int = Field(
        8, ge=1, le=1000, alias="ATTUNE_WORKERS", description="messages that one process answers at once"
    )
    grace: float = Field(
        20.0,
        ge=0,
        le=3600,
        alias="ATTUNE_GRACE",
        description="seconds to finish what is being answered when the program is ended; then others take it over",
    )
    metrics: str = Field(
        "127.0.0.1:9464",
        alias="ATTUNE_METRICS",
        description="host and port of /metrics, /healthz and /readyz while serving; off: none",
    )
