"""`RedisChats`: the last messages of chats that want them kept, in a Redis or Valkey; and a person's taken out of them.

The keys of one chat share a slot, so that a Cluster holds them too. Knows nothing of how the server is reached.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

from redis.asyncio import Redis

from core.adapters.redis.keeping import KEEP, drop_old, posts_kept
from core.adapters.redis.keys import PREFIX, convert_errors, removed_from_disk, tag
from core.adapters.redis.records import CHAT_POST, read
from core.domain import Conversation, Person
from core.storage.stored import may_be_of
from core.threads.chats import KEPT_POSTS, ChatPost

# Whoever turned it off meanwhile is obeyed: nothing is added to what is not kept.
_ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[2], ARGV[1], ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[3]) - 1)
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
"""
_ARRIVED = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 'GT', ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""
_FORGOTTEN = ""  # whoever came and is not known any more: forgetting opens nothing that was closed to them


class RedisChats:
    """The port `ChatLog` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis, keep: timedelta = KEEP) -> None:
        """`keep` is how long anything of people is kept at most; 0 for ever."""
        self._client = client
        self._keep = posts_kept(keep)

    async def begin(self, chat: Conversation) -> None:
        """Keep what is written there from now on."""
        with convert_errors():
            await self._client.set(_wish_key(chat), 1)

    async def end(self, chat: Conversation) -> None:
        """Keep nothing more, and drop what was kept."""
        with convert_errors():
            async with removed_from_disk(self._client):
                await self._client.delete(_wish_key(chat), _posts_key(chat), _arrivals_key(chat))

    async def keeps(self, chat: Conversation) -> bool:
        """Whether what is written there is kept."""
        with convert_errors():
            return bool(await self._client.exists(_wish_key(chat)))

    async def add(self, chat: Conversation, post: ChatPost) -> None:
        """Keep a message; those that are too old go."""
        keys = _wish_key(chat), _posts_key(chat)
        seconds = int(self._keep.total_seconds())
        with convert_errors():
            await self._client.eval(_ADD, 2, *keys, post.number, CHAT_POST.dump_json(post), KEPT_POSTS, seconds)
            await drop_old(self._client, keys[1], datetime.now(UTC) - self._keep)

    async def posts(self, chat: Conversation) -> list[ChatPost]:
        """What is kept and not too old, oldest first; what cannot be read is left out."""
        with convert_errors():
            stored = cast("list[bytes]", await self._client.zrange(_posts_key(chat), 0, -1))
        found = [post for value in stored if (post := read(CHAT_POST, value)) is not None]
        return [post for post in found if post.at >= datetime.now(UTC) - self._keep]

    async def arrived(self, chat: Conversation, person: Person, at: datetime) -> None:
        """Note when a person came."""
        keys = _wish_key(chat), _arrivals_key(chat)
        with convert_errors():
            await self._client.eval(_ARRIVED, 2, *keys, at.timestamp(), person.user, int(self._keep.total_seconds()))

    async def arrival(self, chat: Conversation, person: Person) -> datetime | None:
        """When they came; where nobody saw it, when the last one came who had that forgotten, or None."""
        with convert_errors():
            own, forgotten = await self._client.zmscore(_arrivals_key(chat), [person.user, _FORGOTTEN])
        at = forgotten if own is None else own
        return None if at is None else datetime.fromtimestamp(at, UTC)


async def forget_posts(client: Redis, person: Person) -> None:
    """Take what a person wrote out of all chats, and that it was they who came when somebody came."""
    place = tag(person.platform, person.workspace, "").removesuffix("}")
    async for key in client.scan_iter(match=f"{PREFIX}arrived:{place}*", count=500):
        if (at := await client.zscore(key, person.user)) is not None:
            await client.zadd(key, {_FORGOTTEN: at}, gt=True)
            await client.zrem(key, person.user)
    async for key in client.scan_iter(match=f"{PREFIX}heard:*", count=500):
        for value in cast("list[bytes]", await client.zrange(key, 0, -1)):
            post = read(CHAT_POST, value)
            if post.person == person if post else may_be_of(person, value):
                await client.zrem(key, value)


def _wish_key(chat: Conversation) -> str:
    return f"{PREFIX}catchup:{tag(chat.platform, chat.workspace, chat.channel)}"


def _posts_key(chat: Conversation) -> str:
    return f"{PREFIX}heard:{tag(chat.platform, chat.workspace, chat.channel)}"


def _arrivals_key(chat: Conversation) -> str:
    return f"{PREFIX}arrived:{tag(chat.platform, chat.workspace, chat.channel)}"
