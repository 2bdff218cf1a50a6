"""One store under two versions of Attune: recorded data of both, in `tests/data/stores` (`tests/write_store.py`).

`before` was written when records had no version yet; `1` by the first version of their forms.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from bots.on_slack.events import said_in
from bots.on_telegram.events import from_event
from core.adapters.redis.inbox import PREFIX, RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.profiles import preferences_key, signals_key, traces_key
from core.adapters.redis.records import NOTES
from core.adapters.redis.usage import RedisUsage
from core.documents.teaching import _RECORD, Lesson, _read
from core.domain import Turn, Use
from core.inbox import Event
from core.people import interests
from core.people.access import Pairing
from core.people.preferences import Length, PreferenceSet
from core.storage.stored import values_of
from tests.write_store import (
    ANNA,
    BEN,
    FOLDER,
    LESSON,
    START,
    THREAD,
    asked,
    contribution,
    fill,
    gap,
    recorded,
    restored,
    signals,
    tapped,
    trace,
    wishes,
)

VERSIONS = ["before", "1"]
SINCE = {f"{PREFIX}:mark"}  # keys that the version before does not know, and does not need


def stored_by(version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return found


async def handled(inbox: RedisInbox) -> list[Event]:
    """All that waits, in the order in which it can be claimed, with what a dead worker held."""
    found = []
    for number in range(400):
        if claim := await inbox.claim(f"token-{number}"):
            found.append(claim.event)
            await inbox.done(claim.token)
        elif (depth := await inbox.depth()).waiting + depth.working == 0:
            break
        await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_store_is_read_without_loss(redis: Redis, version: str) -> None:
    """Everything that was kept is there: people, conversations, traces, gaps, and what waits for an answer."""
    await restored(redis, stored_by(version)["keys"])
    memory, usage, inbox = RedisMemory(redis), RedisUsage(redis), RedisInbox(redis, lease=0.3)
    turns = [Turn(person, "How long is leave?", "20 weeks [1].", START) for person in (ANNA, BEN)]
    assert await memory.turns(THREAD, limit=9) == turns
    for number, person in enumerate((ANNA, BEN), start=1):
        assert await memory.trace(person) == trace(person, number)
        assert await memory.wishes(person) == wishes()
        assert await memory.signals(person) == signals()
        assert says(asdict(await memory.learned(person)), asdict(interests.replay(signals())))
        assert await memory.contributions(person.platform, person.workspace) == {person.user: contribution()}
    assert await usage.gaps() == [gap(ANNA), gap(BEN)]
    assert await usage.uses() == {"/leave.md": Use(1, START)}
    assert await RedisPairings(redis).all() == [Pairing("person:slack:T1:anna", operator=True, since=START)]
    assert [letter.event.key for letter in await inbox.dead()] == [asked(1).key]
    assert await inbox.answer_of(THREAD, "m2") == "answer-2"
    found = {event.key: event for event in await handled(inbox)}
    assert sorted(found) == sorted([asked(3).key, asked(4).key, tapped(5).key])
    assert [said_in(found[asked(number).key]) for number in (3, 4)] == [said_in(asked(number)) for number in (3, 4)]
    assert from_event(found[tapped(5).key]) == from_event(tapped(5))
    assert await inbox.aside() == []
    assert not await redis.exists(NOTES)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_lesson_is_read(tmp_path: Path, version: str) -> None:
    """As it was taught."""
    (tmp_path / _RECORD).write_text(stored_by(version)["lesson"], encoding="utf-8")
    read: Lesson = _read(tmp_path)
    assert read == LESSON


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_store_is_gone_on_with(redis: Redis, version: str) -> None:
    """What is done now is added to what was there, and forgetting takes both."""
    await restored(redis, stored_by(version)["keys"])
    memory, inbox = RedisMemory(redis), RedisInbox(redis, lease=0.3)
    await memory.append(THREAD, Turn(ANNA, "And sick leave?", "6 weeks [1].", START), trace(ANNA, 3))
    await memory.change_wishes(ANNA, lambda old: PreferenceSet(old.preferences, old.stated, strength=10))
    await memory.learn(ANNA, [])
    assert len(await memory.turns(THREAD, limit=9)) == 3
    assert len(await memory.traces(ANNA, limit=9)) == 2
    assert (await memory.wishes(ANNA)).preferences.length is Length.SHORT
    assert await inbox.retry(asked(1).key)
    assert [event.key for event in await handled(inbox)].count(asked(1).key) == 1
    await memory.forget(ANNA)
    await RedisUsage(redis).forget(ANNA)
    assert not any(b"anna" in value for value in await redis.lrange("attune:turns:{slack:T1:C1:17.5}", 0, -1))
    assert not await redis.exists(preferences_key(ANNA), traces_key(ANNA), signals_key(ANNA))


def fields(stored: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every JSON object of a store, by key and place."""
    found = {("lesson", ""): values_of(stored["lesson"])}
    for record in stored["keys"]:
        value = record["value"]
        entries = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [value])
        for name, text in entries:
            whole = text.get("body", "") if isinstance(text, dict) else str(text)
            if whole.startswith("{"):
                place = text["number"] if isinstance(text, dict) else str(name)
                found[record["key"], place] = values_of(whole)
    return found


