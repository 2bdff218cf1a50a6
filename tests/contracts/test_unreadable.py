"""What every store promises of what cannot be read: it costs itself, is counted and shown, and goes with its person.

Broken JSON, JSON of another kind, and what a newer version of Attune wrote; of events, dead letters and records.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from core.adapters.redis import inbox as redis_inbox
from core.adapters.redis.inbox import PREFIX, RedisInbox
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.profiles import aside_key, learned_key, preferences_key, signals_key, team_key, traces_key
from core.adapters.redis.records import NOTES
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.inbox import Claim, Event
from core.people.access import Pairing
from core.people.interests import Action, DocumentTally
from core.people.preferences import Length, Preferences, PreferenceSet
from core.people.team import Contribution
from core.readers import EVERYONE
from tests.conftest import all_keys
from tests.contracts.test_inbox import ANNA, BEN, GENEROUS, OTHER, PRIVATE, THREAD, event, new_token
from tests.contracts.test_profiles import HERE, keep, signal, trace

WORDS = "the words of a person"
START = datetime(2026, 1, 1, tzinfo=UTC)
LANE = f"{PREFIX}:lane:slack:T1:C1:17.5"

Spoil = Callable[[bytes], bytes]
SPOILT: dict[str, Spoil] = {
    "cut off": lambda stored: stored[: len(stored) // 2],
    "nothing": lambda _: b"",
    "no text": lambda stored: b"\xff\xfe\x00" + stored,
    "a list": lambda stored: b"[" + stored + b"]",
    "a number": lambda _: b"7",
    "null": lambda _: b"null",
    "deep": lambda _: b"[" * 100_000,
    "a field less": lambda stored: json.dumps({k: v for k, v in json.loads(stored).items() if k != "person"}).encode(),
    "another type": lambda stored: json.dumps({name: [[]] for name in json.loads(stored)}).encode(),
    "newer": lambda stored: json.dumps({**json.loads(stored), "version": 99}).encode(),
    "no version": lambda stored: json.dumps({**json.loads(stored), "version": "first"}).encode(),
}
every_way = pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)


@pytest.fixture
def inbox(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> RedisInbox:
    monkeypatch.setattr(redis_inbox, "READ_AGAIN", 0.05)
    return RedisInbox(redis, GENEROUS)


async def spoil_lane(redis: Redis, spoil: Spoil, lane: str = LANE) -> None:
    """Make the oldest event of a lane unreadable."""
    entries = await redis.xrange(lane)
    await redis.delete(lane)
    for place, (id_, fields) in enumerate(entries):
        await redis.xadd(lane, {**fields, b"body": fields[b"body"] if place else spoil(fields[b"body"])}, id=id_)


async def all_claimed(inbox: RedisInbox, *, seconds: float = 3.0) -> list[str]:
    """The keys of what can be claimed and done until nothing comes for a while."""
    found: list[str] = []
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline and (depth := await inbox.depth()).waiting + depth.working:
        if claim := await inbox.claim(new_token()):
            found.append(claim.event.key)
            await inbox.done(claim.token)
        else:
            await asyncio.sleep(0.02)
    return found


@every_way
async def test_an_event_that_cannot_be_read_holds_nobody_up(inbox: RedisInbox, redis: Redis, spoil: Spoil) -> None:
    """It is tried a few times and set aside; the next of its conversation and everybody else go on."""
    for name in ("1", "2"):
        await inbox.put(event(name))
    await spoil_lane(redis, spoil)
    await inbox.put(event("3", PRIVATE, BEN))
    assert (await _claimed_now(inbox)).event.key == "slack:3"
    assert await all_claimed(inbox) == ["slack:2"]
    (aside,) = await inbox.aside()
    assert (aside.kind, aside.key) == ("event", "slack:1")
    depth = await inbox.depth()
    assert (depth.waiting, depth.dead, depth.aside) == (0, 0, 1)
    assert WORDS not in aside.reason


async def _claimed_now(inbox: RedisInbox) -> Claim:
    claim = await inbox.claim(new_token())
    assert claim is not None
    await inbox.done(claim.token)
    return claim


async def test_it_is_tried_three_times_and_in_between_another_version_may_have_it(
    inbox: RedisInbox, redis: Redis
) -> None:
    """A worker that can read it gets it as it was handed in, with what was shown."""
    await inbox.put(event("1"))
    (entry,) = await redis.xrange(LANE)
    await spoil_lane(redis, SPOILT["newer"])
    assert await inbox.claim(new_token()) is None
    assert await inbox.aside() == []
    await redis.delete(LANE)
    await redis.xadd(LANE, entry[1], id=entry[0])
    await asyncio.sleep(0.1)
    claim = await inbox.claim(new_token())
    assert claim is not None
    assert (claim.event, claim.attempt) == (event("1"), 2)


async def test_what_was_set_aside_can_be_put_back(inbox: RedisInbox, redis: Redis) -> None:
    """After an update it is an event like any other; before, it is set aside again."""
    await inbox.put(event("1"))
    await spoil_lane(redis, SPOILT["newer"])
    assert await all_claimed(inbox) == []
    assert await inbox.retry("slack:1")
    assert await all_claimed(inbox) == []
    stored = json.loads(await redis.hget(f"{PREFIX}:aside", "slack:1"))
    stored["body"] = stored["body"].replace('"version": 99', '"version": 1')
    await redis.hset(f"{PREFIX}:aside", "slack:1", json.dumps(stored))
    assert await inbox.retry("slack:1")
    assert await all_claimed(inbox) == ["slack:1"]
    assert await inbox.aside() == []


@every_way
async def test_who_waits_is_told_whatever_waits_before(inbox: RedisInbox, redis: Redis, spoil: Spoil) -> None:
    """What cannot be read is nobody to tell, and the next one is."""
    await inbox.put(event("1"))
    await spoil_lane(redis, spoil)
    await inbox.put(event("2", PRIVATE, BEN))
    held = await inbox.waiting(new_token(), seconds=0)
    assert held is not None
    assert held.claim.event.key == "slack:2"


@pytest.mark.parametrize(
    "fields",
    [{"body": "x"}, {"number": "x", "event": "e", "person": "p", "body": "x"}, {"number": "1", "event": "e"}],
)
async def test_an_entry_that_is_no_event_holds_nobody_up(
    inbox: RedisInbox, redis: Redis, fields: dict[str, str]
) -> None:
    """Nor one that lacks what every entry has, first in its conversation or behind others."""
    await inbox.put(event("1"))
    await redis.xadd(LANE, fields)  # type: ignore[arg-type] - a mapping is invariant in its keys
    await inbox.put(event("2"))
    await inbox.put(event("3", PRIVATE, BEN))
    (entry, *rest) = await redis.xrange(f"{PREFIX}:lane:slack:T1:D1:")
    assert not rest
    await redis.xdel(f"{PREFIX}:lane:slack:T1:D1:", entry[0])
    await redis.xadd(f"{PREFIX}:lane:slack:T1:D1:", fields)  # type: ignore[arg-type]
    assert set(await all_claimed(inbox)) == {"slack:1", "slack:2"}
    assert len(await inbox.aside()) >= 1
    await inbox.put(event("4", PRIVATE, BEN))
    assert [claim.event.key for claim in [await _claimed_now(inbox)]] == ["slack:4"]


@pytest.mark.parametrize("harm", ["gone", "of another type"])
async def test_a_conversation_that_is_lost_holds_nobody_up(inbox: RedisInbox, redis: Redis, harm: str) -> None:
    """A server that drops keys, or somebody who writes over them, costs what was in them."""
    await inbox.put(event("1"))
    await redis.delete(LANE)
    if harm != "gone":
        await redis.set(LANE, "x")
    await inbox.put(event("2", OTHER, BEN))
    assert (await _claimed_now(inbox)).event.key == "slack:2"
    await inbox.put(event("3"))
    assert (await _claimed_now(inbox)).event.key == "slack:3"


async def test_what_stands_beside_an_event_costs_nobody_the_event(inbox: RedisInbox, redis: Redis) -> None:
    """Ids of messages that are no text, counters that are no numbers, and signals that say nothing."""
    await inbox.listen(0.01)
    await redis.xadd(f"{PREFIX}:signals", {"x": "y"})
    await redis.xadd(f"{PREFIX}:signals", {b"kind": b"stop"})
    assert await inbox.listen(5.0) == []
    await inbox.put(event("1"))
    await redis.rpush(f"{PREFIX}:shown:slack:1", b"\xff")
    await redis.hset(f"{PREFIX}:event:slack:1", "deaths", "x")
    claim = await inbox.claim(new_token())
    assert claim is not None
    assert (claim.event.key, claim.deaths, len(claim.shown)) == ("slack:1", 0, 1)


async def bury(inbox: RedisInbox, *events: Event) -> None:
    for one in events:
        await inbox.put(one)
        claim = await inbox.claim(new_token())
        assert claim is not None
        await inbox.bury(claim.token, "x")


LETTERS: dict[str, Spoil] = {
    **SPOILT,
    "an event that is cut off": lambda stored: json.dumps(
        {**json.loads(stored), "body": json.loads(stored)["body"][:40]}
    ).encode(),
    "a newer event": lambda stored: json.dumps(
        {**json.loads(stored), "body": json.loads(stored)["body"].replace('"version":1', '"version":2')}
    ).encode(),
}
del LETTERS["a field less"]  # a dead letter can do without


@pytest.mark.parametrize("spoil", LETTERS.values(), ids=LETTERS)
async def test_a_dead_letter_that_cannot_be_read_costs_itself(inbox: RedisInbox, redis: Redis, spoil: Spoil) -> None:
    """The others are listed, retried and forgotten; it is shown by its key and can be dropped."""
    await bury(inbox, event("1"), event("2", OTHER, BEN))
    await redis.hset(f"{PREFIX}:dead", "slack:1", spoil(await redis.hget(f"{PREFIX}:dead", "slack:1")))
    assert [letter.event.key for letter in await inbox.dead()] == ["slack:2"]
    assert [(one.kind, one.key) for one in await inbox.aside()] == [("dead letter", "slack:1")]
    assert (await inbox.depth()).dead == 2
    assert not await inbox.retry("nothing")
    await inbox.retry("slack:1")  # as far as it is whole
    assert await inbox.retry("slack:2")
    await inbox.forget(BEN)
    assert await all_claimed(inbox) == ["slack:2"]
    await inbox.drop("slack:1")
    assert await inbox.aside() == await inbox.dead() == []


@pytest.mark.parametrize("spoil", LETTERS.values(), ids=LETTERS)
async def test_who_is_forgotten_takes_along_what_cannot_be_read(inbox: RedisInbox, redis: Redis, spoil: Spoil) -> None:
    """Dead letters and events set aside, theirs and those of which nobody can tell whose they are."""
    await bury(inbox, event("1"), event("2", OTHER, BEN))
    await redis.hset(f"{PREFIX}:dead", "slack:1", spoil(await redis.hget(f"{PREFIX}:dead", "slack:1")))
    await inbox.put(event("3"))
    await spoil_lane(redis, spoil if spoil in SPOILT.values() else SPOILT["newer"])
    assert await all_claimed(inbox) == []
    assert len(await inbox.aside()) == 2
    await inbox.forget(ANNA)
    assert await inbox.aside() == []
    assert [letter.event.key for letter in await inbox.dead()] == ["slack:2"]
    assert (await inbox.depth()).dead == 1


@pytest.mark.parametrize("way", ["newer", "cut off"])
async def test_what_is_plainly_somebody_elses_stays(inbox: RedisInbox, redis: Redis, way: str) -> None:
    """What cannot be read and still says whose it is goes with that person only."""
    await bury(inbox, event("1"))
    letter = await redis.hget(f"{PREFIX}:dead", "slack:1")
    await redis.hset(f"{PREFIX}:dead", "slack:1", letter[:-2] if way == "cut off" else SPOILT[way](letter))
    await inbox.forget(BEN)
    assert len(await inbox.aside()) == 1


RECORDS: dict[str, tuple[str, str]] = {
    "turn": ("list", "attune:turns:{slack:T1:C1:}"),
    "gap": ("list", "attune:gaps"),
    "trace": ("hash", traces_key(ANNA)),
    "signal": ("hash", signals_key(ANNA)),
    "contribution": ("hash", team_key("slack", "T1")),
    "pairing": ("hash", "attune:paired"),
    "learned": ("string", learned_key(ANNA)),
    "wishes": ("string", preferences_key(ANNA)),
}


async def fill(redis: Redis) -> None:
    memory = RedisMemory(redis)
    for person in (BEN, ANNA):
        await keep(memory, trace(1, person))
        await memory.learn(person, [signal(1)])
        await memory.change_wishes(person, lambda _: PreferenceSet(Preferences(length=Length.SHORT)))
        await memory.contribute(person, Contribution({"/a": DocumentTally(1.0, 1.0)}, frozenset({EVERYONE})))
        await RedisUsage(redis).note_gap(Gap("?", person, START))
        await RedisPairings(redis).save(Pairing(f"person:slack:T1:{person.user}", operator=False, since=START))


async def spoil_record(redis: Redis, kind: str, spoil: Spoil) -> bytes:
    """Make Anna's record of a kind unreadable; what it became."""
    way, key = RECORDS[kind]
    if way == "string":
        spoilt = spoil(await redis.get(key))
        await redis.set(key, spoilt)
    elif way == "list":
        spoilt = spoil(await redis.lindex(key, -1))
        await redis.lset(key, -1, spoilt)
    else:
        (name,) = [
            name for name in await redis.hkeys(key) if way != "hash" or kind in {"trace", "signal"} or b"anna" in name
        ]
        spoilt = spoil(await redis.hget(key, name))
        await redis.hset(key, name, spoilt)
    return spoilt


