"""What a person can do about how they are answered: the real engine over real stores; only the models are fakes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from redis.asyncio import Redis

from bots import personal_texts, texts
from bots.dialogue import Dialogue
from bots.language import translated
from bots.replies import Final, Notice, PersonForgotten, Problem
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis import valkey
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.sources import topics_of
from core.domain import EVERYONE, Conversation, Hit, Message, Passage, Person, Sources
from core.engine import AnswerLimits, Engine
from core.people.feedback import Feedback, Verdict
from core.people.interests import Action, Reason, Signal, packed
from core.people.preferences import Language, Level, PreferenceKind, PreferenceOrigin
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("test", "w", "ann"), Person("test", "w", "ben")
HERE = Conversation("test", "w", "here")
START = datetime.now(UTC).replace(hour=6) - timedelta(days=2)  # what comes a day later is not in the future at any hour
TEXTS = {
    "Transit": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
    "Travel": "Book travel with the agency and keep every receipt for the voucher",
    "Leave": "Annual leave is requested in the calendar two weeks before",
    "Parking": "Transit passes and parking permits for the garage are given by facilities",
}


@pytest.fixture
async def index(qdrant_index: QdrantIndex) -> QdrantIndex:
    passages = [
        Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{title}.md", title, (), text, 1, 0, 1, "v")
        for n, (title, text) in enumerate(TEXTS.items())
    ]
    await qdrant_index.upsert(passages, await HashingEmbedder().embed(list(TEXTS.values())))
    return qdrant_index


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator()


@pytest.fixture
def memory(redis: Redis) -> RedisMemory:
    return RedisMemory(redis)


@pytest.fixture
def usage(redis: Redis) -> RedisUsage:
    return RedisUsage(redis)


@pytest.fixture
def engine(index: QdrantIndex, memory: RedisMemory, usage: RedisUsage, generator: ScriptedGenerator) -> Engine:
    limits = AnswerLimits(passages=2, relevance=0.15)
    embedder = HashingEmbedder()
    return Engine(embedder=embedder, index=index, memory=memory, usage=usage, generator=generator, limits=limits)


class Chat:
    """One person's messages, a minute apart."""

    def __init__(self, engine: Engine, person: Person = ANN) -> None:
        self.dialogue = Dialogue(engine)
        self.person = person
        self.sent = 0
        self.private = True

    async def say(self, text: str):
        self.sent += 1
        at = START + timedelta(minutes=10 * self.sent)
        asked = Message(f"{self.person.user}{self.sent}", HERE, self.person, text, at, private=self.private)
        *_, last = [reply async for reply in self.dialogue.respond(asked)]
        return last

    async def told(self, text: str) -> str:
        return (await self.say(text)).markdown


@pytest.fixture
def chat(engine: Engine) -> Chat:
    return Chat(engine)


async def test_every_change_is_confirmed_in_one_line_and_can_be_undone(chat: Chat, engine: Engine) -> None:
    """Whatever is set or said, one line confirms it, and undo leads back to where it was."""
    changes = [
        "/prefs length short",
        "/prefs level expert",
        "/prefs language de",
        "/prefs sources compact",
        "/prefs like worked examples",
        "/prefs avoid jargon",
        "/prefs say use metric units",
        "/prefs remove 2",
        "/prefs strength 80",
        "/prefs share on",
        "/prefs pause",
    ]
    states = [await engine.people.wishes(ANN)]
    for change in changes:
        assert "\n" not in await chat.told(change)
        states.append(await engine.people.wishes(ANN))
    assert states[-1].preferences.level is Level.EXPERT
    assert states[-1].preferences.language is Language.GERMAN
    assert [one.text for one in states[-1].stated] == ["worked examples", "use metric units"]
    assert (states[-1].strength, states[-1].shares, states[-1].paused) == (80, True, True)
    told = []
    for state in reversed(states[:-1]):
        told.append(await chat.told("/prefs undo"))
        assert await engine.people.wishes(ANN) == state
    assert told == [
        f"Done: {was}, as before."
        for was in (
            "learning is **on**",
            "taste sharing is **off**",
            "strength is **50**",
            "“avoid: jargon” is back",
            "“use metric units” is gone",
            "“avoid: jargon” is gone",
            "“like: worked examples” is gone",
            "sources is **full**",
            "language is **auto**",
            "level is **practitioner**",
            "length is **normal**",
        )
    ]
    assert await chat.told("/prefs undo") == personal_texts.NOTHING_TO_UNDO


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/prefs strenght 3", "Did you mean `/prefs strength`?"),
        ("/prefs strength 101", "0 to 100"),
        ("/prefs strength -1", "0 to 100"),
        ("/prefs strength many", "0 to 100"),
        ("/prefs language klingon", "`german`"),
        ("/prefs level guru", "`beginner`, `practitioner` or `expert`"),
        ("/prefs remove 7", "You haven't told me any."),
        ("/prefs remove", "Tell me the number of the one to remove"),
        ("👎 too lnog", "Did you mean `👎 too long`?"),
        ("👎 this is too long", "Did you mean `👎 too long`?"),
        ("/prefs like", "1 to 200 characters"),
        (f"/prefs say {'x' * 201}", "1 to 200 characters"),
        ("/prefs share maybe", "`on` or `off`"),
        ("/prefs import {}x", "`/prefs export`"),
        ("/recomend", "Did you mean `/recommend`?"),
    ],
)
async def test_what_is_mistyped_or_out_of_range_changes_nothing_and_names_the_range(
    chat: Chat, engine: Engine, text: str, hint: str
) -> None:
    """The nearest word, or the range, is named."""
    before = await engine.people.wishes(ANN)
    assert hint in await chat.told(text)
    assert await engine.people.wishes(ANN) == before


