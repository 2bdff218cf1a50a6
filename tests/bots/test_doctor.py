"""What the doctor says of a model on a server."""

from __future__ import annotations

import pytest

from bots.cli.doctor import Mark, _server
from core.settings import Settings
from tests.doubles.openai_server import MODEL, Flavour, OpenAIDouble


@pytest.mark.parametrize(
    ("flavour", "decoding", "mark"),
    [
        (Flavour.VLLM, "sequence", Mark.GOOD),
        (Flavour.VLLM, "token", Mark.CARE),
        (Flavour.OLLAMA, "stuffed", Mark.GOOD),
        (Flavour.OLLAMA, "sequence", Mark.CARE),
    ],
)
async def test_the_doctor_says_what_a_server_cannot_do(flavour: Flavour, decoding: str, mark: Mark) -> None:
    """A way of decoding that the server can only approximate is marked, with what to do about it."""
    async with OpenAIDouble(flavour).serving() as double:
        environ = {"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": MODEL, "ATTUNE_DECODING": decoding}
        model, way = await _server(Settings.from_env(environ))
    assert (model.mark, model.name) == (Mark.GOOD, "language model")
    assert MODEL in model.found
    assert (way.mark, bool(way.fix)) == (mark, mark is Mark.CARE)


async def test_the_doctor_names_a_model_that_the_server_lacks() -> None:
    """The fix lists the models that are there."""
    async with OpenAIDouble().serving() as double:
        (model,) = await _server(Settings.from_env({"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": "other"}))
    assert model.mark is Mark.BAD
    assert MODEL in model.fix
