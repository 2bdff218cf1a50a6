"""Who somebody is in Slack and what they belong to: channels, user groups, guest or not.

Asked anew every minute, and each time for the channels, which say what somebody may see. Where Slack does not say, or
says what makes no sense, the narrower answer is taken: no channels, no groups, a guest; or none, by `strict`. Knows
nothing of documents, or of who is let in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import aiohttp
import structlog
from cachetools import TTLCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.on_slack.errors import reason_of
from bots.on_slack.events import PLATFORM, SlackMessage
from bots.platform import MembershipUnknownError
from core.readers import channel_reader, workspace_reader

log = structlog.get_logger(__name__)
T = TypeVar("T")

SECONDS = 60.0  # that an answer of Slack's is believed
BUSY = {
    "ratelimited",
    "internal_error",
    "fatal_error",
    "request_timeout",
    "service_unavailable",
}  # of nobody
PATIENCE = 5.0  # seconds that Slack may take where somebody waits who could be told what it said a moment ago
MOMENT = 1.0  # seconds that it may take to say in what language to speak: a modal has three
KEPT = 10_000
KINDS = ("public_channel", "private_channel", "mpim")
PAGE = 200
PAGES = 20
FOREIGN = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot")  # guests, people unknown here, apps


_UNSAID = (SlackApiError, KeyError, TypeError, AttributeError, ValueError)  # refused, or a reply of another form


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """What somebody is in a workspace."""

    member: bool  # of the workspace or its organisation: no guest, nobody of another organisation, no app
    elsewhere: bool = False  # a member, of other workspaces of the organisation only
    gone: bool = False  # the account was closed
    locale: str = ""  # the language that they have Slack in, such as de-DE
    zone: str = ""  # their time zone, such as Europe/Berlin
    name: str = ""  # as others see it


@dataclass(frozen=True, slots=True)
class ChannelSharing:
    """Who reads along in a channel besides the workspace's people."""

    organisations: bool  # other ones
    workspaces: bool  # other ones, be it of the same organisation


@dataclass(frozen=True, slots=True)
class HomeWorkspace:
    """Whose the bot is; `enterprise` is empty outside an Enterprise Grid."""

    team: str
    enterprise: str = ""


