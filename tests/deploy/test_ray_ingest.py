"""Ingestion on a Ray cluster of this machine, by the command that an operator gives, beside that of one process."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.adapters.index.shared_index import SharedIndex
from core.bootstrap import open_library
from core.documents.reading import FileTask
from core.documents.tally import IngestReport
from core.domain import EVERYONE, Passage, Vector
from core.embedder_choice import MULTILINGUAL
from core.errors import OperatorError
from core.settings import Settings
from tests.conftest import EMBEDDER
from tests.core.test_ingest import write
from tests.core.test_ingest_formats import ALL, write_mixed

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
PAGES = 24
SECONDS = 300  # for a command: the machine may be busy
DIMENSION = 384


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some forty files of all formats; some cannot be read, and some are not for everybody."""
    folder = tmp_path / "docs"
    write_mixed(folder)
    for number in range(PAGES):
        parts = "\n\n".join(f"## Part {part}\n\n" + f"Rule {number} of part {part}. " * 30 for part in range(6))
        write(folder / "pages" / f"page-{number}.md", f"# Page {number}\n\n{parts}\n")
    write(folder / "hr" / ".attune.toml", 'readers = ["channel:slack/T1/C1"]\n')
    write(folder / "hr" / "pay.md", "# Pay\n\nPay is paid on the last day.\n")
    return folder


@pytest.fixture
def home(data: Path, models: Path) -> Path:
    """The home of the cluster's ingestion."""
    return home_in(data / "cluster", models)


@pytest.fixture
def alone(data: Path, models: Path) -> Path:
    """That of one process."""
    return home_in(data / "alone", models)


def home_in(folder: Path, models: Path) -> Path:
    folder.mkdir()
    (folder / "models").symlink_to(models)
    return folder


def values(home: Path) -> dict[str, str]:
    return {"ATTUNE_HOME": str(home), "ATTUNE_EMBEDDER": EMBEDDER}


async def ingested_here(home: Path, folder: Path) -> IngestReport:
    async with open_library(Settings.from_env(values(home))) as library:
        return await library.ingester.ingest([folder])


def begin(home: Path, *words: str) -> subprocess.Popen[str]:
    """The command, on two workers."""
    deploy_module()
    command = [sys.executable, "-m", "deploy.ray_ingest", "--workers", "2", *words]
    environ = {**os.environ, **values(home), "PYTHONPATH": str(ROOT), "RAY_worker_register_timeout_seconds": "200"}
    return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(running: subprocess.Popen[str]) -> str:
    """What it said."""
    said, errors = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, errors
    return said


async def held(home: Path) -> dict[str, tuple[Passage, Vector]]:
    """All passages and their vectors, by id; every document is whole, and there once."""
    async with SharedIndex(home / "data", DIMENSION) as index:
        documents = await index.documents()
        assert all(document.complete for document in documents)
        assert len({document.source for document in documents}) == len(documents)
        firsts = [document.before_first for document in documents]
        passages = await index.following(firsts, count=max((one.total for one in documents), default=1))
        vectors = await index.vectors([passage.id for passage in passages])
        return {passage.id: (passage, vectors[passage.id]) for passage in passages}


def assert_same(one: dict[str, tuple[Passage, Vector]], other: dict[str, tuple[Passage, Vector]]) -> None:
    assert {id_: passage for id_, (passage, _) in one.items()} == {id_: passage for id_, (passage, _) in other.items()}
    cosines = [float(np.dot(vector, other[id_][1])) for id_, (_, vector) in one.items()]
    assert min(cosines) >= 0.9999


def workers_of(command: subprocess.Popen[str], what: str) -> Iterator[int]:
    """Processes under `command` whose title has `what`: Ray names each by what it does now."""
    parents: dict[int, int] = {}
    titles: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal():
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                titles[int(folder.name)] = (folder / "cmdline").read_text(errors="replace")
        except OSError:
            continue
    for process, title in titles.items():
        above = process
        while above and above != command.pid:
            above = parents.get(above, 0)
        if above and what in title:
            yield process


def counts(said: str) -> dict[str, int]:
    """The rows of the report."""
    rows = [line.split() for line in said.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}


@pytest.mark.parametrize(
    ("resources", "workers", "expected"),
    [
        ({"CPU": 1.0}, None, (1, 1, 0.0)),
        ({"CPU": 16.0}, None, (4, 16, 0.0)),
        ({"CPU": 16.0}, 2, (1, 2, 0.0)),
        ({"CPU": 16.0, "GPU": 2.0}, None, (14, 2, 1.0)),
        ({}, None, (1, 1, 0.0)),
    ],
)
def test_a_crew_has_room_in_its_cluster(
    resources: dict[str, float], workers: int | None, expected: tuple[int, int, float]
) -> None:
    """A worker for each core or GPU, and readers beside them; on processors half of the machines may die."""
    deployed = deploy_module()
    crew = deployed.Crew.of(resources, workers)
    assert (crew.readers, crew.embedders, crew.gpus) == expected
    asked = crew.readers * deployed.READER_CPUS + crew.embedders * deployed.EMBEDDER_CPUS
    assert asked <= resources.get("CPU", 1.0) / 2


