"""The settings of `attune serve`, which `core/settings.py` reads with all others.

Knows nothing of where a setting comes from, or of what it means.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class ServingSettings(BaseModel):
    """The settings of `attune serve`: the platforms, their limits, and what an operator sees."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    telegram_token: SecretStr | None = Field(
        None, alias="ATTUNE_TELEGRAM_TOKEN", description="the bot's token from @BotFather; unset: Telegram is off"
    )
    telegram_webhook: str | None = Field(
        None,
        alias="ATTUNE_TELEGRAM_WEBHOOK",
        description="the public https address where Telegram delivers messages; unset: long polling",
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None,
        alias="ATTUNE_TELEGRAM_WEBHOOK_SECRET",
        description="the secret that proves a delivery comes from Telegram; unset: a random one at each start",
    )
    telegram_listen: str = Field(
        "127.0.0.1:8081",
        alias="ATTUNE_TELEGRAM_LISTEN",
        description="local host and port that receive the deliveries to ATTUNE_TELEGRAM_WEBHOOK",
    )
    telegram_streaming: Literal["auto", "draft", "edit", "off"] = Field(
        "auto",
        alias="ATTUNE_TELEGRAM_STREAMING",
        description="how answers stream in Telegram: draft, edit, off, or auto for the best the chat allows",
    )
    telegram_api: str = Field(
        "https://api.telegram.org",
        alias="ATTUNE_TELEGRAM_API",
        description="base address of the Bot API; for proxies and tests",
    )
    slack_bot_token: SecretStr | None = Field(
        None, alias="ATTUNE_SLACK_BOT_TOKEN", description="the app's bot token, xoxb-…; unset: Slack is off"
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
        description="local host and port that receive Slack's deliveries by HTTP",
    )
    slack_api: str = Field(
        "https://slack.com/api/",
        alias="ATTUNE_SLACK_API",
        description="base address of the Web API; for proxies and tests",
    )
    slack_config_token: SecretStr | None = Field(
        None,
        alias="ATTUNE_SLACK_CONFIG_TOKEN",
        description="an app configuration token, so that `attune doctor` can check the app's event subscriptions",
    )
    person_minute: int = Field(
        20, ge=1, le=100_000, alias="ATTUNE_PERSON_MINUTE", description="messages that one person may send per minute"
    )
    workspace_minute: int = Field(
        200,
        ge=1,
        le=1_000_000,
        alias="ATTUNE_WORKSPACE_MINUTE",
        description="messages that everybody in a workspace together may send per minute",
    )
    waiting: int = Field(
        500,
        ge=1,
        le=1_000_000,
        alias="ATTUNE_WAITING",
        description="messages that may wait for an answer; beyond it, people are told to try again later",
    )
    workers: int = Field(
        8, ge=1, le=1000, alias="ATTUNE_WORKERS", description="messages that one process answers at the same time"
    )
    grace: float = Field(
        20.0,
        ge=0,
        le=3600,
        alias="ATTUNE_GRACE",
        description="seconds to finish open answers when the process is stopped; other processes take over the rest",
    )
    api: str = Field(
        "off",
        alias="ATTUNE_API",
        description="host and port where other programs ask while serving, over OpenAI's API and MCP, such as "
        "127.0.0.1:8083; off: none",
    )
    api_minute: int = Field(
        60, ge=1, le=100_000, alias="ATTUNE_API_MINUTE", description="requests that one program may send per minute"
    )
    metrics: str = Field(
        "127.0.0.1:9464",
        alias="ATTUNE_METRICS",
        description="host and port of /metrics, /healthz and /readyz while serving; off: none",
    )
    console: str = Field(
        "off",
        alias="ATTUNE_CONSOLE",
        description="host and port of the web console while serving, such as 127.0.0.1:8084; off: none",
    )
    console_password: SecretStr | None = Field(
        None,
        alias="ATTUNE_CONSOLE_PASSWORD",
        description="the password of the web console, 12 characters or more; unset: only links that work once, and "
        "only from this machine",
    )
    console_private: bool = Field(
        default=False,
        alias="ATTUNE_CONSOLE_PRIVATE",
        description="whether the web console may add addresses on your own network, such as an intranet wiki; "
        "`attune ingest` may always",
    )
    console_url: str | None = Field(
        None,
        alias="ATTUNE_CONSOLE_URL",
        description="the https address that leads to the web console by way of a proxy",
    )
