"""How long what is kept of people stays: every key ends by itself when nobody used it, and old entries go before.

The part of `RedisMemory` and `RedisUsage` that is about time. A key's end is put off whenever it is written, and
`sweep` gives one to keys that earlier versions wrote without. Also says how much is kept. Knows nothing of how the
server is reached.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from core.adapters.redis.connections import primaries_of
from core.adapters.redis.keys import PREFIX, removed_from_disk, tag
from core.adapters.redis.records import CHAT_POST, GAP, TRACE, TURN, read
from core.domain import NO_EVICTION, Footprint
from core.storage.stored import RecordForm
from core.threads.chats import KEPT_FOR
from core.together import to_the_end

KEEP = timedelta(days=400)
GAPS, USES, WEEKS = "attune:gaps", ("attune:uses:answers", "attune:uses:last"), "attune:weeks"
OF_PEOPLE = ("preferences", "signals", "learned", "traces", "answers", "aside", "conversations", "digest", "study")
_LEARNED = (b"learned", b"signals")  # the state may be gone, and follows from the log
_SLACK_TOKENS = "attune:slack:tokens"  # of other workspaces, kept by releases that installed into them
_SWEPT, _OFTEN = "attune:swept", 86_400  # seconds between two sweeps, whoever does them
_LOOKED_AT = 2000  # keys whose size is asked for, so that it is said within a second or two

T = TypeVar("T")

_DROP_TRACE = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 1 then
    redis.call('HDEL', KEYS[2], ARGV[1])
end
"""


