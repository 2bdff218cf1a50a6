"""Texts from documents, over a real index and a real memory; only the two models are fakes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.domain import (
    EVERYONE,
    Answer,
    Conversation,
    CutOff,
    Decoding,
    Message,
    Mode,
    Outcome,
    Passage,
    Person,
    Piece,
    PortionStarted,
    Prompt,
    Verdicts,
)
from core.engine import AnswerLimits, Engine
from core.people.preferences import Format, Length, Preferences, Tone
from core.writing.limits import word_count
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN = Person("test", "w", "ann")
HERE = Conversation("test", "w", "here")
PAGES = {
    "Leave": ["Annual leave is twenty days.", "Sick leave needs a note.", "Parental leave is twenty weeks."],
    "Travel": ["Book travel with the agency.", "Keep every receipt of travel."],
    "Secret leave": ["Leave of the board is unlimited."],
}
READERS = {"Secret leave": ("person:test/w/zoe",)}


def passages() -> list[Passage]:
    return [
        Passage(
            f"00000000-0000-0000-{page:04}-{n:012}",
            f"/docs/{title.lower()}.md",
            title,
            (),
            text,
            n + 1,
            n,
            len(texts),
            "v",
            READERS.get(title, (EVERYONE,)),
        )
        for page, (title, texts) in enumerate(PAGES.items())
        for n, text in enumerate(texts)
    ]


@pytest.fixture
async def index():
    embedder = HashingEmbedder()
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        every = passages()
        await index.upsert(every, await embedder.embed([one.text for one in every]))
        yield index


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator(lambda _: "Hello team. Annual leave is twenty days. Sick leave needs a note. Bye all.")


def engine_of(index: QdrantIndex, redis: Redis, generator: ScriptedGenerator, limits: AnswerLimits) -> Engine:
    return Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=RedisMemory(redis),
        usage=RedisUsage(redis),
        generator=generator,
        limits=limits,
    )


@pytest.fixture
def engine(index: QdrantIndex, redis: Redis, generator: ScriptedGenerator) -> Engine:
    return engine_of(index, redis, generator, AnswerLimits(passages=2, relevance=0.1))


class Talk:
    """Somebody's messages, one after the other."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sent = 0

    async def say(self, text: str, **more: object) -> Answer:
        self.sent += 1
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.sent)
        message = Message(str(self.sent), HERE, ANN, text, at)
        *self.steps, last = [event async for event in self.engine.answer(message, **more)]
        assert isinstance(last, Answer)
        return last


async def test_a_text_is_made_of_a_whole_document_that_is_named(engine: Engine, generator: ScriptedGenerator) -> None:
    """All of its passages are read, in one prompt and in their order, and those that it rests on stand below."""
    answer = await Talk(engine).say("summarise the leave page")
    assert answer.is_text
    assert answer.outcome is Outcome.ANSWERED
    assert [part.text for part in generator.prompts[-1].passages] == ["\n\n".join(PAGES["Leave"])]
    assert [source.passage.text for source in answer.sources] == PAGES["Leave"][:2]


async def test_a_document_is_named_by_a_part_of_its_title(index: QdrantIndex, redis: Redis) -> None:
    """Where it is called a page or a guide: "the rail page" is "Rail contents"."""
    texts = ["Book the train early.", "Keep every receipt."]
    guide = [
        Passage(f"00000000-0000-0000-0008-{n:012}", "/docs/trains.md", "Rail contents", (), text, 1, n, 2, "v")
        for n, text in enumerate(texts)
    ]
    await index.upsert(guide, await HashingEmbedder().embed([f"rail {text}" for text in texts]))
    generator = ScriptedGenerator(lambda _: "- Book the train early.")
    await Talk(engine_of(index, redis, generator, AnswerLimits(relevance=0.1))).say(
        "turn the rail page into a checklist"
    )
    assert [part.text for part in generator.prompts[-1].passages] == ["\n\n".join(texts)]


async def test_only_what_is_about_a_topic_is_read(index: QdrantIndex, redis: Redis) -> None:
    """However few passages the search found."""
    generator = ScriptedGenerator(lambda _: "Annual leave is twenty days.")
    await Talk(engine_of(index, redis, generator, AnswerLimits(relevance=0.6))).say("draft an email about annual leave")
    assert {part.title for part in generator.prompts[-1].passages} == {"Leave"}


class Doubting(ScriptedGenerator):
    """Judges each passage by itself by whether it speaks of `word`, and all in one prompt with a yes."""

    def __init__(self, word: str) -> None:
        super().__init__(lambda _: "Annual leave is twenty days.")
        self.word = word
        self.judged: list[Prompt] = []

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        if decoding.mode is Mode.STUFFED:
            async for event in super().generate(prompt, decoding):
                yield event
            return
        self.judged.append(prompt)
        yield Verdicts(tuple(9.0 if self.word in one.text.lower() else -9.0 for one in prompt.passages))
        raise AssertionError("a verdict is all that was wanted")


