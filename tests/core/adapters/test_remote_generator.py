"""A model on an OpenAI-compatible server, through real HTTP to a double on loopback."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.remote_model.openai_api import OpenAIServer, ServerSentEvents
from core.adapters.remote_model.remote_generator import RemoteGenerator, parts
from core.answering.prompt import GO_ON
from core.answering.verdict import SYSTEM
from core.bootstrap import open_generator
from core.domain import Decoding, DecodingSummary, Mode, Passage, Piece, Prompt
from core.errors import (
    AttuneError,
    ConfigurationError,
    ModelError,
    ModelUnavailableError,
    PromptTooLongError,
    UnknownModelError,
)
from core.ports import Generator
from core.settings import Settings
from tests.doubles.openai_server import KEY, MODEL, Fault, Flavour, OpenAIDouble

LIBRARY, POOL = "It opens at nine – always.", "It closes at eight."
CHAT = "/v1/chat/completions"
# p(token | passage): "yes" is likelier under the library, "no" under the pool
CHANCES = {("yes", LIBRARY): 0.5, ("yes", POOL): 0.1, ("no", LIBRARY): 0.3, ("no", POOL): 0.9}
REPLIES = {LIBRARY: "yes", POOL: "no"}


def asking(*texts: str, priors: tuple[float, ...] = (), question: str = "When?") -> Prompt:
    texts = texts or (LIBRARY, POOL)
    passages = [Passage(str(n), f"{n}.md", "Guide", (), text, 1, 0, 1, "1") for n, text in enumerate(texts)]
    return Prompt(SYSTEM, tuple(passages), priors or (1 / len(texts),) * len(texts), (), "", question)


@asynccontextmanager
async def remote(
    double: OpenAIDouble, *, key: str | None = None, model: str = MODEL, silence: float = 5
) -> AsyncIterator[RemoteGenerator]:
    async with RemoteGenerator(OpenAIServer(double.url, key, silence=silence, waits=(0.01, 0.02)), model) as generator:
        double.asked.clear()
        double.bodies.clear()
        yield generator


async def said(generator: Generator, prompt: Prompt, mode: Mode = Mode.STUFFED, tokens: int = 40) -> list[Piece]:
    async with aclosing(generator.generate(prompt, Decoding(mode, tokens))) as stream:
        return [event async for event in stream if isinstance(event, Piece)]


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("slice_bytes", [0, 1, 7])
async def test_a_stuffed_answer_streams_however_the_bytes_are_cut(slice_bytes: int) -> None:
    """Pieces come as the server sends them, past keep-alives and chunks without words, letters cut in halves whole."""
    async with OpenAIDouble(slice_bytes=slice_bytes).serving() as double, remote(double) as generator:
        pieces = await said(generator, asking())
    assert [piece.text for piece in pieces] == ["It ", "ope", "ns ", "at ", "nin", "e –", " al", "way", "s."]
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((), DecodingSummary.EXACT)}


async def test_a_request_says_all_of_the_decoding() -> None:
    """Messages, limits and seed are the prompt's and the decoding's."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        decoding = Decoding(Mode.STUFFED, 7, temperature=0.5, top_p=0.9, seed=3)
        assert [event async for event in generator.generate(asking(), decoding)]
    (body,) = double.bodies
    (system, user) = body.pop("messages")
    assert LIBRARY in system["content"]
    assert POOL in system["content"]
    assert user == {"role": "user", "content": "When?"}
    assert body == {"model": MODEL, "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stream": True}


async def test_an_answer_that_goes_on_is_asked_for_behind_what_was_said() -> None:
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        await said(generator, replace(asking(), begun="It opens at"))
    *_, user, assistant, more = double.bodies[0]["messages"]
    assert user == {"role": "user", "content": "When?"}
    assert assistant == {"role": "assistant", "content": "It opens at"}
    assert more == {"role": "user", "content": GO_ON}


async def test_one_passage_needs_no_scores() -> None:
    """With one passage, sequence is an ordinary chat, exact, and that passage carries it."""
    async with OpenAIDouble(Flavour.OLLAMA).serving() as double, remote(double) as generator:
        pieces = await said(generator, asking(POOL), Mode.SEQUENCE)
    assert text(pieces) == POOL
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((1.0,), DecodingSummary.EXACT)}
    assert double.asked == [CHAT]


