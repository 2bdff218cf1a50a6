"""Ingestion on a Ray cluster: its machines read and embed the files, and this process writes what they become.

    pip install 'attune[ray]'
    python -m deploy.ray_ingest /mnt/handbook                   on the cores of this machine
    python -m deploy.ray_ingest --address auto /mnt/handbook    on the cluster that this machine belongs to

A pipeline of Ray Data: `ReadingWorker` reads files, each in the parser's confined process, and `EmbeddingWorker` embeds
what is new of them. All else is `attune ingest`: who may see what, what changed, what is gone, the writing, the report.
A worker that dies costs its files a second reading, never a document. Knows nothing of formats, models or stores.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import pickle
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError

from bots import logs
from bots.cli.operations import ingest
from core.bootstrap import open_embedder, open_stored_index, origin_of
from core.documents.embedding import FileResult, embed_contents
from core.documents.reading import VERSIONS, FileReader, FileTask, check_origin, namespace_of
from core.documents.remote.addresses import is_address
from core.embedder_choice import embedder_for, first_documents
from core.errors import DocumentError, OperatorError
from core.linux import withdraw
from core.ports import PassageIndex
from core.readers import checked
from core.settings import Settings, secret_names
from core.settings_files import settings_file
from core.together import to_the_end

HERE = "local"  # the address of a cluster of this machine alone
FILES = 8  # that are handed on together, and read again if their worker dies
AHEAD = 2  # such handfuls that wait at a worker
TRIES = 5  # deaths of a worker over the same files, after which the ingestion ends
EMBEDDER_CPUS, READER_CPUS = 0.25, 0.1  # asked for, so that those of a machine that dies have room on the others
EMBEDDERS_A_READER = 4  # on processors, where embedding takes most of the time
OBJECTS = 1 << 30  # bytes of shared memory of a cluster of this machine


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers there are, and of how much of a GPU each one that embeds has."""

    readers: int
    embedders: int
    gpus: float = 0.0

    @classmethod
    def of(cls, resources: Mapping[str, float], workers: int | None = None) -> Crew:
        """One that embeds for each GPU, or for each core where there is none, or `workers` of them."""
        cores, gpus = int(resources.get("CPU", 1)), int(resources.get("GPU", 0))
        embedders = workers or gpus or max(1, cores)
        readers = max(1, cores - embedders) if gpus else -(-embedders // EMBEDDERS_A_READER)
        return cls(readers, embedders, 1.0 if gpus else 0.0)


@dataclass(frozen=True, slots=True)
class WorkerFailure:
    """Instead of what became of a file: why the ingestion cannot go on."""

    error: OperatorError


class Worker:
    """An actor. Ray would bury its errors, so they are handed on to the process that writes, which raises them."""

    def __init__(self, settings: Settings) -> None:
        self._running, self._open = asyncio.Runner(), AsyncExitStack()
        self._failure: OperatorError | None = None
        try:
            self._running.run(self._begin(settings))
        except OperatorError as error:
            self._failure = error

    def __call__(self, table: pa.Table) -> pa.Table:
        """A handful of files, a step further."""
        numbers, files = zip(*unpacked(table), strict=True)
        try:
            if self._failure:
                raise self._failure
            failures = [file for file in files if isinstance(file, WorkerFailure)]
            results = failures[:1] * len(files) if failures else self._results(files)
        except OperatorError as error:
            results = [WorkerFailure(error)] * len(files)
        return packed(list(zip(numbers, results, strict=True)))

    async def _begin(self, settings: Settings) -> None:
        raise NotImplementedError

    def _results(self, files: Sequence[Any]) -> list[Any]:
        raise NotImplementedError


class ReadingWorker(Worker):
    """Reads files: tasks → tasks with what became of them."""

    def __init__(self, settings: Settings, versions: tuple[int, ...]) -> None:
        """`versions` are those of the process that writes."""
        self._versions = versions
        super().__init__(settings)

    async def _begin(self, settings: Settings) -> None:
        if self._versions != VERSIONS:
            raise OperatorError("A machine of the cluster has another version of Attune. Install the same everywhere.")
        embedder = await self._open.enter_async_context(open_embedder(settings))
        self._reader = FileReader(embedder, settings.passage_tokens, settings.embedder)

    def _results(self, files: Sequence[FileTask]) -> list[tuple[FileTask, FileResult]]:
        return [(task, self._content(task)) for task in files]

    def _content(self, task: FileTask) -> FileResult:
        try:
            return self._reader.read(task.file, task.held, task.readers, task.source)
        except DocumentError as error:
            return error


class EmbeddingWorker(Worker):
    """Embeds what was read, unless the index has the vector of the same passage: what became of files, with vectors."""

    async def _begin(self, settings: Settings) -> None:
        """Only with the embedder by which the vectors of the index are made, files and all."""
        self._embedder = await self._open.enter_async_context(open_embedder(settings))
        index = await self._open.enter_async_context(open_stored_index(settings))
        self._index = cast("PassageIndex", index)
        await check_origin(self._index, await asyncio.to_thread(origin_of, settings))
        self._namespace = namespace_of(settings.embedder)

    def _results(self, files: Sequence[tuple[FileTask, FileResult]]) -> list[FileResult]:
        return self._running.run(embed_contents(files, self._embedder, self._index, self._namespace))


class RayReading:
    """`RemoteReading` by the cluster that this process is connected to."""

    def __init__(self, settings: Settings, crew: Crew) -> None:
        self._settings = settings
        self._crew = crew

    def reaches(self, file: Path) -> bool:
        """All but what lies in the data folder of this machine: lessons, and what was fetched from addresses."""
        return not file.is_relative_to(self._settings.data_folder.resolve())

    async def contents(self, tasks: Sequence[FileTask]) -> AsyncGenerator[tuple[FileTask, FileResult], None]:
        """What became of each file, once, in the order in which they are done.

        Raises:
            OperatorError: the cluster, or something that its workers need, is away or not the same there as here.
        """
        waiting = dict(enumerate(tasks))
        with errors_of_ours():
            tables = iter(self._pipeline(tasks).iter_batches(batch_size=None, batch_format="pyarrow"))
            while (table := await to_the_end(asyncio.to_thread(next, tables, None))) is not None:
                for number, content in unpacked(table):
                    if isinstance(content, WorkerFailure):
                        raise content.error
                    if task := waiting.pop(number, None):
                        yield task, content
        if waiting:
            raise OperatorError(
                f"The Ray cluster said nothing of {len(waiting):,} files. What was written is in the index; run "
                "this again to go on."
            )

    def _pipeline(self, tasks: Sequence[FileTask]) -> ray.data.Dataset:
        numbered, crew = list(enumerate(tasks)), self._crew
        handfuls = [packed(numbered[start : start + FILES]) for start in range(0, len(numbered), FILES)]
        reading = {"fn_constructor_args": (self._settings, VERSIONS), "num_cpus": READER_CPUS, **_pool(crew.readers)}
        embedding = {"fn_constructor_args": (self._settings,), "num_cpus": EMBEDDER_CPUS, **_pool(crew.embedders)}
        read = ray.data.from_arrow(handfuls).map_batches(ReadingWorker, **reading)
        return read.map_batches(EmbeddingWorker, num_gpus=crew.gpus, **embedding)


def _pool(size: int) -> dict[str, Any]:
    """Actors, spread over the machines, of which each batch is a handful of files."""
    return {
        "batch_size": None,
        "batch_format": "pyarrow",
        "compute": ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=AHEAD),
        "scheduling_strategy": "SPREAD",
        "max_task_retries": TRIES,
    }


