"""What every `Inbox` promises, held by `RedisInbox` on the embedded server."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime
from itertools import count

import pytest
from redis.asyncio import Redis

from core.adapters.redis import valkey
from core.adapters.redis.connections import primaries_of
from core.adapters.redis.inbox import PREFIX, RedisInbox
from core.domain import Conversation, Person
from core.errors import MemoryUnavailableError
from core.inbox import Allowance, Claim, Event, Lease, Receipt
from core.ports import Inbox
from tests.conftest import all_keys

ANNA = Person("slack", "T1", "anna")
BEN = Person("slack", "T1", "ben")
THREAD = Conversation("slack", "T1", "C1", "17.5")
OTHER = Conversation("slack", "T1", "C1", "18.5")
PRIVATE = Conversation("slack", "T1", "D1")
START = datetime(2026, 1, 1, tzinfo=UTC)
GENEROUS = Allowance(person_minute=10_000, workspace_minute=10_000, waiting=5_000, share=1.0)
SHORT = 0.3  # seconds of a lease that ends while a test waits

tokens = count()


@pytest.fixture
def inbox(redis: Redis) -> Inbox:
    return RedisInbox(redis, GENEROUS)


def event(name: str, conversation: Conversation = THREAD, person: Person = ANNA, **more: bool) -> Event:
    return Event(f"slack:{name}", conversation, person, "message", '{"text": "Grüße ✓"}', START, **more)


def new_token() -> str:
    return f"token-{next(tokens)}"


async def claimed(inbox: Inbox) -> Claim:
    claim = await inbox.claim(new_token())
    assert claim is not None
    return claim


async def claim_after_death(inbox: Inbox) -> Claim:
    """The next claim, once the lease of a worker that is gone has ended."""
    for _ in range(200):
        if claim := await inbox.claim(new_token()):
            return claim
        await asyncio.sleep(0.05)
    raise AssertionError("nobody could take over")


async def test_an_event_comes_back_as_it_was(inbox: Inbox) -> None:
    """What a worker claims is what the platform handed in."""
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    assert claim.event == event("1")
    assert (claim.attempt, claim.deaths, claim.shown, claim.ended, claim.stopped) == (1, 0, (), False, False)


async def test_an_event_enters_once(inbox: Inbox) -> None:
    """However often and at the same moment it is delivered; also when it was handled long ago."""
    receipts = await asyncio.gather(*[inbox.put(event("1")) for _ in range(20)])
    assert sorted(receipts) == [Receipt.ACCEPTED, *[Receipt.KNOWN] * 19]
    await inbox.done((await claimed(inbox)).token)
    assert await inbox.put(event("1")) is Receipt.KNOWN
    assert await inbox.claim(new_token()) is None


async def test_two_processes_let_an_event_in_once(inbox: Inbox, other_redis: Redis) -> None:
    """Another client of the same server is no second door."""
    other = RedisInbox(other_redis, GENEROUS)
    receipts = await asyncio.gather(*[door.put(event(str(number))) for number in range(50) for door in (inbox, other)])
    assert sorted(receipts) == [*[Receipt.ACCEPTED] * 50, *[Receipt.KNOWN] * 50]


async def test_a_conversation_is_handled_one_by_one_in_order(inbox: Inbox) -> None:
    """While one event is in work, the next of its conversation is not to be had; others are."""
    for name in ("1", "2", "3"):
        await inbox.put(event(name))
    await inbox.put(event("a", PRIVATE))
    first, apart = await claimed(inbox), await claimed(inbox)
    assert (first.event.key, apart.event.key) == ("slack:1", "slack:a")
    assert await inbox.claim(new_token()) is None
    for name in ("2", "3"):
        await inbox.done(first.token)
        first = await claimed(inbox)
        assert first.event.key == f"slack:{name}"


async def test_a_claim_may_be_asked_for_again(inbox: Inbox) -> None:
    """A worker that did not hear the reply gets the same event by the same token."""
    await inbox.put(event("1"))
    await inbox.put(event("2", OTHER))
    token = new_token()
    assert await inbox.claim(token) == await inbox.claim(token)
    assert (await claimed(inbox)).event.key == "slack:2"


async def test_people_take_turns(inbox: Inbox) -> None:
    """Who came with much does not delay who comes with little by more than one event."""
    for number in range(100):
        await inbox.put(event(f"anna{number}", dataclasses.replace(THREAD, thread=str(number))))
    running = await claimed(inbox)
    await inbox.put(event("ben", PRIVATE, BEN))
    await inbox.done(running.token)
    assert (await claimed(inbox)).event.person == BEN


async def test_many_people_each_get_their_turn(inbox: Inbox) -> None:
    """A round serves everybody once before it serves anybody twice."""
    people = [Person("slack", "T1", f"u{number}") for number in range(5)]
    for person in people:
        for number in range(3):
            await inbox.put(event(f"{person.user}-{number}", Conversation("slack", "T1", person.user), person))
    served = []
    while claim := await inbox.claim(new_token()):
        served.append(claim.event.person)
        await inbox.done(claim.token)
    assert [set(served[place : place + 5]) for place in (0, 5, 10)] == [set(people)] * 3


async def test_a_dead_workers_event_is_taken_over(redis: Redis) -> None:
    """What was shown is known, and so is that somebody died over it."""
    inbox = RedisInbox(redis, GENEROUS, lease=SHORT)
    await inbox.put(event("1"))
    dead = await claimed(inbox)
    assert await inbox.note(dead.token, "m1")
    assert await inbox.note(dead.token, "m2")
    assert await inbox.note(dead.token, "m1")
    claim = await claim_after_death(inbox)
    assert claim.event == event("1")
    assert (claim.attempt, claim.deaths, claim.shown) == (2, 1, ("m1", "m2"))


async def test_a_renewed_claim_is_kept(redis: Redis) -> None:
    """Work may take longer than a lease."""
    inbox = RedisInbox(redis, GENEROUS, lease=SHORT)
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    for _ in range(8):
        await asyncio.sleep(SHORT / 4)
        assert await inbox.renew([claim.token]) == {claim.token: Lease.HELD}
        assert await inbox.claim(new_token()) is None


async def test_a_lost_claim_changes_nothing(redis: Redis) -> None:
    """A worker that was thought dead can neither note nor end what another one has."""
    inbox = RedisInbox(redis, GENEROUS, lease=SHORT)
    await inbox.put(event("1"))
    slow = await claimed(inbox)
    claim = await claim_after_death(inbox)
    assert await inbox.renew([slow.token, claim.token]) == {slow.token: Lease.LOST, claim.token: Lease.HELD}
    assert not await inbox.note(slow.token, "m1")
    assert not await inbox.ended(slow.token, "a1")
    await inbox.done(slow.token)
    await inbox.release(slow.token)
    await inbox.bury(slow.token, "x")
    assert await inbox.renew([claim.token]) == {claim.token: Lease.HELD}
    assert await inbox.dead() == []


async def test_an_ended_event_is_known_to_have_ended(redis: Redis) -> None:
    """A death after the end shows nothing anew."""
    inbox = RedisInbox(redis, GENEROUS, lease=SHORT)
    await inbox.put(event("1"))
    dead = await claimed(inbox)
    await inbox.note(dead.token, "m1")
    assert await inbox.ended(dead.token, "a1")
    assert (await claim_after_death(inbox)).ended


async def test_a_store_that_was_away_takes_no_claim_from_the_living(redis: Redis) -> None:
    """Nobody can renew while the server is away: afterwards every lease of that time begins anew."""
    inbox = RedisInbox(redis, GENEROUS, lease=0.6)
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    await asyncio.sleep(0.8)  # the server is away: nobody is heard
    assert await inbox.claim(new_token()) is None
    assert await inbox.renew([claim.token]) == {claim.token: Lease.HELD}


async def test_looking_for_work_in_vain_writes_nothing(redis: Redis) -> None:
    """What writes waits for the disk, and has everything else at the server wait with it."""
    inbox = RedisInbox(redis, GENEROUS, lease=60.0)
    await inbox.claim(new_token())
    before = await told(redis, "stats", "total_commands_processed"), await written(redis)
    assert [await inbox.claim(new_token()) for _ in range(10)] == [None] * 10
    after = await told(redis, "stats", "total_commands_processed"), await written(redis)
    assert after[0] > before[0]
    assert after[1] == before[1]


async def written(redis: Redis) -> int:
    """Bytes of the files that servers append to."""
    return await told(redis, "persistence", "aof_current_size")


async def told(redis: Redis, section: str, name: str) -> int:
    """A figure, added up over all servers."""
    return sum([int((await server.info(section))[name]) for server in await primaries_of(redis)])


async def test_an_event_given_back_is_next(inbox: Inbox) -> None:
    """A worker that ends hands over: the event comes before others, and nobody has died."""
    await inbox.put(event("1"))
    await inbox.put(event("2", OTHER, BEN))
    first = await claimed(inbox)
    await inbox.note(first.token, "m1")
    await inbox.release(first.token)
    again = await claimed(inbox)
    assert (again.event.key, again.attempt, again.deaths, again.shown) == ("slack:1", 2, 0, ("m1",))


async def test_an_event_given_back_with_a_pause_waits(inbox: Inbox) -> None:
    """What cannot be told now is tried later, and its conversation waits with it."""
    await inbox.put(event("1"))
    await inbox.put(event("2"))
    await inbox.release((await claimed(inbox)).token, pause=0.2)
    assert await inbox.claim(new_token()) is None
    again = await claim_after_death(inbox)
    assert (again.event.key, again.deaths) == ("slack:1", 0)


async def test_stopping_is_for_whoever_asked(inbox: Inbox) -> None:
    """The listener hears which claim to stop; nobody else's wish counts."""
    await inbox.listen(0.01)
    assert not await inbox.stop(THREAD, ANNA)
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    assert not await inbox.stop(THREAD, BEN)
    assert not await inbox.stop(OTHER, ANNA)
    assert await inbox.stop(THREAD, ANNA)
    assert await inbox.listen(5.0) == [claim.token]
    assert await inbox.renew([claim.token]) == {claim.token: Lease.STOPPED}