async def test_prefs_shows_what_is_set_said_and_learned(chat: Chat) -> None:
    """Everything stands at a glance."""
    await chat.say("How long does transit enrolment take?")
    await chat.say("/prefs like worked examples")
    shown = await chat.told("/prefs")
    assert "- length: short · **normal** · detailed" in shown
    assert "1. like: worked examples" in shown
    assert "learning: on, strength 50 of 100" in shown
    assert "1 interest from 1 of your actions" in shown


async def test_only_what_applies_reaches_the_model(chat: Chat, generator: ScriptedGenerator) -> None:
    """A preference enters the prompt where the question is about it, at most three do, and no fact ever does."""
    await chat.say("/prefs avoid travel by plane")
    await chat.say("/prefs say The transit enrolment takes ninety days")
    await chat.say("How long does transit enrolment take?")
    assert "plane" not in generator.prompts[-1].person
    assert "ninety" not in generator.prompts[-1].person
    await chat.say("How do I book travel with the agency?")
    assert "I want to avoid: travel by plane" in generator.prompts[-1].person
    for number in range(5):
        await chat.say(f"/prefs say answer in style {number}, short")
    await chat.say("How do I book travel with the agency?")
    assert generator.prompts[-1].person.count("answer in style") == 2
    assert "plane" in generator.prompts[-1].person


async def test_a_fact_is_kept_and_shown_and_said_to_be_of_no_effect(chat: Chat, engine: Engine) -> None:
    """Who states a fact is told that facts come from documents."""
    assert "I take facts only from the documents" in await chat.told("/prefs say The office is in Paris")
    (stated,) = (await engine.people.wishes(ANN)).stated
    assert stated.kind is PreferenceKind.FACT


async def test_why_tells_each_passage_and_only_its_asker(
    chat: Chat, engine: Engine, generator: ScriptedGenerator
) -> None:
    """The trace names what was read, how likely, and what it carried; nobody else gets it."""
    final = await chat.say("How long does transit enrolment take?")
    assert isinstance(final, Final)
    words = await chat.told(f"/why {final.answer}")
    assert "the first one, from *Transit*, gave the answer. The model is sure" in words
    assert "%" not in words
    assert await chat.told("/why") == words
    why = await chat.told(f"/why numbers {final.answer}")
    assert "Transit: " in why
    assert "% → " in why
    assert generator.protocol.calibration is not None
    held = f"{generator.protocol.calibration.held(generator.certainty):.0%}"
    assert f"100% of the answer comes from it; the model is {held} sure that it has the answer" in why
    assert f"The model is {held} sure that the documents have the answer." in why
    for said in ("numbers", " NUMBERS", "in numbers", "figures", "in Zahlen"):
        assert await chat.told(f"/why {said}") == why
    for command in ("why", "why numbers"):
        assert await Chat(engine, BEN).told(f"/{command} {final.answer}") == translated(personal_texts.NO_ANSWER)
    assert await chat.told("/why numbers 0000") == translated(personal_texts.NO_ANSWER)


