"""Ingestion on a Ray cluster: `python -m evals.ray_ingestion` over pages of the handbook, by one worker and by two.

First what each stage takes of a processor, one after the other in this process: reading (with the parser's process),
embedding, handing on (what goes between processes), and writing, which is making the requests to a Qdrant server;
without the network and without the server. Then the whole, through Ray on this machine into an empty embedded index,
with one worker that embeds and with two: passages a second from the first file to the last, seconds until the first,
and what the processes took of a processor (but for the index). Then by arithmetic what 10 million passages take.
Nothing else should run on the machine. Needs `attune[ray]`. `--limit` pages (60).
"""

from __future__ import annotations

import asyncio
import math
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread
from typing import cast

import numpy as np
from qdrant_client import AsyncQdrantClient, models
from rich.console import Console
from rich.table import Table

from core.adapters.index.qdrant_index import QdrantIndex
from core.bootstrap import open_library
from core.documents.embedding import embed_passages
from core.documents.ingest import IngestProgress
from core.documents.reading import FileReader, FileTask
from core.domain import EVERYONE, Passage, Vector
from core.settings import Settings
from deploy.ray_ingest import FILES, HERE, Crew, RayReading, connected, packed, unpacked
from evals.common import Options, Record, options, sample, write_result
from evals.product import open_search, temporary_folder

USUAL = 60  # pages
WORKERS = (1, 2)
PASSAGES = 10_000_000
HOURS = (24.0, 6.0)
SERVER = 1200.0  # passages that one node of the index keeps a second: `evals.scale`, of the embedded one at 10,000
LOOK = 0.2  # seconds between two looks at processes
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stages:
    """Processor-seconds that a passage takes in each stage."""

    reading: float
    embedding: float
    handing_on: float
    writing: float

    def cores(self, passages: int, hours: float) -> float:
        """Workers' cores that are busy all the time."""
        return passages * (self.reading + self.embedding) / (3600 * hours)

    def rates(self) -> dict[str, float]:
        """Passages a second that each part bears, however many workers there are."""
        return {
            "a worker's core": 1 / (self.reading + self.embedding),
            "the process that writes": 1 / (self.handing_on + self.writing),
            "one node of the index": SERVER,
        }


class Envelope:
    """Instead of a client of a server: makes the request, and sends it nowhere."""

    def __init__(self) -> None:
        self.bytes = 0

    async def upsert(self, _: str, batch: list[models.PointStruct], *, wait: bool) -> None:
        """Make it."""
        del wait
        self.bytes += len(models.PointsList(points=batch).model_dump_json(exclude_unset=True))


def main(chosen: Options) -> None:
    """Measure, print, write."""
    pages = sorted((chosen.data / "handbook" / "pages").rglob("*.md"))
    files = [file.resolve() for file in sample(pages, chosen.limit or USUAL, chosen.seed)]
    settings = Settings.from_env(os.environ)
    stages, passages = asyncio.run(measured_stages(files, settings))
    result: Record = {"files": len(files), "passages": passages, "runs": {}, "model": model(stages)}
    result["processor-seconds a passage"] = asdict(stages)
    print(result, flush=True)
    with connected(HERE, cpus=max(WORKERS)):
        for workers in WORKERS:
            result["runs"][str(workers)] = asyncio.run(ingested(files, settings, workers))
            print(workers, result["runs"][str(workers)], flush=True)
    report(result)
    write_result("ray_ingestion", result)


async def measured_stages(files: Sequence[Path], settings: Settings) -> tuple[Stages, int]:
    """What each takes, and how many passages there are."""
    async with open_search() as library:
        reader = FileReader(library.embedder, settings.passage_tokens, settings.embedder)
        with processor() as spent:
            contents = [reader.read(file, {}, (EVERYONE,)) for file in files]
            reader.close()  # so that the parser's process counts
            reading = spent()
        passages = [one for content in contents for document in content.documents for one in document.passages or ()]
        with processor() as spent:
            vectors = await embed_passages(library.embedder, passages)
            embedding = spent()
    tasks = [FileTask(file, file.as_posix(), {}, (EVERYONE,)) for file in files]
    numbered = list(enumerate(zip(tasks, contents, strict=True)))
    with processor() as spent:
        for start in range(0, len(numbered), FILES):
            unpacked(packed(numbered[start : start + FILES]))
        handing_on = spent()
    writing = await measured_writing(passages, vectors)
    return Stages(*(taken / len(passages) for taken in (reading, embedding, handing_on, writing))), len(passages)


