"""`RedisStudies`: what people study, one record a person, changed as a whole in one transaction.

The part of `RedisMemory` that is about quizzes and courses. Two presses at once are two changes, one behind the other,
and the second finds what the first one made of it. A record that cannot be read is put aside before something new is.
Knows nothing of how the server is reached, or of what a change means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from redis.asyncio.client import Pipeline

from core.adapters.redis.keys import PREFIX, convert_errors, person_key
from core.adapters.redis.profiles import RedisProfiles, aside_key
from core.adapters.redis.records import STUDY, digest, read
from core.domain import Person
from core.learning.study import CourseRecord, Study


class RedisStudies(RedisProfiles):
    """The part of the port `Memory` that is about what people study, over a client of redis-py."""

    async def study(self, person: Person) -> Study:
        """What the person studies."""
        key = study_key(person)
        with convert_errors():
            stored = await self._client.get(key)
        return await self._unreadable.read(STUDY, key, "", stored) or Study()

    async def change_study(self, person: Person, change: Callable[[Study], Study]) -> Study:
        """Replace it by `change` of it; where nothing is left, nothing is kept."""
        key, now = study_key(person), Study()

        async def write(pipe: Pipeline) -> None:
            nonlocal now
            stored = cast("bytes | None", await pipe.get(key))
            before = read(STUDY, stored) if stored else None
            now = change(before or Study())
            pipe.multi()  # type: ignore[no-untyped-call]
            if stored and before is None:
                pipe.hset(aside_key(person), digest(stored), cast("str", stored))
            if now == Study():
                pipe.delete(key)
            else:
                pipe.set(key, STUDY.dump_json(now), ex=self._keeping.seconds)

        with convert_errors():
            await self._client.transaction(write, key)
        return now

    async def course_records(self) -> list[CourseRecord]:
        """How far those got in courses of their team who agreed to be counted, in no order."""
        found: list[CourseRecord] = []
        with convert_errors():
            async for key in self._client.scan_iter(match=f"{PREFIX}study:*", count=500):
                stored = await self._client.get(key)
                study = await self._unreadable.read(STUDY, key, "", stored)
                found += study.records if study and study.counted else ()
        return found


def study_key(person: Person) -> str:
    """What a person studies."""
    return person_key("study", person)