async def read_all(redis: Redis) -> dict[str, Any]:
    """Everything of everybody, as the product reads it."""
    memory, usage = RedisMemory(redis), RedisUsage(redis)
    pairings = await RedisPairings(redis).all()
    return {
        "turn": [turn.person for turn in await memory.turns(HERE, limit=9)],
        "gap": [gap.person for gap in await usage.gaps()],
        "trace": [await memory.trace(person) is not None for person in (BEN, ANNA)],
        "signal": [len(await memory.signals(person)) for person in (BEN, ANNA)],
        "contribution": sorted(await memory.contributions("slack", "T1")),
        "pairing": sorted(pairing.person for pairing in pairings),
        "learned": [(await memory.learned(person)).events for person in (BEN, ANNA)],
        "wishes": [(await memory.known(person))[0].preferences.length for person in (BEN, ANNA)],
    }


READABLE_WITHOUT: dict[str, Spoil] = {
    name: spoil for name, spoil in SPOILT.items() if name not in {"a field less", "another type"}
}


@pytest.mark.parametrize("spoil", READABLE_WITHOUT.values(), ids=READABLE_WITHOUT)
@pytest.mark.parametrize("kind", RECORDS)
async def test_a_record_that_cannot_be_read_costs_itself(redis: Redis, kind: str, spoil: Spoil) -> None:
    """Everything else of the person and of others is read, and it is counted and named as long as it is there."""
    await fill(redis)
    whole = await read_all(redis)
    if await spoil_record(redis, kind, spoil) == b"" and kind in {"wishes", "learned"}:
        return  # an empty value is none
    left = await read_all(redis)
    assert {name for name in whole if left[name] != whole[name]} <= {kind, "learned"}
    inbox = RedisInbox(redis)
    assert {one.kind for one in await inbox.aside()} == {kind}
    assert (await inbox.depth()).aside == 1
    assert WORDS not in str(await inbox.aside())


