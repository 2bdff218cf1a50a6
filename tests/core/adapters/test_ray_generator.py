"""The generator on a cluster, through real HTTP to a double on loopback; over Ray itself: `tests/deploy`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.adapters.remote_model.lines import Line, Question
from core.adapters.remote_model.ray_generator import TRIES, RayGenerator
from core.answering.verdict import PROTOCOLS, SYSTEM, Calibration
from core.bootstrap import open_generator
from core.domain import CutOff, Decoding, Passage, Person, Piece, Prompt, QueuePosition, Turn, Verdicts
from core.errors import ConfigurationError, ModelError, ModelUnavailableError
from core.settings import Settings
from tests.doubles.cluster import ClusterDouble, Trouble
from tests.fakes import ScriptedGenerator

TEXT = "The library opens at nine in the morning on weekdays."
PASSAGE = Passage("1", "a.md", "Library", (), TEXT, 1, 0, 1, "1")
PROMPT = Prompt(SYSTEM, (PASSAGE,), (1.0,), (), "", "When does it open?")


@asynccontextmanager
async def cluster(
    *troubles: Trouble, generator: ScriptedGenerator | None = None, silence: float = 5, key: str = ""
) -> AsyncIterator[tuple[RayGenerator, ClusterDouble]]:
    double = ClusterDouble(generator or ScriptedGenerator(), key=key, troubles=list(troubles))
    async with double.serving(), RayGenerator(double.url, key or None, silence=silence, pause=0.01) as model:
        yield model, double


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 - what it looks at tells nobody
            await asyncio.sleep(0.01)


async def said(model: RayGenerator, prompt: Prompt = PROMPT, tokens: int = 40) -> list[object]:
    async with aclosing(model.generate(prompt, Decoding(max_tokens=tokens))) as stream:
        return [event async for event in stream]


def text(events: list[object]) -> str:
    return "".join(event.text for event in events if isinstance(event, Piece))


async def test_an_answer_comes_as_the_generator_there_says_it() -> None:
    """Event for event, with every digit of its numbers; so does the question arrive."""
    turn = Turn(Person("slack", "T1", "U1"), "What?", "That.", datetime(2026, 1, 1, tzinfo=UTC), ("1",))
    prompt = replace(PROMPT, turns=(turn,), person="Be brief.", begun="The")
    async with cluster() as (model, double):
        events = await said(model, prompt, 3)
        there = [event async for event in double.generator.generate(prompt, Decoding(max_tokens=3))]
    assert events == there
    assert isinstance(events[-1], CutOff)
    assert double.asked[0].prompt == prompt
    piece = Piece("½ \u2028", (1 / 3, 2 / 3), -0.1234567890123456789)
    assert Line.model_validate_json(Line.of(piece).dumped()).event == piece


@pytest.mark.parametrize("trouble", [Trouble.GONE, Trouble.BROKEN, Trouble.SHORT])
async def test_an_answer_whose_replica_dies_is_asked_for_again(trouble: Trouble) -> None:
    """What was passed on is not passed on twice, and the verdicts come once."""
    async with cluster(trouble, trouble) as (model, double):
        events = await said(model)
    assert text(events) == TEXT
    assert [type(event) for event in events[:2]] == [Verdicts, Piece]
    assert sum(isinstance(event, Verdicts) for event in events) == 1
    assert len(double.asked) == 3


async def test_an_answer_that_has_other_words_the_second_time_goes_on_from_what_was_said() -> None:
    """As when the adapter was changed meanwhile."""
    generator = ScriptedGenerator()
    async with cluster(Trouble.GONE, generator=generator) as (model, double):
        stream = model.generate(PROMPT, Decoding(max_tokens=40))
        events: list[object] = [await anext(stream), await anext(stream)]  # the verdicts, and "The"
        generator.script = lambda prompt: f"{prompt.begun} doors open early." if prompt.begun else "Never."
        events += [event async for event in stream]
    assert text(events) == "The librarydoors open early."
    assert [question.prompt.begun for question in double.asked] == ["", "", "The library"]
    assert double.asked[-1].decoding.max_tokens == 38


async def test_an_answer_whose_second_try_ends_too_early_goes_on_from_what_was_said() -> None:
    """Half an answer is never given as the whole: where nothing follows, that is said."""
    for rest, whole in [(" doors open early.", True), ("", False)]:
        generator = ScriptedGenerator()
        async with cluster(Trouble.GONE, generator=generator) as (model, double):
            events: list[object] = []
            stream = model.generate(PROMPT, Decoding(max_tokens=40))
            events += [await anext(stream), await anext(stream), await anext(stream)]
            generator.script = lambda prompt, rest=rest: f"{prompt.begun}{rest}" if prompt.begun else "The"
            if whole:
                events += [event async for event in stream]
                assert text(events) == "The librarydoors open early."
            else:
                with pytest.raises(ModelUnavailableError, match="broke off"):
                    events += [event async for event in stream]
            assert [question.prompt.begun for question in double.asked] == ["", "", "The library"]


async def test_whoever_asks_a_busy_cluster_is_told_and_waits() -> None:
    async with cluster(*[Trouble.BUSY] * (TRIES + 2)) as (model, _):
        events = await said(model)
    assert events[: TRIES + 2] == [QueuePosition(3)] * (TRIES + 2)
    assert text(events) == TEXT


async def test_a_cluster_that_stays_busy_or_dead_is_given_up() -> None:
    async with cluster(*[Trouble.BUSY] * 500, silence=0.1) as (model, _):
        with pytest.raises(ModelUnavailableError, match="more questions than it takes"):
            await said(model)
    async with cluster(*[Trouble.GONE] * 50) as (model, double):
        with pytest.raises(ModelUnavailableError, match="broke off"):
            await said(model)
        assert len(double.asked) == TRIES


async def test_what_fails_there_is_said_and_not_asked_again() -> None:
    async with cluster(Trouble.FAILED, Trouble.FOREIGN) as (model, double):
        with pytest.raises(ModelError, match=r"The disk is full\."):
            await said(model)
        with pytest.raises(ConfigurationError, match="not Attune's deployment"):
            await said(model)
        assert len(double.asked) == 2


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_who_goes_stops_the_work_there(way: str) -> None:
    generator = ScriptedGenerator(lambda _: "word " * 1000, pace=0.01)
    async with cluster(generator=generator) as (model, double):
        if way == "close":
            async with aclosing(model.generate(PROMPT, Decoding(max_tokens=1000))) as stream:
                await anext(stream)
        else:
            task = asyncio.create_task(said(model, tokens=1000))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait([task])
        await until(lambda: double.stopped == 1)
        sent = generator.pieces_sent
        await asyncio.sleep(0.1)
        assert generator.pieces_sent <= sent + 1


async def test_a_model_that_was_changed_is_learned_anew() -> None:
    """The question that finds it out was made for other words; the next one is answered."""
    generator = ScriptedGenerator()
    async with cluster(generator=generator) as (model, _):
        generator.protocol = PROTOCOLS["qwen2.5-coder-1.5b-instruct"]
        with pytest.raises(ModelUnavailableError, match="another model"):
            await said(model)
        assert model.protocol == generator.protocol
        assert text(await said(model)) == TEXT


async def test_a_model_that_was_only_fitted_anew_is_asked_again_at_once() -> None:
    """Its prompts are the same, so nobody is refused while an adapter is rolled out."""
    generator = ScriptedGenerator()
    async with cluster(generator=generator) as (model, double):
        fitted = replace(generator.protocol, calibration=Calibration(1.2, 0.3))
        generator.protocol = fitted
        assert text(await said(model)) == TEXT
        assert model.protocol == fitted
        assert len(double.asked) == 2


async def test_a_cluster_that_is_away_for_a_moment_is_asked_again() -> None:
    async with cluster() as (model, double):
        double.away = 2
        assert text(await said(model)) == TEXT
        double.away = 2
        await model.retain({("b", "2"), ("a", "1")})
        assert double.retained == [{("a", "1"), ("b", "2")}]
        double.away = TRIES
        with pytest.raises(ModelUnavailableError, match="no replica is running"):
            await model.retain(set())


async def test_reading_ahead_returns_at_once_and_fails_in_silence() -> None:
    generator = ScriptedGenerator()
    async with cluster(generator=generator) as (model, double):
        model.read_ahead(SYSTEM, [PASSAGE])
        await until(lambda: generator.read == [PASSAGE])
        double.away = TRIES
        model.read_ahead(SYSTEM, [PASSAGE])
        await asyncio.sleep(0.3)
        assert not double.away


async def test_the_settings_choose_it_and_its_key() -> None:
    """By the scheme of the address; a wrong key, another server and nobody at all are told apart."""
    double = ClusterDouble(ScriptedGenerator(), key="sesame")
    async with double.serving():
        environ = {"ATTUNE_MODEL_URL": f"ray+{double.url}", "ATTUNE_MODEL_KEY": "sesame"}
        async with open_generator(Settings.from_env(environ)) as model:
            assert isinstance(model, RayGenerator)
            assert (model.name, model.context_tokens, model.says_likelihoods) == ("scripted", 4096, True)
            assert model.count_tokens("two words") == 2
        with pytest.raises(ConfigurationError, match="rejects the key"):
            async with open_generator(Settings.from_env(environ | {"ATTUNE_MODEL_KEY": "simsim"})):
                pass
        with pytest.raises(ConfigurationError, match="not Attune's deployment"):
            async with RayGenerator(f"{double.url}/v1", "sesame", silence=5):
                pass
    with pytest.raises(ModelUnavailableError, match="does not respond"):
        async with RayGenerator(double.url, None, silence=5, pause=0.01):
            pass
    with pytest.raises(ConfigurationError, match=r"ray\+http"):
        Settings.from_env({"ATTUNE_MODEL_URL": "ray://127.0.0.1:10001"})


async def test_a_user_in_the_address_gives_way_to_the_key() -> None:
    """As with any other server."""
    double = ClusterDouble(ScriptedGenerator(), key="sesame")
    async with double.serving():
        url = double.url.replace("://", "://ann:pw@")
        async with RayGenerator(url, "sesame", silence=5) as model:
            assert text(await said(model)) == TEXT


async def test_a_line_cut_in_the_middle_is_an_answer_that_broke_off() -> None:
    """Blank lines say nothing, and a proxy's 429 that the cluster is busy."""
    async with cluster(Trouble.CUT) as (model, double):
        assert text(await said(model)) == TEXT
        assert len(double.asked) == 2
        double.away, double.status = 2, 429
        assert text(await said(model)) == TEXT
        double.away = 500
        with pytest.raises(ModelUnavailableError, match="more questions than it takes"):
            await model.retain(set())


async def test_a_redirect_is_not_followed() -> None:
    """What people wrote goes to nobody whom the operator did not name."""
    elsewhere = ClusterDouble(ScriptedGenerator())
    app = web.Application()
    async with elsewhere.serving():
        app.router.add_route("*", "/{path:.*}", partial(_moved, elsewhere.url))
        async with TestServer(app) as server:
            with pytest.raises(ConfigurationError, match="not Attune's deployment"):
                async with RayGenerator(str(server.make_url("")), None, silence=5):
                    pass


async def _moved(place: str, request: web.Request) -> web.Response:
    return web.Response(status=307, headers={"Location": f"{place}{request.path}"})


def test_a_question_names_what_it_reads() -> None:
    """By document, or by itself where it is of none, such as a discussion."""
    prompt = replace(PROMPT, passages=(PASSAGE, replace(PASSAGE, id="2", source="")), priors=(0.75, 0.25))
    question = Question(prompt=prompt, decoding=Decoding(), mark="")
    assert question.reads == (("a.md", 0.75), ("2", 0.25))
