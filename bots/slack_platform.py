"""Slack's two halves as the settings have them. Knows nothing of how either works, nor of how stores are built."""

from __future__ import annotations

from collections.abc import Collection

from bots.dialogue import Dialogue
from bots.slack_actions import Actions
from bots.slack_bot import Connection, SlackReceiver
from bots.slack_clients import Clients, OneToken, Tokens
from bots.slack_door import Admitting, Door
from bots.slack_install import AppSecrets, Installations, Installing
from bots.slack_members import Members
from bots.slack_sender import SlackSender
from bots.slack_teaching import Lessons, Teaching
from core.errors import ConfigurationError
from core.settings import Settings

OWN_COMMANDS = ("stop",)


def is_configured(settings: Settings) -> bool:
    """Whether Slack is to be served."""
    return settings.slack_bot_token is not None or settings.slack_client_id is not None


def slack_receiver(settings: Settings, installations: Installations | None = None) -> SlackReceiver:
    """The receiving half.

    Raises:
        ConfigurationError: no way of delivery is set up.
    """
    installing = None
    if settings.slack_client_id and settings.slack_client_secret and installations and settings.slack_url:
        secrets = AppSecrets(settings.slack_client_id, settings.slack_client_secret.get_secret_value())
        installing = Installing(installations, secrets, settings.slack_url, settings.slack_api)
    return SlackReceiver(_clients(settings, installations), _connection(settings), settings.slack_api, installing)


def slack_sender(
    settings: Settings,
    dialogue: Dialogue,
    access: Admitting,
    teacher: Teaching | None,
    installations: Installations | None = None,
) -> SlackSender:
    """The answering half."""
    clients, members = _clients(settings, installations), Members(_groups(settings.allow, settings.operators))
    door = Door(access, members)
    actions = Actions(clients, dialogue, members, door, Lessons(teacher, door))
    return SlackSender(clients, dialogue, members, door, actions)


def _clients(settings: Settings, installations: Installations | None) -> Clients:
    if settings.slack_bot_token is not None:
        tokens: Tokens = OneToken(settings.slack_bot_token.get_secret_value())
    elif installations is not None:
        tokens = installations
    else:
        raise ConfigurationError("ATTUNE_SLACK_CLIENT_ID needs ATTUNE_SLACK_KEY: `attune slack key` makes one.")
    return Clients(tokens, settings.slack_api)


def _connection(settings: Settings) -> Connection:
    host, _, port = settings.slack_listen.rpartition(":")
    if settings.slack_app_token is not None:
        return Connection(app_token=settings.slack_app_token.get_secret_value())
    if settings.slack_signing_secret is None:
        raise ConfigurationError(
            "Slack cannot reach Attune. Set ATTUNE_SLACK_APP_TOKEN (Socket Mode), or ATTUNE_SLACK_SIGNING_SECRET "
            "and ATTUNE_SLACK_URL for deliveries by HTTP; docs/slack.md says where they come from."
        )
    return Connection(signing_secret=settings.slack_signing_secret.get_secret_value(), host=host, port=int(port))


def _groups(*lists: str) -> Collection[str]:
    """The user groups that the operator's lists name."""
    names = {name for text in lists for name in text.replace(",", " ").split()}
    return {name for name in names if name.startswith("group:slack/")}