async def test_in_a_shared_place_nothing_is_told_of_private_answers(chat: Chat) -> None:
    """Neither why nor the question again nor a source of what was asked in private is shown where others read."""
    final = await chat.say("How long does transit enrolment take?")
    chat.private = False
    for text in ("/why", f"/why {final.answer}", "/why numbers", "/plain", f"/plain {final.answer}"):
        assert await chat.told(text) == translated(personal_texts.NO_ANSWER)
    assert await chat.told("/open 1") == personal_texts.no_source(0)
    await chat.say("How do I book travel with the agency?")
    assert "Travel" in await chat.told("/why")


async def test_plain_answers_the_same_question_without_the_person(chat: Chat, generator: ScriptedGenerator) -> None:
    """Nothing that was set, said or learned is in the prompt, and nothing is learned."""
    await chat.say("/prefs length detailed")
    await chat.say("/prefs like transit maps")
    await chat.say("How long does transit enrolment take?")
    personal = generator.prompts[-1]
    before = await chat.dialogue.profile(ANN)
    again = await chat.say("/plain")
    assert isinstance(again, Final)
    assert generator.prompts[-1].question == personal.question
    assert generator.prompts[-1].turns == personal.turns
    assert "transit maps" in personal.person
    assert "transit maps" not in generator.prompts[-1].person
    assert "few sentences" in generator.prompts[-1].person
    assert (await chat.dialogue.profile(ANN)).events == before.events
    assert "without your preferences" in await chat.told(f"/why {again.answer}")


async def test_too_long_said_again_and_again_shortens_slowly(chat: Chat, generator: ScriptedGenerator) -> None:
    """One complaint changes nothing; the third does, it is shown, and a length that is set goes before."""
    for count in range(1, 4):
        final = await chat.say(f"How long does transit enrolment take for the {count}. time?")
        assert "one or two sentences" not in generator.prompts[-1].person
        at = START + timedelta(minutes=10 * chat.sent)
        await chat.dialogue.feedback(Feedback(ANN, final.answer, Verdict.DOWN, at, Reason.TOO_LONG))
    await chat.say("How long does transit enrolment take now?")
    assert "one or two sentences" in generator.prompts[-1].person
    assert "too long" in await chat.told("/prefs learned")
    await chat.say("/prefs length detailed")
    await chat.say("How long does transit enrolment take now?")
    assert "one or two sentences" not in generator.prompts[-1].person


async def test_a_thumb_down_is_a_gap_until_it_is_taken_back(chat: Chat, usage: RedisUsage) -> None:
    """What the documents lack is noted for the operator, once; a matter of form is not."""
    final = await chat.say("How long does transit enrolment take?")
    verdicts = [(Verdict.DOWN, None, 1), (Verdict.DOWN, Reason.WRONG, 1), (Verdict.DOWN, Reason.TOO_LONG, 0)]
    for verdict, reason, gaps in [*verdicts, (Verdict.DOWN, Reason.OUTDATED, 1), (Verdict.NONE, None, 0)]:
        await chat.dialogue.feedback(Feedback(ANN, final.answer, verdict, START, reason))
        assert [gap.question for gap in await usage.gaps()] == ["How long does transit enrolment take?"] * gaps


async def test_a_verdict_on_somebody_elses_answer_counts_for_nothing(chat: Chat, engine: Engine) -> None:
    """Only whoever asked can rate an answer."""
    final = await chat.say("How long does transit enrolment take?")
    notice = await chat.dialogue.feedback(Feedback(BEN, final.answer, Verdict.UP, START))
    assert notice == Notice(personal_texts.NOT_YOURS)
    assert (await engine.people.profile(BEN)).events == 0


async def test_thumbs_can_be_typed(chat: Chat, engine: Engine) -> None:
    """A thumb rates the last answer; a thumb with other words behind it is a question."""
    await chat.say("How long does transit enrolment take?")
    before = (await engine.people.profile(ANN)).interests[0]
    assert "too long" in await chat.told("👎 too long")
    assert await chat.told("👍🏽") == "Thanks, I'll remember that this helped."
    after = (await engine.people.profile(ANN)).interests[0]
    assert dict(after.acts)["up"] == 1
    assert "up" not in dict(before.acts)
    assert isinstance(await chat.say("👎 how long does transit enrolment take?"), Final)


