"""Slack's two halves as the settings have them. Knows nothing of how either works, nor of how stores are built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from bots.dialogue import Dialogue
from bots.language import Voice
from bots.lessons import Lessons
from bots.on_slack import texts as slack_texts
from bots.on_slack.actions import Actions
from bots.on_slack.asides import SideMessages
from bots.on_slack.clients import Clients, OneToken
from bots.on_slack.door import SlackEntrance
from bots.on_slack.events import OWN_COMMANDS, PLATFORM
from bots.on_slack.install import AppSecrets, Installations, Installing
from bots.on_slack.members import Members
from bots.on_slack.sender import SlackSender
from bots.on_slack.talk import SlackConversation
from bots.operator_lists import OperatorLists
from bots.platform import Delivery, Inlet
from bots.platforms import Platform, PlatformServices
from bots.reception import Reception
from bots.slack_bot import Connection, SlackReceiver
from core.bootstrap import open_installations
from core.errors import ConfigurationError
from core.inbox import Event
from core.settings import Settings


def slack() -> Platform:
    """The platform."""
    return Platform(
        PLATFORM,
        lambda settings, means: SlackIn(settings, means.reception(PLATFORM)),
        SlackOut,
        OWN_COMMANDS,
        slack_texts.HELP_HINT,
    )


class SlackIn:
    """The receiving half; opens the tokens of several workspaces with itself."""

    def __init__(self, settings: Settings, reception: Reception) -> None:
        self._settings = settings
        self._reception = reception
        self._connection = connection_of(settings)

    @asynccontextmanager
    async def receiving(self, inlet: Inlet) -> AsyncIterator[None]:
        """Receive while open."""
        async with _tokens(self._settings) as tokens:
            api = self._settings.slack_api
            pages = _pages(self._settings, tokens)
            receiver = SlackReceiver(Clients(tokens, api), self._connection, api, pages, self._reception)
            async with receiver.receiving(inlet):
                yield


class SlackOut:
    """The answering half; opens the tokens of several workspaces with itself."""

    def __init__(self, settings: Settings, dialogue: Dialogue, means: PlatformServices) -> None:
        self._settings = settings
        self._dialogue = dialogue
        self._means = means
        self._sender: SlackSender | None = None

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Answer while open."""
        async with _tokens(self._settings) as tokens:
            self._sender = self._built(Clients(tokens, self._settings.slack_api))
            async with self._sender.sending():
                yield

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Do what `event` asks for."""
        await self._open.handle(event, delivery)

    async def voice(self, event: Event) -> Voice:
        """How to speak to whoever sent it."""
        return await self._open.voice(event)

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that it takes a while."""
        await self._open.waiting(event, delivery, sentence)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Say that there will be no answer."""
        await self._open.apologise(event, delivery, sentence)

    @property
    def _open(self) -> SlackSender:
        if self._sender is None:
            raise RuntimeError("Slack's answering half is not open.")
        return self._sender

    def _built(self, clients: Clients) -> SlackSender:
        settings, means, dialogue = self._settings, self._means, self._dialogue
        members = Members(_groups(settings.allow, settings.operators))
        door, talk = SlackEntrance(means.access, members), SlackConversation(dialogue, members)
        lessons = Lessons(means.teacher, means.access)
        actions = Actions(clients, dialogue, talk, door, lessons)
        lists = OperatorLists(means.usage, means.inbox, means.access)
        return SlackSender(clients, dialogue, members, door, actions, asides=SideMessages(talk, lessons, lists))


@asynccontextmanager
async def _tokens(settings: Settings) -> AsyncIterator[OneToken | Installations]:
    if settings.slack_bot_token is not None:
        yield OneToken(settings.slack_bot_token.get_secret_value())
        return
    async with open_installations(settings) as installations:
        yield installations


def _pages(settings: Settings, tokens: OneToken | Installations) -> Installing | None:
    """The pages by which workspaces install the app, where several may."""
    if isinstance(tokens, OneToken):
        return None
    if settings.slack_client_id is None or settings.slack_client_secret is None or settings.slack_url is None:
        raise ConfigurationError(
            "For several workspaces set ATTUNE_SLACK_CLIENT_ID, ATTUNE_SLACK_CLIENT_SECRET, ATTUNE_SLACK_URL, "
            "ATTUNE_SLACK_SIGNING_SECRET and ATTUNE_SLACK_KEY; docs/slack.md says where they come from."
        )
    app = AppSecrets(settings.slack_client_id, settings.slack_client_secret.get_secret_value())
    return Installing(tokens, app, settings.slack_url, settings.slack_api)


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
            "and ATTUNE_SLACK_URL for deliveries by HTTP; docs/slack.md says where they come from."
        )
    return Connection(signing_secret=settings.slack_signing_secret.get_secret_value(), host=host, port=int(port))


def _groups(*lists: str) -> Collection[str]:
    """The user groups that the operator's lists name."""
    names = {name for text in lists for name in text.replace(",", " ").split()}
    return {name for name in names if name.startswith("group:slack/")}
