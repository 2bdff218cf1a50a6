"""What is new for one person, over a real index and real stores; only the two models are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.gaps import Gap
from core.domain import EVERYONE, Conversation, Message, Passage, Person
from core.engine import AnswerLimits, Engine
from core.notices.digests import Digest
from core.notices.watch import DocumentWatch
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("slack", "T1", "ann"), Person("slack", "T1", "ben")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
LEAVE = "Annual leave is requested in the calendar two weeks before."
CANTEEN = "The canteen opens at noon on the third floor."
QUESTION = "When does the canteen open?"


@dataclass
class House:
    """Documents that change, an hour later each time."""

    index: QdrantIndex
    engine: Engine
    watch: DocumentWatch
    generator: ScriptedGenerator
    memory: RedisMemory
    usage: RedisUsage
    now: datetime = START
    versions: dict[str, int] = field(default_factory=dict)

    async def writes(self, texts: Mapping[str, str], readers: tuple[str, ...] = (EVERYONE,)) -> None:
        """An hour later these documents say this."""
        self.now += HOUR
        for title, text in texts.items():
            self.versions[title] = version = self.versions.get(title, 0) + 1
            parts = text.split("\n\n")
            number = sum(map(ord, title))
            passages = [
                Passage(
                    f"00000000-0000-0000-{version:04}-{number:08}{n:04}",
                    f"/docs/{title}.md",
                    title,
                    (),
                    part,
                    1,
                    n,
                    len(parts),
                    f"v{version}",
                    readers,
                )
                for n, part in enumerate(parts)
            ]
            await self.index.upsert(passages, await HashingEmbedder().embed(parts))
            await self.index.remove(f"/docs/{title}.md", keep_version=f"v{version}")
        await self.watch.look()

    async def digest(
        self, person: Person = ANN, since: datetime = START, channels: frozenset[str] = frozenset(), waiting=()
    ):
        message = Message("1", Conversation("slack", "T1", "D1"), person, "", self.now, private=True, channels=channels)
        return await self.engine.digests.compose(message, since, self.now, waiting)

    async def ask(self, text: str, person: Person = ANN, channels: frozenset[str] = frozenset()) -> None:
        place = Conversation("slack", "T1", "D1")
        message = Message(str(self.now), place, person, text, self.now, private=True, channels=channels)
        async for _ in self.engine.answer(message):
            pass


@pytest.fixture
async def house(redis: Redis):
    embedder, memory, usage = HashingEmbedder(), RedisMemory(redis), RedisUsage(redis)
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        generator, histories = ScriptedGenerator(), RedisHistories(redis)
        engine = Engine(
            embedder=embedder, index=index, memory=memory, usage=usage, generator=generator,
            limits=AnswerLimits(passages=2, relevance=0.15), histories=histories,
        )  # fmt: skip
        home = House(index, engine, DocumentWatch(index, histories), generator, memory, usage)
        home.watch = DocumentWatch(index, histories, lambda: home.now)
        await home.writes({"Leave": LEAVE})
        yield home


def said(digest: Digest) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(news.passage.title, news.said, news.is_new) for news in digest.news]


async def test_what_was_there_at_first_is_no_news(house: House) -> None:
    """Whoever begins to look is not told of everything."""
    assert (await house.digest()).empty


async def test_a_new_sentence_is_quoted_and_what_moved_is_not(house: House) -> None:
    """A document says one thing more, in front of what it said: that alone is news."""
    await house.writes({"Leave": f"# News\n\n- Ten days may be carried over.\n\n{LEAVE}"})
    assert said(await house.digest()) == [("Leave", ("Ten days may be carried over.",), False)]


async def test_a_changed_number_is_new_and_a_new_layout_is_not(house: House) -> None:
    await house.writes({"Leave": LEAVE.replace("two", "three")})
    assert said(await house.digest()) == [("Leave", (LEAVE.replace("two", "three"),), False)]
    since = house.now
    await house.writes({"Leave": f"* {LEAVE.replace('two', 'three')}"})
    assert (await house.digest(since=since)).empty


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ("| Laptop | 1200 |\n| Phone | 300 |", "| Laptop | 1500 |\n| Phone | 300 |", ["| Laptop | 1500 |"]),
        ("- Closed Mondays", "- Closed Fridays", ["Closed Fridays"]),
        ("Wi-Fi: guest41", "Wi-Fi: guest42", ["Wi-Fi: guest42"]),
        ("年假现在是二十天。员工须提前两周申请。", "年假现在是三十天。员工须提前两周申请。", ["年假现在是三十天。"]),
        (
            "休暇は二十日です。",
            "休暇は三十日です。申請は二週間前です。",
            ["休暇は三十日です。", "申請は二週間前です。"],
        ),
        ("สำนักงานปิดวันจันทร์", "สำนักงานปิดวันศุกร์", ["สำนักงานปิดวันศุกร์"]),
        ("사무실은 월요일에 닫습니다.", "사무실은 금요일에 닫습니다.", ["사무실은 금요일에 닫습니다."]),
        ("# Leave\n\nSo it is.", "# Annual leave\n\nSo it is!", []),
    ],
)
async def test_short_items_rows_and_what_has_no_spaces_are_news(
    house: House, before: str, now: str, new: list[str]
) -> None:
    """A changed row, item or sentence is, in any script; a heading is not."""
    await house.writes({"Short": before})
    since = house.now
    await house.writes({"Short": now})
    assert [one for _, quoted, _ in said(await house.digest(since=since)) for one in quoted] == new


async def test_a_new_document_is_called_new(house: House) -> None:
    await house.writes({"Canteen": CANTEEN})
    assert said(await house.digest()) == [("Canteen", (CANTEEN,), True)]


async def test_nothing_is_told_twice(house: House) -> None:
    """What came before the last digest is not in the next one."""
    await house.writes({"Canteen": CANTEEN})
    since = house.now
    await house.writes({"Leave": f"{LEAVE} Ask your lead first."})
    assert said(await house.digest(since=since)) == [("Leave", ("Ask your lead first.",), False)]


async def test_another_process_that_looks_later_makes_nothing_new_again(house: House, redis: Redis) -> None:
    await house.writes({"Canteen": CANTEEN})
    since = house.now
    house.now += HOUR
    await DocumentWatch(house.index, RedisHistories(redis), lambda: house.now).look()
    assert (await house.digest(since=since)).empty


async def test_documents_that_somebody_may_not_see_are_never_named(house: House) -> None:
    """A channel's document is news to its members, and one person's own to nobody."""
    await house.writes({"Secret": CANTEEN}, ("channel:slack/T1/G1",))
    await house.writes({"Mine": "I keep my lunch in the fridge."}, ("person:slack/T1/ann",))
    assert (await house.digest()).empty
    assert (await house.digest(BEN)).empty
    assert [title for title, *_ in said(await house.digest(channels=frozenset({"G1"})))] == ["Secret"]


async def test_a_document_that_is_gone_is_not_named_and_not_kept(house: House, redis: Redis) -> None:
    """Its history outlives it for a week, of which nothing is shown."""
    await house.writes({"Canteen": CANTEEN})
    await house.index.remove("/docs/Canteen.md")
    assert (await house.digest()).empty
    for days, kept in ((0, True), (7, True), (1, False)):
        house.now += timedelta(days=days)
        await house.watch.look()
        assert (await house.digest()).empty
        assert ("/docs/Canteen.md" in await RedisHistories(redis).read()) is kept


async def test_what_a_rebuilt_index_says_again_is_no_news(house: House, redis: Redis) -> None:
    """The index is emptied, looked at, and filled again, one document under the very same version."""
    await house.writes({"Canteen": CANTEEN})
    since = house.now
    for source in ("/docs/Canteen.md", "/docs/Leave.md"):
        await house.index.remove(source)
    await house.watch.look()
    house.versions["Leave"] -= 1  # the very same version
    await house.writes({"Canteen": CANTEEN, "Leave": LEAVE})
    assert (await house.digest(since=since)).empty
    assert {one.gone for one in (await RedisHistories(redis).read()).values()} == {None}
    await house.writes({"Canteen": f"{CANTEEN} It closes at two."})
    assert said(await house.digest(since=since)) == [("Canteen", ("It closes at two.",), False)]


async def test_a_look_that_fails_is_not_the_last(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it ends in: here a mistake, and then the end of the process."""
    monkeypatch.setattr(house.watch, "look", AsyncMock(side_effect=[ValueError("a mistake"), asyncio.CancelledError()]))
    monkeypatch.setattr("core.notices.watch.PAUSE", 0.0)
    with pytest.raises(asyncio.CancelledError):
        await house.watch.run()