class RedisKeeping:
    """Lets what is older than `keep` go; 0 keeps it for ever."""

    def __init__(self, client: Redis, keep: timedelta = KEEP) -> None:
        self._client = client
        self._keep = keep

    @property
    def seconds(self) -> int | None:
        """For `ex` of SET."""
        return int(self._keep.total_seconds()) or None

    def renew(self, pipe: Pipeline, *keys: str) -> None:
        """Put the end of `keys` off, since they are used."""
        for key in keys if self.seconds else ():
            pipe.expire(key, cast("int", self.seconds))

    async def sweep(self, now: datetime | None = None) -> bool:
        """Let go what is too old, from the server's files, too; once a day. False where it was done already."""
        if not await self._client.set(_SWEPT, 1, nx=True, ex=_OFTEN):
            return False
        try:
            async with removed_from_disk(self._client):
                await self._sweep(now or datetime.now(UTC))
        except BaseException:  # whoever asks next does it
            await to_the_end(self._unmark())
            raise
        return True

    async def _unmark(self) -> None:
        with suppress(RedisError):
            await self._client.delete(_SWEPT)

    async def _sweep(self, now: datetime) -> None:
        await self._client.unlink(_SLACK_TOKENS)
        for kind in (*OF_PEOPLE, "turns", "team"):
            await self._each(kind, self._end)
        for key in (GAPS, *USES, WEEKS):
            await self._end(key.encode())
        than = now - posts_kept(self._keep)
        await self._each("heard", lambda key: drop_old(self._client, key, than))
        await self._each("arrived", lambda key: self._client.zremrangebyscore(key, "-inf", than.timestamp()))
        if self._keep:
            await self._drop_older(now - self._keep)

    async def footprint(self) -> Footprint:
        """How much is kept of how many people, as far as a look at some of the keys tells."""
        facts = [await server.info("memory") for server in await primaries_of(self._client)]
        policies = sorted({str(one.get("maxmemory_policy", "")) for one in facts}, key=NO_EVICTION.__eq__)
        keys, whole = list[bytes](), True
        async for key in self._client.scan_iter(match=f"{PREFIX}*", count=500):
            if _is_of_a_person(key):
                whole = len(keys) < _LOOKED_AT
                if not whole:
                    break
                keys.append(key)
        sizes: Counter[bytes] = Counter()
        async with self._client.pipeline(transaction=False) as pipe:  # one by one is slow where the store is busy
            for key in keys:
                pipe.memory_usage(key, samples=5)
            for key, size in zip(keys, await pipe.execute(), strict=True):
                sizes[key.partition(b"{")[2]] += size or 0
        each = sorted(sizes.values())
        middle, most = (int(statistics.median(each)), each[-1]) if each else (0, 0)
        return Footprint(policies[0], len(each), middle, most, whole)

    async def _each(self, kind: str, work: Callable[[bytes], Awaitable[object]]) -> None:
        async for key in self._client.scan_iter(match=f"{PREFIX}{kind}:*", count=500):
            await work(cast("bytes", key))

    async def _end(self, key: bytes) -> None:
        """An end for a key that has none, or a later one than is kept today."""
        if self.seconds is None:
            await self._client.persist(key)
        elif not self.seconds >= await self._client.ttl(key) >= 0:
            await self._client.expire(key, self.seconds)

    async def _drop_older(self, than: datetime) -> None:
        async def turns(key: bytes) -> None:
            await self._pop(key, TURN, lambda turn: turn.asked_at < than)

        async def traces(order: bytes) -> None:
            await self._pop_traces(order, than)

        await self._each("turns", turns)
        await self._each("answers", traces)
        await self._pop(GAPS.encode(), GAP, lambda gap: gap.asked_at < than)
        await self._each("conversations", self._drop_ended)
        await self._each("team", self._drop_unknown)

    async def _pop(self, key: bytes, form: RecordForm[T], is_old: Callable[[T], bool]) -> None:
        """Entries are in the order in which they were kept: the first that is young ends it.

        One that cannot be read here is passed over, and stays.
        """
        passed = 0
        while (stored := await cast("Awaitable[Any]", self._client.lindex(key, passed))) is not None:
            entry = read(form, stored)
            if entry is None:
                passed += 1
            elif is_old(entry):
                await cast("Awaitable[Any]", self._client.lrem(cast("str", key), 1, stored))
            else:
                return

    async def _pop_traces(self, order: bytes, than: datetime) -> None:
        traces = order.replace(b":answers:", b":traces:", 1)
        passed = 0
        while (name := await cast("Awaitable[Any]", self._client.lindex(order, passed))) is not None:
            stored = await cast("Awaitable[Any]", self._client.hget(traces, name))
            trace = read(TRACE, stored) if stored else None
            if stored and trace is None:
                passed += 1
            elif trace is None or trace.at < than:
                await self._client.eval(_DROP_TRACE, 2, order, traces, name)
            else:
                return

    async def _drop_ended(self, spoken: bytes) -> None:
        """Conversations of which nothing is left."""
        await self._drop_fields(spoken, lambda turns: (turns,))

    async def _drop_unknown(self, team: bytes) -> None:
        """What people contribute of whom nothing is kept any more."""
        place = team.removeprefix(f"{PREFIX}team:".encode()).removesuffix(b"}")

        def kept(user: bytes) -> tuple[bytes, ...]:
            return tuple(b"%s%s:%s:%s}" % (PREFIX.encode(), kind, place, _quoted(user)) for kind in _LEARNED)

        await self._drop_fields(team, kept)

    async def _drop_fields(self, key: bytes, of: Callable[[bytes], tuple[bytes, ...]]) -> None:
        for field in cast("Collection[bytes]", await cast("Awaitable[Any]", self._client.hkeys(key))):
            if not await self._client.exists(*of(field)):
                await cast("Awaitable[Any]", self._client.hdel(key, cast("str", field)))


async def drop_old(client: Redis, key: str | bytes, than: datetime) -> None:
    """Let the messages of a chat go that are older `than` that; they are in their order."""
    while first := cast("list[bytes]", await client.zrange(key, 0, 0)):
        post = read(CHAT_POST, first[0])
        if post is not None and post.at >= than:
            return
        await client.zrem(key, first[0])


def posts_kept(keep: timedelta) -> timedelta:
    """How long what is written in chats stays, where what people leave is kept for `keep`; 0 is for ever."""
    return min(keep, KEPT_FOR) if keep else KEPT_FOR


def _is_of_a_person(key: bytes) -> bool:
    kind = key.removeprefix(PREFIX.encode()).partition(b":")[0].decode(errors="replace")
    return kind in OF_PEOPLE


def _quoted(user: bytes) -> bytes:
    return tag(user.decode())[1:-1].encode()