@every_way
async def test_what_somebody_set_is_not_lost_where_they_set_something_anew(redis: Redis, spoil: Spoil) -> None:
    """What cannot be read is put aside before it is written over, and goes with its person."""
    memory = RedisMemory(redis)
    await memory.change_wishes(ANNA, lambda _: PreferenceSet(Preferences(length=Length.SHORT)))
    spoilt = spoil(await redis.get(preferences_key(ANNA)))
    await redis.set(preferences_key(ANNA), spoilt)
    await memory.change_wishes(ANNA, lambda old: PreferenceSet(old.preferences, strength=20))
    assert (await memory.wishes(ANNA)).strength == 20
    kept = await redis.hvals(aside_key(ANNA))
    assert kept in ([spoilt], [])
    assert len(await RedisInbox(redis).aside()) == len(kept)
    await memory.forget(ANNA)
    assert await all_keys(redis) == []


@pytest.mark.parametrize("spoil", [SPOILT["newer"], SPOILT["cut off"]], ids=["newer", "cut off"])
async def test_learning_goes_on_and_keeps_what_it_cannot_read(redis: Redis, spoil: Spoil) -> None:
    """The log keeps what a newer version learned from; what is taken back goes all the same."""
    memory = RedisMemory(redis)
    await memory.learn(ANNA, [signal(1), signal(2)])
    spoilt = spoil(await redis.hget(signals_key(ANNA), signal(1).id))
    await redis.hset(signals_key(ANNA), signal(1).id, spoilt)
    await memory.learn(ANNA, [signal(3)], without=[signal(2).id])
    assert await memory.signals(ANNA) == [signal(3)]
    assert await redis.hget(signals_key(ANNA), signal(1).id) == spoilt
    await memory.learn(ANNA, [signal(4, Action.UP)], without=[signal(1).id])
    assert not await redis.hexists(signals_key(ANNA), signal(1).id)


