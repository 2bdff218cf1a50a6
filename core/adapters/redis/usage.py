"""The port `Usage`, what documents were good for and what they lack: kept in a Redis or Valkey, or not at all.

Each command touches one key, so that a Cluster holds them too. Knows nothing of how the server is reached.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from redis.asyncio import Redis

from core.adapters.redis.keeping import GAPS as _GAPS
from core.adapters.redis.keeping import KEEP, USES, RedisKeeping
from core.adapters.redis.keeping import WEEKS as _WEEKS
from core.adapters.redis.keys import convert_errors
from core.adapters.redis.records import GAP, UnreadableNotes
from core.documents.gaps import Gap
from core.domain import SEPARATOR, Person, Use
from core.storage.stored import may_be_of
from core.text.words import whole_number

KEPT_GAPS = 5000

# One that was closed meanwhile stays away.
_REPLACE = """
local place = redis.call('LPOS', KEYS[1], ARGV[1])
if place then redis.call('LSET', KEYS[1], place, ARGV[2]) end
"""

_ANSWERS, _LAST = USES


class RedisUsage:
    """The port `Usage` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis, keep: timedelta = KEEP) -> None:
        """`keep` is how long something stays that nobody uses."""
        self._client = client
        self._keeping = RedisKeeping(client, keep)
        self._unreadable = UnreadableNotes(client)

    async def note_cited(self, sources: Sequence[str], at: datetime) -> None:
        """Count one answer for each of `sources`."""
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                for source in dict.fromkeys(sources):
                    pipe.hincrby(_ANSWERS, source)
                    pipe.hset(_LAST, source, str(at.timestamp()))
                self._keeping.renew(pipe, *USES)
                await pipe.execute()

    async def uses(self) -> Mapping[str, Use]:
        """How often each source was cited, and when last."""
        with convert_errors():
            answers = cast("dict[bytes, bytes]", await self._client.hgetall(_ANSWERS))
            last = cast("dict[bytes, bytes]", await self._client.hgetall(_LAST))
        read = {source.decode(): _use(count, last.get(source, b"0")) for source, count in answers.items()}
        return {source: use for source, use in read.items() if use}

    async def note_week(self, what: str, at: datetime) -> None:
        """Count one more of `what` in its week."""
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hincrby(_WEEKS, f"{at.astimezone(UTC):%G-W%V} {what}")
                self._keeping.renew(pipe, _WEEKS)
                await pipe.execute()

    async def weeks(self) -> Mapping[str, Mapping[str, int]]:
        """What was counted, by week."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(_WEEKS))
        found: dict[str, dict[str, int]] = {}
        for name, count in sorted(stored.items()):
            week, _, what = name.decode("utf-8", "replace").partition(" ")
            if (read := whole_number(count.decode("utf-8", "replace"))) is not None:
                found.setdefault(week, {})[what] = read
        return found

    async def forget_documents(self, sources: Sequence[str], titles: Collection[str] = ()) -> None:
        """Drop what is counted of `sources`, and from gaps what came closest under one of `titles`."""
        for value, gap in await self._stored() if titles else ():
            nearest = tuple(place for place in gap.nearest if place.partition(SEPARATOR)[0] not in titles)
            if nearest != gap.nearest:
                await replace_gap(self._client, value, replace(gap, nearest=nearest))
        if not sources:
            return
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                for key in (_ANSWERS, _LAST):
                    pipe.hdel(key, *sources)
                await pipe.execute()

    async def note_gap(self, gap: Gap) -> None:
        """Keep a question that went unanswered; the oldest beyond `KEPT_GAPS` go."""
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.rpush(_GAPS, GAP.dump_json(gap))
                pipe.ltrim(_GAPS, -KEPT_GAPS, -1)
                self._keeping.renew(pipe, _GAPS)
                await pipe.execute()

    async def gaps(self) -> list[Gap]:
        """The questions that went unanswered, oldest first."""
        return [gap for _, gap in await self._stored()]

    async def take_back(self, gap: Gap) -> None:
        """Drop this very gap."""
        await self._drop([value for value, kept in await self._stored() if kept == gap])

    async def keep_vectors(self, gaps: Sequence[Gap]) -> None:
        """Keep the vectors of `gaps` with those that are still there."""
        vectors = {gap: gap.vector for gap in gaps}
        for value, gap in await self._stored():
            if gap in vectors:
                await replace_gap(self._client, value, replace(gap, vector=vectors[gap]))

    async def forget(self, person: Person) -> None:
        """Drop what the person asked, and what nobody can tell who asked."""
        values = await self._values()
        known = {value: gap.person == person for value, gap in await self._read(values)}
        await self._drop([value for value in values if known.get(value, may_be_of(person, value))])

    async def _stored(self) -> list[tuple[bytes, Gap]]:
        return await self._read(await self._values())

    async def _values(self) -> list[bytes]:
        with convert_errors():
            return cast("list[bytes]", await self._client.lrange(_GAPS, 0, -1))

    async def _read(self, values: Sequence[bytes]) -> list[tuple[bytes, Gap]]:
        return await self._unreadable.read_all(GAP, _GAPS, [("", value) for value in values])

    async def _drop(self, values: Sequence[bytes]) -> None:
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                for value in values:
                    pipe.lrem(_GAPS, 0, cast("str", value))
                await pipe.execute()


class NoUsage:
    """Keeps nothing of what is asked, for evaluations and for teams that want no such record."""

    async def note_cited(self, sources: Sequence[str], at: datetime) -> None:
        """Keep nothing."""

    async def uses(self) -> Mapping[str, Use]:
        """Nothing."""
        return {}

    async def note_week(self, what: str, at: datetime) -> None:
        """Count nothing."""

    async def weeks(self) -> Mapping[str, Mapping[str, int]]:
        """Nothing."""
        return {}

    async def forget_documents(self, sources: Sequence[str], titles: Collection[str] = ()) -> None:
        """Nothing is counted of any."""

    async def note_gap(self, gap: Gap) -> None:
        """Keep nothing."""

    async def gaps(self) -> list[Gap]:
        """None."""
        return []

    async def take_back(self, gap: Gap) -> None:
        """It was not kept."""

    async def keep_vectors(self, gaps: Sequence[Gap]) -> None:
        """Nothing is compared."""

    async def forget(self, person: Person) -> None:
        """Nothing is known of anybody."""


async def replace_gap(client: Redis, stored: bytes, gap: Gap) -> None:
    """Put `gap` in the place of what is stored of it, unless that is gone."""
    with convert_errors():
        await client.eval(_REPLACE, 1, _GAPS, stored, GAP.dump_json(gap, stored))


def _use(count: bytes, last: bytes) -> Use | None:
    """What is counted of one document, where it can be read."""
    try:
        return Use(int(count), datetime.fromtimestamp(float(last), UTC))
    except (ValueError, OverflowError, OSError):
        return None
