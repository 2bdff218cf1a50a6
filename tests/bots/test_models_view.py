"""`attune models list`: what each model is for, what it takes, how well it answers, and whether it is here."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bots.cli.machine import Machine
from bots.cli.models_view import show_models
from core.models.files import FileRecord, VerifiedFolder, write_record
from core.models.specs import BUILT_IN
from core.settings import Settings

READER, PLAIN = "attune-reader-1.5b", "qwen2.5-coder-1.5b-instruct"


LARGE, SMALL = Machine(24 * 10**9, 20 * 10**9, 2, "AVX2", is_fast=False), Machine(3 * 10**9, 0, 1)


def listed(home: Path, *, width: int = 80, machine: Machine = LARGE, **environ: str) -> str:
    console = Console(width=width, file=StringIO())
    show_models(Settings.from_env({"ATTUNE_HOME": str(home), **environ}), console, machine)
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def bring(home: Path, name: str) -> None:
    """Put the model's file there as if it had been fetched and verified; it takes no room."""
    (file,) = BUILT_IN[name].files
    place = home / "models" / name
    place.mkdir(parents=True)
    with (place / file.path).open("wb") as stream:
        stream.truncate(file.size)
    time = (place / file.path).stat().st_mtime_ns
    write_record(place, VerifiedFolder(name, {file.path: FileRecord(file.size, time, str(file.sha256))}))


@pytest.mark.parametrize("width", [80, 120])
def test_each_model_says_what_it_is_for_and_what_it_takes(tmp_path: Path, width: int) -> None:
    """Nothing is cut off, and what belongs to a model stands indented under its name."""
    told = listed(tmp_path, width=width)
    assert max(map(len, told.splitlines())) <= width
    flat = " ".join(told.split())
    for name, spec in BUILT_IN.items():
        assert f"\n{name}: " in f"\n{told}"
        memory = f"{spec.memory:g} GB of memory" if spec.memory else ""
        assert all(fact in flat for fact in (spec.description, memory, spec.measured, spec.speed, spec.licence))
    models, _, _ = told.partition("This machine has")
    assert [line for line in models.splitlines() if line.strip() == line != ""] == [
        "attune-embedder: embedder, not downloaded yet, in use",
        "all-minilm-l6-v2: embedder, not downloaded yet",
        "multilingual-e5-small: embedder, not downloaded yet",
        f"{READER}: language model, not downloaded yet, in use",
        f"{PLAIN}: language model, not downloaded yet",
        "smollm2-135m-instruct: language model, not downloaded yet",
    ]
    assert BUILT_IN[READER].measured
    assert BUILT_IN[PLAIN].measured


def test_a_model_with_an_adapter_is_here_when_its_base_is(tmp_path: Path) -> None:
    """They share one file; the one that is chosen is in use."""
    bring(tmp_path, PLAIN)
    assert f"{READER}: language model, downloaded, in use\n" in listed(tmp_path)
    told = listed(tmp_path, ATTUNE_MODEL=PLAIN)
    assert f"{READER}: language model, downloaded\n" in told
    assert f"{PLAIN}: language model, downloaded, in use\n" in told


def test_a_model_from_elsewhere_is_listed_with_its_size(tmp_path: Path) -> None:
    """It says of itself neither what it is for nor how well it answers."""
    place = tmp_path / "models" / "hf--org--name"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(b"w" * 2_000_000)
    time = (place / "model.safetensors").stat().st_mtime_ns
    write_record(place, VerifiedFolder("hf:org/name", {"model.safetensors": FileRecord(2_000_000, time, "0" * 64)}))
    told = listed(tmp_path, ATTUNE_MODEL="hf:org/name")
    assert "hf:org/name: downloaded, in use as language model\n  2 MB on disk\n" in told
    assert f"{READER}: language model, not downloaded yet\n" in told


def test_a_model_on_a_server_leaves_those_here_alone(tmp_path: Path) -> None:
    told = listed(tmp_path, ATTUNE_MODEL_URL="http://127.0.0.1:1/v1")
    assert f"{READER}: language model, not downloaded yet\n" in told


def test_the_list_says_which_model_suits_the_machine(tmp_path: Path) -> None:
    """What there is, whether the default fits with its caches, and how others are measured."""
    told = " ".join(listed(tmp_path).split())
    assert "This machine has 24.0 GB of memory (20.0 GB free), 2 cores with AVX2, no GPU." in told
    assert f"{READER} fits: it takes at most 4.4 GB of memory, its caches included." in told
    assert "attune doctor --speed" in told
    small = " ".join(listed(tmp_path, machine=SMALL).split())
    assert f"{READER} does not fit: it takes 4.4 GB" in small
    assert "ATTUNE_MODEL_URL" in small
    lean = " ".join(listed(tmp_path, machine=SMALL, ATTUNE_CACHE_MB="100", ATTUNE_BATCH_MB="100").split())
    assert f"{READER} fits: it takes at most 2.5 GB" in lean