@pytest.mark.parametrize("spoil", READABLE_WITHOUT.values(), ids=READABLE_WITHOUT)
async def test_forgetting_leaves_nothing_unreadable(redis: Redis, spoil: Spoil) -> None:
    """Of the person nothing is left, not even a note; of others all that can be told to be theirs."""
    await fill(redis)
    for kind in set(RECORDS) - {"pairing"}:
        await spoil_record(redis, kind, spoil)
    await read_all(redis)
    await RedisUsage(redis).forget(ANNA)
    await RedisMemory(redis).forget(ANNA)
    assert await RedisInbox(redis).aside() == []
    assert not await redis.exists(NOTES)
    assert not any(b"anna" in key for key in await all_keys(redis))
    left = await read_all(redis)
    assert (left["turn"], left["gap"], left["contribution"]) == ([BEN], [BEN], ["ben"])


async def test_forgetting_words_removes_what_may_hold_some(redis: Redis) -> None:
    """A signal of a newer version may keep words where this one does not know of any."""
    memory = RedisMemory(redis)
    await memory.learn(ANNA, [signal(1), signal(2)])
    stored = json.loads(await redis.hget(signals_key(ANNA), signal(1).id))
    await redis.hset(signals_key(ANNA), signal(1).id, json.dumps({**stored, "version": 2, "said": WORDS}))
    await memory.forget_history(ANNA)
    assert await redis.hkeys(signals_key(ANNA)) == [signal(2).id.encode()]


