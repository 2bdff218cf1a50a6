"""A thread of Slack's, as it is now, read for whoever asks about it in it: with names instead of ids, and with links.

So is a channel, where an admin has that on. Either is fetched only for the one who asks from within it, who reads it,
too; nothing of it is kept. Knows nothing of what is made of it.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from html import escape
from itertools import takewhile
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.dialogue import Dialogue
from bots.language import translated
from bots.on_slack import texts as slack_texts
from bots.on_slack.clients import Workspace
from bots.on_slack.errors import ERRORS, reason_of
from bots.on_slack.events import PLATFORM, SlackMessage, plain_text, sent_at
from bots.on_slack.members import Members
from bots.replies import Notice, Problem, Reply, Status
from bots.thread_texts import CATCH_UP_NOTHING, CATCH_UP_WHERE, READING_THREAD
from core.documents.slack_words import whole_message
from core.domain import Conversation, Message
from core.threads.chats import ChatLog
from core.threads.posts import Discussion, Post
from core.threads.requests import thread_request
from core.together import together

PAGE = 200  # messages that are asked for at once, as Slack recommends
PAGES = 50  # that are looked through …
KEPT_PAGES = 10  # … of which these are kept: the first one, and the last ones
AT_ONCE = 8  # names that are looked up
FEWEST = 2  # messages of others that make a discussion; what was missed may be one
SOMEBODY = "somebody"
THREAD = "Discussion"
LOOK_BACK = 7 * 86_400  # seconds, of a channel
SWITCH = re.compile(r"/catchup (?P<wish>on|off)")
CLOSED = {"not_in_channel", "channel_not_found", "missing_scope"}
_SILENT = {
    "channel_join",
    "channel_leave",
    "group_join",
    "group_leave",
    "tombstone",
    "channel_topic",
    "channel_purpose",
}
_NAMED = re.compile(r"<@([UW][A-Z0-9]*)(?:\|[^<>]*)?>")
_UNNAMED = re.compile(r"<#C[A-Z0-9]*(?:\|)?>")

Json = Mapping[str, Any]


class SlackSummaries:
    """Answers what is asked about the thread that it stands in, and hands all else to the dialogue."""

    def __init__(self, dialogue: Dialogue, members: Members, chats: ChatLog) -> None:
        self._dialogue = dialogue
        self._members = members
        self._chats = chats

    async def replies(self, place: Workspace, said: SlackMessage, message: Message) -> AsyncGenerator[Reply, None]:
        """Everything to show for one message."""
        of_others = not (said.private or said.quoted or said.files)
        if of_others and (switch := SWITCH.fullmatch(message.text.lower())):
            yield Notice(translated(await self._switched(place.client, said, on=switch["wish"] == "on")))
            return
        request = thread_request(message.text) if of_others else None
        discussion: Discussion | None = None
        if request and (request.dated or not (said.in_thread or await self._chats.keeps(_channel_of(said)))):
            yield Notice(translated(CATCH_UP_WHERE))
            return
        if request:
            yield Status(translated(READING_THREAD))
            try:
                discussion = await self._discussion(place, said, missed=request.missed)
            except SlackApiError as error:
                if reason_of(error) not in CLOSED:
                    raise
                yield Problem(translated(slack_texts.THREAD_NOT_HERE))
                return
        if discussion and not discussion.posts and (not said.in_thread or (request and request.missed)):
            yield Notice(translated(CATCH_UP_NOTHING))
            return
        fewest = 1 if not said.in_thread or (request and request.missed) else FEWEST
        if request and discussion and len(discussion.posts) >= fewest:
            steps = self._dialogue.sum_up(discussion, request)
        else:
            steps = self._dialogue.respond(message)
        async with aclosing(steps):
            async for step in steps:
                yield step

    async def _switched(self, client: AsyncWebClient, said: SlackMessage, *, on: bool) -> str:
        """What becomes of turning the summaries of a channel on or off."""
        if not await _may_switch(client, said):
            return slack_texts.CATCH_UP_ADMINS
        await (self._chats.begin if on else self._chats.end)(_channel_of(said))
        return slack_texts.CATCH_UP_ON if on else slack_texts.CATCH_UP_ENDED

    async def _discussion(self, place: Workspace, said: SlackMessage, *, missed: bool) -> Discussion:
        """What people wrote before `said` in its thread, or else in its channel lately.

        Where it was `missed`, since the author of `said` last wrote.

        Raises:
            SlackApiError: the bot may not read there.
        """
        found, unread = await (_fetched if said.in_thread else _written)(place.client, said)
        own = (str(each.get("ts")) for each in found if each.get("user") == place.bot_user)
        joined = next(own, said.ts)
        before = [each for each in found if str(each.get("ts")) < said.ts and not _asks(each, place.bot_user, joined)]
        if missed:
            before = [*takewhile(lambda each: each.get("user") != said.user, reversed(before))][::-1]
            if unread and before and found.index(before[0]) > PAGE:  # behind those that are missing
                unread = 0
        others = [each for each in before if each.get("user") != place.bot_user]
        spoken = [each for each in others if each.get("subtype") not in _SILENT and whole_message(each).strip()]
        names, address = await together(self._names(place.client, said.team, spoken), _place_of(place.client, said))
        posts = tuple(_post(each, names, f"{address}/{_page(each, said)}" if address else "") for each in spoken)
        return Discussion(THREAD, posts, len(before) - len(others), len(others) - len(spoken), unread)

    async def _names(self, client: AsyncWebClient, team: str, messages: Sequence[Json]) -> dict[str, str]:
        """What everybody is called who wrote or is named."""
        ids = {str(each.get("user")) for each in messages if each.get("user")}
        ids |= {user for each in messages for user in _NAMED.findall(whole_message(each))}
        gate = asyncio.Semaphore(AT_ONCE)

        async def name(user: str) -> str:
            async with gate:
                with suppress(*ERRORS):
                    return await self._members.name(client, team, user)
            return ""

        return dict(zip(sorted(ids), await asyncio.gather(*map(name, sorted(ids))), strict=True))


async def _place_of(client: AsyncWebClient, said: SlackMessage) -> str:
    """The address of the channel that `said` stands in, as Slack says it; empty where it does not."""
    with suppress(*ERRORS):
        link = str((await client.chat_getPermalink(channel=said.channel, message_ts=said.root))["permalink"])
        home, archives, _ = link.partition("/archives/")
        return f"{home}{archives}{said.channel}" if archives else ""
    return ""


async def _fetched(client: AsyncWebClient, said: SlackMessage) -> tuple[list[Json], int | None]:
    """The messages of the thread up to `said`, in order; of too many the first ones and the last ones.

    With them, how many are missing between them; None where there are later ones that were not reached.
    """
    first: dict[str, Json] = {}
    last: deque[dict[str, Json]] = deque(maxlen=KEPT_PAGES - 1)
    count = 0
    cursor: str | None = None
    for _ in range(PAGES):
        answer = await client.conversations_replies(
            channel=said.channel, ts=said.root, latest=said.ts, limit=PAGE, cursor=cursor
        )
        found: dict[str, Json] = {
            str(each.get("ts")): each for each in answer.get("messages") or () if isinstance(each, dict)
        }
        new = {ts: each for ts, each in found.items() if ts not in first}  # the first message stands on every page
        count += len(new)
        if first:
            last.append(new)
        else:
            first = new
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    kept = {ts: each for page in (first, *last) for ts, each in page.items()}
    return [kept[ts] for ts in sorted(kept)], None if cursor else count - len(kept)


async def _written(client: AsyncWebClient, said: SlackMessage) -> tuple[list[Json], int | None]:
    """The messages of the channel up to `said`, in order, without those in threads; the last ones, if there are many.

    With them 0, or None where there are earlier ones.
    """
    found: list[Json] = []
    cursor: str | None = None
    for _ in range(KEPT_PAGES):
        answer = await client.conversations_history(
            channel=said.channel, oldest=f"{float(said.ts) - LOOK_BACK:.6f}", latest=said.ts, limit=PAGE, cursor=cursor
        )
        found += [each for each in answer.get("messages") or () if isinstance(each, dict)]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    return sorted(found, key=lambda each: str(each.get("ts"))), None if cursor else 0


async def _may_switch(client: AsyncWebClient, said: SlackMessage) -> bool:
    """Whether somebody made the channel, or is an admin of the workspace."""
    with suppress(*ERRORS):
        user: Json = (await client.users_info(user=said.user)).get("user") or {}
        channel: Json = (await client.conversations_info(channel=said.channel)).get("channel") or {}
        return bool(user.get("is_admin") or user.get("is_owner") or channel.get("creator") == said.user)
    return False


def _channel_of(said: SlackMessage) -> Conversation:
    return Conversation(PLATFORM, said.team, said.channel)


def _asks(message: Json, bot_user: str, joined: str) -> bool:
    """Whether it asks the bot for minutes, or is a command: that is no part of what people said to each other.

    Since it `joined` them, the bot is asked without being named, too.
    """
    text = str(message.get("text") or "")
    said = re.sub(rf"\s*<@{re.escape(bot_user)}(?:\|[^<>]*)?>[\s,:]*", "", text, count=1)
    meant = said != text or str(message.get("ts")) > joined
    return re.match(r"[/!][a-z]", said) is not None or (meant and thread_request(said) is not None)


def _page(message: Json, said: SlackMessage) -> str:
    """A message of the thread or the channel, behind the channel's address."""
    thread = f"?thread_ts={said.root}&cid={said.channel}" if said.in_thread else ""
    return f"p{str(message['ts']).replace('.', '')}{thread}"


def _post(message: Json, names: Mapping[str, str], link: str) -> Post:
    def named(token: re.Match[str]) -> str:
        return escape(names.get(token[1]) or SOMEBODY, quote=False)  # as Slack writes what is no mark-up

    text = _NAMED.sub(named, whole_message(message))
    profile: Json = message.get("bot_profile") or {}
    app = str(message.get("username") or profile.get("name") or "")
    author = names.get(str(message.get("user"))) or app or SOMEBODY
    ts = str(message["ts"])
    return Post(ts, author, plain_text(_UNNAMED.sub("#…", text)), sent_at(ts), link)