async def test_what_waits_can_be_stopped(inbox: Inbox) -> None:
    """It is claimed in its turn, with the wish; the next one is not meant."""
    await inbox.put(event("1"))
    await inbox.put(event("2"))
    assert await inbox.stop(THREAD, ANNA)
    first = await claimed(inbox)
    assert (first.event.key, first.stopped) == ("slack:1", True)
    await inbox.done(first.token)
    assert not (await claimed(inbox)).stopped


async def test_a_listener_is_woken(inbox: Inbox) -> None:
    """A new event ends the waiting at once; without one it ends by itself."""
    assert await inbox.listen(0.01) == []
    listening = asyncio.create_task(inbox.listen(30.0))
    await asyncio.sleep(0.05)
    await inbox.put(event("1"))
    assert await asyncio.wait_for(listening, 10) == []


async def test_shown_messages_stand_for_their_answer(inbox: Inbox) -> None:
    """A reaction knows the message and its channel, and finds the answer by them; elsewhere the id is another's."""
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    await inbox.note(claim.token, "m1")
    await inbox.note(claim.token, "m2")
    await inbox.ended(claim.token, "a1")
    await inbox.done(claim.token)
    assert [await inbox.answer_of(OTHER, name) for name in ("m1", "m2", "m3")] == ["a1", "a1", None]
    assert await inbox.answer_of(PRIVATE, "m1") is None
    assert await inbox.messages_of(OTHER, "a1") == ("m1", "m2")


