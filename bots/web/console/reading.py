"""Documents being read or removed for the console: one source at a time, and how far that is.

The same as `attune ingest` and `attune remove` do with one name. Knows nothing of pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bots.web.console import texts
from bots.web.console.desk import failure_of
from core.bootstrap import Library
from core.documents.ingest import IngestProgress
from core.documents.remote.addresses import Reach, is_address
from core.documents.remote.keeper import SourceWishes
from core.documents.removing import Removal, Remover
from core.documents.tally import IngestReport
from core.errors import AttuneError, DocumentError
from core.readers import Readers, checked
from core.together import ended

AT_ONCE = 1.0  # seconds


@dataclass(slots=True, eq=False)
class ReadingJob:
    """One source that is read: where that stands, then what became of it, or why it could not be."""

    name: str
    progress: IngestProgress | None = None
    report: IngestReport | None = None
    failure: str = ""

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.report is not None or bool(self.failure)

    @property
    def share(self) -> float:
        """How much of the passages is embedded, as far as one can tell."""
        now = self.progress
        return min(1.0, now.passages / now.expected) if now and now.expected else 0.0

    def note(self, progress: IngestProgress) -> None:
        """It has come so far."""
        self.progress = progress


@dataclass(slots=True, eq=False)
class RemovalJob:
    """Documents that are removed: how many are gone, and whether all is cleared away that was left of them."""

    name: str
    removal: Removal
    gone: int = 0
    cleared: bool = False
    failure: str = ""

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self.cleared or bool(self.failure)

    def note(self) -> None:
        """One more is gone."""
        self.gone += 1


class ReadingDesk:
    """Reads or removes one source after the other, each in the background; new ones lie within `reach`."""

    def __init__(self, library: Library, reach: Reach) -> None:
        self._library = library
        self._reach = reach
        self._task: asyncio.Task[None] | None = None
        self.job: ReadingJob | RemovalJob | None = None

    def begin(self, name: str, wishes: SourceWishes) -> None:
        """Read a file, a folder or an address, for those whom it is wished for.

        Raises:
            DocumentError: something is being read already, or the path is not there.
        """
        if not name:
            raise DocumentError(texts.NOTHING_NAMED)
        if not is_address(name):
            _path(name)
        job = ReadingJob(name)
        self._begin(job, self._read(job, replace(wishes, reach=self._reach)))

    async def remove(self, name: str, removal: Removal, remover: Remover) -> None:
        """Remove what a name stands for; waits a moment, within which it is mostly over.

        Raises:
            DocumentError: something is being read already.
        """
        job = RemovalJob(name, removal)
        task = self._begin(job, self._remove(job, remover))
        await asyncio.wait({task}, timeout=AT_ONCE)

    def _begin(self, job: ReadingJob | RemovalJob, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self.job and not self.job.done:
            work.close()
            raise DocumentError(texts.BUSY)
        self.job = job
        self._task = asyncio.create_task(_failing(job, work))
        return self._task

    def take_done(self) -> ReadingJob | RemovalJob | None:
        """What is done now, or was done last: what became of that is shown once."""
        job = self.job
        if job and job.done:
            self.job = None
        return job

    async def close(self) -> None:
        """Stop reading."""
        if self._task:
            await ended(self._task)

    async def _read(self, job: ReadingJob, wishes: SourceWishes) -> None:
        read = self._read_address if is_address(job.name) else self._read_path
        job.report = await read(job, wishes)

    async def _remove(self, job: RemovalJob, remover: Remover) -> None:
        await remover.remove(job.removal, job.note)
        job.cleared = True

    async def _read_address(self, job: ReadingJob, wishes: SourceWishes) -> IngestReport:
        keeper = self._library.sources
        if keeper is None:
            raise DocumentError(texts.NO_REMOTE)
        return await keeper.read(await keeper.add(job.name, wishes), job.note)

    async def _read_path(self, job: ReadingJob, wishes: SourceWishes) -> IngestReport:
        path, keeper = _path(job.name), self._library.sources
        place = (await asyncio.to_thread(path.resolve)).as_posix()
        if keeper and wishes.every is not None:
            await keeper.add(place, SourceWishes(every=wishes.every))
        report = await self._library.ingester.ingest([path], job.note, readers=wishes.readers)
        if keeper:
            await keeper.note(place)
        return report


async def _failing(job: ReadingJob | RemovalJob, work: Coroutine[Any, Any, None]) -> None:
    """`work`, whose failure the job tells."""
    try:
        await work
    except AttuneError as error:
        job.failure = str(error)
    except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
        job.failure = failure_of(error, "console_documents_failed")
    except asyncio.CancelledError:
        job.failure = texts.STOPPED
        raise


def _path(name: str) -> Path:
    """Raises DocumentError where there is nothing, or what is named is no path: too long, or in nobody's home."""
    with suppress(OSError, ValueError, RuntimeError):
        path = Path(name).expanduser().absolute()
        if path.exists():
            return path
    raise DocumentError(texts.missing_path(name))


def readers_of(names: str) -> Readers | None:
    """Readers' names as somebody typed them, separated by commas or blanks; None where there are none.

    Raises:
        ConfigurationError: one of them is no reader's name.
    """
    listed = names.replace(",", " ").split()
    return checked(listed) if listed else None
