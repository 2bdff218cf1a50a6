"""Who gets in from Telegram: people on the list or with a code, and members of groups on the list.

Knows the groups that Telegram says somebody belongs to, for a while; `core.people.access` decides. Knows no store.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection

import structlog
from cachetools import LRUCache, TTLCache
from telegram import ChatMember, ChatMemberRestricted
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bots import texts
from bots.on_telegram.api import Bot
from bots.on_telegram.events import PLATFORM, WORKSPACE, Incoming, UpdateKind
from bots.platform import MembershipUnknownError
from core.domain import Person
from core.people.access import Access
from core.readers import channel_reader

log = structlog.get_logger(__name__)

REMEMBERED = 300.0  # seconds that a membership is taken as known for getting in
PATIENCE = 5.0  # seconds that Telegram may take to say it: others wait meanwhile
UNKNOWN_FOR = 30.0  # seconds after which is asked again where Telegram did not say
BELIEVED = 60.0  # seconds that it is taken as known for what is shown, where Telegram is away
MOST_REMEMBERED = 10_000
_INSIDE = {ChatMember.OWNER, ChatMember.ADMINISTRATOR, ChatMember.MEMBER}
_CODE = re.compile(
    r"/(?:start|pair)\s+(\S{4}[ -]?\S{4})|([2-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{4}-[2-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{4})"
)


class Membership:
    """Which of the listed groups somebody belongs to, as Telegram has it."""

    def __init__(self, bot: Bot, groups: Collection[int]) -> None:
        self._bot = bot
        self._groups = tuple(groups)
        self._known: LRUCache[tuple[int, int], tuple[float, bool]] = LRUCache(MOST_REMEMBERED)
        self._in_vain: TTLCache[tuple[int, int], bool] = TTLCache(
            MOST_REMEMBERED, UNKNOWN_FOR
        )  # Telegram did not answer

    async def groups_of(self, user: int) -> frozenset[str]:
        """The ids of the groups, as they were known a moment ago: to be let in."""
        belonged = await asyncio.gather(*(self._belonged(group, user) for group in self._groups))
        return frozenset(str(group) for group, inside in zip(self._groups, belonged, strict=True) if inside)

    async def channels(self, incoming: Incoming) -> frozenset[str]:
        """The groups whose documents somebody may see in private: asked for anew, as somebody may have left.

        Raises:
            MembershipUnknownError: Telegram does not say now, and what it is for can wait: a digest.
        """
        strict = incoming.kind is UpdateKind.DIGEST
        inside = await asyncio.gather(*(self._belongs(group, incoming.user, strict=strict) for group in self._groups))
        return frozenset(str(group) for group, belongs in zip(self._groups, inside, strict=True) if belongs)

    async def _belonged(self, group: int, user: int) -> bool:
        now, key = time.monotonic(), (group, user)
        at, inside = self._known.get(key, (-REMEMBERED, False))
        if now - at < REMEMBERED:
            return inside
        if key in self._in_vain:
            return self._believed(group, user)
        return await self._belongs(group, user)

    async def _belongs(self, group: int, user: int, *, strict: bool = False) -> bool:
        """What Telegram says; where it is away, what it said before, but not for long."""
        try:
            async with asyncio.timeout(PATIENCE):
                member = await self._bot.get_chat_member(group, user)
        except (TelegramError, TimeoutError) as error:
            log.warning("membership_check_failed", group=group, error=type(error).__name__)
            if isinstance(error, BadRequest | Forbidden):  # the bot is not in that group
                return self._know(group, user, time.monotonic() - REMEMBERED + UNKNOWN_FOR, inside=False)
            self._in_vain[group, user] = True
            if strict and isinstance(error, NetworkError | RetryAfter | TimeoutError):
                raise MembershipUnknownError(str(group)) from error
            return self._believed(group, user)
        restricted = isinstance(member, ChatMemberRestricted) and member.is_member
        return self._know(group, user, time.monotonic(), inside=member.status in _INSIDE or restricted)

    def _believed(self, group: int, user: int) -> bool:
        """Whether somebody is taken to belong where Telegram does not say."""
        at, inside = self._known.get((group, user), (-REMEMBERED, False))
        return inside and time.monotonic() - at < BELIEVED

    def _know(self, group: int, user: int, at: float, *, inside: bool) -> bool:
        self._known[group, user] = (at, inside)
        return inside


class TelegramEntrance:
    """Asked of everything that comes in, before it is kept."""

    def __init__(self, access: Access, membership: Membership) -> None:
        self._access = access
        self._membership = membership

    async def admits(self, incoming: Incoming) -> bool:
        """Whether this is answered. In a group, being in it is enough where the group is on the list."""
        if not incoming.private:
            return await self.knows(incoming.person, incoming.chat)
        if await self._access.admits(incoming.person, []):
            return True
        groups = await self._membership.groups_of(incoming.user)
        return await self._access.admits(incoming.person, [group_name(int(group)) for group in groups])

    async def knows(self, person: Person, group: int) -> bool:
        """Whether somebody who writes in a group is answered there."""
        return await self._access.admits(person, [group_name(group)])

    async def pairs(self, incoming: Incoming) -> str:
        """The welcome to somebody whose message was a code, as what they are then; empty where it is none.

        Raises:
            PersonError: it is a code, and not a valid one.
        """
        code = _CODE.fullmatch(incoming.text.strip())
        if code is None or not incoming.private:
            return ""
        await self._access.pair(incoming.person, code[1] or code[2], incoming.at)
        return texts.PAIRED_OPERATOR if await self._access.is_operator(incoming.person) else texts.PAIRED


def group_name(chat: int) -> str:
    """A group, as the operator's list names it."""
    return channel_reader(PLATFORM, WORKSPACE, str(chat))


def listed_groups(names: Collection[str]) -> tuple[int, ...]:
    """The ids of Telegram's groups among the names of the operator's list."""
    begin = channel_reader(PLATFORM, WORKSPACE, "")
    numbers = [name.removeprefix(begin) for name in names if name.startswith(begin)]
    return tuple(int(number) for number in numbers if re.fullmatch(r"-?[0-9]{1,18}", number))
