"""`RedisMemory`: what is remembered of conversations and people in a Redis or Valkey, embedded or a server of its own.

Turns are here, people in `redis_profiles.py`. The keys of one person share a slot, so that a Cluster holds them too.
Knows nothing of how the server is reached or started.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import cast

from pydantic import TypeAdapter, ValidationError
from redis.asyncio.client import Pipeline

from core.adapters.redis_keys import drop_from_file, person_key, tag
from core.adapters.redis_keys import translated as translated  # noqa: PLC0414 - the other adapters know it from here
from core.adapters.redis_profiles import (
    RedisProfiles,
    person_keys,
    trace_order_key,
    traces_key,
)
from core.adapters.redis_profiles import preferences_key as preferences_key  # noqa: PLC0414
from core.domain import Conversation, Person, Turn
from core.traces import Trace, without

KEPT_TURNS = 200  # of each conversation
ANSWER_KEY = "attune:answer-key"
KEY_BYTES = 32

_TURN = TypeAdapter(Turn)
_TRACE = TypeAdapter(Trace)
_ALL_TRACES = "attune:traces:*"

# A client that lost its connection cannot know whether the turn was kept and sends it once more: the same
# turn among the latest is not added again.
_APPEND = """
if not redis.call('LPOS', KEYS[1], ARGV[1], 'RANK', -1, 'MAXLEN', 50) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
    redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
end
"""

# Whoever was forgotten meanwhile, or has a newer trace of that name, keeps what they have.
_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
"""


class RedisMemory(RedisProfiles):
    """The port `Memory` over a client of redis-py. Whoever made the client closes it."""

    async def turns(self, conversation: Conversation, *, limit: int) -> list[Turn]:
        """The last `limit` turns, oldest first; a turn that cannot be read is left out."""
        if limit <= 0:
            return []
        with translated():
            stored = await self._client.lrange(turns_key(conversation), -limit, -1)
        return [turn for value in stored if (turn := _read_turn(value))]

    async def append(self, conversation: Conversation, turn: Turn, trace: Trace | None = None) -> None:
        """Add a turn, once, with the trace of its answer; the oldest beyond `KEPT_TURNS` go."""
        key, spoken = turns_key(conversation), conversations_key(turn.person)
        with translated():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hincrby(spoken, key)  # before: a turn is never kept that `forget` would not find
                pipe.eval(_APPEND, 1, key, _TURN.dump_json(turn), KEPT_TURNS)
                if trace:
                    self._keep_trace(pipe, trace)
                pipe.hincrby(spoken, key)  # after: a `forget` that ran in between starts over
                await pipe.execute()

    async def forget_history(self, person: Person) -> None:
        """Remove the person's turns and traces; other people's turns stay."""
        await self.forget_phrases(person)
        await self._forget(person, traces_key(person), trace_order_key(person))

    async def forget(self, person: Person) -> None:
        """Remove all that is kept of the person; other people's turns stay. May be repeated."""
        await self._forget(person, *person_keys(person))
        await self.forget_interests(person)

    async def _forget(self, person: Person, *keys: str) -> None:
        spoken = conversations_key(person)

        async def remove(pipe: Pipeline) -> None:
            for key in cast("dict[bytes, bytes]", await pipe.hgetall(spoken)):
                await self._remove_turns(key, person)
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.delete(spoken, *keys)

        with translated():
            # Watched: a turn that is added meanwhile changes `spoken`, and all of this runs again.
            await self._client.transaction(remove, spoken)
            await drop_from_file(self._client)

    async def forget_documents(self, sources: Collection[str]) -> None:
        """Take the documents `sources` out of the traces of all people."""
        with translated():
            async for key in self._client.scan_iter(match=_ALL_TRACES):
                for name, value in cast("dict[bytes, bytes]", await self._client.hgetall(key)).items():
                    left = _left_of(value, sources)
                    if left != value:
                        await self._client.eval(_REPLACE, 1, key, name, value, left)
            await drop_from_file(self._client)

    async def answer_key(self) -> bytes:
        """The key that was made first: whoever comes second gets it, too."""
        with translated():
            await self._client.set(ANSWER_KEY, secrets.token_hex(KEY_BYTES), nx=True)
            stored = cast("bytes", await self._client.get(ANSWER_KEY))
        return bytes.fromhex(stored.decode())

    async def ping(self) -> None:
        """Return when the server answers."""
        with translated():
            await self._client.ping()

    async def _remove_turns(self, key: bytes, person: Person) -> None:
        for value in await self._client.lrange(key, 0, -1):
            turn = _read_turn(value)
            if turn is None or turn.person == person:  # nobody can tell whose an unreadable one was
                await self._client.lrem(key, 0, cast("str", value))


def turns_key(conversation: Conversation) -> str:
    """The list of a conversation's turns."""
    parts = (conversation.platform, conversation.workspace, conversation.channel, conversation.thread)
    return f"attune:turns:{tag(*parts)}"


def conversations_key(person: Person) -> str:
    """The conversations a person took part in: a hash of turn keys, counting what was said."""
    return person_key("conversations", person)


def _read_turn(value: bytes | str) -> Turn | None:
    try:
        return _TURN.validate_json(value)
    except ValidationError:
        return None


def _left_of(value: bytes, sources: Collection[str]) -> bytes:
    """A stored trace without `sources`; one that cannot be read, or has none of them, as it is."""
    try:
        trace = _TRACE.validate_json(value)
    except ValidationError:
        return value
    left = without(trace, sources)
    return value if left == trace else _TRACE.dump_json(left)
