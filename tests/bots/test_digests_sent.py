"""Digests as people get them in Slack and Telegram: in private, once, and only while they may have them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.on_slack.digests import digest_event as slack_digest
from bots.on_telegram.events import digest_event as telegram_digest
from bots.platform import MembershipUnknownError
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import EVERYONE, Passage, Person
from core.engine import Engine
from core.inbox import Event
from core.notices.schedule import DigestSchedule, Frequency
from core.notices.watch import DocumentWatch
from core.ports import PassageIndex
from tests.bots.slack_world import World, world
from tests.bots.telegram_home import Home, MemoryDelivery, Wishes, telegram_home
from tests.doubles.slack_people import text_of
from tests.doubles.telegram_people import User
from tests.doubles.telegram_server import Chat, Fault
from tests.fakes import HashingEmbedder

ANN, TOM = Person("slack", "T1", "UANN"), Person("telegram", "", "7")
EIGHT = DigestSchedule(Frequency.DAILY, "Europe/Berlin", 8)
NOW = datetime.now(UTC)
CANTEEN = "The canteen opens at noon on the third floor."
PRIVATE = "The canteen will be closed by the board in May."
QUESTION = "When does the canteen open?"


async def subscribed(redis: Redis, index: PassageIndex, engine: Engine, person: Person) -> DocumentWatch:
    """Somebody subscribed an hour ago, when the documents were looked at; what changes now is half an hour old."""
    watch = DocumentWatch(index, RedisHistories(redis), lambda: NOW - timedelta(minutes=30))
    await watch.look()
    await engine.people.subscribe(person, EIGHT, NOW - timedelta(hours=1))
    return watch


async def write(index: PassageIndex, watch: DocumentWatch, title: str, text: str, reader: str = EVERYONE) -> None:
    """A document is ingested."""
    number = sum(map(ord, title))
    passage = Passage(
        f"00000000-0000-0000-0001-{number:012}", f"/docs/{title}.md", title, (), text, 1, 0, 1, "v", (reader,)
    )
    await index.upsert([passage], await HashingEmbedder().embed([text]))
    await watch.look()


class SlackSide:
    """Ann, in Slack."""

    def __init__(self, world: World) -> None:
        self.world, self.engine, self.index, self.person = world, world.engine, world.index, ANN

    async def event(self, name: str) -> Event:
        kept = await self.engine.people.subscription(ANN)
        assert kept is not None
        return slack_digest(kept, f"slack:digest:T1:UANN:{name}", name)

    async def send(self, name: str = "monday") -> list[str]:
        await self.world.hub.put(await self.event(name))
        await self.world.settled()
        return self.shown()

    def shown(self) -> list[str]:
        messages = self.world.space.messages.get(self.world.space.dm("UANN"), {})
        return [text_of(each) for each in messages.values()]


class TelegramSide:
    """Tom, in Telegram."""

    def __init__(self, home: Home) -> None:
        self.home, self.engine, self.index, self.person = home, home.engine, home.index, TOM
        self.tom = User(home.double, 7, "Tom")

    async def event(self, name: str) -> Event:
        kept = await self.engine.people.subscription(TOM)
        assert kept is not None
        return telegram_digest(kept, f"telegram:digest::7:{name}", name)

    async def send(self, name: str = "monday") -> list[str]:
        await self.home.inlet.put(await self.event(name))
        await asyncio.gather(*self.home.inlet.tasks)
        return self.shown()

    def shown(self) -> list[str]:
        return [each.text for each in self.tom.private.said()]


@pytest.fixture(params=["slack", "telegram"])
async def side(request: pytest.FixtureRequest, redis: Redis, tmp_path: Path):
    if request.param == "slack":
        async with world(redis) as slack:
            yield SlackSide(slack)
            await slack.settled()
            slack.check()
        return
    async with telegram_home(redis, tmp_path, Wishes(allowed=frozenset({"person:telegram//7"}))) as home:
        yield TelegramSide(home)


async def test_a_digest_comes_once_with_what_is_new(side, redis: Redis) -> None:
    """One private message; the same hour again, and the next one, bring nothing."""
    watch = await subscribed(redis, side.index, side.engine, side.person)
    assert await side.send("sunday") == []
    await redis.delete(f"attune:digest:{{{side.person.platform}:{side.person.workspace}:{side.person.user}}}")
    await side.engine.people.subscribe(side.person, EIGHT, NOW - timedelta(hours=1))
    await write(side.index, watch, "Canteen", CANTEEN)
    [shown] = await side.send()
    assert "Your daily digest" in shown
    assert "New in your documents" in shown
    assert f"“{CANTEEN}”" in shown
    assert "digest off" in shown
    assert await side.send("monday") == [shown]
    assert await side.send("tuesday") == [shown]


async def test_a_question_asked_in_vain_is_answered_when_a_document_holds_it(side, redis: Redis) -> None:
    watch = await subscribed(redis, side.index, side.engine, side.person)
    await RedisUsage(redis).note_gap(Gap(QUESTION, side.person, NOW - timedelta(days=40)))
    await RedisUsage(redis).note_gap(Gap("What does Ben earn?", Person("slack", "T1", "UBEN"), NOW))
    await write(side.index, watch, "Canteen", CANTEEN)
    [shown] = await side.send()
    assert f"you asked: “{QUESTION}”" in shown
    assert shown.count(CANTEEN.removesuffix(".")) == 2
    assert "Ben" not in shown


async def test_whoever_is_not_let_in_any_more_gets_nothing(side, redis: Redis) -> None:
    watch = await subscribed(redis, side.index, side.engine, side.person)
    await write(side.index, watch, "Canteen", CANTEEN)
    if isinstance(side, SlackSide):
        side.world.access.allowed.clear()
    else:
        doors = side.home.access._doors
        object.__setattr__(doors, "allowed", frozenset())
    assert await side.send() == []


async def test_whoever_was_forgotten_meanwhile_gets_nothing(side, redis: Redis) -> None:
    """The event waits in the inbox already."""
    watch = await subscribed(redis, side.index, side.engine, side.person)
    await write(side.index, watch, "Canteen", CANTEEN)
    event = await side.event("monday")
    await side.engine.people.forget(side.person)
    side.event = lambda _name: asyncio.sleep(0, event)
    assert await side.send() == []
    assert await redis.keys("attune:digest*") == []


async def test_a_channels_document_is_named_to_its_members_alone(socket: World, redis: Redis) -> None:
    """Who left the channel hears nothing more of it."""
    side = SlackSide(socket)
    watch = await subscribed(redis, side.index, side.engine, ANN)
    await write(side.index, watch, "Board", PRIVATE, "channel:slack/T1/G1")
    socket.space.channels["G1"]["members"].remove("UANN")
    assert await side.send("monday") == []
    socket.space.channels["G1"]["members"].append("UANN")
    await write(side.index, watch, "Board2", PRIVATE, "channel:slack/T1/G1")
    await side.engine.people.unsubscribe(ANN)
    await side.engine.people.subscribe(ANN, EIGHT, NOW - timedelta(hours=1))
    [shown] = await side.send("tuesday")
    assert PRIVATE in shown


@pytest.mark.parametrize("method", ["users.conversations", "users.info"])
async def test_where_slack_does_not_say_who_belongs_where_the_digest_waits(
    socket: World, redis: Redis, method: str
) -> None:
    """A channel's news, and the workspace's, are not lost to whoever may see them: they come when Slack says so."""
    side = SlackSide(socket)
    watch = await subscribed(redis, side.index, side.engine, ANN)
    since = (await side.engine.people.subscription(ANN)).since
    reader = "channel:slack/T1/G1" if method == "users.conversations" else "workspace:slack/T1"
    await write(side.index, watch, "Board", PRIVATE, reader)
    socket.server.fail(method, "internal_error", times=9)
    assert await side.send("monday") == []
    assert (await side.engine.people.subscription(ANN)).since == since
    socket.server.faults.clear()
    side.world.hub.sorry.clear()
    [shown] = await side.send("tuesday")
    assert PRIVATE in shown


@pytest.mark.parametrize("status", [502, 429])
async def test_where_telegram_does_not_say_who_belongs_where_the_digest_waits(
    redis: Redis, tmp_path: Path, status: int
) -> None:
    wishes = Wishes(allowed=frozenset({"person:telegram//7", "channel:telegram//-5"}))
    async with telegram_home(redis, tmp_path, wishes) as home:
        side = TelegramSide(home)
        home.double.chats[-5] = Chat(-5, "group", "Board", members={7: "member"})
        watch = await subscribed(redis, side.index, side.engine, TOM)
        since = (await side.engine.people.subscription(TOM)).since
        await write(side.index, watch, "Board", PRIVATE, "channel:telegram//-5")
        home.double.faults.append(Fault("getChatMember", status, retry_after=9, times=9))
        assert await side.send("monday") == []
        [failed] = home.inlet.failed
        assert isinstance(failed, MembershipUnknownError)
        home.inlet.failed.clear()
        assert (await side.engine.people.subscription(TOM)).since == since
        home.double.faults.clear()
        [shown] = await side.send("tuesday")
        assert PRIVATE in shown


async def test_a_death_after_the_title_leaves_one_digest(side, redis: Redis) -> None:
    """What was posted is noted before anything else is: the next attempt edits the rest into it."""
    watch = await subscribed(redis, side.index, side.engine, side.person)
    await write(side.index, watch, "Canteen", CANTEEN)
    if isinstance(side, SlackSide):
        side.world.server.fail("chat.update", "internal_error", times=1)
        await side.world.hub.put(await side.event("monday"))
        await side.world.settled()
        assert len(side.world.hub.sorry) == 1
        assert side.shown() == ["Your daily digest"]
        side.world.hub.sorry.clear()
        delivery = side.world.hub.deliveries["slack:digest:T1:UANN:monday"]
        delivery.attempt += 1
        await side.world.hub._handle(delivery)
    else:
        side.home.double.faults.append(Fault("editMessageText", 0, seconds=5))
        task = asyncio.create_task(side.send())
        await side.tom.private.until(lambda _: side.home.double.calls_of("editMessageText"))
        assert side.shown() == ["Your daily digest"]
        side.home.inlet.kill()
        await task
    [shown] = side.shown()
    assert CANTEEN in shown


async def test_a_death_before_it_is_noted_as_told_repeats_nothing(side, redis: Redis) -> None:
    """The text is written once more into the same message."""
    watch = await subscribed(redis, side.index, side.engine, side.person)
    await write(side.index, watch, "Canteen", CANTEEN)
    people, before = side.engine.people, await side.engine.people.subscription(side.person)
    [shown] = await side.send()
    await people._memory.change_subscription(side.person, lambda _: before)  # as a death leaves it
    event = await side.event("monday")
    if isinstance(side, SlackSide):
        delivery = side.world.hub.deliveries[event.key]
        delivery.attempt, delivery.over = 2, False
        await side.world.hub._handle(delivery)
    else:
        [message] = [each.id for each in side.tom.private.said()]
        await side.home.inlet.sender.handle(event, MemoryDelivery(side.home.inlet, event, 2, [str(message)]))
    assert side.shown() == [shown]
    assert (await people.subscription(side.person)).last == "monday"


async def test_operators_hear_of_gaps_once_a_week(side, redis: Redis) -> None:
    """Nobody else does."""
    await subscribed(redis, side.index, side.engine, side.person)
    await RedisUsage(redis).note_gap(Gap("Is there a gym?", Person("slack", "T1", "UBEN"), NOW - timedelta(hours=2)))
    assert await side.send("monday") == []
    if isinstance(side, SlackSide):
        side.world.access.operators.add("person:slack/T1/UANN")
    else:
        object.__setattr__(side.home.access._doors, "operators", frozenset({"person:telegram//7"}))
    await side.engine.people.unsubscribe(side.person)
    await side.engine.people.subscribe(side.person, EIGHT, NOW - timedelta(hours=1))
    [shown] = await side.send("tuesday")
    assert "“Is there a gym?” (1 person)" in shown
    await RedisUsage(redis).note_gap(Gap("Is there a pool?", Person("slack", "T1", "UBEN"), NOW - timedelta(hours=2)))
    assert await side.send("wednesday") == [shown]


async def test_slack_says_the_time_zone(socket: World) -> None:
    """In a private chat and by a thread alike; in a channel the reply is for one person's eyes."""
    socket.space.users["UANN"]["tz"] = "Asia/Tokyo"
    direct = socket.space.dm("UANN")
    ts = socket.people.say("UANN", direct, "!digest daily 8:30")
    await socket.settled()
    assert "every day at 8:30 (Asia/Tokyo)" in socket.answers(direct, ts)[0]
    socket.people.say("UANN", "C1", "<@UBOT> !digest weekly friday 9:00")
    await socket.settled()
    assert any("every Friday at 9:00 (Asia/Tokyo)" in said for said in socket.people.whispers("UANN"))


async def test_telegram_asks_for_the_time_zone_and_ends_with_whoever_blocks_it(redis: Redis, tmp_path: Path) -> None:
    async with telegram_home(redis, tmp_path) as home:
        side = TelegramSide(home)
        await side.tom.say("/digest daily 8:30")
        await side.tom.private.until(lambda place: any("time zone" in each.text for each in place.said()))
        await side.tom.say("/digest daily 8:30 berlin")
        await side.tom.private.until(lambda place: any("Europe/Berlin" in each.text for each in place.said()))
        watch = await subscribed(redis, home.index, home.engine, TOM)
        await home.engine.people.unsubscribe(TOM)
        await home.engine.people.subscribe(TOM, EIGHT, NOW - timedelta(hours=1))
        await write(home.index, watch, "Canteen", CANTEEN)
        await side.tom.block()
        await home.inlet.put(await side.event("monday"))
        await asyncio.gather(*home.inlet.tasks)
        assert await home.engine.people.subscription(TOM) is None