async def test_what_does_not_hold_the_text_is_not_read_for_it(index: QdrantIndex, redis: Redis) -> None:
    """However well it was found: each document's passages are judged by themselves."""
    generator = Doubting("leave")
    engine = engine_of(index, redis, generator, AnswerLimits(relevance=0.0))
    answer = await Talk(engine).say("draft an email about annual leave and travel")
    assert {one.title for one in generator.judged[-1].passages} == {"Leave", "Travel"}
    assert {one.title for one in generator.prompts[-1].passages} == {"Leave"}
    assert {source.passage.title for source in answer.sources} == {"Leave"}


async def test_no_text_is_made_of_what_does_not_hold_it(index: QdrantIndex, redis: Redis) -> None:
    """Nothing is written, and what came nearest is named."""
    generator = Doubting("moon")
    answer = await Talk(engine_of(index, redis, generator, AnswerLimits(relevance=0.0))).say("draft a post about leave")
    assert answer.outcome is Outcome.NOT_FOUND
    assert answer.nearest
    assert generator.prompts == []


async def test_what_has_no_room_in_one_prompt_is_not_judged_at_once(index: QdrantIndex, redis: Redis) -> None:
    """A model of a small context judges the likeliest; the rest is judged with the notes on it."""
    generator = Doubting("leave")
    roomy = Doubting("leave")
    limits = AnswerLimits(relevance=0.0, history_tokens=0, decoding=Decoding(max_tokens=20))
    await Talk(engine_of(index, redis, roomy, limits)).say("draft an email about annual leave and travel")
    generator.context_tokens = 446  # beside the request there is room for one of the two
    answer = await Talk(engine_of(index, redis, generator, limits)).say("draft an email about annual leave and travel")
    assert answer.outcome is Outcome.ANSWERED
    assert [len(prompt.passages) for prompt in (*roomy.judged, *generator.judged)] == [2, 1]


async def test_a_document_that_is_named_is_not_doubted(index: QdrantIndex, redis: Redis) -> None:
    """Each of its passages says a part of what is to be told."""
    generator = Doubting("moon")
    answer = await Talk(engine_of(index, redis, generator, AnswerLimits(relevance=0.0))).say("summarise the leave page")
    assert answer.is_text
    assert generator.judged == []


async def test_a_text_is_made_only_of_what_its_readers_may_see(engine: Engine, generator: ScriptedGenerator) -> None:
    """A document for others is not read, however well it fits."""
    await Talk(engine).say("summarise secret leave")
    assert all("unlimited" not in part.text for prompt in generator.prompts for part in prompt.passages)


async def test_a_text_invents_nothing(engine: Engine, generator: ScriptedGenerator) -> None:
    """A number that nothing read states is left out, and is said to be."""
    generator.script = lambda _: "Annual leave is twenty days. The office costs 4711 euros."
    answer = await Talk(engine).say("draft an email about annual leave")
    assert "4711" not in answer.text
    assert answer.left_out


async def test_nothing_is_written_of_what_no_document_holds(engine: Engine, generator: ScriptedGenerator) -> None:
    """The verdict holds for texts, too."""
    generator.certainty = -20.0
    answer = await Talk(engine).say("draft an email about annual leave")
    assert answer.outcome is Outcome.NOT_FOUND


async def test_limits_are_kept(engine: Engine) -> None:
    """Whatever the model says: it ends with a whole sentence."""
    answer = await Talk(engine).say("draft an email about annual leave, max 8 words")
    assert answer.text == "Hello team. Annual leave is twenty days."


async def test_what_a_person_set_counts(engine: Engine, generator: ScriptedGenerator) -> None:
    """Tone and length of their texts are as they like them; a list is no e-mail."""
    chosen = Preferences(length=Length.SHORT, tone=Tone.FORMAL, format=Format.BULLETS)
    await engine.people.choose(ANN, chosen)
    await Talk(engine).say("draft an email about annual leave")
    said = generator.prompts[-1].person
    assert "At most 80 words" in said
    assert "Write formally" in said
    assert "bullet" not in said


async def test_the_last_text_is_made_shorter_again_and_again(engine: Engine, generator: ScriptedGenerator) -> None:
    """Each time it has fewer words than the last one, of the same request."""
    talk = Talk(engine)
    first = await talk.say("draft an email about annual leave")
    second = await talk.say("shorter")
    third = await talk.say("even shorter please")
    assert len(first.text) > len(second.text) >= len(third.text)
    assert second.is_text
    assert all("draft an email about annual leave" in prompt.question for prompt in generator.prompts)
    longer = await talk.say("longer")
    assert longer.text == first.text


