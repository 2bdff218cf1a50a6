"""What was said before is decided anew: who left a channel sees nothing of it, and what was redacted is nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from bots import personal_texts
from bots.dialogue import Dialogue
from bots.replies import Problem
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.conversations import RESTS, rests_of
from core.answering.retrieval import merge_neighbours
from core.answering.sources import as_it_stands
from core.domain import Conversation, Message, Passage, Person, Prompt, RankedPassage, Turn
from core.engine import AnswerLimits, Engine
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("slack", "T1", "ANN"), Person("slack", "T1", "BEN")
AT = datetime(2026, 1, 1, tzinfo=UTC)
CLOSED = ("channel:slack/T1/G1",)
HOME = Conversation("slack", "T1", "D1", "1")
QUESTION = "How large is the severance budget of project bluebird?"
CLOSED_TEXT = "The severance budget of project bluebird is ninety thousand moonstones"
REDACTED = "The severance budget of project bluebird is told by the board alone"
FOLLOW_UPS = (
    "shorter",
    "tell me more",
    "go on",
    "and for contractors?",
    "put it in a table",
    "what did I ask before?",
    "/why",
    "/open 1",
    "/plain",
    "/recommend",
    "/prefs learned",
    "/prefs export",
    QUESTION,
)


def secret(
    text: str = CLOSED_TEXT, *, version: str = "1", readers: tuple[str, ...] = CLOSED, number: int = 1
) -> Passage:
    name = f"00000000-0000-0000-0000-{number:012}"
    return Passage(name, "/hr/bluebird.md", "Bluebird", ("Moonstones",), text, 1, 0, 1, version, readers)


def echo(prompt: Prompt) -> str:
    """Repeats whatever it was told before, then what it reads: as leaky as a model can be."""
    told = [turn.answer for turn in prompt.turns]
    return " ".join([*told, prompt.begun, *(passage.text for passage in prompt.passages)]).strip()


@dataclass
class House:
    """The engine, and one person who talks to it in private."""

    engine: Engine
    index: QdrantIndex
    generator: ScriptedGenerator
    memory: RedisMemory
    channels: frozenset[str] = frozenset({"G1"})
    place: Conversation = HOME
    said: list[str] = field(default_factory=list)
    sent: int = 0

    def message(self, text: str) -> Message:
        self.sent += 1
        at = AT + timedelta(minutes=10 * self.sent)
        return Message(f"m{self.sent}", self.place, ANN, text, at, private=True, channels=self.channels)

    async def say(self, text: str) -> str:
        """All that is shown for a message, the status and the sources, too."""
        shown = [repr(reply) async for reply in Dialogue(self.engine).respond(self.message(text))]
        self.said.append("\n".join(shown))
        return self.said[-1]

    async def put(self, *passages: Passage) -> None:
        texts = [passage.text for passage in passages]
        await self.index.upsert(passages, await HashingEmbedder().embed(texts))

    async def redact(self, text: str = REDACTED) -> None:
        """The file was changed and ingested again."""
        await self.put(secret(text, version="2", number=2))
        await self.index.remove("/hr/bluebird.md", keep_version="2")


@pytest.fixture
async def house(redis: Redis, qdrant_index: QdrantIndex) -> AsyncIterator[House]:
    generator, memory = ScriptedGenerator(echo), RedisMemory(redis)
    engine = Engine(
        embedder=HashingEmbedder(),
        index=qdrant_index,
        memory=memory,
        usage=RedisUsage(redis),
        generator=generator,
        limits=AnswerLimits(passages=2, relevance=0.15),
    )
    built = House(engine, qdrant_index, generator, memory)
    other = "Contractors and the budget: how large a budget is, contractors ask their lead"
    open_to_all = replace(secret(other, readers=("everyone",), number=9), source="/all.md", title="All", headings=())
    await built.put(secret(), open_to_all)
    return built


async def asked(house: House) -> str:
    """Ask what only the channel may know; the name of the answer."""
    assert "moonstones" in await house.say(QUESTION)
    house.generator.prompts.clear()
    return (await house.engine.people.trace(ANN)).answer


def leaked(house: House, shown: str, word: str = "moonstones") -> bool:
    """Whether `word` is in what was shown, or in what the model was told."""
    return word in shown.lower() or word in repr(house.generator.prompts).lower()


@pytest.mark.parametrize("text", FOLLOW_UPS)
@pytest.mark.parametrize("change", ["left", "redacted", "removed", "closed"])
async def test_nothing_is_shown_of_what_may_not_be_seen_any_more(house: House, change: str, text: str) -> None:
    """Neither a command, nor a re-wording, nor a follow-up brings back what was answered before."""
    answer = await asked(house)
    if change == "left":
        house.channels = frozenset()
    elif change == "redacted":
        await house.redact()
    elif change == "removed":
        await house.index.remove("/hr/bluebird.md")
    else:
        await house.put(secret(readers=("person:slack/T1/BEN",)))
    shown = await house.say(text)
    assert not leaked(house, shown, "ninety thousand")
    if change != "redacted":  # then the document is there, under the same name and heading
        assert not leaked(house, shown)
        assert "bluebird.md" not in shown.lower()
    assert await Dialogue(house.engine).open_source(ANN, answer, 1, looking=house.message("")) == Problem(
        personal_texts.SOURCE_GONE
    )


async def test_who_belongs_to_the_channel_goes_on_as_before(house: House) -> None:
    """Where nothing changed, the answer before is heard, opened and explained."""
    answer = await asked(house)
    opened = await Dialogue(house.engine).open_source(ANN, answer, 1, looking=house.message(""))
    assert opened == secret()
    assert "Moonstones" in await house.say("/why")
    await house.say("and for contractors?")
    assert house.generator.prompts[-1].turns[0].answer.startswith(CLOSED_TEXT)


@pytest.mark.parametrize("looking", [True, False])
async def test_without_a_place_no_channel_is_known(house: House, looking: bool) -> None:  # noqa: FBT001
    """Who does not say where they look sees what they may see alone."""
    answer = await asked(house)
    told = house.message("") if looking else None
    found = await house.engine.sources.open(ANN, answer, 1, AT, looking=told)
    assert (found is not None) == looking


async def test_an_unchanged_passage_of_a_changed_document_opens(house: House) -> None:
    """What stands there is shown as it stands in the document of today, under its headings of today."""
    answer = await asked(house)
    before, kept = secret("Another section", version="2", number=3), secret(version="2", number=4)
    await house.put(replace(before, total=2, headings=("News",)), replace(kept, ordinal=1, total=2, line=9))
    await house.index.remove("/hr/bluebird.md", keep_version="2")
    opened = await house.engine.sources.open(ANN, answer, 1, AT, looking=house.message(""))
    assert (opened.line, opened.version, opened.text) == (9, "2", CLOSED_TEXT)


async def test_a_heading_that_was_redacted_is_shown_no_more(house: House) -> None:
    """The text is the same, what stands over it is not: neither a source nor `/why` shows the old heading."""
    answer = await asked(house)
    await house.put(replace(secret(version="2", number=5), headings=("Quiet",)))
    await house.index.remove("/hr/bluebird.md", keep_version="2")
    assert await house.engine.sources.open(ANN, answer, 1, AT, looking=house.message("")) is None
    assert "Moonstones" not in await house.say("/why")


async def test_neighbours_that_were_read_as_one_open_as_one(qdrant_index: QdrantIndex) -> None:
    """Where one of them changed, none is shown."""
    parts = [
        replace(secret(text, number=number), headings=headings, ordinal=number, total=4)
        for number, (text, headings) in enumerate(
            [("First", ("A",)), ("Second", ("A",)), ("Third", ("B",)), ("Fourth", ("B",))]
        )
    ]
    await qdrant_index.upsert(parts, await HashingEmbedder().embed([part.text for part in parts]))
    for first, last in ((0, 2), (1, 3), (0, 4), (2, 4)):
        read = [RankedPassage(part, float(part.ordinal == 2), 0.5, 0.0) for part in parts[first:last]]
        (row,) = merge_neighbours(read)
        assert row.parts == tuple(parts[first:last])
        found = await as_it_stands(row.passage, qdrant_index, set(CLOSED))
        assert (found.text, found.heading_path) == (row.passage.text, row.passage.heading_path)
    changed = replace(parts[3], text="Another")
    await qdrant_index.upsert([changed], await HashingEmbedder().embed([changed.text]))
    assert await as_it_stands(row.passage, qdrant_index, set(CLOSED)) is None


def test_an_answer_rests_on_what_the_turns_before_it_rest_on() -> None:
    """What was told once and repeated is followed back; where that is too far, it is known not to be."""
    rows = [RankedPassage(secret(number=number), 1.0, 0.5, 0.0) for number in range(3)]
    first = rests_of(rows[:1], [])
    second = rests_of(rows[1:2], [Turn(ANN, "?", "!", AT, first)])
    third = rests_of(rows[2:], [Turn(ANN, "?", "!", AT, second)])
    assert first is not None
    assert second is not None
    assert third is not None
    assert set(first) < set(second) < set(third)
    long = tuple(str(number) for number in range(2 * RESTS))
    assert rests_of(rows, [Turn(ANN, "?", "!", AT, long)]) is None


def test_an_answer_rests_on_all_that_was_read_for_it() -> None:
    """However long the documents are that a text was made from: the last passage may be what is revoked."""
    rows = [RankedPassage(secret(number=number), 1.0, 0.5, 0.0) for number in range(3 * RESTS)]
    assert len(rests_of(rows, []) or ()) == len(rows)


async def test_a_turn_from_before_this_was_kept_is_not_repeated(house: House) -> None:
    """Nobody knows what it rests on: its question counts, its answer does not."""
    await house.memory.append(HOME, Turn(ANN, QUESTION, CLOSED_TEXT, AT))
    house.channels = frozenset()
    assert not leaked(house, await house.say("and for contractors?"), "ninety")


async def test_what_somebody_else_was_shown_in_private_opens_for_nobody(house: House) -> None:
    """A name of an answer, however somebody came by it, opens nothing where that answer was not shown."""
    answer = await asked(house)
    for place in ("C1", "G1", "D2"):
        where = Conversation("slack", "T1", place)
        looking = Message("x", where, BEN, "", AT, private=True, channels=frozenset({"G1"}))
        assert await house.engine.sources.look_at(ANN, answer, 1, looking=looking) is None
        assert await house.engine.sources.look_at(ANN, "", 1, looking=looking) is None


async def test_an_answer_in_a_channel_opens_for_its_readers_as_long_as_they_belong_to_it(house: House) -> None:
    """Whoever reads it may read on; who left may not, nor in another place."""
    there = Conversation("slack", "T1", "G1", "1")
    *_, answer = [event async for event in house.engine.answer(Message("q", there, ANN, QUESTION, AT))]
    for channels, place, opens in (({"G1"}, "G1", True), (set(), "G1", False), ({"G1", "C2"}, "C2", False)):
        where = Conversation("slack", "T1", place)
        looking = Message("x", where, BEN, "", AT, private=True, channels=frozenset(channels))
        found = await house.engine.sources.look_at(ANN, answer.id, 1, looking=looking)
        assert (found is not None) == opens


async def test_the_name_of_an_answer_is_nobodys_to_guess(house: House, redis: Redis) -> None:
    """Another installation names the answer to the same message otherwise; every process of this one alike."""
    message = house.message("?")
    here = await house.engine.conversations.answer_id(message)
    again = await RedisMemory(redis).answer_key()
    assert await house.memory.answer_key() == again
    assert len(again) == 32
    await redis.flushall()
    assert await RedisMemory(redis).answer_key() != again
    other = Engine(
        embedder=HashingEmbedder(),
        index=house.index,
        memory=RedisMemory(redis),
        usage=RedisUsage(redis),
        generator=house.generator,
        limits=AnswerLimits(),
    )
    assert await other.conversations.answer_id(message) != here
    assert await house.engine.conversations.answer_id(message) == here


STEPS = st.lists(
    st.sampled_from(["leave", "join", "redact", "restore", "remove", "close", *FOLLOW_UPS]), min_size=3, max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, thread=st.uuids())
async def test_whatever_happens_between_nothing_is_shown(house: House, steps: list[str], thread: object) -> None:
    """Random steps of one person's conversation: while they may not see the words, these are shown nowhere."""
    house.place = replace(HOME, thread=str(thread))
    house.channels = frozenset({"G1"})
    await house.index.remove("/hr/bluebird.md")
    await house.put(secret())
    await house.say(QUESTION)
    state = {"inside": True, "text": True, "open": True}
    for step in steps:
        if step in {"leave", "join"}:
            state["inside"] = step == "join"
            house.channels = frozenset({"G1"}) if state["inside"] else frozenset()
        elif step == "redact":
            await house.redact()
            state |= {"text": False, "open": True}
        elif step in {"restore", "close"}:
            await house.index.remove("/hr/bluebird.md")
            await house.put(secret(readers=CLOSED if step == "restore" else ("person:slack/T1/BEN",)))
            state |= {"text": True, "open": step == "restore"}
        elif step == "remove":
            await house.index.remove("/hr/bluebird.md")
            state["text"] = False
        else:
            house.generator.prompts.clear()
            shown = await house.say(step)
            assert all(state.values()) or not leaked(house, shown, "ninety thousand"), step