@pytest.mark.parametrize("flavour", [Flavour.VLLM, Flavour.LLAMA_CPP_ECHO])
async def test_the_likeliest_answer_under_all_passages_wins(flavour: Flavour) -> None:
    """The answer "yes" has .7 × .5 + .3 × .1 = .38, "no" has .7 × .3 + .3 × .9 = .48, of which the pool carried .27."""
    double = OpenAIDouble(flavour, replies=REPLIES)
    double.log_probability = lambda passage, token: math.log(CHANCES.get((token, passage), 1.0))
    async with double.serving(), remote(double) as generator:
        (piece,) = await said(generator, asking(priors=(0.7, 0.3)), Mode.SEQUENCE)
    assert (piece.text, piece.decoded) == ("no", DecodingSummary.RESCORED)
    assert piece.posterior == pytest.approx((0.21 / 0.48, 0.27 / 0.48))
    assert piece.log_likelihood == pytest.approx(math.log(0.48))


@pytest.mark.parametrize("flavour", [Flavour.VLLM, Flavour.LLAMA_CPP_ECHO])
async def test_the_end_of_an_answer_counts(flavour: Flavour) -> None:
    """Where the pool's row would go on after "no" half of the time, "no" has .21 + .135 = .345 and "yes" wins."""
    chances = {**CHANCES, ("no ", LIBRARY): 0.3, ("no ", POOL): 0.9, ("<end>", POOL): 0.5}
    double = OpenAIDouble(flavour, replies=REPLIES)
    double.log_probability = lambda passage, token: math.log(chances.get((token, passage), 1.0))
    async with double.serving(), remote(double) as generator:
        (piece,) = await said(generator, asking(priors=(0.7, 0.3)), Mode.SEQUENCE)
        assert piece.text == "yes"
        assert piece.log_likelihood == pytest.approx(math.log(0.35 + 0.015))
        double.replies = {LIBRARY: "yes, it does", POOL: "no way"}  # cut at one token, neither has ended
        (cut,) = await said(generator, asking(priors=(0.7, 0.3)), Mode.SEQUENCE, tokens=1)
    assert (cut.text, cut.log_likelihood) == ("no ", pytest.approx(math.log(0.48)))


async def test_each_piece_has_the_posterior_up_to_it() -> None:
    """After "one" the library has .8 of the two; after "two", of which it knows nothing, .4 / (.4 + .9)."""
    chances = {("one", LIBRARY): 0.8, ("one", POOL): 0.2, (" tw", LIBRARY): 0.1, (" tw", POOL): 0.9}
    double = OpenAIDouble(replies={LIBRARY: "one two", POOL: "one two"})
    double.log_probability = lambda passage, token: math.log(chances.get((token, passage), 1.0))
    async with double.serving(), remote(double) as generator:
        pieces = await said(generator, asking(), Mode.SEQUENCE)
    assert [piece.text for piece in pieces] == ["one", " tw", "o"]
    assert pieces[0].posterior == pytest.approx((0.8, 0.2))
    assert pieces[1].posterior == pieces[2].posterior == pytest.approx((0.08 / 0.26, 0.18 / 0.26))
    assert pieces[2].log_likelihood == pytest.approx(math.log(0.13))
    assert sum(path == CHAT for path in double.asked) == 2


@pytest.mark.parametrize("flavour", [Flavour.LLAMA_CPP, Flavour.OLLAMA])
async def test_a_server_without_scores_gets_one_prompt_and_the_answer_says_so(flavour: Flavour) -> None:
    """Sequence is approximated by all passages in one prompt; whether the server scores is asked once."""
    async with OpenAIDouble(flavour).serving() as double, remote(double) as generator:
        assert not await generator.can_rescore()
        double.asked.clear()
        pieces = await said(generator, asking(), Mode.SEQUENCE)
    assert text(pieces) == LIBRARY
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((), DecodingSummary.APPROXIMATED)}
    assert double.asked == [CHAT]


async def test_token_is_always_approximated() -> None:
    """No server mixes rows a token, so the answer says that it was approximated, also where sequence would work."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        pieces = await said(generator, asking(), Mode.TOKEN)
    assert {piece.decoded for piece in pieces} == {DecodingSummary.APPROXIMATED}


async def test_a_server_that_was_down_is_asked_again_whether_it_scores() -> None:
    """A fault while looking is an error, not an answer to remember."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        double.faults = [Fault.BUSY] * 3
        with pytest.raises(ModelUnavailableError):
            await generator.can_rescore()
        assert await generator.can_rescore()


