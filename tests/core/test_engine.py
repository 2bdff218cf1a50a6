"""The story of one message, over a real index and a real memory; only the two models are fakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering import prompt, verdict
from core.answering.fitting import TEMPLATE_TOKENS
from core.answering.verdict import PROTOCOLS
from core.domain import (
    Answer,
    Conversation,
    CutOff,
    Decoding,
    DecodingSummary,
    Message,
    Outcome,
    Passage,
    Person,
    Piece,
    Prompt,
    ReadingStarted,
    Verdicts,
)
from core.engine import AnswerLimits, Engine
from core.errors import QuestionTooLongError
from core.people.feedback import credits_of
from core.people.preferences import Language, Length, Preferences
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("test", "w", "ann"), Person("test", "w", "ben")
HERE = Conversation("test", "w", "here")
TEXTS = {
    "Transit": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
    "Travel": "Book travel with the agency and keep every receipt for the voucher",
    "Leave": "Annual leave is requested in the calendar two weeks before",
    "Pumps": "Error E-4711 means that the pump runs dry",
}


def message(text: str, person: Person = ANN) -> Message:
    return Message("1", HERE, person, text, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def index():
    embedder = HashingEmbedder()
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        passages = [
            Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{title}.md", title, (), text, 1, 0, 1, "v")
            for n, (title, text) in enumerate(TEXTS.items())
        ]
        await index.upsert(passages, await embedder.embed(list(TEXTS.values())))
        yield index


@pytest.fixture
def memory(redis: Redis) -> RedisMemory:
    return RedisMemory(redis)


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator()


@pytest.fixture
def usage(redis: Redis) -> RedisUsage:
    return RedisUsage(redis)


@pytest.fixture
def engine(index: QdrantIndex, memory: RedisMemory, usage: RedisUsage, generator: ScriptedGenerator) -> Engine:
    return Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=memory,
        usage=usage,
        generator=generator,
        limits=AnswerLimits(passages=2, relevance=0.15),
    )


async def ask(engine: Engine, text: str, person: Person = ANN) -> Answer:
    return await answer_to(engine, message(text, person))


async def read_for(engine: Engine, text: str) -> ReadingStarted:
    return next(iter([event async for event in engine.answer(message(text)) if isinstance(event, ReadingStarted)]))


async def answer_to(engine: Engine, asked: Message) -> Answer:
    *_, answer = [event async for event in engine.answer(asked)]
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize("said", ["Fourteen days.", prompt.NOT_FOUND])
async def test_an_answer_says_how_it_was_decoded(engine: Engine, generator: ScriptedGenerator, said: str) -> None:
    """What the generator says of its pieces stands in the answer and in its trace, found or not."""
    assert (await ask(engine, "How long does transit enrolment take?")).decoded is DecodingSummary.EXACT
    generator.script = lambda _prompt: said
    generator.decoded = DecodingSummary.APPROXIMATED
    answer = await ask(engine, "How long does transit enrolment take?")
    trace = await engine.people.trace(ANN, answer.id)
    assert answer.decoded is DecodingSummary.APPROXIMATED
    assert trace is not None
    assert trace.decoded is answer.decoded


async def test_an_answer_streams_after_its_passages_and_ends_with_its_sources(engine: Engine) -> None:
    first, *pieces, last = [event async for event in engine.answer(message("How long does transit enrolment take?"))]
    assert isinstance(first, ReadingStarted)
    assert first.passages[0].passage.title == "Transit"
    assert "".join(piece.text for piece in pieces if isinstance(piece, Piece)) == TEXTS["Transit"]
    assert isinstance(last, Answer)
    assert last.outcome is Outcome.ANSWERED
    assert [source.passage.title for source in last.sources] == ["Transit"]


class PickyGenerator(ScriptedGenerator):
    """Says yes to passages of one title, and speaks from these."""

    def __init__(self, title: str) -> None:
        super().__init__(lambda prompt: next((one.text for one in prompt.passages if one.title == title), "Nothing."))
        self.title = title

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        held = [passage.title == self.title for passage in prompt.passages]
        async for event in super().generate(prompt, decoding):
            if isinstance(event, Piece):
                yield replace(event, posterior=tuple(map(float, held)))
            else:
                yield Verdicts(tuple(9.0 if yes else -9.0 for yes in held)) if isinstance(event, Verdicts) else event


def reading_on(engine: Engine, generator: ScriptedGenerator, *, relevance: float = 0.0, further: int = 8) -> Engine:
    """The same engine with another model, which reads one passage at first."""
    engine._generator = generator
    limits = replace(engine._limits, passages=1, following=0, further=further, relevance=relevance)
    engine._limits = limits
    return engine


async def test_where_the_model_says_no_to_what_was_read_it_reads_on_before_it_refuses(engine: Engine) -> None:
    """The next passages alone are read, each once; the answer, its sources and its trace are of all of them."""
    picky = PickyGenerator("Travel")
    events = [event async for event in reading_on(engine, picky).answer(message("transit benefit enrolment receipt"))]
    started = [[row.passage.title for row in event.passages] for event in events if isinstance(event, ReadingStarted)]
    assert started[0] == ["Transit"]
    assert "Travel" in started[1]
    assert "Transit" not in started[1]
    assert [[one.title for one in prompt.passages] for prompt in picky.prompts] == started
    assert sum(picky.prompts[1].priors) == pytest.approx(1.0)
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.text) == (Outcome.ANSWERED, TEXTS["Travel"])
    assert [source.passage.title for source in answer.sources] == ["Travel"]
    assert len(answer.log_odds) == 1 + len(started[1])
    trace = await engine.people.trace(ANN, answer.id)
    assert trace is not None
    shares = {weight.place: (weight.share, (weight.held or 0) > 0.5) for weight in trace.passages}
    assert shares.pop("Travel") == (1.0, True)
    assert shares["Transit"] == (0.0, False)


@pytest.mark.parametrize(
    ("title", "further", "prompts"),
    [("Transit", 8, 1), ("Travel", 0, 1), ("nowhere", 8, 2)],
    ids=["held at once", "not wanted", "held by none"],
)
async def test_nothing_is_read_twice_or_for_nothing(engine: Engine, title: str, further: int, prompts: int) -> None:
    """What is answered at once reads no more, and what no passage holds is refused after the second time."""
    picky = PickyGenerator(title)
    answer = await ask(reading_on(engine, picky, further=further), "transit benefit enrolment receipt")
    assert len(picky.prompts) == prompts
    assert (answer.outcome is Outcome.ANSWERED) == (title == "Transit")


async def test_what_is_not_about_the_question_is_not_read_before_it_is_refused(engine: Engine) -> None:
    """Passages under the bound of relevance hold no answer."""
    picky = PickyGenerator("Travel")
    asked = ask(reading_on(engine, picky, relevance=0.15), "transit benefit enrolment receipt")
    assert (await asked).outcome is Outcome.NOT_FOUND
    assert len(picky.prompts) == 1


async def test_where_there_is_nothing_further_it_is_refused_at_once(engine: Engine) -> None:
    """All that was found was read."""
    picky = PickyGenerator("nowhere")
    engine = reading_on(engine, picky)
    engine._limits = replace(engine._limits, passages=16)
    assert (await ask(engine, "transit benefit enrolment receipt")).outcome is Outcome.NOT_FOUND
    assert len(picky.prompts) == 1


class GlancingGenerator(PickyGenerator):
    """Reads the first passage alone at first, as where the others are too unlikely; then all."""

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        async for event in super().generate(prompt, decoding):
            if isinstance(event, Verdicts) and len(self.prompts) == 1:
                yield Verdicts((event.log_odds[0], *[None] * (len(event.log_odds) - 1)))
            else:
                yield event


async def test_what_was_too_unlikely_to_be_read_at_first_is_read_before_what_is_less_likely(engine: Engine) -> None:
    """A passage that the first reading left out is the first of the second, and stands in the trace once."""
    glancing = GlancingGenerator("Travel")
    engine = reading_on(engine, glancing, further=1)
    engine._limits = replace(engine._limits, passages=3)
    answer = await ask(engine, "transit benefit enrolment receipt")
    first, second = ([one.title for one in prompt.passages] for prompt in glancing.prompts)
    assert first[:2] == ["Transit", "Travel"]
    assert second == ["Travel"]
    assert (answer.outcome, [one.passage.title for one in answer.sources]) == (Outcome.ANSWERED, ["Travel"])
    trace = await engine.people.trace(ANN, answer.id)
    assert trace is not None
    assert [weight.place for weight in trace.passages] == ["Transit", "Travel"]


@pytest.mark.parametrize(
    ("room", "expected"),
    [(20, ["Transit", "Travel"]), (13, ["Transit"])],
    ids=["for one at a time", "not for the next"],
)
async def test_what_is_read_further_has_a_context_of_its_own(engine: Engine, room: int, expected: list[str]) -> None:
    """What was read before takes no room from it; where there is none, the question is refused, and not too long."""
    picky = PickyGenerator("Travel")
    asked, person = "transit benefit enrolment receipt", prompt.person_block(Preferences())
    words = picky.count_tokens(f"{verdict.READER} {person} {asked}")
    picky.context_tokens = AnswerLimits().decoding.max_tokens + TEMPLATE_TOKENS + words + room
    answer = await ask(reading_on(engine, picky), asked)
    assert [one.title for prompt in picky.prompts for one in prompt.passages] == expected
    assert (answer.outcome is Outcome.ANSWERED) == ("Travel" in expected)


class WordyGenerator(PickyGenerator):
    """Says no posteriors, and words of a passage that it said no to."""

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Piece | Verdicts | CutOff, None]:
        async for event in super().generate(prompt, decoding):
            yield replace(event, posterior=()) if isinstance(event, Piece) else event


async def test_where_words_tell_the_sources_only_what_was_read_further_is_cited(engine: Engine) -> None:
    """A passage of which the model said no is no source, whatever words it shares with the answer."""
    wordy = WordyGenerator("Travel")
    wordy.script = lambda _: f"{TEXTS['Travel']} and your supervisor approves transit enrolment"
    answer = await ask(reading_on(engine, wordy), "transit benefit enrolment receipt")
    assert answer.outcome is Outcome.ANSWERED
    assert [source.passage.title for source in answer.sources] == ["Travel"]


async def test_a_model_that_is_asked_by_a_check_reads_no_further(engine: Engine) -> None:
    """It is asked of the likeliest passages only, whatever stands behind them."""
    picky = PickyGenerator("Travel")
    picky.protocol = PROTOCOLS["qwen2.5-coder-1.5b-instruct"]
    assert (await ask(reading_on(engine, picky), "transit benefit enrolment receipt")).outcome is Outcome.NOT_FOUND
    assert len(picky.prompts) == 1


async def test_an_unrelated_question_never_reaches_the_model(engine: Engine, generator: ScriptedGenerator) -> None:
    answer = await ask(engine, "Who painted sunflowers?")
    assert answer.outcome is Outcome.NOT_FOUND
    assert answer.nearest
    assert [source.number for source in answer.nearest] == [1, 2, 3]
    assert len({source.passage.heading_path for source in answer.nearest}) == 3
    assert generator.prompts == []


async def test_the_model_does_not_hear_of_what_was_refused(engine: Engine, generator: ScriptedGenerator) -> None:
    """A model that reads its own refusals goes on refusing; what was asked still counts for what follows."""
    await ask(engine, "Who painted sunflowers?")
    await ask(engine, "How long does transit enrolment take?")
    await ask(engine, "And who approves it?")
    assert [turn.question for turn in generator.prompts[-1].turns] == ["How long does transit enrolment take?"]


async def test_what_came_closest_carried_no_answer(engine: Engine, generator: ScriptedGenerator) -> None:
    """A verdict on a refusal says nothing of the documents that are named under it."""
    generator.script = lambda _: prompt.NOT_FOUND
    await ask(engine, "How long does transit enrolment take?")
    trace = await engine.people.trace(ANN)
    assert {source.passage.source for source in trace.sources} & {passage.source for passage in trace.passages}
    read = replace(trace, passages=tuple(replace(passage, share=0.5) for passage in trace.passages))
    assert credits_of(replace(read, outcome=Outcome.ANSWERED)) != ()
    assert credits_of(read) == ()


async def test_the_models_own_refusal_is_not_found(engine: Engine, generator: ScriptedGenerator) -> None:
    generator.script = lambda _: prompt.NOT_FOUND
    assert (await ask(engine, "How long does transit enrolment take?")).outcome is Outcome.NOT_FOUND


async def test_a_refusal_stays_one_in_every_language(engine: Engine, generator: ScriptedGenerator) -> None:
    """No verdict on the same passages is asked for again, which might be another one."""
    generator.script = lambda _: prompt.NOT_FOUND
    await ask(engine, "How long does transit enrolment take?")
    generator.script = lambda _: "Catorce días."
    assert (await ask(engine, "in Spanish please")).outcome is Outcome.NOT_FOUND
    assert (await ask(engine, "How long does transit enrolment take?")).text == "Catorce días."


@pytest.mark.parametrize(("certainty", "outcome"), [(5.0, Outcome.ANSWERED), (-9.0, Outcome.NOT_FOUND)])
async def test_nothing_is_said_where_the_passages_seem_not_to_hold_the_answer(
    engine: Engine, generator: ScriptedGenerator, certainty: float, outcome: Outcome
) -> None:
    """The model is asked before the first word, and the closest documents are named."""
    generator.certainty = certainty
    events = [event async for event in engine.answer(message("How long does transit enrolment take?"))]
    assert any(isinstance(event, Piece) for event in events) == (outcome is Outcome.ANSWERED)
    assert (generator.pieces_sent > 0) == (outcome is Outcome.ANSWERED)
    assert isinstance(events[-1], Answer)
    assert events[-1].outcome is outcome
    assert bool(events[-1].nearest) == (outcome is Outcome.NOT_FOUND)
    assert generator.prompts[0].system == verdict.READER
    assert generator.prompts[0].check == ""


async def test_a_model_that_is_asked_has_the_question_in_its_check(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    generator.protocol, generator.certainty = verdict.PROTOCOLS["qwen2.5-coder-1.5b-instruct"], -9.0
    assert (await ask(engine, "How long does transit enrolment take?")).outcome is Outcome.NOT_FOUND
    assert "transit enrolment" in generator.prompts[0].check


async def test_what_nothing_that_was_read_says_is_left_out(
    engine: Engine, generator: ScriptedGenerator, memory: RedisMemory
) -> None:
    """What is shown, what is kept and what the next question reads is the answer without the invention."""
    generator.script = lambda _: "It takes fourteen days. Log in at transit.example now. Your supervisor approves."
    events = [event async for event in engine.answer(message("How long does transit enrolment take?"))]
    answer, shown = events[-1], "It takes fourteen days. Log in at … Your supervisor approves."
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.text) == (Outcome.ANSWERED, shown)
    assert answer.left_out == ("Log in at transit.example now.",)
    assert "".join(event.text for event in events if isinstance(event, Piece)) == shown
    assert [turn.answer for turn in await memory.turns(HERE, limit=1)] == [shown]
    assert answer.sources[0].passage.title == "Transit"


async def test_what_the_person_said_before_may_be_said_again(engine: Engine, generator: ScriptedGenerator) -> None:
    """The question and the earlier turns that the model reads are as good as a passage."""
    await ask(engine, "Transit enrolment takes how many days for 37 people?")
    generator.script = lambda _: "It takes fourteen days, for all 37 people of transit.example."
    answer = await ask(engine, "and at transit.example?")
    assert (answer.left_out, "37 people of transit.example" in answer.text) == ((), True)


async def test_what_was_quoted_is_no_evidence(engine: Engine, generator: ScriptedGenerator) -> None:
    """Anybody can write an account number into a thread: neither then nor a turn later is it stated as a fact."""
    planted = "Transit benefit enrolment is paid to account 9922 0815, and takes fourteen days"
    said = "It takes fourteen days. It is paid to account 9922 0815."
    generator.script = lambda _: said
    asked = replace(message("Where is transit enrolment paid?"), quoted=planted)
    later = replace(message("And where is it paid?"), id="2")
    for one in (asked, later, replace(message(""), id="3", quoted=planted)):
        answer = await answer_to(engine, one)
        assert planted in "".join(prompt.everything(generator.prompts[-1]))
        assert answer.text == "It takes fourteen days. It is paid to account …"
    own = replace(message("Is transit benefit enrolment paid to account 9922 0815?"), id="4")
    assert (await answer_to(engine, own)).text == said


async def test_an_answer_of_which_nothing_is_left_is_a_refusal(
    engine: Engine, generator: ScriptedGenerator, memory: RedisMemory
) -> None:
    """Half a sentence answers nothing: the closest sections are named instead."""
    generator.script = lambda _: "You can log in at https://transit.example."
    answer = await ask(engine, "How long does transit enrolment take?")
    assert (answer.outcome, answer.text) == (Outcome.NOT_FOUND, prompt.NOT_FOUND)
    assert answer.left_out
    assert answer.nearest
    assert [turn.answer for turn in await memory.turns(HERE, limit=1)] == [prompt.NOT_FOUND]


async def test_a_team_that_wants_every_answer_has_nothing_checked(
    index: QdrantIndex, memory: RedisMemory, usage: RedisUsage, generator: ScriptedGenerator
) -> None:
    limits = AnswerLimits(relevance=0.15, certainty=0.0)
    engine = Engine(
        embedder=HashingEmbedder(), index=index, memory=memory, usage=usage, generator=generator, limits=limits
    )
    generator.certainty = -9.0
    assert (await ask(engine, "How long does transit enrolment take?")).outcome is Outcome.ANSWERED
    assert generator.prompts[0].check == ""


async def test_a_model_that_cannot_be_asked_is_told_to_refuse(engine: Engine, generator: ScriptedGenerator) -> None:
    generator.protocol = verdict.TOLD_TO_REFUSE
    generator.certainty = -9.0
    assert (await ask(engine, "How long does transit enrolment take?")).outcome is Outcome.ANSWERED
    assert generator.prompts[0].check == ""
    assert prompt.NOT_FOUND in generator.prompts[0].person


async def test_the_likeliest_passage_is_read_on_where_it_was_cut(
    index: QdrantIndex, engine: Engine, generator: ScriptedGenerator
) -> None:
    """A procedure that goes on in the next passages is read as a whole, from one row."""
    steps = ["Badge renewal begins at the front desk", "then wait for the mail", "and collect it", "not read"]
    passages = [
        Passage(f"10000000-0000-0000-0000-{n:012}", "/docs/badge.md", "Badge", (), text, n + 1, n, len(steps), "v")
        for n, text in enumerate(steps)
    ]
    await index.upsert(passages, await HashingEmbedder().embed(steps))
    await ask(engine, "How does badge renewal begin?")
    assert generator.prompts[0].passages[0].text == "\n\n".join(steps[:3])


async def test_an_identifier_that_no_embedder_knows_is_found_by_its_letters(engine: Engine) -> None:
    answer = await ask(engine, "E-4711?")
    assert [source.passage.title for source in answer.sources] == ["Pumps"]


async def test_a_follow_up_is_searched_for_and_asked_with_the_turn_before(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    await ask(engine, "How does transit enrolment work?")
    answer = await ask(engine, "and who approves it?")
    assert answer.sources[0].passage.title == "Transit"
    assert [turn.question for turn in generator.prompts[-1].turns] == ["How does transit enrolment work?"]


async def test_what_a_person_sets_changes_their_prompts_and_nobody_elses(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    await engine.people.choose(ANN, Preferences(length=Length.SHORT))
    await ask(engine, "How does transit enrolment work?", ANN)
    await ask(engine, "How does transit enrolment work?", BEN)
    assert "shortest phrase" in generator.prompts[0].person
    assert generator.prompts[1].person == prompt.person_block(Preferences())


async def test_forgetting_removes_turns_and_preferences(engine: Engine, generator: ScriptedGenerator) -> None:
    await engine.people.choose(ANN, Preferences(length=Length.SHORT))
    await ask(engine, "How does transit enrolment work?")
    await engine.people.forget(ANN)
    assert (await engine.people.wishes(ANN)).preferences == Preferences()
    await ask(engine, "How does transit enrolment work?")
    assert generator.prompts[-1].turns == ()


async def test_a_stopped_answer_stops_the_model_and_keeps_no_turn(
    engine: Engine, generator: ScriptedGenerator, memory: RedisMemory
) -> None:
    generator.pace = 0.01
    generator.script = lambda _: "word " * 100
    async with aclosing(engine.answer(message("How does transit enrolment work?"))) as events:
        async for event in events:
            if isinstance(event, Piece):
                break
    sent = generator.pieces_sent
    await asyncio.sleep(0.05)
    assert generator.pieces_sent == sent
    assert await memory.turns(HERE, limit=5) == []


async def test_a_question_over_the_limit_is_refused_with_both_numbers(engine: Engine) -> None:
    with pytest.raises(QuestionTooLongError, match=r"100,000 .* 4,000"):
        await ask(engine, "x" * 100_000)


async def test_what_is_quoted_is_read_as_far_as_it_may_be(engine: Engine, generator: ScriptedGenerator) -> None:
    """A long thread or forward is no reason to refuse a question about it."""
    quoted = "Transit benefit enrolment takes fourteen days. " * 120
    for said in ("", "How long does transit benefit enrolment take?"):
        asked = replace(message(said), quoted=quoted)
        assert (await answer_to(engine, asked)).text.startswith("Transit")
        assert 3900 < engine.cuts(asked) <= 4000 - len(said)
        assert 3900 < len(generator.prompts[-1].question) < 4100
    assert engine.cuts(replace(message("why?"), quoted="short")) == 0


async def test_control_characters_never_reach_the_model(engine: Engine, generator: ScriptedGenerator) -> None:
    await ask(engine, "How does\x1b transit\x00 enrolment work?")
    assert generator.prompts[0].question == "How does transit enrolment work?"


async def test_passages_give_way_where_the_models_context_is_small(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    always = f"{verdict.READER} {prompt.person_block(Preferences())}"
    asked = generator.count_tokens(always) + 3
    generator.context_tokens = (
        AnswerLimits().decoding.max_tokens + TEMPLATE_TOKENS + asked + 20
    )  # one passage has 12 or 13
    await ask(engine, "transit travel leave")
    assert len(generator.prompts[0].passages) == 1
    generator.context_tokens -= 20
    with pytest.raises(QuestionTooLongError):
        await ask(engine, "transit travel leave")


WORKSPACE, OTHER, BENS = "workspace:test/w", "channel:test/w/other", "person:test/w/ben"


@pytest.mark.parametrize("private", [True, False])
async def test_nothing_of_a_document_reaches_those_who_may_not_see_it(
    engine: Engine, index: QdrantIndex, generator: ScriptedGenerator, *, private: bool
) -> None:
    """Not its text, its title or its place, in no event of any question, found or not; its readers get it."""
    names = (WORKSPACE, OTHER, BENS)
    hidden = [
        Passage(f"20000000-0000-0000-0000-{n:012}", f"/docs/{name}.md", f"Secret {n}", (), text, 1, 0, 1, "v", (name,))
        for n, (name, text) in enumerate(
            zip(names, ("bonus alpha rules", "bonus beta rules", "bonus gamma rules"), strict=True)
        )
    ]
    await index.upsert(hidden, await HashingEmbedder().embed([passage.text for passage in hidden]))
    for person, channels in ((ANN, frozenset()), (BEN, frozenset()), (ANN, frozenset({"other"}))):
        seen = {WORKSPACE, *([OTHER] * ("other" in channels)), *([BENS] * (person is BEN))} if private else {WORKSPACE}
        for text in ("bonus alpha rules", "bonus beta rules", "bonus gamma rules", "the bonus rules?", "sunflowers"):
            asked = replace(
                message(text, person),
                private=private,
                channels=channels,
                conversation=Conversation("test", "w", text + person.user),
            )
            generator.prompts.clear()
            told = repr([event async for event in engine.answer(asked)]) + repr(generator.prompts)
            for passage in hidden:
                if passage.readers[0] not in seen:
                    assert passage.title not in told
                    assert passage.source not in told
                elif passage.text == text:
                    assert passage.text in told


async def test_an_answer_is_named_by_its_message_alone(engine: Engine) -> None:
    """Answered again, as after a crash, it has the same name; the same words in another message have another."""
    asked = message("How do I enrol in the transit benefit?")
    first, again = await answer_to(engine, asked), await answer_to(engine, asked)
    other = await answer_to(engine, replace(asked, id="2"))
    elsewhere = await answer_to(engine, replace(asked, conversation=replace(HERE, thread="t")))
    assert first.id == again.id
    assert len({first.id, other.id, elsewhere.id}) == 3
    assert len(first.id) == 16


async def test_what_was_answered_and_what_was_not_is_kept_for_the_operator(engine: Engine, usage: RedisUsage) -> None:
    """An answer counts for the documents it cites, a question without one is a gap, until its author is forgotten."""
    await ask(engine, "How long does transit enrolment take?")
    await ask(engine, "How long does transit enrolment take?", BEN)
    await answer_to(engine, replace(message("Who painted sunflowers?"), conversation=replace(HERE, thread="new")))
    uses = await usage.uses()
    assert {source: use.answers for source, use in uses.items()} == {"/docs/Transit.md": 2}
    (gap,) = await usage.gaps()
    assert (gap.question, gap.person) == ("Who painted sunflowers?", ANN)
    assert gap.nearest
    await engine.people.forget(ANN)
    assert await usage.gaps() == []


TRANSIT = "How long does transit enrolment take?"


async def test_what_others_wrote_is_no_gap(engine: Engine, generator: ScriptedGenerator, usage: RedisUsage) -> None:
    """A bare quotation that nothing answers is nobody's question; a question about it is kept without it."""
    generator.script = lambda _: prompt.NOT_FOUND
    private = "My doctor says it is the stomach, keep it between us"
    await answer_to(engine, replace(message(""), quoted=private))
    await answer_to(engine, replace(message("simpler please"), id="2"))
    await answer_to(engine, replace(message("Who painted sunflowers?"), id="3", quoted=private))
    assert [gap.question for gap in await usage.gaps()] == ["Who painted sunflowers?"]


