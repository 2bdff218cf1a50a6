"""A person's part in an answer, end to end: what it moves, and what it never may."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.attribution import impersonal
from core.domain import Answer, Conversation, Decoding, Message, Outcome, Passage, Person, Piece, Prompt, Verdicts
from core.engine import AnswerLimits, Engine
from core.errors import MemoryUnavailableError
from core.people import people
from core.people.feedback import Feedback, Verdict
from core.people.interests import Action, Signal, event_vector
from core.people.people import FeedbackOutcome
from core.people.preferences import PLAIN, Polarity, PreferenceSet, with_stated
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("test", "w", "ann"), Person("test", "w", "ben")
HERE = Conversation("test", "w", "here")
START = datetime.now(UTC) - timedelta(days=1)
SHARED = "badge office hours"
TEXTS = [f"{SHARED} {word} counter number {word}" for word in ("red", "blue", "green", "white", "black", "amber")]


class CheckingGenerator(ScriptedGenerator):
    """Reads as a model does: its verdict on a passage depends on the passage, posteriors on the priors."""

    async def generate(self, prompt: Prompt, decoding: Decoding):  # noqa: ARG002
        self.prompts.append(prompt)
        yield Verdicts(tuple(float(len(passage.text) % 7) for passage in prompt.passages))
        yield Piece(prompt.passages[0].text, prompt.priors)
        yield Piece(".", prompt.priors)


@pytest.fixture
async def index(qdrant_index: QdrantIndex) -> QdrantIndex:
    passages = [
        Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{n}.md", f"Doc {n}", (), text, 1, 0, 1, "v")
        for n, text in enumerate(TEXTS)
    ]
    await qdrant_index.upsert(passages, await HashingEmbedder().embed(TEXTS))
    return qdrant_index


@pytest.fixture
def memory(redis: Redis) -> RedisMemory:
    return RedisMemory(redis)


def engine_over(index: QdrantIndex, memory: RedisMemory, redis: Redis, generator: CheckingGenerator) -> Engine:
    """The engine over these stores, which asks and hardly ever refuses."""
    return Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=memory,
        usage=RedisUsage(redis),
        generator=generator,
        limits=AnswerLimits(passages=4, relevance=0.1, certainty=0.0001),
    )


@pytest.fixture
def generator() -> CheckingGenerator:
    return CheckingGenerator()


@pytest.fixture
def engine(index: QdrantIndex, memory: RedisMemory, redis: Redis, generator: CheckingGenerator) -> Engine:
    return engine_over(index, memory, redis, generator)


async def ask(engine: Engine, text: str, person: Person = ANN, *, number: int = 1, plain: bool = False) -> Answer:
    at = START + timedelta(minutes=10 * number)
    asked = Message(f"{person.user}{number}", HERE, person, text, at, private=True)
    *_, answer = [event async for event in engine.answer(asked, plain=plain)]
    assert isinstance(answer, Answer)
    return answer


async def fond_of(memory: RedisMemory, person: Person, text: str, count: int = 60) -> None:
    """A person who liked many answers out of one passage."""
    (vector,) = await HashingEmbedder().embed([text])
    event = event_vector(vector, [vector], [1.0])
    signals = [Signal(f"{n}:verdict", Action.UP, START + timedelta(seconds=n), event) for n in range(count)]
    await memory.learn(person, signals)
    await memory.change_wishes(person, lambda old: replace(old, strength=100))


async def test_taste_moves_what_is_read_and_the_trace_says_so(
    engine: Engine, memory: RedisMemory, generator: CheckingGenerator
) -> None:
    """A passage that nobody in particular would read is read by who cares about it, behind all that anybody would."""
    await ask(engine, f"{SHARED}?", plain=True)
    usual = generator.prompts[-1]
    left_out = next(text for text in TEXTS if text not in {passage.text for passage in usual.passages})
    await fond_of(memory, ANN, left_out)
    answer = await ask(engine, f"{SHARED}?", number=2)
    personal = generator.prompts[-1]
    assert personal.passages[:-1] == usual.passages
    assert personal.passages[-1].text == left_out
    trace = await engine.people.trace(ANN, answer.id)
    moved = {one.place: one.personal / one.impersonal for one in trace.passages}
    assert max(moved, key=moved.get) == f"Doc {TEXTS.index(left_out)}"
    await ask(engine, f"{SHARED}?", BEN)
    assert generator.prompts[-1].passages == usual.passages
    assert generator.prompts[-1].priors == usual.priors


@pytest.mark.parametrize("fond", [0, 1, 2, 3, 4, 5])
async def test_whether_to_answer_and_what_is_cited_is_nobodys_taste(
    engine: Engine, memory: RedisMemory, fond: int
) -> None:
    """With any taste the check, the probability that the documents hold the answer and the citations stay the same."""
    before = await ask(engine, f"{SHARED} {TEXTS[2].split()[3]}?", plain=True)
    await fond_of(memory, ANN, TEXTS[fond])
    after = await ask(engine, f"{SHARED} {TEXTS[2].split()[3]}?", number=2)
    assert (after.held, after.log_odds, after.outcome) == (before.held, before.log_odds, before.outcome)
    cited = [source.passage.id for source in before.sources]
    assert [source.passage.id for source in after.sources][: len(cited)] == cited


async def test_the_trace_has_the_verdict_on_each_passage(engine: Engine, generator: CheckingGenerator) -> None:
    """p(held | x, d) by the model's coefficients, and the greatest of them for all."""
    answer = await ask(engine, f"{SHARED}?", plain=True)
    trace = await engine.people.trace(ANN, answer.id)
    log_odds = [float(len(passage.text) % 7) for passage in generator.prompts[-1].passages]
    expected = [generator.protocol.calibration.held(odds) for odds in log_odds]
    assert len(set(expected)) > 1
    assert [one.held for one in trace.passages] == pytest.approx(expected)
    assert all(one.read for one in trace.passages)
    assert trace.held == answer.held == pytest.approx(max(expected))