async def test_who_asks_too_fast_is_refused_and_told_once(redis: Redis) -> None:
    """A person has a minute's worth; then the first refusal is said, and the others are not."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, person_minute=3))
    receipts = [await inbox.put(event(str(number))) for number in range(6)]
    assert receipts == [*[Receipt.ACCEPTED] * 3, Receipt.HURRIED, Receipt.HUSHED, Receipt.HUSHED]
    assert await inbox.put(event("ben", PRIVATE, BEN)) is Receipt.ACCEPTED
    assert await inbox.put(event("button", PRIVATE, asks=False)) is Receipt.ACCEPTED


async def test_a_refused_event_stays_refused(redis: Redis) -> None:
    """The platform's second delivery of it does not slip in later: the person was told that it will not be answered."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, person_minute=1))
    await inbox.put(event("1"))
    assert await inbox.put(event("2")) is Receipt.HURRIED
    assert await inbox.put(event("2")) is Receipt.KNOWN


async def test_the_allowance_comes_back(redis: Redis) -> None:
    """A person who waits may ask again."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, person_minute=600))  # ten a second
    receipts = await asyncio.gather(*[inbox.put(event(f"x{number}")) for number in range(700)])
    assert Receipt.HURRIED in receipts
    await asyncio.sleep(0.5)
    assert await inbox.put(event("later")) is Receipt.ACCEPTED


async def test_a_workspace_has_a_limit_of_its_own(redis: Redis) -> None:
    """All its people together; another workspace has its own."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, workspace_minute=2))
    people = [Person("slack", "T1", str(number)) for number in range(3)]
    receipts = [await inbox.put(event(person.user, PRIVATE, person)) for person in people]
    assert receipts == [Receipt.ACCEPTED, Receipt.ACCEPTED, Receipt.HURRIED]
    stranger = Person("slack", "T2", "x")
    assert await inbox.put(event("s", Conversation("slack", "T2", "C"), stranger)) is Receipt.ACCEPTED


