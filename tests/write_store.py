"""Records a store as this version of Attune writes it: `python -m tests.write_store NAME`, once for each form.

What is recorded stays as it is: later versions have to read it (`tests/core/adapters/test_store_versions.py`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bots.on_slack.events import SlackMessage, ask_event
from bots.on_telegram.events import Incoming, UpdateKind, to_event
from core.adapters.redis import valkey
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.documents.teaching import _LESSON, Lesson
from core.domain import Conversation, Outcome, Passage, Person, Source, Turn
from core.inbox import Event
from core.people import interests
from core.people.access import Pairing
from core.people.interests import Action, DocumentTally, Signal
from core.people.preferences import Length, Polarity, Preferences, PreferenceSet, with_stated
from core.people.team import Contribution
from core.people.traces import PassageWeight, Trace
from core.readers import EVERYONE

FOLDER = Path(__file__).parent / "data" / "stores"
ANNA, BEN = Person("slack", "T1", "anna"), Person("telegram", "", "7")
THREAD = Conversation("slack", "T1", "C1", "17.5")
START = datetime(2026, 1, 1, tzinfo=UTC)
LESSON = Lesson("0" * 31 + "1", "Leave.md", ANNA, (EVERYONE,), START)


def asked(number: int) -> Event:
    return ask_event(
        SlackMessage("T1", "C1", f"{number}.0", "17.5", "anna", f"How long is leave number {number}? Grüße ✓")
    )


def tapped(number: int) -> Event:
    return to_event(
        f"telegram:{number}", Incoming(UpdateKind.TAP, 7, True, 7, START, "de", "Ben", data="p:0", message=3)
    )


def passage(source: str) -> Passage:
    return Passage("00000000-0000-0000-0000-000000000001", source, "Leave", ("How long",), "20 weeks.", 3, 0, 1, "v1")


def trace(person: Person, number: int) -> Trace:
    return Trace(
        f"{number:016}",
        person,
        "How long is leave?",
        START,
        (EVERYONE, "slack:T1:C1"),
        Outcome.ANSWERED,
        (PassageWeight("p", "/leave.md", "Leave", 0.7, 0.8, 0.1, share=1.0, held=0.9),),
        (Source(1, passage("/leave.md")),),
        ("/sick.md",),
        vector(number),
        ("Be short.",),
        events=3,
        gate=0.5,
        held=0.97,
    )


def vector(number: int) -> str:
    import numpy as np  # noqa: PLC0415 - only for recording

    return interests.packed(np.random.default_rng(number).standard_normal(8).astype(np.float32))


def signals() -> list[Signal]:
    shown, credited = ("/leave.md", "/sick.md"), (("/leave.md", 1.0),)
    return [
        Signal(
            f"{number:016}:verdict", act, START.replace(day=number), vector(number), None, shown, credited, ("leave",)
        )
        for number, act in ((1, Action.ASKED), (2, Action.UP), (3, Action.DOWN))
    ]


def contribution() -> Contribution:
    return Contribution({"/leave.md": DocumentTally(1.0, 2.0)}, frozenset({EVERYONE}), shares=True)


def gap(person: Person) -> Gap:
    return Gap("Is there a canteen?", person, START, ("Leave",))


def wishes() -> PreferenceSet:
    return with_stated(PreferenceSet(Preferences(length=Length.SHORT), strength=70), "Rust", Polarity.LIKE, START)


async def fill(client: Redis) -> None:
    """All that Attune keeps of two people."""
    await fill_inbox(RedisInbox(client))
    memory, usage = RedisMemory(client), RedisUsage(client)
    for number, person in enumerate((ANNA, BEN), start=1):
        await memory.append(THREAD, Turn(person, "How long is leave?", "20 weeks [1].", START), trace(person, number))
        await memory.change_wishes(person, lambda _: wishes())
        await memory.learn(person, signals())
        await memory.contribute(person, contribution())
        await usage.note_gap(gap(person))
    await usage.note_cited(["/leave.md"], START)
    await RedisPairings(client).save(Pairing("person:slack:T1:anna", operator=True, since=START))


async def fill_inbox(inbox: RedisInbox) -> None:
    """One dead letter, one event in the hands of a worker, two that wait and one that came and went."""
    for number in (1, 2):
        await inbox.put(asked(number))
        claim = await inbox.claim(f"first-{number}")
        assert claim is not None
        await inbox.note(claim.token, f"m{number}")
        if number == 1:
            await inbox.bury(claim.token, "3 workers ended over it; trace 1a2b3c4d")
        else:
            await inbox.ended(claim.token, "answer-2")
            await inbox.done(claim.token)
    for event in (asked(3), asked(4), tapped(5)):
        await inbox.put(event)
    assert await inbox.claim("second") is not None


async def recorded(client: Redis) -> list[dict[str, Any]]:
    """Every key with what it holds; not how long it is kept."""
    return [
        {
            "key": key.decode(),
            "kind": (kind := (await client.type(key)).decode()),
            "value": await _value(client, kind, key),
        }
        for key in sorted(await client.keys("*"))
    ]


async def _value(client: Redis, kind: str, key: bytes) -> Any:
    match kind:
        case "string":
            return (await client.get(key)).decode()
        case "hash":
            return {name.decode(): value.decode() for name, value in sorted((await client.hgetall(key)).items())}
        case "list":
            return [value.decode() for value in await client.lrange(key, 0, -1)]
        case "zset":
            return {name.decode(): score for name, score in await client.zrange(key, 0, -1, withscores=True)}
        case _:
            entries = await client.xrange(key)
            return {
                id_.decode(): {name.decode(): value.decode() for name, value in fields.items()}
                for id_, fields in entries
            }


async def restored(client: Redis, records: list[dict[str, Any]]) -> None:
    """Put back what was recorded."""
    for record in records:
        key, value = record["key"], record["value"]
        match record["kind"]:
            case "string":
                await client.set(key, value)
            case "hash":
                await client.hset(key, mapping=value)
            case "list":
                await client.rpush(key, *value)
            case "zset":
                await client.zadd(key, value)
            case _:
                for id_, fields in value.items():
                    await client.xadd(key, fields, id=id_)


async def main(name: str) -> None:
    """Record."""
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        async with valkey.embedded(Path(folder)) as client:
            await fill(client)
            found = {"lesson": _LESSON.dump_json(LESSON).decode(), "keys": await recorded(client)}
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
