"""A model on an OpenAI-compatible server, through real HTTP to a double on loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.remote_model.openai_api import OpenAIServer, ServerSentEvents
from core.adapters.remote_model.remote_generator import RemoteGenerator, _first_words, _without_verdict
from core.answering.prompt import GO_ON
from core.answering.verdict import ANSWERING, PROTOCOLS, SYSTEM, TOLD_TO_REFUSE
from core.bootstrap import open_generator
from core.domain import CutOff, Decoding, DecodingSummary, Mode, Passage, Piece, Prompt, Verdicts
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
JUDGING = PROTOCOLS["attune-reader-1.5b"]


class NoContinuation(OpenAIDouble):
    """A server that wants the last message to be somebody else's."""

    def _problem(self, body: dict[str, Any]) -> web.Response | None:
        refusal = web.json_response({"error": {"message": "Expected a user's message"}}, status=400)
        return refusal if body["messages"][-1]["role"] == "assistant" else super()._problem(body)


def asking(*texts: str, priors: tuple[float, ...] = (), question: str = "When?") -> Prompt:
    texts = texts or (LIBRARY, POOL)
    passages = [Passage(str(n), f"{n}.md", "Guide", (), text, 1, 0, 1, "1") for n, text in enumerate(texts)]
    return Prompt(SYSTEM, tuple(passages), priors or (1 / len(texts),) * len(texts), (), "", question)


@asynccontextmanager
async def remote(
    double: OpenAIDouble, *, key: str | None = None, model: str = MODEL, silence: float = 5
) -> AsyncIterator[RemoteGenerator]:
    server = OpenAIServer(double.url, key, silence=silence, waits=(0.01, 0.02))
    async with RemoteGenerator(server, model, JUDGING) as generator:
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