@pytest.mark.parametrize(
    ("log_odds", "read"),
    [((9.0, None, None, None), [True, False, False, False]), ((9.0, 2.0), [True] * 4)],
    ids=["a clear verdict", "a check of the first two"],
)
async def test_the_trace_tells_what_was_not_read_from_what_was_not_judged(
    index: QdrantIndex, memory: RedisMemory, redis: Redis, log_odds: tuple[float | None, ...], read: list[bool]
) -> None:
    """A model that judges first needs not read all; one that is asked of some passages reads the others as well."""

    class Judging(CheckingGenerator):
        async def generate(self, prompt: Prompt, decoding: Decoding):  # noqa: ARG002
            yield Verdicts(log_odds)
            yield Piece(prompt.passages[0].text, (1.0, 0.0, 0.0, 0.0))

    engine = engine_over(index, memory, redis, Judging())
    trace = await engine.people.trace(ANN, (await ask(engine, f"{SHARED}?")).id)
    assert [one.read for one in trace.passages] == read
    judged = [number < len(log_odds) and log_odds[number] is not None for number in range(4)]
    assert [one.held is not None for one in trace.passages] == judged


async def test_at_strength_0_everything_is_as_it_would_be_without_a_past(
    engine: Engine, memory: RedisMemory, generator: CheckingGenerator
) -> None:
    """The very same prompt."""
    await ask(engine, f"{SHARED}?", plain=True)
    await fond_of(memory, ANN, TEXTS[5])
    await memory.change_wishes(ANN, lambda old: replace(old, strength=0))
    await ask(engine, f"{SHARED}?", number=2)
    first, second = generator.prompts
    assert replace(second, turns=()) == first