async def test_what_is_forgotten_of_a_document_is_its_history_too(house: House, redis: Redis) -> None:
    await house.writes({"Canteen": CANTEEN})
    await house.memory.forget_documents(["/docs/Canteen.md"])
    assert set(await RedisHistories(redis).read()) == {"/docs/Leave.md"}


async def test_of_many_documents_those_come_that_the_person_has_to_do_with(house: House) -> None:
    """Ann asks of leave: she hears of leave before the canteen, of which she hears, too."""
    await house.ask("How is annual leave requested in the calendar?")
    since = house.now
    await house.writes({"Leave": f"{LEAVE} Ask your lead first."})
    await house.writes({"Canteen": CANTEEN})
    assert [title for title, *_ in said(await house.digest(since=since))] == ["Leave", "Canteen"]
    assert [title for title, *_ in said(await house.digest(BEN, since=since))] == ["Canteen", "Leave"]


async def test_what_was_asked_in_vain_is_answered_when_a_document_holds_it(house: House) -> None:
    """The person's own question, with the answer and its source; nobody else hears of it."""
    house.generator.certainty = -9.0
    await house.ask(QUESTION)
    house.generator.certainty = 9.0
    await house.writes({"Canteen": CANTEEN})
    (one,) = (await house.digest()).answered
    assert (one.gap.question, one.answer.text) == (QUESTION, CANTEEN)
    assert [source.passage.title for source in one.answer.sources] == ["Canteen"]
    assert (await house.digest(BEN)).answered == ()


