"""What `attune doctor` looks at in Slack: tokens, scopes, Socket Mode, event subscriptions; and the fix of each.

Which events the app has subscribed to is told only to a configuration token; without one, what to look at is said.
Changes nothing in Slack, and posts nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bots.on_slack import doctor_texts as say
from bots.on_slack.clients import new_client
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.events import PLATFORM
from bots.on_slack.manifest import ALWAYS, NEEDS, Feature, events, scopes
from bots.platform import Check, CheckStatus
from core.people.access import listed_names
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class SlackConfig:
    """What the settings say of Slack."""

    bot_token: str = ""
    app_token: str = ""
    signing_secret: str = ""
    config_token: str = ""
    api: str = "https://slack.com/api/"
    listed: frozenset[str] = frozenset()


def set_up_of(settings: Settings) -> SlackConfig:
    """What the settings say of Slack."""

    def said(secret: SecretStr | None) -> str:
        return secret.get_secret_value() if secret else ""

    lists = (settings.allow, "ATTUNE_ALLOW"), (settings.operators, "ATTUNE_OPERATORS")
    return SlackConfig(
        said(settings.slack_bot_token),
        said(settings.slack_app_token),
        said(settings.slack_signing_secret),
        said(settings.slack_config_token),
        settings.slack_api,
        frozenset(name for text, setting in lists for name in listed_names(text, setting)),
    )


async def findings(set_up: SlackConfig) -> AsyncIterator[Check]:
    """Everything that can be looked at, in the order in which it is set up."""
    if wrong := _mistaken(set_up):
        yield wrong
        return
    app_id, features = "", frozenset(Feature)
    checks, me = await token_findings(set_up)
    for check in checks:
        yield check
    if me is not None:
        features = frozenset(feature for feature, needs in NEEDS.items() if _granted(me).issuperset(needs.scopes))
        yield _admitted(set_up.listed, str(me["team_id"]))
        app_id = await _app_id(new_client(set_up.bot_token, set_up.api), str(me.get("bot_id") or ""))
    yield await delivery(set_up)
    yield await _events(set_up, app_id, features)


async def token_findings(set_up: SlackConfig) -> tuple[list[Check], AsyncSlackResponse | None]:
    """What there is to say of the bot's token, and who Slack says it is of; None where it does not work."""
    try:
        me = await new_client(set_up.bot_token, set_up.api).auth_test()
    except ERRORS as error:
        return [_refused("slack token", error, say.fix_token)], None
    return [_signed_in(me), _scopes(_granted(me))], me


def _refused(name: str, error: Exception, fix: Callable[[str], str]) -> Check:
    """What went wrong: Slack said no, and its name for that tells the fix; or nobody was reached with any token."""
    reason = reason_of(error)
    if isinstance(error, SlackApiError):
        return Check(CheckStatus.BAD, name, reason, fix(reason))
    return Check(CheckStatus.BAD, name, say.unreachable(reason), say.FIX_NETWORK)


def workspace_of(me: AsyncSlackResponse) -> tuple[str, str]:
    """The workspace that a token is of: its name in the operator's lists, and its own."""
    return f"workspace:{PLATFORM}/{me['team_id']}", str(me["team"])


def _granted(me: AsyncSlackResponse) -> set[str]:
    return {scope.strip() for scope in str(me.headers.get("x-oauth-scopes") or "").split(",")}


def _mistaken(set_up: SlackConfig) -> Check | None:
    """Tokens in each other's places, or a way of delivery that is missing."""
    if not set_up.bot_token.startswith("xoxb-"):
        return Check(CheckStatus.BAD, "slack token", say.NOT_A_BOT_TOKEN, say.FIX_BOT_TOKEN)
    if set_up.app_token and not set_up.app_token.startswith("xapp-"):
        return Check(CheckStatus.BAD, "slack app token", say.NOT_AN_APP_TOKEN, say.FIX_APP_TOKEN)
    if not set_up.app_token and not set_up.signing_secret:
        return Check(CheckStatus.BAD, "slack delivery", say.NO_DELIVERY, say.FIX_DELIVERY)
    return None


def _signed_in(me: AsyncSlackResponse) -> Check:
    if me.get("is_enterprise_install"):
        return Check(CheckStatus.BAD, "slack token", say.ORGANISATION, say.FIX_ORGANISATION)
    return Check(CheckStatus.GOOD, "slack token", say.signed_in(str(me["user"]), str(me["team"]), str(me["team_id"])))


def _scopes(granted: Collection[str]) -> Check:
    missing = [scope for scope in scopes() if scope not in granted]
    if not missing:
        return Check(CheckStatus.GOOD, "slack scopes", say.all_scopes(len(scopes())))
    needed = any(scope in ALWAYS.scopes for scope in missing)
    lost = [str(feature) for feature, needs in NEEDS.items() if set(needs.scopes) & set(missing)]
    return Check(
        CheckStatus.BAD if needed else CheckStatus.CARE,
        "slack scopes",
        say.missing_scopes(missing, lost),
        say.FIX_SCOPES,
    )


def _admitted(listed: Collection[str], team: str) -> Check:
    """Whether the operator's lists let anybody of this workspace in."""
    whole, within = f"workspace:{PLATFORM}/{team}", f":{PLATFORM}/{team}/"
    names = [name for name in listed if name == whole or within in name]
    if names:
        return Check(CheckStatus.GOOD, "slack people", say.admitted(names))
    return Check(CheckStatus.CARE, "slack people", say.NOBODY, say.fix_nobody(whole))


async def delivery(set_up: SlackConfig) -> Check:
    """Whether Slack's way to deliver opens."""
    if not set_up.app_token:
        return Check(CheckStatus.GOOD, "slack delivery", say.BY_HTTP)
    try:
        await AsyncWebClient(base_url=set_up.api).apps_connections_open(app_token=set_up.app_token)
    except ERRORS as error:
        return _refused("socket mode", error, say.fix_socket)
    return Check(CheckStatus.GOOD, "socket mode", say.SOCKET_OPENS)


async def _app_id(client: AsyncWebClient, bot_id: str) -> str:
    try:
        return str((await client.bots_info(bot=bot_id))["bot"]["app_id"])
    except ERRORS:
        return ""


async def _events(set_up: SlackConfig, app_id: str, features: frozenset[Feature]) -> Check:
    """Whether the app hears of what the features that were granted take."""
    wanted = events(features)
    if not set_up.config_token or not app_id:
        return Check(CheckStatus.CARE, "slack events", say.EVENTS_UNSEEN, say.fix_events_unseen(wanted))
    try:
        exported = await new_client(set_up.config_token, set_up.api).apps_manifest_export(app_id=app_id)
    except ERRORS as error:
        refused = _refused("slack events", error, lambda _: say.FIX_CONFIG_TOKEN)
        return replace(refused, mark=CheckStatus.CARE)
    found: dict[str, Any] = exported["manifest"].get("settings", {})
    missing = [event for event in wanted if event not in found.get("event_subscriptions", {}).get("bot_events", ())]
    if missing:
        return Check(CheckStatus.BAD, "slack events", say.missing_events(missing), say.FIX_EVENTS)
    if not found.get("interactivity", {}).get("is_enabled"):
        return Check(CheckStatus.BAD, "slack events", say.NO_INTERACTIVITY, say.FIX_EVENTS)
    if bool(found.get("socket_mode_enabled")) != bool(set_up.app_token):
        return Check(CheckStatus.BAD, "slack events", say.OTHER_DELIVERY, say.FIX_EVENTS)
    return Check(CheckStatus.GOOD, "slack events", say.all_events(len(wanted)))