async def test_colleagues_move_a_document_up_for_who_may_see_it(
    engine: Engine, memory: RedisMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a colleague opened stands higher than what they only looked at, also for somebody new."""
    monkeypatch.setattr(people, "TEAM_SECONDS", 0.0)
    for number in range(1, 6):
        answer = await ask(engine, f"{SHARED} red?", BEN, number=number)
        for source in answer.sources:
            await engine.sources.open(BEN, answer.id, source.number, START + timedelta(hours=number))
        await ask(engine, f"{SHARED} blue?", BEN, number=number + 10)
    await memory.change_wishes(ANN, lambda old: replace(old, strength=100))
    answer = await ask(engine, f"{SHARED}?")
    trace = await engine.people.trace(ANN, answer.id)
    best = max(trace.passages, key=lambda one: one.team)
    assert (best.place, best.team > 0) == ("Doc 0", True)
    assert not any(one.taste for one in trace.passages)


async def test_asking_the_same_in_other_words_at_once_is_learned_from(engine: Engine, memory: RedisMemory) -> None:
    """A question that is rephrased within minutes takes something back from the first one."""
    for number, text in enumerate([f"{SHARED} red counter?", f"{SHARED} red counter number?"]):
        asked = Message(f"r{number}", HERE, ANN, text, START + timedelta(minutes=number), private=True)
        async for _ in engine.answer(asked):
            pass
    acts = sorted((one.at, one.act) for one in await memory.signals(ANN))
    assert [act for _, act in acts] == [Action.ASKED, Action.ASKED, Action.REPHRASED]


async def test_an_answer_that_is_made_again_is_learned_from_once(engine: Engine, memory: RedisMemory) -> None:
    """As after a crash: the same message, the same answer, one signal."""
    for _ in range(2):
        await ask(engine, f"{SHARED} red?")
    assert len(await memory.signals(ANN)) == 1


async def test_a_verdict_can_be_changed_and_taken_back(engine: Engine, memory: RedisMemory) -> None:
    """The last one counts; taking it back leads to the state before."""
    answer = await ask(engine, f"{SHARED} red?")
    before = await memory.learned(ANN)
    for verdict, heard in [
        (Verdict.UP, FeedbackOutcome.LEARNED),
        (Verdict.DOWN, FeedbackOutcome.LEARNED),
        (Verdict.UP, FeedbackOutcome.LEARNED),
        (Verdict.NONE, FeedbackOutcome.TAKEN_BACK),
    ]:
        assert await engine.people.hear(Feedback(ANN, answer.id, verdict, START + timedelta(hours=1))) is heard
    assert await memory.learned(ANN) == before
    assert await engine.people.hear(Feedback(ANN, "unknown", Verdict.UP, START)) is FeedbackOutcome.UNKNOWN


async def test_two_people_never_meet(engine: Engine, memory: RedisMemory, generator: CheckingGenerator) -> None:
    """However what they say and do interleaves, no word of one is in a prompt, trace or profile of the other."""
    marks = {ANN: "annsecret", BEN: "bensecret"}
    rng = random.Random(3)  # noqa: S311 - no secret is made of it
    rooms = {person: Conversation("test", "w", person.user) for person in marks}
    for number in range(80):
        person = rng.choice([ANN, BEN])
        other = marks[BEN if person == ANN else ANN]
        at = START + timedelta(seconds=number)
        if rng.random() < 0.3:
            await memory.change_wishes(
                person, lambda old, m=marks[person], at=at: with_stated(old, f"badge {m}", Polarity.LIKE, at)
            )
            continue
        said = f"{SHARED} {rng.choice(['red', 'blue'])} {marks[person]}?"
        async for _ in engine.answer(Message(f"{number}", rooms[person], person, said, at, private=True)):
            pass
        assert other not in repr(generator.prompts[-1])
        assert other not in repr(await engine.people.trace(person))
        assert other not in repr(await engine.people.profile(person))


def test_a_posterior_is_freed_of_taste_by_dividing_the_prior_out() -> None:
    """p(d|x,u)·p(y|x,d) with the personal prior divided out is what the impersonal one would have led to."""
    likelihoods, before, after = (0.2, 0.5, 0.1), (0.6, 0.3, 0.1), (0.2, 0.2, 0.6)
    wanted = posterior(before, likelihoods)
    (piece,) = impersonal([Piece("x", posterior(after, likelihoods))], before, after)
    assert piece.posterior == pytest.approx(wanted)
    (bare,) = impersonal([Piece("x")], before, after)
    assert bare.posterior == ()


def posterior(priors: Sequence[float], likelihoods: Sequence[float]) -> tuple[float, ...]:
    weights = [prior * likelihood for prior, likelihood in zip(priors, likelihoods, strict=True)]
    return tuple(weight / sum(weights) for weight in weights)


def test_nobody_in_particular_wishes_nothing() -> None:
    """What answers without personalisation differs from somebody new only in that nothing is learned or moved."""
    assert replace(PLAIN, strength=PreferenceSet().strength, paused=False) == PreferenceSet()


async def test_an_unanswered_question_is_traced_and_not_learned_from(engine: Engine, memory: RedisMemory) -> None:
    """Where nothing was found, `/why` says so, and no interest comes of it."""
    answer = await ask(engine, "zebra sunflower quantum?")
    assert answer.outcome is Outcome.NOT_FOUND
    assert (await engine.people.trace(ANN, answer.id)).outcome is Outcome.NOT_FOUND
    assert await memory.signals(ANN) == []


async def test_what_was_answered_is_learned_although_nobody_listens_on(engine: Engine, memory: RedisMemory) -> None:
    """Whoever has the answer may stop listening: what it says of its asker is learned all the same."""
    asked = Message("1", HERE, ANN, f"{SHARED} red", START, private=True)
    async with aclosing(engine.answer(asked)) as events:
        async for event in events:
            if isinstance(event, Answer):
                assert await memory.trace(ANN, event.id)
                break
    assert [signal.act for signal in await memory.signals(ANN)] == [Action.ASKED]


async def test_a_memory_that_goes_away_while_an_answer_grows_does_not_cost_the_answer(
    index: QdrantIndex, redis: Redis, generator: CheckingGenerator
) -> None:
    """The person has the answer; the turn is kept when the memory is back, which showing the answer waits for."""

    class Away(RedisMemory):
        away = True

        async def append(self, *turn):
            if self.away:
                raise MemoryUnavailableError("away")
            await super().append(*turn)

    memory = Away(redis)
    engine = engine_over(index, memory, redis, generator)
    async for event in engine.answer(Message("1", HERE, ANN, f"{SHARED} red", START, private=True)):
        if isinstance(event, Answer):
            assert event.outcome is Outcome.ANSWERED
            assert await memory.turns(HERE, limit=9) == []
            memory.away = False
    assert len(await memory.turns(HERE, limit=9)) == 1
    assert [signal.act for signal in await memory.signals(ANN)] == [Action.ASKED]


async def test_an_answer_that_cannot_be_learned_from_stands(
    index: QdrantIndex, redis: Redis, generator: CheckingGenerator
) -> None:
    """The person has it already: a store that went away since costs what is learned, not the answer."""

    class Gone(RedisMemory):
        async def learn(self, *_, **__):
            raise MemoryUnavailableError("away")

    limits = AnswerLimits(passages=4, relevance=0.1, certainty=0.0001)
    engine = Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=Gone(redis),
        usage=RedisUsage(redis),
        generator=generator,
        limits=limits,
    )
    assert (await ask(engine, f"{SHARED} red")).outcome is Outcome.ANSWERED
    assert len(await RedisMemory(redis).turns(HERE, limit=9)) == 1
