"""`RedisDigests`: who gets a digest, and when the next one is due.

The part of `RedisMemory` that is about digests. A subscription is a key of its person's; when each is due stands in one
hash, written last, so that what is due and has no subscription is somebody's who was forgotten. Knows nothing of how
the server is reached.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

from pydantic_core import from_json, to_json
from redis.asyncio.client import Pipeline

from core.adapters.redis.keys import convert_errors
from core.adapters.redis.profiles import RedisProfiles, aside_key, digest_key
from core.adapters.redis.records import SUBSCRIPTION, digest, read
from core.domain import Person
from core.notices.schedule import Subscription

DUE = "attune:digests"
_PACE = "attune:digests:pace"

# Whoever changed the hour meanwhile keeps theirs.
_PUT_OFF = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
"""


class RedisDigests(RedisProfiles):
    """The part of the port `Memory` that is about digests, over a client of redis-py."""

    async def subscription(self, person: Person) -> Subscription | None:
        """The digest that somebody asked for."""
        with convert_errors():
            stored = await self._client.get(digest_key(person))
        return await self._unreadable.read(SUBSCRIPTION, digest_key(person), "", stored)

    async def unsubscribe(self, person: Person) -> None:
        """Forget the digest of somebody."""
        with convert_errors():
            await self._client.delete(digest_key(person))
            await self._drop_due(person)

    async def change_subscription(
        self, person: Person, change: Callable[[Subscription | None], Subscription | None], due: datetime | None = None
    ) -> None:
        """Replace a subscription by `change` of it; with `due` that is when it comes next."""
        key = digest_key(person)

        async def write(pipe: Pipeline) -> None:
            stored = cast("bytes | None", await pipe.get(key))
            before = read(SUBSCRIPTION, stored) if stored else None
            now = change(before)
            pipe.multi()  # type: ignore[no-untyped-call]
            if now and stored and before is None:
                pipe.hset(aside_key(person), digest(stored), cast("str", stored))
            if now:
                written = SUBSCRIPTION.dump_json(now, stored if before else None)
                pipe.set(key, written, ex=self._keeping.seconds)

        with convert_errors():
            await self._client.transaction(write, key)
            if due:
                await self._client.hset(DUE, _field(person), _moment(due))

    async def due(self, now: datetime) -> list[tuple[Person, datetime]]:
        """Whose digests are due, the longest overdue first."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await cast("Awaitable[Any]", self._client.hgetall(DUE)))
        moments = {field: datetime.fromtimestamp(float(at), UTC) for field, at in stored.items()}
        return [
            (Person(*from_json(field)), at)
            for field, at in sorted(moments.items(), key=lambda one: one[1])
            if at <= now
        ]

    async def put_off(self, person: Person, due: datetime, to: datetime) -> None:
        """The digest that was `due` is next due at the moment `to`, or never where nobody wants it any more."""
        with convert_errors():
            later = _moment(to) if await self._client.exists(digest_key(person)) else ""
            await self._client.eval(_PUT_OFF, 1, DUE, _field(person), _moment(due), later)

    async def take_pace(self, seconds: float) -> bool:
        """Whether a digest may be begun now, by whoever asks: one in so many `seconds`."""
        with convert_errors():
            return bool(await self._client.set(_PACE, 1, nx=True, px=round(seconds * 1000)))

    async def _drop_due(self, person: Person) -> None:
        await self._client.hdel(DUE, _field(person))


def _field(person: Person) -> str:
    return to_json([person.platform, person.workspace, person.user]).decode()


def _moment(at: datetime) -> str:
    return repr(at.timestamp())