async def test_a_typed_thumb_can_be_taken_back(chat: Chat, memory: RedisMemory) -> None:
    """Either thumb with "undo" behind it leads to the state before."""
    await chat.say("How long does transit enrolment take?")
    before = await memory.learned(ANN)
    for thumb in ("👍", "👎"):
        await chat.told("👎 not my topic")
        assert await memory.learned(ANN) != before
        assert await chat.told(f"{thumb} undo") == "Done. I've taken that back."
        assert await memory.learned(ANN) == before


async def test_what_comes_closest_is_opened_like_a_source(chat: Chat) -> None:
    """Where nothing was found, too, one may look for oneself."""
    final = await chat.say("Who painted sunflowers?")
    assert final.sources == ()
    first = final.nearest[0].passage
    assert await chat.dialogue.open_source(ANN, final.answer, 1) == first
    assert first.text in await chat.told("/open 1")
    assert "1 to 3" in await chat.told("/open 9")


async def test_a_source_is_opened_by_who_may_see_it(chat: Chat, engine: Engine, index: QdrantIndex) -> None:
    """Opening gives the passage and is learned from; a document that was closed meanwhile stays closed."""
    final = await chat.say("How long does transit enrolment take?")
    passage = await chat.dialogue.open_source(ANN, final.answer, 1)
    assert passage.text == TEXTS["Transit"]
    assert TEXTS["Transit"] in await chat.told("/open 1")
    assert dict((await engine.people.profile(ANN)).interests[0].acts)["opened"] == 1
    assert "1 to 1" in await chat.told("/open 9")
    closed = replace(passage, readers=("person:test/w/ben",))
    await index.upsert([closed], await HashingEmbedder().embed([passage.text]))
    assert await chat.dialogue.open_source(ANN, final.answer, 1) == Problem(personal_texts.SOURCE_GONE)
    assert await chat.dialogue.open_source(BEN, final.answer, 1) == Problem(personal_texts.SOURCE_GONE)


async def test_recommended_is_what_is_near_and_was_not_shown(chat: Chat) -> None:
    """Nothing is recommended to somebody unknown, and what was shown is not recommended."""
    assert await chat.told("/recommend") == personal_texts.NOTHING_TO_RECOMMEND
    await chat.say("How long does transit enrolment take?")
    shown = await chat.told("/recommend")
    assert "1. Parking" in shown
    assert "Transit.md" not in shown
    assert "close to your interest in Transit" in shown


async def test_an_interest_is_named_by_what_its_person_may_see(chat: Chat, index: QdrantIndex) -> None:
    """Titles near an interest name it, the same at each look; one that is closed to whoever looks is not among them."""
    await chat.say("How long does transit enrolment take?")
    text = "Transit enrolment takes how long?"
    closed = Passage(
        "00000000-0000-0000-0000-000000000077", "/x.md", "Bluebird", (), text, 1, 0, 1, "1", ("person:test/w/ben",)
    )
    await index.upsert([closed], await HashingEmbedder().embed([text]))
    shown = await chat.told("/prefs learned")
    assert "Transit: weight" in shown
    assert await chat.told("/prefs learned") == shown
    assert "Bluebird" not in shown + await chat.told("/recommend") + str(await chat.dialogue.profile(ANN))
    opened = replace(closed, readers=(EVERYONE,))
    await index.upsert([opened], await HashingEmbedder().embed([text]))
    assert "Bluebird" in await chat.told("/prefs learned")


async def test_an_interest_keeps_its_name_when_its_words_are_forgotten(chat: Chat) -> None:
    """Without words of the questions the documents name it still."""
    await chat.say("How long does transit enrolment take?")
    before = await chat.told("/prefs learned")
    await chat.say("/prefs forget history")
    assert await chat.told("/prefs learned") == before