def packed(numbered: Sequence[tuple[int, Any]]) -> pa.Table:
    """Numbered objects as Ray Data hands them on."""
    numbers, objects = [number for number, _ in numbered], [pickle.dumps(one, 5) for _, one in numbered]
    return pa.table({"number": pa.array(numbers, pa.int64()), "packed": pa.array(objects, pa.large_binary())})


def unpacked(table: pa.Table) -> list[tuple[int, Any]]:
    """The other way round."""
    objects = (pickle.loads(one.as_buffer()) for one in table["packed"])  # noqa: S301 - of our own workers
    return list(zip(table["number"].to_pylist(), objects, strict=True))


@contextmanager
def errors_of_ours() -> Iterator[None]:
    """What Ray fails by."""
    try:
        yield
    except RayError as error:
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"
        raise OperatorError(
            f"The Ray cluster cannot go on ({reason}). What was written is in the index; run this again to go on."
        ) from error


@contextmanager
def connected(address: str, cpus: int | None = None) -> Iterator[None]:
    """Connected to the cluster at `address`, or to one of this machine with `cpus` cores, which ends with the block."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}  # by default it yields to all others
    own = {"num_cpus": cpus, "object_store_memory": OBJECTS, "include_dashboard": False} if address == HERE else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, **own)
    except (ConnectionError, ValueError) as error:
        raise OperatorError(f"There is no Ray cluster at {address} ({error}). Start it, then try again.") from error
    context = DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = context.enable_auto_log_stats = False
    try:
        yield
    finally:
        ray.shutdown()


def main() -> None:
    """Ingest, and say what became of each file, as `attune ingest` does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="PATH", help="default: everything ingested before")
    parser.add_argument("--address", default=HERE, help="default: %(default)s, a cluster of this machine alone")
    parser.add_argument("--workers", type=int, metavar="N", help="that embed; default: one for each GPU, or each core")
    parser.add_argument("--readers", action="append", metavar="NAME", help="visible to some only; may be repeated")
    parser.add_argument("--rebuild", action="store_true", help="empty the index and ingest everything again")
    chosen = parser.parse_args()
    if chosen.rebuild and chosen.readers:
        parser.error("--rebuild reads for the readers on record: leave out --readers")
    try:
        environ = withdraw(os.environ, secret_names())  # no process of the cluster inherits what it does not need
        sys.exit(run(Settings.from_env(environ, settings_file(Path())), chosen))
    except OperatorError as error:
        sys.exit(str(error))


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """The exit code of `attune ingest`."""
    if chosen.address != HERE and settings.qdrant_url is None:
        raise OperatorError("Other machines do not reach an embedded index. Set QDRANT_URL to a Qdrant server.")
    readers = checked(chosen.readers) if chosen.readers else None
    logs.configure(settings.log_level, os.environ, settings.data_folder / logs.FILE_NAME)
    names = chosen.names or first_documents(settings)
    paths = [Path(name) for name in names if not is_address(name)]
    with embedder_for(settings, paths) as known, connected(chosen.address):
        reading = RayReading(known, Crew.of(ray.cluster_resources(), chosen.workers))
        return asyncio.run(ingest(known, names, readers, anew=chosen.rebuild, elsewhere=reading))


if __name__ == "__main__":
    main()
