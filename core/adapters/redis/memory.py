"""`RedisMemory`: what is remembered of conversations and people in a Redis or Valkey, embedded or a server of its own.

Turns are here, people in `profiles.py`, their digests in `digests.py`. The keys of one person share a slot, so that a
Cluster holds them too. Knows nothing of how the server is reached or started.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import cast

from redis.asyncio.client import Pipeline

from core.adapters.redis.chats import forget_posts
from core.adapters.redis.digests import RedisDigests
from core.adapters.redis.documents import RedisDocuments
from core.adapters.redis.keys import conversations_key, convert_errors, finish_removing, removed_from_disk, tag
from core.adapters.redis.profiles import person_keys, trace_order_key, traces_key
from core.adapters.redis.records import TURN, read
from core.adapters.redis.studies import RedisStudies
from core.domain import Conversation, Footprint, Person, Turn
from core.people.traces import Trace
from core.storage.stored import may_be_of

KEPT_TURNS = 200  # of each conversation
ANSWER_KEY = "attune:answer-key"
KEY_BYTES = 32

# A client that lost its connection cannot know whether the turn was kept and sends it once more: the same
# turn among the latest is not added again.
_APPEND = """
if not redis.call('LPOS', KEYS[1], ARGV[1], 'RANK', -1, 'MAXLEN', 50) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
    redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
end
"""


class RedisMemory(RedisDigests, RedisStudies):
    """The port `Memory` over a client of redis-py. Whoever made the client closes it."""

    async def turns(self, conversation: Conversation, *, limit: int) -> list[Turn]:
        """The last `limit` turns, oldest first; a turn that cannot be read is left out."""
        if limit <= 0:
            return []
        with convert_errors():
            stored = await self._client.lrange(turns_key(conversation), -limit, -1)
        named = [("", cast("bytes", value)) for value in stored]
        return [turn for _, turn in await self._unreadable.read_all(TURN, turns_key(conversation), named)]

    async def append(self, conversation: Conversation, turn: Turn, trace: Trace | None = None) -> None:
        """Add a turn, once, with the trace of its answer; the oldest beyond `KEPT_TURNS` go."""
        key, spoken = turns_key(conversation), conversations_key(turn.person)
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hincrby(spoken, key)  # before: a turn is never kept that `forget` would not find
                pipe.eval(_APPEND, 1, key, TURN.dump_json(turn), KEPT_TURNS)
                if trace:
                    self._keep_trace(pipe, trace)
                pipe.hincrby(spoken, key)  # after: a `forget` that ran in between starts over
                self._keeping.renew(pipe, key, spoken, *person_keys(turn.person))
                await pipe.execute()

    async def forget_history(self, person: Person) -> None:
        """Remove the person's turns and traces; other people's turns stay."""
        with convert_errors():
            async with removed_from_disk(self._client):
                await self.forget_phrases(person)
                await forget_posts(self._client, person)
                await self._forget(person, traces_key(person), trace_order_key(person))

    async def forget(self, person: Person) -> None:
        """Remove all that is kept of the person; other people's turns stay. May be repeated."""
        with convert_errors():
            async with removed_from_disk(self._client):
                await forget_posts(self._client, person)
                await self._forget(person, *person_keys(person))
                await self._drop_due(person)
                await self._remove_interests(person)

    async def _forget(self, person: Person, *keys: str) -> None:
        spoken = conversations_key(person)

        async def remove(pipe: Pipeline) -> None:
            for key in cast("dict[bytes, bytes]", await pipe.hgetall(spoken)):
                await self._remove_turns(key, person)
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.delete(spoken, *keys)

        # Watched: a turn that is added meanwhile changes `spoken`, and all of this runs again.
        await self._client.transaction(remove, spoken)
        await self._unreadable.all()  # notes of what is gone go

    async def forget_documents(self, sources: Collection[str]) -> None:
        """Take the documents `sources` out of what is kept of all people."""
        with convert_errors():
            async with removed_from_disk(self._client):
                await RedisDocuments(self._client, sources).forget()

    async def answer_key(self) -> bytes:
        """The key that was made first: whoever comes second gets it, too."""
        with convert_errors():
            await self._client.set(ANSWER_KEY, secrets.token_hex(KEY_BYTES), nx=True)
            stored = cast("bytes", await self._client.get(ANSWER_KEY))
        return bytes.fromhex(stored.decode())

    async def ping(self) -> None:
        """Return when the server answers."""
        with convert_errors():
            await self._client.ping()

    async def sweep(self) -> None:
        """Let go what is older than it is kept; once a day, whoever asks."""
        with convert_errors():
            await self._keeping.sweep()

    async def footprint(self) -> Footprint:
        """How much is kept of people, as far as a look at some of it tells."""
        with convert_errors():
            return await self._keeping.footprint()

    async def finish_forgetting(self) -> None:
        """Go on where a process was killed while it forgot, so that nothing of it stays on the disk."""
        with convert_errors():
            await finish_removing(self._client)

    async def _remove_turns(self, key: bytes, person: Person) -> None:
        for value in await self._client.lrange(key, 0, -1):
            turn = read(TURN, cast("bytes", value))
            if turn.person == person if turn else may_be_of(person, cast("bytes", value)):
                await self._client.lrem(key, 0, cast("str", value))


def turns_key(conversation: Conversation) -> str:
    """The list of a conversation's turns."""
    parts = (conversation.platform, conversation.workspace, conversation.channel, conversation.thread)
    return f"attune:turns:{tag(*parts)}"