def test_headings_name_what_one_document_holds() -> None:
    """Where all that is near stands in one document, its headings tell it; far passages name nothing."""

    def hit(number: int, title: str, heading: str, dense: float) -> Hit:
        passage = Passage(str(number), f"/{title}", title, (title, heading), "", 1, number, 9, "1")
        return Hit(passage, np.ones(1, np.float32), dense, 0.0)

    far = [hit(number, "Far", "Away", 0.2) for number in range(3, 9)]
    one = [hit(0, "Handbook", "Leave", 0.9), hit(1, "Handbook", "Laptops", 0.85), hit(2, "Handbook", "Leave", 0.8)]
    assert topics_of([*one, *far]) == ("Leave", "Laptops")
    assert topics_of([*one[:2], hit(2, "Security", "Keys", 0.8), *far]) == ("Handbook", "Security")
    assert topics_of([]) == ()


async def test_what_another_embedder_taught_recommends_nothing(chat: Chat, memory: RedisMemory) -> None:
    """Vectors of another length are near to nothing: no error, and what is learned from then on recommends."""
    old = Signal("old", Action.UP, START, packed(np.ones(3) / 3**0.5), phrases=("transit",))
    await memory.learn(ANN, [old])
    assert await chat.told("/recommend") == personal_texts.NOTHING_TO_RECOMMEND
    await chat.say("How long does transit enrolment take?")
    assert "1. Parking" in await chat.told("/recommend")


async def test_learned_interests_can_be_read_and_removed(chat: Chat, engine: Engine) -> None:
    """Each interest is told in words with why and since when, and goes when it is removed."""
    assert await chat.told("/prefs learned") == personal_texts.NOTHING_LEARNED
    await chat.say("How long does transit enrolment take?")
    await chat.say("How do I book travel with the agency?")
    shown = await chat.told("/prefs learned")
    assert "Transit: weight" in shown
    assert "Travel: weight" in shown
    assert f"since {START:%d %B %Y}, from 1 × question" in shown
    assert await chat.told("/prefs remove interest 1") == personal_texts.interest_removed(1)
    assert (await engine.people.profile(ANN)).events == 1
    assert len((await engine.people.profile(ANN)).interests) == 1


async def test_a_paused_person_is_not_learned_from(chat: Chat, engine: Engine) -> None:
    """Pause means that nothing new is learned; resume that it is again."""
    await chat.say("/prefs pause")
    final = await chat.say("How long does transit enrolment take?")
    notice = await chat.dialogue.feedback(Feedback(ANN, final.answer, Verdict.UP, START))
    assert notice == Notice(personal_texts.HEARD_WHILE_PAUSED)
    assert (await engine.people.profile(ANN)).events == 0
    await chat.say("/prefs resume")
    await chat.say("How long does transit enrolment take?")
    assert (await engine.people.profile(ANN)).events == 1


async def test_what_is_exported_and_imported_is_the_same_profile(chat: Chat, engine: Engine) -> None:
    """A profile moves whole: what is set, and what is learned to the last bit."""
    await chat.say("/prefs like worked examples")
    await chat.say("/prefs length short")
    final = await chat.say("How long does transit enrolment take?")
    await chat.dialogue.feedback(Feedback(ANN, final.answer, Verdict.UP, START + timedelta(days=1)))
    exported = await chat.told("/prefs export")
    json.loads(exported.partition("```json\n")[2].partition("\n```")[0])
    await Chat(engine, BEN).say(f"/prefs import {exported.partition('```json')[2]}")
    mine, other = await engine.people.profile(ANN), await engine.people.profile(BEN)
    assert replace(other.wishes, before=(), stated=()) == replace(mine.wishes, before=(), stated=())
    assert [replace(one, origin=PreferenceOrigin.SAID) for one in other.wishes.stated] == list(mine.wishes.stated)
    assert other.interests == mine.interests
    asked = [await engine.people.asker(person, plain=False) for person in (ANN, BEN)]
    assert asked[0].learned == asked[1].learned


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [('"vector": "h', '"vector": "hAAA'), ('"version": 1', '"version": 2'), ("{", "[")],
)
async def test_a_damaged_profile_is_refused_whole(chat: Chat, engine: Engine, whole: str, damaged: str) -> None:
    """What is no profile, or holds vectors that are none, changes nothing."""
    await chat.say("/prefs like worked examples")
    await chat.say("How long does transit enrolment take?")
    exported = await engine.people.export(ANN)
    assert whole in exported
    ben = Chat(engine, BEN)
    assert "isn't a profile that I exported" in await ben.told(f"/prefs import {exported.replace(whole, damaged, 1)}")
    assert (await engine.people.profile(BEN)).wishes.stated == ()