def test_what_a_worker_fails_by_is_said_in_its_words(tmp_path: Path) -> None:
    """A machine of another version hands a sentence on, and so does a cluster that ends."""
    deployed = deploy_module()
    settings = Settings.from_env(values(tmp_path))
    task = FileTask(tmp_path / "a.md", "a.md", {}, (EVERYONE,))
    worker = deployed.ReadingWorker(settings, versions=(0,))
    with worker._running:
        ((number, failure),) = deployed.unpacked(worker(deployed.packed([(7, task)])))
    assert number == 7
    assert "another version of Attune" in str(failure.error)
    with pytest.raises(OperatorError, match="run this again"), deployed.errors_of_ours():
        raise importlib.import_module("ray.exceptions").RayError("a traceback\nat last")


def test_the_embedder_and_the_settings_are_those_of_attune_ingest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedder is what the first documents need, and `attune.toml` is read; no secret is handed on."""
    deployed, given = deploy_module(), []

    async def ingest(settings: Settings, names: Sequence[str], *_: object, **others: Any) -> int:
        given.append((settings, names, others["elsewhere"]._settings))
        return 0

    write(
        tmp_path / "docs" / "reisen.md", "Reisekosten werden innerhalb von dreißig Tagen erstattet, und zwar immer.\n"
    )
    write(tmp_path / "attune.toml", f'ATTUNE_HOME = "{tmp_path / "home"}"\nATTUNE_DOCUMENTS = "docs"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTUNE_HOME", raising=False)
    monkeypatch.setenv("QDRANT_API_KEY", "a key")
    monkeypatch.setattr(sys, "argv", ["ray_ingest"])
    monkeypatch.setattr(deployed, "ingest", ingest)
    monkeypatch.setattr(deployed, "connected", nullcontext)
    monkeypatch.setattr(deployed.logs, "configure", lambda *_: None)
    monkeypatch.setattr(deployed.ray, "cluster_resources", lambda: {"CPU": 1.0})
    with pytest.raises(SystemExit, match="0"):
        deployed.main()
    ((settings, names, workers),) = given
    assert (settings.home, list(map(str, names))) == (tmp_path / "home", ["docs"])
    assert settings.embedder == workers.embedder == MULTILINGUAL
    assert "QDRANT_API_KEY" not in os.environ


def deploy_module() -> ModuleType:
    pytest.importorskip("ray.data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, as it is imported
        return importlib.import_module("deploy.ray_ingest")


@pytest.mark.model
async def test_a_cluster_makes_of_a_folder_what_one_process_makes(home: Path, alone: Path, folder: Path) -> None:
    """The same passages, ids, readers and vectors; what cannot be read is named; a second run does what is new."""
    await ingested_here(alone, folder)
    said = finished(begin(home, str(folder)))
    assert counts(said)["new"] == len(ALL) + PAGES + 1
    assert counts(said)["refused"] == 2
    assert "broken.pdf" in said
    assert "bad.zip" in said
    assert_same(await held(home), await held(alone))

    write(folder / "pages" / "page-1.md", (folder / "pages" / "page-1.md").read_text() + "\n\nOne more rule.\n")
    (folder / "pages" / "page-2.md").unlink()
    said = finished(begin(home, str(folder)))
    report = await ingested_here(alone, folder)
    assert counts(said)["unchanged"] == len(report.unchanged) == len(ALL) + PAGES - 1
    assert (counts(said)["changed"], counts(said)["removed"]) == (1, 1)
    assert f"{report.passages_added} passage" in said
    assert f"{report.passages_reused} kept" in said
    assert_same(await held(home), await held(alone))


@pytest.mark.model
async def test_a_killed_worker_costs_no_document(home: Path, alone: Path, folder: Path) -> None:
    """SIGKILL for one of the two that embed, while it does: everything arrives, once."""
    running, deadline = begin(home, str(folder)), time.monotonic() + SECONDS
    while not (busy := [*workers_of(running, "EmbeddingWorker)).submit")]):
        assert running.poll() is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)
    os.kill(busy[0], signal.SIGKILL)
    said = finished(running)
    assert counts(said)["new"] == len(ALL) + PAGES + 1
    await ingested_here(alone, folder)
    assert_same(await held(home), await held(alone))