@pytest.mark.parametrize(
    ("flavour", "tokens"), [(Flavour.VLLM, 2000), (Flavour.LLAMA_CPP, 2000), (Flavour.OLLAMA, 4096)]
)
async def test_the_context_is_what_the_server_says(flavour: Flavour, tokens: int) -> None:
    """Of servers, vLLM lists it, llama.cpp has it in its properties, and where nobody says it, it is 4096."""
    async with OpenAIDouble(flavour, context=2000).serving() as double, remote(double) as generator:
        assert generator.context_tokens == tokens


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN])
async def test_a_busy_server_is_asked_again(fault: Fault) -> None:
    """A server that is busy or broken for a moment costs time, not the answer."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        double.faults = [fault, fault]
        assert text(await said(generator, asking())) == LIBRARY
        double.faults = [fault] * 3
        with pytest.raises(ModelUnavailableError, match=f"status {fault.value}"):
            await said(generator, asking())


async def test_a_server_says_how_long_to_wait() -> None:
    """Retry-After is kept to; a wait that nobody would sit out ends at once."""
    async with OpenAIDouble(retry_after="1").serving() as double, remote(double) as generator:
        double.faults, started = [Fault.BUSY], time.monotonic()
        assert await said(generator, asking())
        assert time.monotonic() - started >= 1
        double.faults, double.retry_after = [Fault.BUSY], "3600"
        with pytest.raises(ModelUnavailableError, match="3600 s"):
            await said(generator, asking())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.HANG, "silent"),
        (Fault.STALL, "silent"),
        (Fault.CUT, "broke off"),
        (Fault.ABRUPT, "broke off|does not respond"),
        (Fault.ERROR, "EngineCore died"),
    ],
)
@pytest.mark.parametrize("mode", [Mode.STUFFED, Mode.SEQUENCE])
async def test_a_server_that_fails_is_named_and_the_next_answer_comes(fault: Fault, words: str, mode: Mode) -> None:
    """Silence, a broken connection and an error in a stream are errors in words; what came before had been shown."""
    async with OpenAIDouble().serving() as double, remote(double, silence=0.3) as generator:
        await generator.can_rescore()
        double.faults = [fault]
        with pytest.raises(ModelError, match=words):
            await said(generator, asking(), mode)
        assert text(await said(generator, asking(), mode)) in {LIBRARY, POOL}


async def test_a_dead_server_is_an_error_that_says_where() -> None:
    """A server that is gone, at the start or later, is named with the setting that names it."""
    async with AsyncExitStack() as stack:
        double = OpenAIDouble()
        async with double.serving():
            opened = await stack.enter_async_context(remote(double))
        with pytest.raises(ModelUnavailableError, match=r"127\.0\.0\.1.*ATTUNE_MODEL_URL"):
            await said(opened, asking())
    with pytest.raises(ModelUnavailableError, match=r"127\.0\.0\.1.*ATTUNE_MODEL_URL"):
        await remote(double).__aenter__()


async def test_a_key_is_sent_and_a_wrong_one_named_but_not_shown() -> None:
    """The right key opens; a wrong or missing one fails at the start and says which setting to change."""
    async with OpenAIDouble(key=KEY).serving() as double:
        async with remote(double, key=KEY) as generator:
            assert await said(generator, asking())
        for wrong in ("swordfish", None):
            with pytest.raises(ConfigurationError, match="ATTUNE_MODEL_KEY") as caught:
                await remote(double, key=wrong).__aenter__()
            assert "swordfish" not in str(caught.value)


async def test_an_unknown_model_is_named_with_those_there_are() -> None:
    """A mistyped model fails at the start; llama.cpp, which takes any name, takes it."""
    async with OpenAIDouble().serving() as double:
        with pytest.raises(UnknownModelError, match=f"no model tinny.*ATTUNE_MODEL .*{MODEL}"):
            await remote(double, model="tinny").__aenter__()
    async with OpenAIDouble(Flavour.LLAMA_CPP).serving() as double, remote(double, model="tinny") as generator:
        assert await said(generator, asking())


async def test_a_wrong_address_says_so() -> None:
    """A server without this API, or one that is something else, names the setting."""
    async with OpenAIDouble().serving() as double:
        server = OpenAIServer(double.url.replace("/v1", "/v2"), None, silence=5)
        with pytest.raises(ConfigurationError, match="ATTUNE_MODEL_URL"):
            await RemoteGenerator(server, MODEL).__aenter__()


async def test_a_prompt_that_the_server_finds_too_long() -> None:
    """The estimate lets it pass, the server counts more: the same error as of a local model."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        double.context = 100
        with pytest.raises(PromptTooLongError, match="100 tokens"):
            await said(generator, asking())


