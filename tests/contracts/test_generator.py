"""What every `Generator` promises: the model here, on a server or a cluster, and the fake that stands in for them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.local_model.torch_generator import TorchGenerator
from core.adapters.remote_model.openai_api import OpenAIServer
from core.adapters.remote_model.ray_generator import RayGenerator
from core.adapters.remote_model.remote_generator import RemoteGenerator
from core.answering.verdict import PROTOCOLS, SYSTEM, TOLD_TO_REFUSE, Judging, check_text
from core.domain import CutOff, Decoding, Mode, Passage, Piece, Prompt, Verdicts
from core.errors import PromptTooLongError
from core.models.files import NoProgress
from core.models.store import ModelStore
from core.ports import Generator
from tests.conftest import TINY_MODEL
from tests.doubles.cluster import ClusterDouble
from tests.doubles.openai_server import MODEL, OpenAIDouble
from tests.fakes import ScriptedGenerator

PROTOCOL = {protocol.judging: protocol for protocol in (TOLD_TO_REFUSE, *PROTOCOLS.values())}
TEXT = "The library opens at nine in the morning on weekdays and at ten in the morning on Saturdays, never on Sundays."
QUESTION = "Tell me all about the library."  # behind its yes the tiny model has nothing to say to much else


@pytest.fixture(
    params=[
        "scripted",
        "remote, none",
        "remote, first",
        "double of a cluster",
        *[pytest.param(f"ray, {judging}", marks=[pytest.mark.model, pytest.mark.ray]) for judging in ("none", "first")],
        *[pytest.param(f"torch, {judging}", marks=pytest.mark.model) for judging in Judging],
    ]
)
async def generator(request: pytest.FixtureRequest) -> AsyncIterator[Generator]:
    kind, _, judging = request.param.partition(", ")
    if kind == "scripted":
        yield ScriptedGenerator()
        return
    if kind == "double of a cluster":
        async with AsyncExitStack() as stack:
            double = await stack.enter_async_context(ClusterDouble(ScriptedGenerator()).serving())
            yield await stack.enter_async_context(RayGenerator(double.url, None, silence=5))
        return
    if kind == "ray":
        url = request.getfixturevalue("ray_cluster")
        async with RayGenerator(f"{url}/{judging}", None, silence=60) as one:
            yield one
        return
    if kind == "remote":
        async with AsyncExitStack() as stack:
            double = await stack.enter_async_context(OpenAIDouble(judges_first=judging == Judging.FIRST).serving())
            server, protocol = OpenAIServer(double.url, None, silence=5), PROTOCOL[Judging(judging)]
            yield await stack.enter_async_context(RemoteGenerator(server, MODEL, protocol))
        return
    folder: Path = request.getfixturevalue("models")
    model = ModelStore(folder).resolve(TINY_MODEL)
    loaded = TorchGenerator.load(
        TINY_MODEL,
        model.path,
        converted=folder / "converted",
        device="cpu",
        threads=0,
        progress=NoProgress(),
        cache_bytes=1 << 28,
        batch_bytes=1 << 28,
        protocol=PROTOCOL[Judging(judging)],
    )
    yield loaded
    await loaded.close()


def asking(question: str = QUESTION, text: str = TEXT) -> Prompt:
    passages = [Passage(str(number), "a.md", "Library", (), text, 1, number, 2, "1") for number in range(2)]
    return Prompt(SYSTEM, tuple(passages), (0.7, 0.3), (), "", question)


async def pieces(generator: Generator, prompt: Prompt, *, max_tokens: int, mode: Mode = Mode.SEQUENCE) -> list[str]:
    async with aclosing(generator.generate(prompt, Decoding(mode, max_tokens))) as stream:
        return [event.text async for event in stream if isinstance(event, Piece)]


@pytest.mark.parametrize("mode", Mode)
async def test_an_answer_comes_in_pieces_and_is_the_same_each_time(generator: Generator, mode: Mode) -> None:
    """Pieces are text, more than one, and joined they are the answer, which the prompt alone determines."""
    first = await pieces(generator, asking(), max_tokens=24, mode=mode)
    assert len(first) > 1
    assert all(first)
    assert "library" in "".join(first)
    assert await pieces(generator, asking(), max_tokens=24, mode=mode) == first


async def test_an_answer_stops_at_its_limit(generator: Generator) -> None:
    """No more than `max_tokens` tokens come, and they are the beginning of the longer answer."""
    short = "".join(await pieces(generator, asking(), max_tokens=5))
    long = "".join(await pieces(generator, asking(), max_tokens=10))
    assert 0 < generator.count_tokens(short) <= 5 < generator.count_tokens(long) <= 10
    assert long.startswith(short)


async def test_an_answer_says_when_its_tokens_were_used_up(generator: Generator) -> None:
    """After all pieces, and only then."""
    short = [event async for event in generator.generate(asking(), Decoding(max_tokens=5))]
    assert [isinstance(event, CutOff) for event in short] == [False] * (len(short) - 1) + [True]
    if generator.name in {MODEL, ScriptedGenerator.name}:  # the tiny model may go on for ever
        whole = [event async for event in generator.generate(asking(), Decoding(max_tokens=400))]
        assert not any(isinstance(event, CutOff) for event in whole)


async def test_an_answer_goes_on_where_it_stopped(generator: Generator) -> None:
    """Given the beginning of a sentence that it reads, it ends that sentence."""
    if isinstance(generator, RemoteGenerator) and generator.protocol.judging is Judging.NONE:
        pytest.skip("a remote model is asked to go on, in its own words")
    begun = TEXT.partition(" morning on Saturdays")[0]
    further = await pieces(generator, replace(asking(), begun=begun), max_tokens=8)
    assert f" {''.join(further).strip()}".startswith(" morning on Saturdays")


async def test_closing_stops_an_answer_and_leaves_room_for_the_next(generator: Generator) -> None:
    """Whoever has read enough closes the stream; what is asked next is answered as if nothing had been."""
    whole = await pieces(generator, asking(), max_tokens=16)
    async with aclosing(generator.generate(asking(), Decoding(max_tokens=400))) as stream:
        while not isinstance(event := await anext(stream), Piece):
            pass
        assert event.text == whole[0]
    assert await pieces(generator, asking(), max_tokens=16) == whole


async def test_cancelling_stops_an_answer_and_leaves_room_for_the_next(generator: Generator) -> None:
    """The same when the task that reads is cancelled, at its first step or while another one waits its turn."""
    whole = await pieces(generator, asking(), max_tokens=16)
    tasks = [asyncio.create_task(pieces(generator, asking(), max_tokens=400)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await pieces(generator, asking(), max_tokens=16) == whole


async def test_answers_that_are_asked_for_at_once_all_come(generator: Generator) -> None:
    """Two people are answered, each as if alone."""
    other = asking("When does the pool close?", "The pool closes at eight in the evening, every day of the year.")
    alone = [await pieces(generator, prompt, max_tokens=16) for prompt in (asking(), other)]
    together = await asyncio.gather(*[pieces(generator, prompt, max_tokens=16) for prompt in (asking(), other)])
    assert together == alone


async def test_a_prompt_over_the_context_is_refused(generator: Generator) -> None:
    """A prompt that leaves no room for the answer raises, and the next one is answered."""
    long = asking(text="word " * generator.context_tokens)
    with pytest.raises(PromptTooLongError):
        await pieces(generator, long, max_tokens=16)
    assert await pieces(generator, asking(), max_tokens=4)


async def test_verdicts_come_once_before_the_answer(generator: Generator) -> None:
    """A verdict for each passage that was judged, finite, ahead of the first piece; a check changes no answer."""
    plain = await pieces(generator, asking(), max_tokens=12)
    judging = generator.protocol.judging
    asked = replace(asking(), check=check_text(QUESTION)) if judging is Judging.CHECK else asking()
    events = [event async for event in generator.generate(asked, Decoding(max_tokens=12, clear=2.0))]
    verdicts = [event for event in events if isinstance(event, Verdicts)]
    assert len(verdicts) == (0 if judging is Judging.NONE else 1)
    if verdicts:
        assert events[0] is verdicts[0]
        assert len(verdicts[0].log_odds) == 2
        assert all(odds is not None and math.isfinite(odds) for odds in verdicts[0].log_odds)
    if judging is not Judging.FIRST:  # where it judges first, how much is read is part of the answer
        assert [event.text for event in events if isinstance(event, Piece)] == plain


async def test_reading_ahead_and_forgetting_change_no_answer(generator: Generator) -> None:
    expected = await pieces(generator, asking(), max_tokens=8)
    generator.read_ahead(SYSTEM, asking().passages)
    assert await pieces(generator, asking(), max_tokens=8) == expected
    await generator.retain(set())
    assert await pieces(generator, asking(), max_tokens=8) == expected


async def test_tokens_are_counted(generator: Generator) -> None:
    """More text has more tokens, and no text has none."""
    assert generator.count_tokens("") == 0
    assert 0 < generator.count_tokens(QUESTION) < generator.count_tokens(f"{QUESTION} {TEXT}")
    assert generator.context_tokens > 1000
    assert generator.name