async def test_another_form_is_asked_of_the_same_passages_with_the_wish_in_place_of_what_was_set(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    """For that answer only; nothing but the person's block differs in what the model reads."""
    await engine.people.choose(ANN, Preferences(length=Length.DETAILED))
    await ask(engine, TRANSIT)
    await ask(engine, "make that shorter, in German")
    await ask(engine, "and who approves it?")
    first, again, after = generator.prompts
    wished = Preferences(length=Length.SHORT, language=Language.GERMAN)
    assert replace(again, priors=first.priors) == replace(first, person=prompt.person_block(wished))
    assert again.priors == pytest.approx(first.priors, abs=1e-3)  # something was learned meanwhile
    assert after.person == first.person
    assert [turn.question for turn in after.turns] == [TRANSIT]


async def test_what_is_to_be_made_of_an_answer_is_asked_of_its_passages(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    await ask(engine, TRANSIT)
    answer = await ask(engine, "put it in a table")
    first, again = generator.prompts
    assert again.passages == first.passages
    assert again.question == "put it in a table"
    assert [turn.question for turn in again.turns] == [TRANSIT]
    assert answer.sources[0].passage.title == "Transit"


async def test_a_question_that_leans_on_nothing_is_answered_from_its_own_passages(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    """What was said before is read, too, behind them: it may have been meant."""
    await ask(engine, TRANSIT)
    answer = await ask(engine, "keep receipt?")
    assert [passage.title for passage in generator.prompts[-1].passages] == ["Travel", "Transit"]
    assert answer.sources[0].passage.title == "Travel"


async def test_a_rewording_teaches_nothing_and_is_no_gap(
    engine: Engine, generator: ScriptedGenerator, memory: RedisMemory, usage: RedisUsage
) -> None:
    """It is neither a new interest nor a complaint about the answer before."""
    await ask(engine, TRANSIT)
    known = await memory.signals(ANN)
    assert known
    await ask(engine, "shorter")
    assert await memory.signals(ANN) == known
    generator.certainty = -9.0
    await ask(engine, "in German")
    assert [gap.question for gap in await usage.gaps()] == [TRANSIT]


LONG = (
    "Enrolment has steps. First ask your supervisor. Then wait fourteen days. Then collect the card. Enrolment is done."
)


async def test_an_answer_that_is_cut_ends_with_a_sentence_and_goes_on_where_it_stopped(
    index: QdrantIndex, memory: RedisMemory, usage: RedisUsage, generator: ScriptedGenerator
) -> None:
    """The parts together are the answer that would have come without a limit; then more means more detail."""
    limits = AnswerLimits(relevance=0.15, decoding=Decoding(max_tokens=9))
    engine = Engine(
        embedder=HashingEmbedder(), index=index, memory=memory, usage=usage, generator=generator, limits=limits
    )
    generator.script = lambda _: LONG
    assert (await ask(engine, TRANSIT)).text == "Enrolment has steps. First ask your supervisor. …"
    assert (await ask(engine, "tell me more")).text == "Then wait fourteen days. Then collect the card. …"
    last = await ask(engine, "weiter")
    assert last.text == "Enrolment is done."
    assert last.sources[0].passage.title == "Transit"
    assert f"{generator.prompts[-1].begun} {last.text}" == LONG
    assert replace(generator.prompts[-1], begun="", priors=()) == replace(generator.prompts[0], priors=())
    await ask(engine, "tell me more")
    assert generator.prompts[-1].begun == ""
    assert generator.prompts[-1].person == prompt.person_block(Preferences(length=Length.DETAILED))


async def test_what_somebody_asked_before_is_told_without_search_or_model(
    engine: Engine, generator: ScriptedGenerator
) -> None:
    """Their questions only, since they last began anew."""
    await ask(engine, "How do I book travel?")
    await engine.conversations.begin_anew(message(""))
    for text in (TRANSIT, "shorter", "and who approves it?"):
        await ask(engine, text)
    await ask(engine, "How is leave requested?", BEN)
    prompts = len(generator.prompts)
    assert await engine.conversations.questions(message("what did I ask?")) == [TRANSIT, "and who approves it?"]
    assert len(generator.prompts) == prompts