async def test_a_removed_document_leaves_traces_that_cannot_be_read(redis: Redis) -> None:
    """A trace that names it goes as a whole, and the last one that can be read is the last."""
    memory = RedisMemory(redis)
    await keep(memory, trace(1))
    await keep(memory, trace(2))
    newer = {"version": 2, "seen": [{"source": "/gone “x”.md"}]}
    await redis.hset(traces_key(ANNA), trace(2).answer, json.dumps(newer))
    await memory.forget_documents({"/other.md"})
    assert await redis.hexists(traces_key(ANNA), trace(2).answer)
    await memory.forget_documents({"/gone “x”.md"})
    assert not await redis.hexists(traces_key(ANNA), trace(2).answer)
    assert await memory.trace(ANNA) == trace(1)


async def test_counts_that_are_none_are_left_out(redis: Redis) -> None:
    """A document whose count is broken does not cost the list of all."""
    usage = RedisUsage(redis)
    await usage.note_cited(["/a.md", "/b.md", "/c.md"], START)
    await redis.hset("attune:uses:answers", "/a.md", "x")
    await redis.hset("attune:uses:last", "/b.md", "nan")
    assert list(await usage.uses()) == ["/c.md"]


async def test_notes_are_bounded_and_written_once(redis: Redis) -> None:
    """Reading the same unreadable record a hundred times writes one note."""
    await redis.rpush("attune:gaps", "x")
    for _ in range(3):
        assert await RedisUsage(redis).gaps() == []
    assert await redis.hlen(NOTES) == 1


async def test_a_note_that_cannot_be_read_costs_itself(redis: Redis) -> None:
    """The list of what is set aside does not break over itself."""
    await redis.rpush("attune:gaps", "x", "y")
    assert await RedisUsage(redis).gaps() == []
    (first, _) = await redis.hkeys(NOTES)
    await redis.hset(NOTES, mapping={first: "x", b"\xff": "x", "of another version\nkey\nname": "{}"})
    assert [one.kind for one in await RedisInbox(redis).aside()] == ["gap", "gap"]


def test_the_lane_of_these_tests_is_a_lane() -> None:
    """The key that is spoilt above is the one that the inbox uses."""
    assert f"{PREFIX}:lane:{redis_inbox.lane_name(THREAD)}" == LANE