async def test_a_fact_cannot_be_imported_as_something_else(chat: Chat, engine: Engine) -> None:
    """What a preference is about is decided here, whatever a file says of it."""
    await chat.say("/prefs like worked examples")
    exported = (await engine.people.export(ANN)).replace("worked examples", "that the leave allowance is 90 days")
    assert await Chat(engine, BEN).told(f"/prefs import {exported}") == translated(personal_texts.IMPORTED)
    (stated,) = (await engine.people.wishes(BEN)).stated
    assert stated.kind is PreferenceKind.FACT


async def test_sources_are_listed_as_wished(chat: Chat) -> None:
    """Compact is one line, off is none."""
    await chat.say("/prefs sources compact")
    assert (await chat.say("How long does transit enrolment take?")).listing is Sources.COMPACT
    await chat.say("/prefs sources off")
    assert (await chat.say("How long does transit enrolment take?")).sources == ()


async def everything_in(redis: Redis, *, but: bytes = b"") -> dict[bytes, object]:
    """All keys with their values, whatever their kind."""
    return {key: await redis.dump(key) for key in await redis.keys("*") if not but or but not in key}


async def test_forgetting_leaves_no_trace_in_any_store(chat: Chat, engine: Engine, redis: Redis) -> None:
    """After everything that leaves a trace, no key and no value of any store names the person or quotes them."""
    ben = Chat(engine, BEN)
    await ben.say("How do I request annual leave in the calendar?")
    await chat.say("/prefs share on")
    await chat.say("/prefs like secretpreference")
    final = await chat.say("How long does transit enrolment take, secretword?")
    await chat.say("Who painted secretsunflowers?")
    await chat.dialogue.feedback(Feedback(ANN, final.answer, Verdict.DOWN, START, Reason.WRONG))
    await chat.dialogue.open_source(ANN, final.answer, 1)
    assert isinstance(await chat.say("/prefs forget everything"), PersonForgotten)
    for key in await redis.keys("*"):
        kind = await redis.type(key)
        held = repr(key) + repr(
            await {b"hash": redis.hgetall, b"string": redis.get}[kind](key)
            if kind != b"list"
            else await redis.lrange(key, 0, -1)
        )
        assert "ann" not in held.replace("annual", ""), held
        assert "secret" not in held
    assert (await engine.people.profile(BEN)).events == 1


@pytest.mark.parametrize("forget", ["/prefs forget everything", "/prefs forget history", "/forget everything"])
async def test_the_servers_file_forgets_too(chat: Chat, shared_data: Path, forget: str) -> None:
    """What the server appends to on the disk is written anew, without what was removed, within a moment."""
    kept = shared_data / valkey.NAME / "appendonlydir"
    await chat.say("Who painted secretsunflowers?")
    assert any(b"secretsunflowers" in file.read_bytes() for file in kept.iterdir())
    await chat.say(forget)
    for _ in range(100):
        if not any(b"secretsunflowers" in file.read_bytes() for file in kept.iterdir()):
            return
        await asyncio.sleep(0.05)
    pytest.fail("The question still stands in the file.")


async def test_parts_can_be_forgotten(chat: Chat, engine: Engine, redis: Redis) -> None:
    """Interests go without history, and history goes without interests, but with its words."""
    final = await chat.say("How long does transit enrolment take?")
    await chat.say("/prefs length short")
    assert isinstance(await chat.say("/prefs forget history"), PersonForgotten)
    assert await engine.people.trace(ANN, final.answer) is None
    profile = await engine.people.profile(ANN)
    assert (profile.events, profile.interests[0].phrases) == (1, ())
    assert not any(b"turns" in key for key in await redis.keys("*"))
    await chat.say("/prefs forget interests")
    assert (await engine.people.profile(ANN)).events == 0
    assert (await engine.people.wishes(ANN)).preferences.length == "short"
    assert "/prefs forget interests" in await chat.told("/prefs forget")


async def test_help_and_overview_name_what_there_is(chat: Chat) -> None:
    """Help lists the commands; the overview says how to change what it shows."""
    shown = await chat.told("/help")
    assert all(f"`/{name}`" in shown for name in ("prefs", "why", "plain", "recommend", "open", "forget"))
    assert translated(texts.PREFS_HINT) in await chat.told("/prefs")
