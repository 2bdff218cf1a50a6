"""What every `Usage` promises, held by `RedisUsage` on the embedded server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.redis import usage as redis_usage
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import Person, Use
from core.errors import MemoryUnavailableError
from core.ports import Usage
from tests.conftest import all_keys

ANNA, BEN = Person("slack", "T1", "anna"), Person("slack", "T1", "ben")
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def usage(redis: Redis) -> Usage:
    return RedisUsage(redis)


def gap(question: str, person: Person = ANNA) -> Gap:
    return Gap(question, person, START, ("Nearest „title“",))


async def test_answers_are_counted_by_document(usage: Usage) -> None:
    """A document that an answer cites twice was good for one answer."""
    assert await usage.uses() == {}
    await usage.note_cited(["/a.md", "/ü b.md", "/a.md"], START)
    await usage.note_cited(["/a.md"], START + timedelta(days=1))
    await usage.note_cited([], START)
    assert await usage.uses() == {"/a.md": Use(2, START + timedelta(days=1)), "/ü b.md": Use(1, START)}


async def test_answers_at_the_same_moment_are_all_counted(usage: Usage) -> None:
    await asyncio.gather(*[usage.note_cited(["/a.md"], START) for _ in range(50)])
    assert (await usage.uses())["/a.md"].answers == 50


async def test_what_became_of_questions_is_counted_by_week(usage: Usage) -> None:
    """A week begins on Monday, as ISO 8601 has it, in the order of time."""
    for days, what in ((7, "answered"), (0, "answered"), (0, "down"), (3, "answered")):
        await usage.note_week(what, START + timedelta(days=days))
    assert await usage.weeks() == {"2026-W01": {"answered": 2, "down": 1}, "2026-W02": {"answered": 1}}
    assert list(await usage.weeks()) == ["2026-W01", "2026-W02"]


async def test_what_is_counted_of_a_document_goes_with_it(usage: Usage) -> None:
    """Others keep their counts; one that was never cited is no error."""
    await usage.note_cited(["/a.md", "/b.md"], START)
    await usage.forget_documents([])
    await usage.forget_documents(["/a.md", "/never.md"])
    assert await usage.uses() == {"/b.md": Use(1, START)}
    await usage.note_cited(["/a.md"], START)
    assert (await usage.uses())["/a.md"] == Use(1, START)


async def test_gaps_come_back_as_they_were_oldest_first(usage: Usage) -> None:
    for question in ("where?", "who?\n✓", "where?"):
        await usage.note_gap(gap(question))
    assert await usage.gaps() == [gap("where?"), gap("who?\n✓"), gap("where?")]


async def test_a_person_is_forgotten_and_others_are_not(usage: Usage, redis: Redis) -> None:
    """Not a trace of the name is left in any key."""
    for person in (ANNA, BEN):
        await usage.note_gap(gap("where?", person))
    await usage.forget(ANNA)
    assert await usage.gaps() == [gap("where?", BEN)]
    for key in await all_keys(redis):
        kind = (await redis.type(key)).decode()
        stored = await (redis.lrange(key, 0, -1) if kind == "list" else redis.hgetall(key))
        assert "anna" not in repr((key, stored))


async def test_the_oldest_gaps_go(usage: Usage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_usage, "KEPT_GAPS", 3)
    for number in range(5):
        await usage.note_gap(gap(str(number)))
    assert [one.question for one in await usage.gaps()] == ["2", "3", "4"]


async def test_a_gap_that_cannot_be_read_is_left_out(usage: Usage, redis: Redis) -> None:
    await usage.note_gap(gap("where?"))
    await redis.rpush("attune:gaps", "{}")
    assert await usage.gaps() == [gap("where?")]


async def test_vectors_are_kept_with_the_gaps_that_are_still_there(usage: Usage) -> None:
    """A gap is the same with and without one."""
    for question in ("where?", "who?"):
        await usage.note_gap(gap(question))
    await usage.keep_vectors([replace(gap("where?"), vector="w"), replace(gap("when?"), vector="n")])
    kept = await usage.gaps()
    assert [(one.question, one.vector) for one in kept] == [("where?", "w"), ("who?", "")]
    await usage.forget_documents([], ["Nearest „title“"])
    assert [(one.nearest, one.vector) for one in await usage.gaps()] == [((), "w"), ((), "")]
    await usage.take_back(replace(gap("where?"), nearest=()))
    assert [one.question for one in await usage.gaps()] == ["who?"]


async def test_a_silent_server_is_named() -> None:
    async with Redis(host="127.0.0.1", port=1) as client:
        with pytest.raises(MemoryUnavailableError, match="REDIS_URL"):
            await RedisUsage(client).uses()