async def test_not_more_than_so_many_wait(redis: Redis) -> None:
    """The inbox has an end; whoever comes when it is full is refused, and one person cannot fill it."""
    inbox = RedisInbox(redis, dataclasses.replace(GENEROUS, waiting=4, share=0.5))
    receipts = [await inbox.put(event(str(number))) for number in range(3)]
    assert receipts == [Receipt.ACCEPTED, Receipt.ACCEPTED, Receipt.HURRIED]
    receipts = [
        await inbox.put(event(f"b{number}", PRIVATE, Person("slack", "T1", str(number)))) for number in range(3)
    ]
    assert receipts == [Receipt.ACCEPTED, Receipt.ACCEPTED, Receipt.CROWDED]
    await inbox.done((await claimed(inbox)).token)
    assert await inbox.put(event("again", PRIVATE, Person("slack", "T1", "late"))) is Receipt.ACCEPTED


async def test_who_waits_long_is_told_once(inbox: Inbox) -> None:
    """It keeps its place meanwhile; `ahead` counts the others."""
    for number in range(3):
        person = Person("slack", "T1", f"u{number}")
        await inbox.put(event(str(number), Conversation("slack", "T1", person.user), person))
    assert await inbox.waiting(new_token(), seconds=60) is None
    told = []
    while held := await inbox.waiting(new_token(), seconds=0):
        assert await inbox.note(held.claim.token, f"notice {held.claim.event.key}")
        await inbox.release(held.claim.token)
        told.append((held.claim.event.key, held.ahead))
    assert told == [("slack:0", 0), ("slack:1", 1), ("slack:2", 2)]
    claim = await claimed(inbox)
    assert (claim.event.key, claim.attempt, claim.shown) == ("slack:0", 1, ("notice slack:0",))