async def test_a_re_working_keeps_to_the_last_text(engine: Engine, generator: ScriptedGenerator) -> None:
    """The model has it before it, and only a wish for another length changes how long it may be."""
    talk = Talk(engine)
    await talk.say("draft an email about annual leave")
    short = await talk.say("shorter")
    for wish in ("more formal", "in German", "try again"):
        generator.script = lambda _: "Annual leave is twenty days. Sick leave needs a note. Hello team. Bye all, anew."
        last = short
        short = await talk.say(wish)
        assert last.text in generator.prompts[-1].question
        assert word_count(short.text) > word_count(last.text) or short.text == last.text
        assert "words" not in generator.prompts[-1].person
        assert set(last.rests or ()) <= set(short.rests or ())


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("max 4 words", "At most 4 words."),
        ("in one sentence", "At most 1 sentence."),
        ("make the email shorter", "At most 12 words."),
        ("shorten it", "At most 12 words."),
        ("kürze die Nachricht auf 4 Wörter", "At most 4 words."),
        ("in 3 bullets", "At most 3 items."),
    ],
)
async def test_a_limit_alone_is_a_re_working(
    engine: Engine, generator: ScriptedGenerator, wish: str, said: str
) -> None:
    """It is no question, and the model is told of it."""
    talk = Talk(engine)
    first = await talk.say("draft an email about annual leave")
    answer = await talk.say(wish)
    assert answer.is_text
    assert first.text in generator.prompts[-1].question
    assert said in generator.prompts[-1].person
    assert word_count(answer.text) <= word_count(first.text)


async def test_a_text_of_before_can_be_reworked(engine: Engine, generator: ScriptedGenerator) -> None:
    """A button under it means that text, whatever was asked since; the next "shorter" means the new one."""
    talk = Talk(engine)
    await talk.say("draft an email about annual leave")
    trace = await engine.people.trace(ANN, "")
    await talk.say("who books travel?")
    answer = await talk.say("more formal", reworks=trace)
    assert answer.is_text
    assert "Write formally" in generator.prompts[-1].person
    await talk.say("who books travel?")
    await talk.say("shorter", reworks=trace)
    assert "At most 12 words." in generator.prompts[-1].person
    await talk.say("shorter")
    assert "annual leave" in generator.prompts[-1].question


async def test_a_long_document_is_read_in_parts(index: QdrantIndex, redis: Redis) -> None:
    """Notes on each part take the place of what does not fit, and the sources are the passages behind them."""
    generator = ScriptedGenerator(first_words)
    generator.context_tokens = 950
    long = [f"Step {name} of the launch. " + "filling " * 200 for name in ("alpha", "beta", "gamma", "delta")]
    every = [
        Passage(f"00000000-0000-0000-0009-{n:012}", "/docs/launch.md", "Launch", (), text, 1, n, len(long), "v")
        for n, text in enumerate(long)
    ]
    await index.upsert(every, await HashingEmbedder().embed(long))
    limits = AnswerLimits(relevance=0.1, history_tokens=0, decoding=Decoding(max_tokens=50))
    engine = engine_of(index, redis, generator, limits)
    talk = Talk(engine)
    answer = await talk.say("turn the launch guide into a checklist")
    parts = [step for step in talk.steps if isinstance(step, PortionStarted)]
    assert [step.number for step in parts] == list(range(1, len(parts) + 1))
    assert len(parts) > 1
    assert {source.passage.title for source in answer.sources} == {"Launch"}


async def test_where_hardly_anything_fits_no_notes_are_taken(index: QdrantIndex, redis: Redis) -> None:
    """What fits is read in one go, and how much does not is said."""
    generator = ScriptedGenerator(lambda _: "Step alpha of the launch.")
    generator.context_tokens = 600
    long = [f"Step {name} of the launch. " + "filling " * 100 for name in ("alpha", "beta", "gamma", "delta")]
    every = [
        Passage(f"00000000-0000-0000-0009-{n:012}", "/docs/launch.md", "Launch", (), text, 1, n, len(long), "v")
        for n, text in enumerate(long)
    ]
    await index.upsert(every, await HashingEmbedder().embed(long))
    limits = AnswerLimits(relevance=0.1, history_tokens=0, decoding=Decoding(max_tokens=50))
    answer = await Talk(engine_of(index, redis, generator, limits)).say("summarise the launch guide")
    assert len(generator.prompts) == 1
    assert answer.outcome is Outcome.ANSWERED
    assert 0 < answer.unread < len(long)


def first_words(prompt: Prompt) -> str:
    return "\n".join(f"- {' '.join(part.text.split()[:5])}" for part in prompt.passages)