class Members:
    """Membership, remembered for a moment."""

    def __init__(self, groups: Collection[str] = (), now: Callable[[], float] = time.monotonic) -> None:
        self._groups = frozenset(groups)  # names such as group:slack/T1/S1: those that a list mentions
        self._known: TTLCache[tuple[str, ...], Any] = TTLCache(KEPT, SECONDS, now)
        self._strict = False

    def strict(self) -> Members:
        """The same members, where whoever asks gets a MembershipUnknownError in place of a guess."""
        twin = copy(self)
        twin._strict = True  # noqa: SLF001 - one of us
        return twin

    async def standing(self, client: AsyncWebClient, said: SlackMessage) -> MemberStatus:
        """What the author of a message is."""
        return await self._remembered(
            ("user", said.team, said.user), lambda: self._standing(client, said), MemberStatus(False)
        )

    async def language(self, client: AsyncWebClient, team: str, user: str) -> str:
        """The language that somebody has Slack in; empty where Slack does not say in time."""
        return (await self._status(client, team, user)).locale

    async def zone(self, client: AsyncWebClient, team: str, user: str) -> str:
        """The time zone that somebody has set in Slack; empty where Slack does not say in time."""
        return (await self._status(client, team, user)).zone

    async def _status(self, client: AsyncWebClient, team: str, user: str) -> MemberStatus:
        try:
            async with asyncio.timeout(MOMENT):
                return await self.standing(client, SlackMessage(team, "", "", "", user, ""))
        except (TimeoutError, aiohttp.ClientError):
            return MemberStatus(False)

    async def name(self, client: AsyncWebClient, team: str, user: str) -> str:
        """What somebody is called where they write; empty where Slack does not say."""
        return (await self.standing(client, SlackMessage(team, "", "", "", user, ""))).name

    async def is_shared(self, client: AsyncWebClient, said: SlackMessage) -> bool:
        """Whether people of another organisation read along in the channel."""
        return not said.private and (said.shared or (await self._sharing(client, said)).organisations)

    async def within(self, client: AsyncWebClient, said: SlackMessage) -> bool:
        """Whether all who read an answer to `said` are of the workspace; the guests in a channel count with it."""
        if said.private:
            standing = await self.standing(client, said)
            return standing.member and not standing.elsewhere
        return not said.shared and not (await self._sharing(client, said)).workspaces

    async def channels(self, client: AsyncWebClient, team: str, user: str) -> frozenset[str]:
        """The channels that somebody belongs to now, as far as the bot can see them: they may have left one."""
        key = ("channels", team, user)
        return await self._remembered(key, lambda: self._channels(client, user), frozenset(), anew=True)

    async def names(self, client: AsyncWebClient, said: SlackMessage, standing: MemberStatus) -> frozenset[str]:
        """What the operator's lists may call them by, besides their own name. Guests answer to none of it."""
        if not standing.member:
            return frozenset()
        names = {workspace_reader(PLATFORM, said.team)}
        if not said.private:
            names.add(channel_reader(PLATFORM, said.team, said.channel))
        for group in self._groups:
            _, team, id_ = group.split("/")
            if team == said.team and said.user in await self._group(client, team, id_):
                names.add(group)
        return frozenset(names)

    async def _group(self, client: AsyncWebClient, team: str, group: str) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            return frozenset((await client.usergroups_users_list(usergroup=group))["users"])

        return await self._remembered(("group", team, group), ask, frozenset())

    async def _standing(self, client: AsyncWebClient, said: SlackMessage) -> MemberStatus:
        user: dict[str, Any] = (await client.users_info(user=said.user, include_locale=True))["user"]
        told = MemberStatus(
            False, locale=str(user.get("locale") or ""), zone=str(user.get("tz") or ""), name=_name(user)
        )
        if user.get("deleted"):
            return replace(told, gone=True)
        grid: dict[str, Any] = user.get("enterprise_user") or {}
        ours = await self._remembered(("ours", said.team), lambda: _ours(client, said.team), HomeWorkspace(said.team))
        inside = ours.team in {user.get("team_id"), *(grid.get("teams") or ())}
        colleague = bool(ours.enterprise) and grid.get("enterprise_id") == ours.enterprise  # and no partner's
        if any(user.get(mark) for mark in FOREIGN) or not (inside or colleague):
            return told
        return replace(told, member=True, elsewhere=not inside)

    async def _sharing(self, client: AsyncWebClient, said: SlackMessage) -> ChannelSharing:
        async def ask() -> ChannelSharing:
            info: dict[str, Any] = (await client.conversations_info(channel=said.channel))["channel"]
            beyond = bool(info.get("is_ext_shared"))
            return ChannelSharing(beyond, beyond or bool(info.get("is_shared") or info.get("is_org_shared")))

        return await self._remembered(("shared", said.team, said.channel), ask, ChannelSharing(True, True))

    async def _channels(self, client: AsyncWebClient, user: str) -> frozenset[str]:
        try:
            return await _joined(client, user, ",".join(KINDS))
        except SlackApiError as error:
            if reason_of(error) != "missing_scope":
                raise
        found: set[str] = set()
        for kind in KINDS:  # the operator left a feature out: what the others may see stays
            try:
                found |= await _joined(client, user, kind)
            except SlackApiError as error:
                if not _is_said(error):
                    raise
        return frozenset(found)

    async def _remembered(
        self, key: tuple[str, ...], ask: Callable[[], Awaitable[T]], unknown: T, *, anew: bool = False
    ) -> T:
        """What Slack said within the minute; what is asked `anew` only where it does not say now."""
        known: T = self._known.get(key, unknown)
        if not anew and key in self._known:
            return known
        try:
            async with asyncio.timeout(PATIENCE if anew else None):
                found = await ask()
        except (TimeoutError, aiohttp.ClientError) as error:  # the client itself waits out a rate limit, for minutes
            if not anew:
                raise
            log.warning("slack_lookup_failed", what=key[0], error="no answer in time")
            self._insist(key, error)
            return known
        except _UNSAID as error:
            log.warning("slack_lookup_failed", what=key[0], error=reason_of(error))
            if not _is_said(error):
                self._insist(key, error)
            return known if reason_of(error) in BUSY else unknown
        self._known[key] = found
        return found

    def _insist(self, key: tuple[str, ...], error: Exception) -> None:
        if self._strict and key not in self._known:
            raise MembershipUnknownError(key[0]) from error


def _is_said(error: Exception) -> bool:
    """Whether Slack refused with a reason of its own that is not over in a moment."""
    return isinstance(error, SlackApiError) and reason_of(error) not in {*BUSY, SlackApiError.__name__}


def _name(user: Mapping[str, Any]) -> str:
    profile: Mapping[str, Any] = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    return next((" ".join(str(name).split()) for name in names if name), "")


async def _ours(client: AsyncWebClient, team: str) -> HomeWorkspace:
    """Asked of the token: the team in what somebody of another organisation pressed may be theirs."""
    me = await client.auth_test()
    whole = bool(me.get("is_enterprise_install"))
    return HomeWorkspace(team if whole else str(me["team_id"]), str(me.get("enterprise_id") or ""))


async def _joined(client: AsyncWebClient, user: str, kinds: str) -> frozenset[str]:
    found: set[str] = set()
    cursor = ""
    for _ in range(PAGES):
        page = await client.users_conversations(user=user, types=kinds, limit=PAGE, cursor=cursor or None)
        found |= {str(channel["id"]) for channel in page["channels"]}
        cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    return frozenset(found)