async def test_what_one_digest_cannot_tell_the_next_one_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each document once, the earliest first, however many came since the last digest."""
    monkeypatch.setattr("core.notices.digests._LOOKED_AT", 3)
    since, told = house.now, []
    for number in range(8):
        await house.writes({f"Doc{number}": f"The rule of thing number {number} is new for everybody."})
    await house.writes({"Secret": "The rule of the board is new."}, ("channel:slack/T1/G1",))
    for count in (3, 3, 2, 0):
        digest = await house.digest(since=since)
        since = digest.until
        told += [title for title, *_ in said(digest)]
        assert len(digest.news) == count
    assert sorted(told) == [f"Doc{number}" for number in range(8)]


async def test_every_question_that_is_answered_now_is_told(house: House) -> None:
    """And none that its person asked again meanwhile, and got an answer to."""
    asked = [f"When does the canteen {number} open at noon?" for number in range(14)]
    for question in asked:
        await house.usage.note_gap(Gap(question, ANN, house.now))
    await house.writes({"Canteen": CANTEEN})
    house.now += HOUR / 60
    await house.ask(asked[0])
    assert {one.gap.question for one in (await house.digest()).answered} == set(asked[1:])


async def test_questions_beyond_those_of_one_digest_come_with_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, of the same news, those that waited first; one that came meanwhile waits behind them."""
    monkeypatch.setattr("core.notices.digests._ASKED", 4)
    asked = [f"When does the canteen {number} open at noon?" for number in range(10)]
    for question in asked:
        await house.usage.note_gap(Gap(question, ANN, house.now))
        house.now += HOUR / 60
    await house.writes({"Canteen": CANTEEN})
    since, waiting, told = START, (), []
    for count in (4, 4, 3, 0):
        digest = await house.digest(since=since, waiting=waiting)
        since, waiting = digest.until, digest.waiting
        told.append([one.gap.question for one in digest.answered])
        assert len(told[-1]) == count
        if len(told) == 1:
            await house.usage.note_gap(Gap("When does the new canteen open?", ANN, house.now))
            await house.writes({"New canteen": "The new canteen opens at one."})
    assert [question for part in told for question in part] == [*asked[::-1], "When does the new canteen open?"]
    assert waiting == ()


