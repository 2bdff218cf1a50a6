"""What the doctor says of the language model: on a server, or here with an adapter."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bots.cli import operator_texts
from bots.cli.doctor import _memory, _models, _server, parsers
from bots.platform import Check, CheckStatus
from core.adapters.redis import valkey
from core.bootstrap import open_records
from core.documents.confinement import Confinement, Layer
from core.documents.sandbox import Sandbox
from core.domain import Person
from core.models.layouts import CONFIG, OURS, WEIGHTS
from core.people.preferences import Preferences, Tone
from core.settings import Settings
from tests.bots.test_models_view import PLAIN, READER, bring
from tests.doubles.openai_server import MODEL, Flavour, OpenAIDouble


@pytest.mark.parametrize(
    ("flavour", "name", "decoding", "mark"),
    [
        (Flavour.VLLM, READER, "sequence", CheckStatus.GOOD),
        (Flavour.LLAMA_CPP, READER, "token", CheckStatus.GOOD),
        (Flavour.OLLAMA, READER, "sequence", CheckStatus.CARE),
        (Flavour.VLLM, MODEL, "sequence", CheckStatus.CARE),
        (Flavour.VLLM, MODEL, "stuffed", CheckStatus.GOOD),
    ],
)
async def test_the_doctor_says_what_a_server_cannot_do(
    flavour: Flavour, name: str, decoding: str, mark: CheckStatus
) -> None:
    """A way of decoding that is only approximated, without verdicts, is marked, with what to do about it."""
    async with OpenAIDouble(flavour, model=name, judges_first=name == READER).serving() as double:
        environ = {"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": name, "ATTUNE_DECODING": decoding}
        model, way = await _server(Settings.from_env(environ))
    assert (model.mark, model.name) == (CheckStatus.GOOD, "language model")
    assert name in model.found
    assert (way.mark, bool(way.fix)) == (mark, mark is CheckStatus.CARE)
    assert ("log-probabilities" in way.fix) == (flavour is Flavour.OLLAMA)


async def test_the_doctor_names_a_model_that_the_server_lacks() -> None:
    """The fix lists the models that are there."""
    async with OpenAIDouble().serving() as double:
        (model,) = await _server(Settings.from_env({"ATTUNE_MODEL_URL": double.url, "ATTUNE_MODEL": "other"}))
    assert model.mark is CheckStatus.BAD
    assert MODEL in model.fix


def language_model(home: Path, **environ: str) -> Check:
    """The row of the language model, whose file is here."""
    return next(iter(_models(Settings.from_env({"ATTUNE_HOME": str(home), **environ}))))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bring(tmp_path, PLAIN)
    return tmp_path


def test_the_doctor_names_the_adapter_in_use(home: Path) -> None:
    """Ours, none, or the one of the settings, whichever the model."""
    own = home / "adapter"
    own.mkdir()
    for name in (CONFIG, WEIGHTS):
        (own / name).write_bytes(b"{}")
    assert language_model(home).found == f"{READER}, 1,117 MB, verified, {operator_texts.OWN_ADAPTER}"
    assert language_model(home, ATTUNE_MODEL=PLAIN).found == f"{PLAIN}, 1,117 MB, verified"
    for model in (READER, PLAIN):
        found = language_model(home, ATTUNE_MODEL=model, ATTUNE_ADAPTER=str(own))
        assert (found.mark, found.found) == (CheckStatus.GOOD, f"{model}, 1,117 MB, verified, with the adapter {own}")
    fetched = language_model(home, ATTUNE_ADAPTER="hf:org/name")
    assert fetched.found.endswith("with the adapter hf:org/name, which is fetched on first use")


def test_the_doctor_says_what_is_wrong_with_an_adapter(home: Path) -> None:
    """One that is not there, and one that was trained for a different prompt."""
    missing = language_model(home, ATTUNE_ADAPTER=str(home / "nowhere"))
    assert (missing.mark, "is not an adapter: it has no" in missing.fix) == (CheckStatus.BAD, True)
    for name in (CONFIG, WEIGHTS):
        (home / name).write_bytes(b"{}")
    (home / OURS).write_text(json.dumps({"judging": "first", "fitted_to": "0" * 12, "bias": 0.0, "weight": 1.0}))
    other = language_model(home, ATTUNE_ADAPTER=str(home))
    assert (other.mark, "trained for a different prompt" in other.fix) == (CheckStatus.BAD, True)


@pytest.mark.parametrize(
    ("on", "mark", "could"),
    [
        (tuple(Layer), CheckStatus.GOOD, ()),
        ((Layer.LANDLOCK, Layer.SECCOMP), CheckStatus.GOOD, ()),
        ((Layer.NAMESPACES, Layer.SECCOMP), CheckStatus.GOOD, ()),
        ((Layer.NAMESPACES, Layer.LANDLOCK), CheckStatus.CARE, ("disturb",)),
        ((Layer.SECCOMP,), CheckStatus.CARE, ("read the files",)),
        ((Layer.LANDLOCK,), CheckStatus.CARE, ("disturb", "send")),
        ((), CheckStatus.CARE, ("read the files", "disturb", "send")),
    ],
)
def test_the_doctor_says_how_far_parsers_are_shut_in(
    on: tuple[Layer, ...], mark: CheckStatus, could: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which layers are on, why others are not, and what a hostile file could then do."""
    off = {layer: "Operation not permitted" for layer in Layer if layer not in on}
    monkeypatch.setattr(Sandbox, "confined", lambda _: Confinement(on, off))
    check = parsers()
    assert check.mark is mark
    assert all(layer in check.found for layer in Layer)
    assert check.found.count("Operation not permitted") == len(off)
    words = ("read the files", "disturb", "send")
    assert tuple(word for word in words if word in check.fix) == could