async def test_one_passage_is_answered_from_alone() -> None:
    """With one passage, sequence is an ordinary chat, exact, and that passage carries it."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        pieces = await said(generator, asking(POOL), Mode.SEQUENCE)
    assert text(pieces) == POOL
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((1.0,), DecodingSummary.EXACT)}
    assert double.asked == [CHAT]


@pytest.mark.parametrize("mode", [Mode.SEQUENCE, Mode.TOKEN])
@pytest.mark.parametrize("double", [OpenAIDouble(), OpenAIDouble(Flavour.OLLAMA, judges_first=True)])
async def test_without_verdicts_all_passages_share_a_prompt_and_the_answer_says_so(
    double: OpenAIDouble, mode: Mode
) -> None:
    """A model that does not judge, or a server that does not say how sure it is: it is told to refuse instead."""
    async with double.serving(), remote(double) as generator:
        assert generator.protocol == TOLD_TO_REFUSE
        pieces = await said(generator, asking(), mode)
    assert LIBRARY in text(pieces)
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((), DecodingSummary.APPROXIMATED)}
    assert double.asked == [CHAT]


def reader(**log_odds: float) -> OpenAIDouble:
    """A server with the trained reader, which is as sure as this of the passages `library` and `pool`."""
    texts = {LIBRARY: log_odds.get("library", 9.0), POOL: log_odds.get("pool", 9.0)}
    return OpenAIDouble(judges_first=True, log_odds=lambda passage: texts.get(passage, 0.0))


async def events(generator: Generator, prompt: Prompt, decoding: Decoding) -> tuple[Verdicts, list[Piece]]:
    """The verdicts, which come first, and the pieces."""
    async with aclosing(generator.generate(prompt, decoding)) as stream:
        first, *rest = [event async for event in stream]
    assert isinstance(first, Verdicts)
    return first, [event for event in rest if isinstance(event, Piece)]


@pytest.mark.parametrize("mode", [Mode.SEQUENCE, Mode.TOKEN])
async def test_a_clear_verdict_on_the_likeliest_passage_is_enough(mode: Mode) -> None:
    """One token for the verdict, one answer from that passage alone, which is exact; the other is not read."""
    async with reader().serving() as double, remote(double) as generator:
        verdicts, pieces = await events(generator, asking(priors=(0.4, 0.6)), Decoding(mode))
    assert verdicts.log_odds == (None, pytest.approx(9.0))
    assert text(pieces) == POOL
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((0.0, 1.0), DecodingSummary.EXACT)}
    verdict, answer = double.bodies
    assert (verdict["max_tokens"], verdict["logprobs"], verdict["top_logprobs"]) == (1, True, 20)
    assert [LIBRARY in body["messages"][0]["content"] for body in (verdict, answer)] == [False, False]
    assert answer["messages"][-1] == {"role": "assistant", "content": ANSWERING}
    assert {body["repetition_penalty"] for body in double.bodies} == {
        1.0
    }  # the model's own configuration may have more


async def test_the_passages_that_hold_the_answer_share_a_prompt_the_likeliest_first() -> None:
    """Of .6 · σ(-1) = .161 and .4 · σ(2) = .352 the second has .69: it stands first, and the answer says what it is."""
    async with reader(library=-1.0, pool=2.0).serving() as double, remote(double) as generator:
        verdicts, pieces = await events(generator, asking(priors=(0.6, 0.4)), Decoding(clear=2.0))
    assert verdicts.log_odds == pytest.approx((-1.0, 2.0))
    (summary,) = {(piece.posterior, piece.decoded) for piece in pieces}
    assert summary == (pytest.approx((0.314, 0.686), abs=1e-3), DecodingSummary.JUDGED)
    *_, answer = double.bodies
    documents = answer["messages"][0]["content"]
    assert -1 < documents.index(POOL) < documents.index(LIBRARY)
    assert len(double.bodies) == 3


async def test_an_answer_that_goes_on_is_judged_by_its_question_and_begins_behind_what_was_said() -> None:
    """The verdict does not hear what was said; the answer goes on in the middle of its sentence."""
    async with reader().serving() as double, remote(double) as generator:
        _, pieces = await events(generator, replace(asking(LIBRARY), begun="It opens"), Decoding())
    assert text(pieces) == " at nine – always."
    verdict, answer = double.bodies
    assert [message["role"] for message in verdict["messages"]] == ["system", "user"]
    assert answer["messages"][-1] == {"role": "assistant", "content": f"{ANSWERING}It opens"}


async def test_a_passage_that_does_not_hold_the_answer_is_not_answered_from() -> None:
    """Under the floor of verdicts it goes, and what is left is exact."""
    async with reader(library=-9.0).serving() as double, remote(double) as generator:
        verdicts, pieces = await events(generator, asking(priors=(0.6, 0.4)), Decoding())
    assert verdicts.log_odds == pytest.approx((-9.0, 9.0))
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((0.0, 1.0), DecodingSummary.EXACT)}
    assert LIBRARY not in double.bodies[-1]["messages"][0]["content"]


async def test_stuffed_passages_are_judged_together() -> None:
    """One verdict on all, and an answer from all."""
    async with reader().serving() as double, remote(double) as generator:
        verdicts, pieces = await events(generator, asking(), Decoding(Mode.STUFFED))
    assert verdicts.log_odds == pytest.approx((9.0, 9.0))
    assert {(piece.posterior, piece.decoded) for piece in pieces} == {((), DecodingSummary.EXACT)}
    assert all(POOL in body["messages"][0]["content"] for body in double.bodies)
    assert len(double.bodies) == 2


@pytest.mark.parametrize(("log_odds", "expected"), [(9.0, LIBRARY), (-1.0, "")])
@pytest.mark.parametrize("limit", [40, 1])
async def test_a_server_that_begins_anew_has_its_verdict_taken_off(log_odds: float, expected: str, limit: int) -> None:
    """What it says behind its yes is the answer; behind a no there is none."""
    double = reader(library=log_odds)
    double.goes_on = False
    async with double.serving(), remote(double) as generator:
        _, pieces = await events(generator, asking(LIBRARY), Decoding(max_tokens=limit))
    assert text(pieces) == (expected if limit > 1 else expected and "yes")


async def test_a_reader_that_the_server_does_not_list_is_not_believed() -> None:
    """llama.cpp takes any name; whatever answers to it was not shown to judge first."""
    async with reader().serving() as double:
        double.flavour = Flavour.LLAMA_CPP
        async with remote(double, model="another") as generator:
            assert generator.protocol == TOLD_TO_REFUSE
            assert generator.obstacle == "The server does not list another."
        async with remote(double) as generator:
            assert generator.protocol == JUDGING
            assert generator.obstacle == ""


@pytest.mark.parametrize(
    ("double", "words"),
    [
        (OpenAIDouble(Flavour.OLLAMA, judges_first=True), "gives no log-probabilities"),
        (OpenAIDouble(), "neither yes nor no first"),
        (NoContinuation(judges_first=True), "does not go on"),
    ],
)
async def test_what_keeps_a_reader_from_judging_is_said(double: OpenAIDouble, words: str) -> None:
    """In a sentence, for the log and `attune doctor`; it is asked as any other model then."""
    async with double.serving(), remote(double) as generator:
        assert generator.protocol == TOLD_TO_REFUSE
        assert words in generator.obstacle


@pytest.mark.parametrize("token_ids", [False, True])
async def test_an_adapter_in_vllm_has_the_context_of_its_base(*, token_ids: bool) -> None:
    """It is listed without one; and tokens come as words, whatever the server makes of them by default."""
    double = reader()
    double.base, double.context, double.token_ids = "Qwen/Qwen2.5-Coder-1.5B-Instruct", 32_000, token_ids
    async with double.serving(), remote(double) as generator:
        assert (generator.context_tokens, generator.protocol) == (32_000, JUDGING)
        verdicts, _ = await events(generator, asking(), Decoding())
    assert pytest.approx(9.0) in verdicts.log_odds


async def test_a_server_that_no_longer_gives_verdicts_is_an_error() -> None:
    """One that was changed meanwhile is named; nothing is answered unjudged."""
    async with reader().serving() as double, remote(double) as generator:
        double.flavour = Flavour.OLLAMA
        with pytest.raises(ModelError, match="no longer says"):
            await said(generator, asking())


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


BREAKS = {
    Fault.STALL: "silent",
    Fault.CUT: "broke off",
    Fault.ABRUPT: "broke off|does not respond",
    Fault.ERROR: "EngineCore died",
    Fault.ABORT: "broke off",
}


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.HANG, "silent"), (Fault.QUEUE, "is currently busy"), *BREAKS.items()]
)
@pytest.mark.parametrize("judges_first", [False, True])
async def test_a_server_that_fails_is_named_and_the_next_answer_comes(
    fault: Fault, words: str, *, judges_first: bool
) -> None:
    """Silence, a broken connection and an error in a stream are errors in words; what came before had been shown."""
    double, mode = OpenAIDouble(judges_first=judges_first), Mode.SEQUENCE
    async with double.serving(), remote(double, silence=0.3) as generator:
        double.faults = [fault] * 12  # more often than anything comes between
        with pytest.raises(ModelError, match=words):
            await said(generator, asking(), mode)
        double.faults = []
        assert text(await said(generator, asking(), mode)) in {LIBRARY, POOL}


@pytest.mark.parametrize("fault", BREAKS)
@pytest.mark.parametrize("times", [1, 2])
async def test_an_answer_that_breaks_off_goes_on_where_it_was(fault: Fault, times: int) -> None:
    """A reader is given what it said, and says the rest: nobody sees more than a pause."""
    double = reader()
    double.pace = 0.01
    async with double.serving(), remote(double, silence=0.3) as generator:
        double.faults = [fault] * times
        assert text(await said(generator, asking(LIBRARY), Mode.SEQUENCE)) == LIBRARY
    verdict, *answers = double.bodies
    begun = [body["messages"][-1]["content"] for body in answers]
    assert [LIBRARY.startswith(beginning.removeprefix(ANSWERING)) for beginning in begun] == [True] * (times + 1)
    assert begun == sorted(set(begun), key=len)
    assert verdict["messages"] == answers[0]["messages"][:-1]


async def test_an_answer_that_breaks_off_keeps_to_its_tokens() -> None:
    """What came counts; where it was all that may come, it is cut off."""
    async with reader().serving() as double, remote(double) as generator:
        double.faults = [Fault.CUT]
        stream = generator.generate(asking(LIBRARY), Decoding(max_tokens=4))
        heard = [event async for event in stream if not isinstance(event, Verdicts)]
    assert [event.text for event in heard if isinstance(event, Piece)] == ["It ", "ope", "ns ", "at "]
    assert isinstance(heard[-1], CutOff)
    assert [body["max_tokens"] for body in double.bodies] == [1, 4, 2]


async def test_a_server_that_begins_anew_is_not_asked_to_go_on() -> None:
    """Nobody is told the same twice."""
    double = reader()
    double.goes_on = False
    async with double.serving(), remote(double) as generator:
        double.faults = [Fault.CUT]
        with pytest.raises(ModelError, match="broke off"):
            await said(generator, asking(LIBRARY), Mode.SEQUENCE)
    assert len(double.bodies) == 2


async def test_a_full_queue_is_waited_for() -> None:
    """A server may say in its stream that it is busy, behind a status of 200, as vLLM does."""
    async with OpenAIDouble().serving() as double, remote(double) as generator:
        double.faults = [Fault.QUEUE, Fault.QUEUE]
        assert text(await said(generator, asking())) == LIBRARY
    assert len(double.bodies) == 3


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


@pytest.mark.parametrize("judges_first", [False, True])
async def test_closing_ends_the_connection(*, judges_first: bool) -> None:
    """Whoever stops reading, or is cancelled, leaves no answer running on the server."""
    double = OpenAIDouble(judges_first=judges_first, pace=0.05)
    async with double.serving(), remote(double) as generator:
        task = asyncio.create_task(said(generator, asking("word " * 40, POOL), Mode.SEQUENCE, tokens=400))
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


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Yes", "\n", "Be", "hind"], "Behind"),
        (["ye", "s, you may"], "yes, you may"),
        (["no", "\n", "nothing"], ""),
        ([" No"], ""),
        (["n"], "n"),
        (["Nobody"], "Nobody"),
        (["yes\n", "no\nmore"], "no\nmore"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
async def test_a_verdict_that_a_server_says_again_is_not_shown(pieces: list[str], shown: str, *, cut: bool) -> None:
    """However it is spelled and cut; behind a no nothing is, and no other beginning is lost."""

    async def answer() -> AsyncGenerator[str | CutOff, None]:
        for piece in pieces:
            yield piece
        if cut:
            yield CutOff()

    heard = [one async for one in _without_verdict(answer())]
    assert "".join(one for one in heard if isinstance(one, str)) == shown


async def test_a_passage_of_which_neither_yes_nor_no_is_likely_is_undecided() -> None:
    """It does not end the answer: the others are judged."""
    assert _first_words({"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "The", "logprob": -1}]}]}}]})
    assert _first_words({"choices": [{}]}) is None
