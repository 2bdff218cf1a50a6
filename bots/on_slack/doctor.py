"""What `attune doctor` looks at in Slack: tokens, scopes, Socket Mode, event subscriptions; and the fix of each.

Which events the app has subscribed to is told only to a configuration token; without one, what to look at is said.
Changes nothing in Slack, and posts nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bots.cli.checks import Check, Mark
from bots.on_slack import doctor_texts as say
from bots.on_slack.clients import new_client
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.manifest import ALWAYS, NEEDS, events, scopes
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class SetUp:
    """What the settings say of Slack."""

    bot_token: str = ""
    app_token: str = ""
    signing_secret: str = ""
    config_token: str = ""
    api: str = "https://slack.com/api/"


def set_up_of(settings: Settings) -> SetUp:
    """What the settings say of Slack."""

    def said(secret: SecretStr | None) -> str:
        return secret.get_secret_value() if secret else ""

    return SetUp(
        said(settings.slack_bot_token),
        said(settings.slack_app_token),
        said(settings.slack_signing_secret),
        said(settings.slack_config_token),
        settings.slack_api,
    )


async def findings(set_up: SetUp) -> AsyncIterator[Check]:
    """Everything that can be looked at, in the order in which it is set up."""
    if wrong := _mistaken(set_up):
        yield wrong
        return
    app_id = ""
    client = new_client(set_up.bot_token, set_up.api)
    try:
        me = await client.auth_test()
    except ERRORS as error:
        yield Check(Mark.BAD, "slack token", reason_of(error), say.fix_token(reason_of(error)))
    else:
        yield Check(Mark.GOOD, "slack token", say.signed_in(str(me["user"]), str(me["team"])))
        granted = str(me.headers.get("x-oauth-scopes") or "").split(",")
        yield _scopes({scope.strip() for scope in granted})
        app_id = await _app_id(client, str(me.get("bot_id") or ""))
    yield await _delivery(set_up)
    yield await _events(set_up, app_id)


def _mistaken(set_up: SetUp) -> Check | None:
    """Tokens in each other's places, or a way of delivery that is missing."""
    if not set_up.bot_token.startswith("xoxb-"):
        return Check(Mark.BAD, "slack token", say.NOT_A_BOT_TOKEN, say.FIX_BOT_TOKEN)
    if set_up.app_token and not set_up.app_token.startswith("xapp-"):
        return Check(Mark.BAD, "slack app token", say.NOT_AN_APP_TOKEN, say.FIX_APP_TOKEN)
    if not set_up.app_token and not set_up.signing_secret:
        return Check(Mark.BAD, "slack delivery", say.NO_DELIVERY, say.FIX_DELIVERY)
    return None


def _scopes(granted: Iterable[str]) -> Check:
    missing = [scope for scope in scopes() if scope not in set(granted)]
    if not missing:
        return Check(Mark.GOOD, "slack scopes", say.all_scopes(len(scopes())))
    needed = any(scope in ALWAYS.scopes for scope in missing)
    lost = [str(feature) for feature, needs in NEEDS.items() if set(needs.scopes) & set(missing)]
    return Check(Mark.BAD if needed else Mark.CARE, "slack scopes", say.missing_scopes(missing, lost), say.FIX_SCOPES)


async def _delivery(set_up: SetUp) -> Check:
    if not set_up.app_token:
        return Check(Mark.GOOD, "slack delivery", say.BY_HTTP)
    try:
        await AsyncWebClient(base_url=set_up.api).apps_connections_open(app_token=set_up.app_token)
    except ERRORS as error:
        return Check(Mark.BAD, "socket mode", reason_of(error), say.fix_socket(reason_of(error)))
    return Check(Mark.GOOD, "socket mode", say.SOCKET_OPENS)


async def _app_id(client: AsyncWebClient, bot_id: str) -> str:
    try:
        return str((await client.bots_info(bot=bot_id))["bot"]["app_id"])
    except ERRORS:
        return ""


async def _events(set_up: SetUp, app_id: str) -> Check:
    if not set_up.config_token or not app_id:
        return Check(Mark.CARE, "slack events", say.EVENTS_UNSEEN, say.fix_events_unseen(events()))
    try:
        exported = await new_client(set_up.config_token, set_up.api).apps_manifest_export(app_id=app_id)
    except ERRORS as error:
        return Check(Mark.CARE, "slack events", reason_of(error), say.FIX_CONFIG_TOKEN)
    found: dict[str, Any] = exported["manifest"].get("settings", {})
    missing = [event for event in events() if event not in found.get("event_subscriptions", {}).get("bot_events", ())]
    if missing:
        return Check(Mark.BAD, "slack events", say.missing_events(missing), say.FIX_EVENTS)
    if not found.get("interactivity", {}).get("is_enabled"):
        return Check(Mark.BAD, "slack events", say.NO_INTERACTIVITY, say.FIX_EVENTS)
    if bool(found.get("socket_mode_enabled")) != bool(set_up.app_token):
        return Check(Mark.BAD, "slack events", say.OTHER_DELIVERY, say.FIX_EVENTS)
    return Check(Mark.GOOD, "slack events", say.all_events(len(events())))