def test_the_doctor_asks_the_process_that_parses() -> None:
    """The row is that of this machine."""
    check = parsers()
    assert check.name == "parsers"
    assert check.mark in {CheckStatus.GOOD, CheckStatus.CARE}
    assert check.found.startswith("confined by limits of memory and time")


async def test_the_doctor_says_how_much_is_kept_of_people_and_how_long(data: Path) -> None:
    settings = Settings.from_env({"ATTUNE_HOME": str(data), "ATTUNE_KEEP": "30"})
    memory, people = await _memory(settings)
    assert (memory.mark, memory.found) == (CheckStatus.GOOD, operator_texts.REPLIES)
    assert people.found == "nothing is kept about anybody yet; what comes is kept for 30 days (ATTUNE_KEEP)"
    async with open_records(settings) as records:
        await records.memory.change_wishes(
            Person("slack", "T1", "ann"), lambda old: replace(old, preferences=Preferences(tone=Tone.FORMAL))
        )
        _, people = await _memory(settings)
    assert people.found.startswith("1 person, median 0.")
    assert people.found.endswith(" kB at most, kept for 30 days (ATTUNE_KEEP)")


async def test_the_doctor_warns_of_a_server_that_throws_away_what_it_keeps(data: Path) -> None:
    """One that makes room when it is full; it says which setting that is, and what it should be."""
    async with valkey.embedded(data) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        settings = Settings.from_env({"REDIS_URL": f"unix://{redis.connection_pool.connection_kwargs['path']}"})
        memory, _ = await _memory(settings.model_copy(update={"home": data / "home"}))
    assert memory.mark is CheckStatus.CARE
    assert "maxmemory-policy allkeys-lru" in memory.found
    assert "noeviction" in memory.fix


async def test_the_doctor_says_that_a_memory_is_away(tmp_path: Path) -> None:
    settings = Settings.from_env({"REDIS_URL": "redis://127.0.0.1:1/0", "ATTUNE_HOME": str(tmp_path)})
    (memory,) = await _memory(settings)
    assert (memory.mark, memory.found) == (CheckStatus.BAD, operator_texts.NO_REPLY)