async def test_a_sentence_that_stands_twice_is_told_once(house: House) -> None:
    new = "Ten days may be carried over to March."
    await house.writes({"Leave": f"{new}\n\n{new}\n\n{LEAVE}"})
    assert said(await house.digest()) == [("Leave", (new,), False)]


async def test_a_question_is_called_answered_by_the_verdict_alone(house: House) -> None:
    """A document that is near, and of which the model says no, answers nothing."""
    house.generator.certainty = -9.0
    await house.ask(QUESTION)
    await house.writes({"Canteen": CANTEEN})
    assert (await house.digest()).answered == ()


async def test_a_question_is_not_tried_where_nothing_new_is_near(house: House) -> None:
    """What was there when it was asked does not answer it now: the model is not asked."""
    house.generator.certainty = -9.0
    await house.ask("How is annual leave requested?")
    house.generator.certainty = 9.0
    before = len(house.generator.prompts)
    await house.writes({"Canteen": CANTEEN})
    assert (await house.digest()).answered == ()
    assert len(house.generator.prompts) == before


async def test_a_digest_keeps_and_teaches_nothing(house: House, redis: Redis) -> None:
    """No turn, no trace, no gap and no signal comes of trying a question again."""
    house.generator.certainty = -9.0
    await house.ask(QUESTION)
    await house.writes({"Canteen": CANTEEN})
    house.generator.certainty = 9.0
    before = {key: await redis.dump(key) for key in await redis.keys("attune:*")}
    await house.digest()
    assert {key: await redis.dump(key) for key in await redis.keys("attune:*")} == before


async def test_gaps_of_all_are_grouped_for_operators(house: House) -> None:
    house.generator.certainty = -9.0
    await house.ask(QUESTION)
    await house.ask(QUESTION, BEN)
    (group,) = await house.engine.digests.gaps(START, house.now)
    assert (group.gaps[0].question, group.people) == (QUESTION, 2)
    assert await house.engine.digests.gaps(house.now, house.now + HOUR) == ()


async def test_whoever_wants_nothing_personal_hears_of_everything(house: House) -> None:
    await house.ask("How is annual leave requested in the calendar?")
    await house.engine.people.change(ANN, lambda old: replace(old, strength=0))
    since = house.now
    await house.writes({"Canteen": CANTEEN})
    assert [title for title, *_ in said(await house.digest(since=since))] == ["Canteen"]


async def test_an_interest_in_what_is_hidden_is_not_named_after_something_else(house: House) -> None:
    """In a channel it has the name of the channel's document; elsewhere its person's own words, and no document's."""
    inside = frozenset({"channel:slack/T1/G1", EVERYONE})
    await house.writes({"Printer": "Paper for the printer lies in the cupboard.", "Canteen": CANTEEN})
    await house.writes({"Merger": "The merger with Quagga closes on the ninth of May."}, ("channel:slack/T1/G1",))
    await house.ask("When does the merger with Quagga close?", channels=frozenset({"G1"}))
    for seen_by, name in ((inside, "Merger"), ({EVERYONE}, "merger")):
        (interest,) = (await house.engine.sources.profile(ANN, seen_by)).interests
        assert name in " ".join(interest.name)
    assert (interest.topics, interest.documents) == ((), ())