async def test_a_buried_event_is_listed_and_its_conversation_goes_on(inbox: Inbox) -> None:
    """A dead letter has its reason; the next message of the conversation is not held up."""
    await inbox.put(event("1"))
    await inbox.put(event("2"))
    await inbox.bury((await claimed(inbox)).token, "it killed 3 workers")
    (letter,) = await inbox.dead()
    assert (letter.event, letter.reason, letter.attempts) == (event("1"), "it killed 3 workers", 1)
    assert (await claimed(inbox)).event.key == "slack:2"


async def test_a_dead_letter_can_be_retried(inbox: Inbox) -> None:
    """It begins anew, and what was shown for it is still known."""
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    await inbox.note(claim.token, "m1")
    await inbox.bury(claim.token, "x")
    assert await inbox.retry("slack:1")
    assert not await inbox.retry("slack:1")
    again = await claimed(inbox)
    assert (again.event, again.attempt, again.deaths, again.shown) == (event("1"), 1, 0, ("m1",))
    assert await inbox.dead() == []


async def test_a_dead_letter_can_be_dropped(inbox: Inbox) -> None:
    """Then nothing is left of it but its key."""
    await inbox.put(event("1"))
    await inbox.bury((await claimed(inbox)).token, "x")
    assert await inbox.drop("slack:1")
    assert not await inbox.drop("slack:1")
    assert await inbox.dead() == []
    assert await inbox.put(event("1")) is Receipt.KNOWN


async def test_forgetting_takes_one_persons_dead_letters(inbox: Inbox) -> None:
    """Nothing that they wrote is kept for the operator; other people's stay, and what waits is still answered."""
    for name, person in (("1", ANNA), ("2", BEN)):
        await inbox.put(event(name, PRIVATE, person))
        await inbox.bury((await claimed(inbox)).token, "x")
    await inbox.put(event("3"))
    await inbox.forget(ANNA)
    assert [letter.event.person for letter in await inbox.dead()] == [BEN]
    assert (await claimed(inbox)).event.key == "slack:3"


async def test_depth_counts_what_waits_what_is_in_work_and_what_is_dead(inbox: Inbox) -> None:
    """And says how old the oldest is."""
    for name in ("1", "2", "3"):
        await inbox.put(event(name))
    await inbox.bury((await claimed(inbox)).token, "x")
    await claimed(inbox)
    await asyncio.sleep(0.05)
    depth = await inbox.depth()
    assert (depth.waiting, depth.working, depth.dead) == (1, 1, 1)
    assert 0.05 <= depth.oldest < 30


async def test_nothing_a_person_wrote_is_left_in_the_end(inbox: Inbox, redis: Redis) -> None:
    """Of a handled event only its key stays, and of its person what limits need for a minute."""
    await inbox.put(event("1"))
    claim = await claimed(inbox)
    await inbox.note(claim.token, "m1")
    await inbox.done(claim.token)
    left = {key.decode().removeprefix(f"{PREFIX}:") for key in await all_keys(redis)}
    assert left == {
        *("seen:slack:1", "bucket:p:slack:T1:anna", "bucket:w:slack:T1"),
        *("number", "turn", "beat", "mark", "signals"),
    }
    assert await redis.ttl(f"{PREFIX}:seen:slack:1") > 0


async def test_strange_names_do_not_mix(inbox: Inbox) -> None:
    """Whatever signs ids hold, conversations are one only where all parts are."""
    awkward = [
        Conversation("slack", "T", "a:b"),
        Conversation("slack", "T", "a", "b"),
        Conversation("slack", "T:a", "b"),
    ]
    for number, conversation in enumerate(awkward):
        await inbox.put(event(f"{{}}:\n {number}", conversation))
    assert {(await claimed(inbox)).event.conversation for _ in awkward} == set(awkward)


async def test_a_silent_server_is_an_operators_error() -> None:
    """No foreign exception passes the port."""
    async with valkey.remote("redis://127.0.0.1:1/0") as client:
        with pytest.raises(MemoryUnavailableError):
            await RedisInbox(client).put(event("1"))