def says(whole: Any, part: Any, name: str = "") -> bool:
    """Whether whoever reads only the fields of `part` reads the same in `whole`; texts of JSON as what they say.

    Vectors are the same to twelve digits: processors differ in the last ones.
    """
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and says(whole[name], value, name) for name, value in part.items())
    if isinstance(part, list | tuple) and isinstance(whole, list | tuple):
        return len(whole) == len(part) and all(map(says, whole, part))
    if isinstance(part, str) and part.startswith("{") and isinstance(whole, str):
        return says(json.loads(whole), json.loads(part))
    if name == "vector" and isinstance(part, str) and part and isinstance(whole, str):
        return bool(np.allclose(interests.unpacked(whole), interests.unpacked(part), rtol=1e-12, atol=1e-12))
    return bool(whole == part)


MOMENTS = {"at", "received_at"}  # of the recording


def without_moments(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_moments(one) for name, one in value.items() if name not in MOMENTS}
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(without_moments(json.loads(value)))
    return value


def test_what_is_written_now_the_version_before_reads_without_loss() -> None:
    """Each record has every field that it had, with the same value, under the same key: there is only more in it."""
    before, after = stored_by("before"), stored_by("1")
    assert {record["key"] for record in after["keys"]} - SINCE == {record["key"] for record in before["keys"]}
    then, now = fields(before), fields(after)
    assert then.keys() == now.keys()
    assert len(then) > 20
    assert [key for key, value in then.items() if not says(now[key], without_moments(value))] == []
    assert [key for key, value in now.items() if value.get("version") != 1] == []


async def test_what_is_recorded_is_what_is_written(redis: Redis) -> None:
    """The recorded version 1 is this one: whoever changes a form records it anew under another name."""
    await fill(redis)
    written = fields({**stored_by("1"), "keys": await recorded(redis)})
    kept = fields(stored_by("1"))
    assert written.keys() == kept.keys()
    assert [key for key, value in kept.items() if not says(written[key], without_moments(value))] == []


async def test_fields_of_a_later_version_stay_where_they_stand(redis: Redis) -> None:
    """Whatever this version changes in a record, it leaves there what it does not know."""
    await fill(redis)
    memory = RedisMemory(redis)

    async def add(key: str, name: str | None, change: Any) -> None:
        stored = json.loads(await (redis.hget(key, name) if name else redis.get(key)))
        changed = json.dumps(change(stored))
        await (redis.hset(key, name, changed) if name else redis.set(key, changed))

    answer, done = trace(ANNA, 1).answer, signals()[0].id
    await add(preferences_key(ANNA), None, lambda old: {**old, "mood": {"a": 1}})
    await add(signals_key(ANNA), done, lambda old: {**old, "mood": 2})
    await add(
        traces_key(ANNA),
        answer,
        lambda old: {
            **old,
            "mood": 3,
            "passages": [{**old["passages"][0], "mood": 4}, {**old["passages"][0], "source": "/gone.md"}],
        },
    )
    assert await memory.wishes(ANNA) == wishes()
    await memory.change_wishes(ANNA, lambda old: PreferenceSet(old.preferences, old.stated, strength=10))
    await memory.forget_phrases(ANNA)
    await memory.forget_documents({"/gone.md"})
    set_now = json.loads(await redis.get(preferences_key(ANNA)))
    assert (set_now["mood"], set_now["strength"], set_now["version"]) == ({"a": 1}, 10, 1)
    learned_from = json.loads(await redis.hget(signals_key(ANNA), done))
    assert (learned_from["mood"], learned_from["phrases"]) == (2, [])
    seen = json.loads(await redis.hget(traces_key(ANNA), answer))
    assert (seen["mood"], [one["mood"] for one in seen["passages"]]) == (3, [4])
