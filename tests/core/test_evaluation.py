"""Somebody's own questions, over a real index and a real memory; only the two models are fakes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import NoUsage
from core.answering.prompt import NOT_FOUND
from core.domain import Passage, Prompt
from core.engine import AnswerLimits, Engine
from core.errors import IndexUnavailableError
from core.evaluation.evaluator import EvaluationSummary, Evaluator, Result, absent, ask_all, figures, spread, visiting
from core.evaluation.questions import OwnQuestion
from core.people.preferences import Length
from tests.fakes import HashingEmbedder, ScriptedGenerator

TEXTS = {
    "hr/transit.md": "Transit benefit enrolment takes fourteen days and your supervisor approves it",
    "hr/travel.md": "Book travel with the agency and keep every receipt for the voucher",
    "it/pumps.md": "Error E-4711 means that the pump runs dry",
}
TRANSIT = OwnQuestion("How long does transit benefit enrolment take?", ("hr/transit.md",), "fourteen days", 1)
RELEVANCE = 0.15


@pytest.fixture
async def index():
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        passages = [
            Passage(f"00000000-0000-0000-0000-{n:012}", f"/docs/{name}", Path(name).stem, (), text, 1, 0, 1, "v")
            for n, (name, text) in enumerate(TEXTS.items())
        ]
        await index.upsert(passages, await HashingEmbedder().embed(list(TEXTS.values())))
        yield index


@pytest.fixture
def memory(redis: Redis) -> RedisMemory:
    return RedisMemory(redis)


@pytest.fixture
def generator() -> ScriptedGenerator:
    return ScriptedGenerator(lambda _prompt: "It takes fourteen days")


@pytest.fixture
def engine(index: QdrantIndex, memory: RedisMemory, generator: ScriptedGenerator) -> Engine:
    limits = AnswerLimits(passages=2, relevance=RELEVANCE)
    return Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=memory,
        usage=NoUsage(),
        generator=generator,
        limits=limits,
    )


def searching(index: QdrantIndex) -> Evaluator:
    return Evaluator(HashingEmbedder(), index, relevance=RELEVANCE)


def answering(index: QdrantIndex, engine: Engine) -> Evaluator:
    return Evaluator(HashingEmbedder(), index, relevance=RELEVANCE, engine=engine)


async def test_the_rank_is_that_of_the_first_passage_of_a_right_page(index: QdrantIndex):
    """Any of the named pages will do; a page that is not in the index is never found."""
    evaluator = searching(index)
    found = await evaluator.ask(TRANSIT)
    assert (found.rank, found.said, found.missed) == (1, None, False)
    assert found.found[0].passage.source == "/docs/hr/transit.md"
    assert (await evaluator.ask(OwnQuestion(TRANSIT.text, ("it/pumps.md", "transit.md")))).rank == 1
    other = await evaluator.ask(OwnQuestion(TRANSIT.text, ("it/pumps.md",)))
    assert other.rank in {2, 3}
    nowhere = await evaluator.ask(OwnQuestion(TRANSIT.text, ("it/transit.md",)))
    assert (nowhere.rank, nowhere.missed) == (None, True)


async def test_the_search_alone_refuses_what_is_near_nothing(index: QdrantIndex):
    """Without a model, a question is refused where the engine would read nothing."""
    evaluator = searching(index)
    assert not (await evaluator.ask(TRANSIT)).refused
    far = await evaluator.ask(OwnQuestion("Who composed Carmen?", ()))
    assert (far.refused, far.missed) == (True, False)


async def test_an_answer_is_scored_against_the_short_one_and_by_what_it_cites(index: QdrantIndex, engine: Engine):
    """F1 is that of words, and a citation counts where it is of a named page."""
    result = await answering(index, engine).ask(TRANSIT)
    assert result.said is not None
    assert result.said.text == "It takes fourteen days"
    assert result.said.f1 == pytest.approx(2 * 2 / (4 + 2))
    assert (result.cites, result.refused, result.missed) == (True, False, False)
    elsewhere = await answering(index, engine).ask(OwnQuestion(TRANSIT.text, ("hr/travel.md",), "two"))
    assert elsewhere.said is not None
    assert (elsewhere.said.f1, elsewhere.cites, elsewhere.missed) == (0, False, True)


async def test_a_refusal_is_right_only_where_there_is_no_answer(
    index: QdrantIndex, engine: Engine, generator: ScriptedGenerator
):
    """A refused question scores 0 where it has an answer, and is no miss where it has none."""
    generator.script = lambda _prompt: NOT_FOUND
    able = await answering(index, engine).ask(TRANSIT)
    unable = await answering(index, engine).ask(OwnQuestion("Does transit enrolment cost anything?", ()))
    assert able.said is not None
    assert unable.said is not None
    assert (able.refused, able.missed, able.said.f1) == (True, True, 0)
    assert (unable.refused, unable.missed, unable.said.f1) == (True, False, None)


async def test_answering_what_has_no_answer_is_a_miss(index: QdrantIndex, engine: Engine):
    """Invention is what a file of unanswerable questions is for."""
    result = await answering(index, engine).ask(OwnQuestion("Does transit enrolment cost anything?", ()))
    assert (result.refused, result.missed) == (False, True)


async def test_a_question_over_the_limit_is_refused_and_the_others_go_on(index: QdrantIndex, engine: Engine):
    """One bad question in a file costs only itself."""
    long = OwnQuestion("transit " * 1000, ("hr/transit.md",), "fourteen days")
    results = await ask_all(answering(index, engine), [long, TRANSIT], together=1, heard=lambda: None)
    assert [result.refused for result in results] == [True, False]
    assert results[0].said is not None
    assert "characters" in results[0].said.text


async def test_no_question_leans_on_another(index: QdrantIndex, engine: Engine, generator: ScriptedGenerator):
    """Each is asked in a conversation of its own, so that the order of a file changes nothing."""
    follow_up = OwnQuestion("And who approves transit?", ("hr/transit.md",))
    await ask_all(answering(index, engine), [TRANSIT, follow_up], together=1, heard=lambda: None)
    assert [prompt.turns for prompt in generator.prompts] == [(), ()]


async def test_a_guest_wants_short_answers_and_is_forgotten(index: QdrantIndex, engine: Engine, redis: Redis):
    """After an evaluation nothing of it is left in the memory, also where it failed."""

    async def failing_visit() -> None:
        async with visiting(engine) as person:
            assert (await engine.people.wishes(person)).preferences.length is Length.SHORT
            evaluator = Evaluator(HashingEmbedder(), index, relevance=RELEVANCE, engine=engine, person=person)
            await evaluator.ask(TRANSIT)
            assert await redis.dbsize()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing_visit()
    assert await redis.keys("*") == [b"attune:answer-key"]  # which is the installation's


async def test_results_keep_the_order_of_the_questions(index: QdrantIndex, engine: Engine):
    """However many are asked at once; each is heard of."""
    heard: list[None] = []
    questions = [OwnQuestion(f"{TRANSIT.text} {n}", TRANSIT.pages) for n in range(12)]
    results = await ask_all(answering(index, engine), questions, together=5, heard=lambda: heard.append(None))
    assert [result.question for result in results] == questions
    assert len(heard) == 12


async def test_what_was_asked_before_a_cancellation_is_kept(index: QdrantIndex, engine: Engine):
    """Ctrl-C in the middle leaves the results so far, and the task goes on to tell of them."""
    done: list[None] = []
    three = asyncio.Event()
    generator = ScriptedGenerator(lambda _prompt: "It takes fourteen days", pace=0.01)
    slow = Engine(
        embedder=HashingEmbedder(),
        index=index,
        memory=engine.people._memory,
        usage=engine.people._usage,
        generator=generator,
        limits=AnswerLimits(passages=2, relevance=RELEVANCE),
    )
    questions = [TRANSIT] * 50

    def heard() -> None:
        done.append(None)
        if len(done) == 3:
            three.set()

    async def run() -> list[Result]:
        results = await ask_all(answering(index, slow), questions, together=2, heard=heard)
        await asyncio.sleep(0)  # a task that is still being cancelled would end here
        return results

    task = asyncio.create_task(run())
    await three.wait()
    task.cancel()
    results = await task
    assert 3 <= len(results) < 50
    assert all(result.rank == 1 for result in results)
    said = generator.pieces_sent
    await asyncio.sleep(0.05)
    assert generator.pieces_sent == said


async def test_a_store_that_fails_ends_it(index: QdrantIndex):
    """An evaluation over half of an index would mislead."""

    class Broken(HashingEmbedder):
        async def embed(self, _texts):
            raise IndexUnavailableError("The index does not answer.")

    evaluator = Evaluator(Broken(), index, relevance=RELEVANCE)
    with pytest.raises(IndexUnavailableError):
        await ask_all(evaluator, [TRANSIT] * 3, together=2, heard=lambda: None)


async def test_figures_of_a_search_leave_out_what_was_not_asked(index: QdrantIndex):
    """Counts and shares are over the questions they are about."""
    questions = [
        TRANSIT,
        OwnQuestion(TRANSIT.text, ("nowhere.md",)),
        OwnQuestion("Who composed Carmen?", ()),
        OwnQuestion("What is the transit benefit enrolment?", ()),
    ]
    results = await ask_all(searching(index), questions, together=1, heard=lambda: None)
    assert figures(results) == EvaluationSummary(
        answerable=2,
        unanswerable=2,
        recall={1: 0.5, 5: 0.5, 10: 0.5},
        mrr=0.5,
        refused_wrongly=0,
        refused_rightly=1,
        answered=None,
        cited=None,
        f1=None,
        f1_answered=None,
    )


async def test_what_was_left_out_is_counted_where_it_was_right_to_answer_and_where_not(
    index: QdrantIndex, engine: Engine, generator: ScriptedGenerator
):
    """Of an answer that cites a right page, and of one to a question that has no answer."""
    generator.script = lambda prompt: "It takes fourteen days" + (", or 77." if "long" not in prompt.question else ".")
    unable = OwnQuestion("Does transit enrolment cost anything?", ())
    results = await ask_all(answering(index, engine), [TRANSIT, unable], together=1, heard=lambda: None)
    assert [result.said.left_out for result in results if result.said] == [(), ("It takes fourteen days, or 77.",)]
    generator.script = lambda _: "It takes fourteen days. Or 77."
    results += await ask_all(answering(index, engine), [TRANSIT], together=1, heard=lambda: None)
    assert (figures(results).left_out_cited, figures(results).left_out_others) == (1, 0)
    assert results[1].refused


async def test_figures_of_answers_count_refusals_against_f1(
    index: QdrantIndex, engine: Engine, generator: ScriptedGenerator
):
    """F1 is over all questions with a short answer; the second one leaves the refused ones out."""

    def script(prompt: Prompt) -> str:
        return NOT_FOUND if "receipt" in prompt.question or "price" in prompt.question else "Fourteen days"

    generator.script = script
    questions = [
        TRANSIT,
        OwnQuestion("Is a travel receipt for the voucher kept?", ("hr/travel.md",), "yes"),
        OwnQuestion("How long does transit enrolment take?", ("hr/transit.md",)),
        OwnQuestion("What is the price of transit enrolment?", ()),
        OwnQuestion("Is transit enrolment fun?", ()),
    ]
    results = await ask_all(answering(index, engine), questions, together=1, heard=lambda: None)
    found = figures(results)
    assert (found.answerable, found.unanswerable, found.answered, found.cited) == (3, 2, 2, 2)
    assert (found.refused_wrongly, found.refused_rightly) == (1, 1)
    assert (found.f1, found.f1_answered) == (0.5, 1)


def test_no_results_have_no_figures():
    """Nothing asked is said as nothing, not as nought."""
    nothing = figures([])
    assert (nothing.recall, nothing.mrr, nothing.f1) == ({1: None, 5: None, 10: None}, None, None)


def test_pages_that_are_no_documents_are_named_once():
    """A misspelt page would look like a bad search."""
    questions = [TRANSIT, OwnQuestion("x", ("b.md", "hr/transit.md")), OwnQuestion("y", ("b.md",))]
    assert absent(questions, [f"/docs/{name}" for name in TEXTS]) == ["b.md"]


def test_a_limit_takes_questions_from_all_of_the_file():
    """The first ones alone would be of one topic."""
    questions = [OwnQuestion(str(n), ()) for n in range(10)]
    assert [question.text for question in spread(questions, 3)] == ["0", "3", "6"]
    assert spread(questions, None) == spread(questions, 99) == questions
