"""What somebody missed in a group: summed up from what was kept of it, where an admin of the group has that on.

Everybody in the group is told what is kept when it begins. Knows nothing of how messages are kept, or of how they are
summed up.
"""

from __future__ import annotations

from collections.abc import Sequence

from telegram import ChatMember
from telegram.error import TelegramError

from bots import thread_texts
from bots.language import translated
from bots.on_telegram import texts as say
from bots.on_telegram.conversation import TelegramConversation, command_of
from bots.on_telegram.events import Incoming, group_of
from bots.platform import Delivery
from core.threads.chats import KEPT_FOR, KEPT_POSTS, ChatLog, ChatPost, missed_by
from core.threads.posts import Discussion, Post
from core.threads.requests import MinutesKind, ThreadRequest, thread_request

_SUPERGROUP = "-100"  # how the ids of groups begin whose messages have addresses
_ADMINS = {ChatMember.OWNER, ChatMember.ADMINISTRATOR}


class CatchingUp:
    """Turns it on and off, and sums up."""

    def __init__(self, talk: TelegramConversation, chats: ChatLog) -> None:
        self._talk = talk
        self._chats = chats

    async def asked(self, incoming: Incoming, delivery: Delivery) -> None:
        """`/catchup`, with what stands behind it."""
        _, rest = command_of(incoming.text) or ("", "")
        if incoming.private:
            await self._talk.say(incoming, delivery, translated(thread_texts.CATCH_UP_WHERE))
        elif rest.lower() in {"on", "off"}:
            await self._talk.say(incoming, delivery, await self._switched(incoming, on=rest.lower() == "on"))
        elif rest.lower() in {"", "all"}:
            await self._sum_up(incoming, delivery, ThreadRequest(MinutesKind.SUMMARY, missed=not rest))
        else:
            await self._talk.say(incoming, delivery, translated(say.CATCH_UP_WHAT))

    async def took(self, incoming: Incoming, delivery: Delivery) -> bool:
        """Whether a message in a group was about what is written there, and was answered from that."""
        of_one = incoming.private or incoming.quoted or incoming.reply_to
        request = None if of_one else thread_request(incoming.text)
        if request is None or not (request.missed or await self._chats.keeps(group_of(incoming.chat))):
            return False
        if request.dated:
            await self._talk.say(incoming, delivery, translated(thread_texts.CATCH_UP_WHERE))
        else:
            await self._sum_up(incoming, delivery, request)
        return True

    async def _switched(self, incoming: Incoming, *, on: bool) -> str:
        """What became of turning it on or off."""
        group = group_of(incoming.chat)
        if not await self._is_admin(incoming.chat, incoming.user):
            return translated(say.CATCH_UP_ADMINS)
        if not on:
            await self._chats.end(group)
            return translated(say.CATCH_UP_ENDED)
        if not await self._sees_all(incoming.chat):
            return translated(say.CATCH_UP_BLIND)
        await self._chats.begin(group)
        return _notice()

    async def notice(self, chat: int) -> str:
        """What the people of a group are told where it is on already; otherwise nothing."""
        return _notice() if await self._chats.keeps(group_of(chat)) else ""

    async def _sum_up(self, incoming: Incoming, delivery: Delivery, request: ThreadRequest) -> None:
        group = group_of(incoming.chat)
        if not await self._chats.keeps(group):
            await self._talk.say(incoming, delivery, translated(say.CATCH_UP_OFF))
            return
        since = await self._chats.arrival(group, incoming.person)
        seen = [
            post
            for post in await self._chats.posts(group)
            if post.topic == incoming.topic and post.text and (since is None or post.at > since)
        ]
        wanted = missed_by(incoming.person, seen) if request.missed else seen
        if wanted:
            await self._talk.sum_up(incoming, delivery, _discussion(incoming.chat, wanted), request)
        elif seen or since:
            await self._talk.say(incoming, delivery, translated(thread_texts.CATCH_UP_NOTHING))
        else:
            blind = not await self._sees_all(incoming.chat)
            await self._talk.say(incoming, delivery, translated(say.CATCH_UP_BLIND if blind else say.CATCH_UP_EMPTY))

    async def _sees_all(self, chat: int) -> bool:
        """Whether Telegram shows the bot what is not addressed to it."""
        bot = self._talk.line.bot
        return bool(bot.bot.can_read_all_group_messages) or await self._is_admin(chat, bot.id)

    async def _is_admin(self, chat: int, user: int) -> bool:
        try:
            return (await self._talk.line.bot.get_chat_member(chat, user)).status in _ADMINS
        except TelegramError:
            return False


def _notice() -> str:
    return translated(say.CATCH_UP_ON, count=KEPT_POSTS, days=KEPT_FOR.days)


def _discussion(chat: int, posts: Sequence[ChatPost]) -> Discussion:
    number, supergroup = str(chat), str(chat).startswith(_SUPERGROUP)
    place = f"https://t.me/c/{number.removeprefix(_SUPERGROUP)}/" if supergroup else ""
    return Discussion("Discussion", tuple(_post(post, f"{place}{post.number}" if place else "") for post in posts))


def _post(post: ChatPost, link: str) -> Post:
    return Post(str(post.number), post.author, post.text, post.at, link, post.origin)