async def measured_writing(passages: Sequence[Passage], vectors: Mapping[str, Vector]) -> float:
    """What it takes here to have a server write all."""
    rows = np.stack([vectors[passage.id] for passage in passages])
    index = QdrantIndex(cast("AsyncQdrantClient", Envelope()), "none", rows.shape[1])
    with processor() as spent:
        await index.upsert(passages, rows)
        return spent()


@contextmanager
def processor() -> Iterator[Callable[[], float]]:
    """Tells the processor-seconds of this process and of those that it started and that have ended, since then."""

    def used() -> float:
        both = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(one.ru_utime + one.ru_stime for one in both)

    before = used()
    yield lambda: used() - before


async def ingested(files: Sequence[Path], settings: Settings, workers: int) -> Record:
    """All files into an empty index, by so many workers that embed."""
    begun: list[float] = []

    def note(progress: IngestProgress) -> None:
        if progress.number and not begun:
            begun.append(time.monotonic())

    with temporary_folder() as home:
        (home / "models").symlink_to(settings.models_folder)
        here = settings.model_copy(update={"home": home, "redis_url": None, "qdrant_url": None})
        async with open_library(here) as library:
            started, watch = time.monotonic(), ProcessorWatch()
            report = await library.ingester.ingest(files, note, elsewhere=RayReading(here, Crew(1, workers)))
            ended, spent = time.monotonic(), watch.seconds()
    return {
        "passages": report.passages_added,
        "passages a second": report.passages_added / (ended - begun[0]),
        "processor-seconds": spent,
        "seconds to the first file": begun[0] - started,
        "seconds": ended - started,
    }


class ProcessorWatch:
    """What this process and all below it take of a processor, looked at again and again: whoever ends is gone then."""

    def __init__(self) -> None:
        self._before, self._last = _used(), dict[int, float]()
        self._over = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(LOOK):
            self._last |= _used()

    def seconds(self) -> float:
        """So far; the last word."""
        self._over.set()
        self._thread.join()
        self._last |= _used()
        return sum(used - self._before.get(process, 0.0) for process, used in self._last.items())


def _used() -> dict[int, float]:
    """Processor-seconds of this process and all below it."""
    above, used = dict[int, int](), dict[int, float]()
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        process = int(place.parent.name)
        above[process], used[process] = int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS
    ours = {os.getpid()}
    while more := {process for process, parent in above.items() if parent in ours} - ours:
        ours |= more
    return {process: used[process] for process in ours & used.keys()}


def model(stages: Stages) -> Record:
    """What 10 million passages take."""
    rates = stages.rates()
    least = min(rates["the process that writes"], rates["one node of the index"])
    return {
        "passages a second": rates,
        "cores": {f"{hours:.0f} h": math.ceil(stages.cores(PASSAGES, hours)) for hours in HOURS},
        "hours at the least": PASSAGES / least / 3600,
        "cores that the slower of writer and index keeps up with": int(least / rates["a worker's core"]),
    }


def report(result: Record) -> None:
    """One worker beside two."""
    table = Table("workers", "passages / s", "s to the first file", "processor-seconds", title="through Ray, here")
    for workers, one in result["runs"].items():
        figures = (one[name] for name in ("passages a second", "seconds to the first file", "processor-seconds"))
        table.add_row(workers, *[f"{figure:.1f}" for figure in figures])
    Console().print(table)


if __name__ == "__main__":
    main(options(__doc__ or ""))