@pytest.mark.parametrize("mode", [Mode.STUFFED, Mode.SEQUENCE])
async def test_closing_ends_the_connection(mode: Mode) -> None:
    """Whoever stops reading, or is cancelled, leaves no answer running on the server."""
    async with OpenAIDouble(pace=0.05).serving() as double, remote(double) as generator:
        await generator.can_rescore()
        task = asyncio.create_task(said(generator, asking("word " * 40, POOL), mode, tokens=400))
        await asyncio.sleep(0.3)
        assert not double.idle.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(1):
            await double.idle.wait()


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_settings_put_a_server_in_the_place_of_the_local_model(tmp_path: Path) -> None:
    """With ATTUNE_MODEL_URL set, the generator is the server's model, and nothing is fetched."""
    async with OpenAIDouble(key=KEY).serving() as double:
        environ = {"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL_KEY": KEY, "ATTUNE_MODEL": MODEL}
        settings = Settings.from_env({**environ, "ATTUNE_HOME": str(tmp_path)})
        async with open_generator(settings) as generator:
            assert text(await said(generator, asking())) == LIBRARY
    assert files(tmp_path) == []


EVENTS = ["a", "b\nc", "–ü", '{"d": 1}', "[DONE]"]


@given(st.lists(st.integers(1, 9), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_events_are_read_however_they_are_cut(sizes: list[int], end: str) -> None:
    """The same events come of the same bytes, wherever those are cut; comments and other fields do not count."""
    lines = [
        f"event: x{end}: ping{end}" + "".join(f"data: {line}{end}" for line in e.split("\n")) + end for e in EVENTS
    ]
    stream, events, read, turn = "".join(lines).encode(), ServerSentEvents(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        read += events.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert read == EVENTS


def test_an_event_without_an_end_is_refused() -> None:
    """A server cannot fill the memory."""
    with pytest.raises(ModelError):
        list(ServerSentEvents().feed(b"data: " + b"x" * 2_000_000))


@pytest.mark.parametrize(
    ("answer", "tokens", "cut"),
    [
        ("no way", ["no", " way"], [("no", 0), (" way", 1)]),
        ("no way", ["no", "way", "<end>"], [("no", 0), (" way", 2)]),  # spelled without the space; an end
        ("no ü way", ["no", " \ufffd", "\ufffd", " way"], [("no", 0), (" ", 1), ("ü way", 3)]),  # a letter in halves
        ("a\nb ", ["a", "\n", "b"], [("a", 0), ("\n", 1), ("b ", 2)]),
        ("no way", ["?", "!"], [("no way", 1)]),
    ],
)
def test_an_answer_is_cut_at_its_tokens(answer: str, tokens: list[str], cut: list[tuple[str, int]]) -> None:
    """Every character is in one part, in order, whatever the server's spelling of tokens."""
    assert parts(answer, tokens) == cut


@pytest.mark.parametrize(
    "nonsense", ["<html>", "[]", '{"choices": 3}', '{"error": "no"}', '{"choices": [{"delta": 1}]}']
)
async def test_no_foreign_error_passes(nonsense: str) -> None:
    """Whatever nonsense a server says, the error is one of Attune's, on one line."""
    double = OpenAIDouble()
    double._send = nonsense_sender(nonsense)
    async with double.serving(), remote(double) as generator:
        with pytest.raises(AttuneError) as caught:
            await said(generator, asking())
    assert "\n" not in str(caught.value)


def nonsense_sender(nonsense: str):
    async def send(response, _text) -> None:
        await response.write(f"data: {nonsense}\n\n".encode())

    return send


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_what_is_asked_goes_to_no_other_address(status: int) -> None:
    """A server that sends on elsewhere gets no second request there: neither the key nor what people wrote."""
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(await request.text())
        return web.json_response({"object": "list", "data": []})

    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"http://localhost:{ports[0]}{request.path}"})

    ports: list[int] = []
    async with AsyncExitStack() as stack:
        for handler in (elsewhere, moved):
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", handler)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            ports.append(runner.addresses[0][1])
        url = f"http://127.0.0.1:{ports[1]}/v1"
        async with OpenAIServer(url, KEY, silence=2, waits=(0.01,)) as server:
            with pytest.raises(ConfigurationError, match="redirects to another address"):
                await server.ask("chat/completions", {"messages": [LIBRARY]})
    assert seen == []
