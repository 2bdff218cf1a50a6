"""The double of vLLM against what a vLLM 0.32 replied, on a CPU, with SmolLM2 and an adapter as `--lora-modules`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.adapters.remote_model.openai_api import OpenAIServer
from core.adapters.remote_model.remote_generator import RemoteGenerator, _first_words
from core.errors import ModelError, ModelUnavailableError, PromptTooLongError, UnknownModelError
from tests.doubles.openai_server import MODEL, OpenAIDouble

DATA = Path(__file__).parents[2] / "data"
RECORDED = json.loads((DATA / "vllm-0.32.json").read_text(encoding="utf-8"))
SAYING = {"model": MODEL, "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 1}
CHAT = "chat/completions"


def differences(double: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Where two replies are not of one shape: other keys, or other kinds of values."""
    if isinstance(recorded, dict) and isinstance(double, dict):
        yield from (f"{path}.{key}" for key in double.keys() ^ recorded.keys())
        for key in double.keys() & recorded.keys():
            yield from differences(double[key], recorded[key], f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(double, list):
        for one, other in zip(double, recorded, strict=False):
            yield from differences(one, other, f"{path}[]")
    elif type(double) is not type(recorded):
        yield f"{path}: {double!r}, {recorded!r}"


async def asked(path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
    """What a double with an adapter replies, and with which status."""
    async with OpenAIDouble(base="base").serving() as double, aiohttp.ClientSession() as session:
        response = await session.request("POST" if body else "GET", f"{double.url}/{path}", json=body)
        return response.status, await response.text()


async def test_models_are_listed_as_by_vllm() -> None:
    """An adapter without a length of its own, behind its base."""
    _, text = await asked("models")
    listed = json.loads(text)
    for one in [*listed["data"], *RECORDED["models"]["data"]]:
        one["permission"] = []
    assert list(differences(listed, RECORDED["models"])) == []
    assert [one["max_model_len"] is None for one in RECORDED["models"]["data"]] == [False, True]


async def test_a_first_token_is_told_as_by_vllm() -> None:
    """Its own probability, and the likeliest, beside all the fields that say nothing."""
    _, text = await asked(CHAT, SAYING | {"logprobs": True, "top_logprobs": 3})
    assert list(differences(json.loads(text), RECORDED["first token"])) == []
    words = _first_words(RECORDED["first token"])
    assert words
    assert words["yes"] == pytest.approx(0.0648, abs=1e-4)


async def test_a_stream_is_as_vllms() -> None:
    """The last word comes with the reason why it is the last."""
    _, text = await asked(CHAT, SAYING | {"max_tokens": 4, "stream": True})
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n") if line.startswith("data: {")]
    assert len(events) == len(RECORDED["stream"])
    assert list(differences(events, RECORDED["stream"])) == []


async def test_refusals_are_as_vllms() -> None:
    """Another model's name, more log-probabilities than there are or unasked, both ways of going on."""
    bodies: list[dict[str, Any]] = [
        {"model": "nobody"},
        {"top_logprobs": 21, "logprobs": True},
        {"top_logprobs": 2},
        {"max_tokens": 100_000},
        {"continue_final_message": True, "add_generation_prompt": True},
    ]
    for body, recorded in zip(bodies, RECORDED["errors"], strict=False):
        status, text = await asked(CHAT, SAYING | body)
        assert status == recorded["status"]
        assert json.loads(text)["error"].keys() == recorded["body"]["error"].keys()


@pytest.mark.parametrize(
    ("place", "kind"), [(0, UnknownModelError), (1, ModelError), (3, PromptTooLongError), (5, PromptTooLongError)]
)
def test_what_vllm_refuses_is_understood(place: int, kind: type[Exception]) -> None:
    """Whatever it says is an error of ours, of the kind that it is."""
    recorded = RECORDED["errors"][place]
    server = OpenAIServer("http://127.0.0.1/v1", None, silence=1)
    assert type(server._explained(recorded["status"], json.dumps(recorded["body"]), CHAT)) is kind


def test_an_engine_that_was_killed_is_no_refusal() -> None:
    """The event in the stream says 500: the server is away, and an answer may be gone on with."""
    server = OpenAIServer("http://127.0.0.1/v1", None, silence=1)
    with pytest.raises(ModelUnavailableError, match="EngineCore"):
        server._chunk(json.dumps(RECORDED["engine killed"]))


async def test_the_reader_is_found_in_vllm() -> None:
    """By the name of `--lora-modules`, with its base's context."""
    async with AsyncExitStack() as stack:
        double = await stack.enter_async_context(OpenAIDouble(base="base", context=2048).serving())
        server = OpenAIServer(double.url, None, silence=5)
        generator = await stack.enter_async_context(RemoteGenerator(server, MODEL))
        assert generator.context_tokens == RECORDED["models"]["data"][0]["max_model_len"]
