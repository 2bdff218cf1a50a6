"""Slack's two halves as the settings have them. Knows nothing of how either works, nor of how stores are built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from bots.dialogue import Dialogue
from bots.lessons import Lessons
from bots.on_slack import texts as slack_texts
from bots.on_slack.actions import Actions
from bots.on_slack.clients import Clients
from bots.on_slack.conversation import SlackConversation
from bots.on_slack.digests import SlackDigests, digest_event
from bots.on_slack.doctor import findings, set_up_of
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.events import OWN_COMMANDS, PLATFORM
from bots.on_slack.members import Members
from bots.on_slack.receiver import Connection, SlackReceiver
from bots.on_slack.sender import SlackSender
from bots.on_slack.side_messages import SideMessages
from bots.operator_lists import OperatorLists
from bots.platform import Check, Platform, PlatformServices
from core.errors import ConfigurationError
from core.settings import Settings


def slack() -> Platform:
    """The platform."""
    return Platform(
        PLATFORM, slack_receiver, slack_sender, slack_checks, OWN_COMMANDS, slack_texts.HELP_HINT, digest_event
    )


def slack_receiver(settings: Settings, services: PlatformServices) -> SlackReceiver:
    """The receiving half."""
    return SlackReceiver(_clients(settings), connection_of(settings), settings.slack_api, services.reception(PLATFORM))


def slack_sender(settings: Settings, dialogue: Dialogue, services: PlatformServices) -> SlackSender:
    """The answering half."""
    clients, members = _clients(settings), Members(_groups(settings.allow, settings.operators))
    door, talk = SlackEntrance(services.access, members), SlackConversation(dialogue, members)
    lessons = Lessons(services.teacher, services.access)
    actions = Actions(clients, dialogue, talk, door, lessons)
    lists = OperatorLists(services.usage, services.inbox, services.access)
    asides, digests = SideMessages(talk, lessons, lists), SlackDigests(clients, dialogue, talk, door)
    return SlackSender(clients, dialogue, members, door, actions, asides=asides, digests=digests, chats=services.chats)


def slack_checks(settings: Settings) -> AsyncIterator[Check]:
    """What the doctor looks at."""
    return findings(set_up_of(settings))


def _clients(settings: Settings) -> Clients:
    if settings.slack_bot_token is None:
        raise ConfigurationError("ATTUNE_SLACK_BOT_TOKEN is not set. docs/slack.md says where to get it.")
    return Clients(settings.slack_bot_token.get_secret_value(), settings.slack_api)


def connection_of(settings: Settings) -> Connection:
    """How Slack reaches us.

    Raises:
        ConfigurationError: no way is set up.
    """
    host, _, port = settings.slack_listen.rpartition(":")
    if settings.slack_app_token is not None:
        return Connection(app_token=settings.slack_app_token.get_secret_value())
    if settings.slack_signing_secret is None:
        raise ConfigurationError(
            "Slack cannot reach Attune. Set ATTUNE_SLACK_APP_TOKEN (Socket Mode), or ATTUNE_SLACK_SIGNING_SECRET "
            "for deliveries by HTTP; docs/slack.md says where to get them."
        )
    return Connection(signing_secret=settings.slack_signing_secret.get_secret_value(), host=host, port=int(port))


def _groups(*lists: str) -> Collection[str]:
    """The user groups that the operator's lists name."""
    names = {name for text in lists for name in text.replace(",", " ").split()}
    return {name for name in names if name.startswith("group:slack/")}
