"""Documents being read for the console: one source at a time, and how far that is.

The same as `attune ingest` does with one name. Knows nothing of pages.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from bots.web.console import texts
from bots.web.console.desk import failure_of
from core.bootstrap import Library
from core.documents.ingest import IngestProgress
from core.documents.remote.addresses import is_address
from core.documents.remote.keeper import SourceWishes
from core.documents.tally import IngestReport
from core.errors import AttuneError, DocumentError
from core.readers import Readers, checked
from core.together import ended


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


class ReadingDesk:
    """Reads one source after the other, each in the background."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._task: asyncio.Task[None] | None = None
        self.job: ReadingJob | None = None

    def begin(self, name: str, wishes: SourceWishes) -> None:
        """Read a file, a folder or an address, for those whom it is wished for.

        Raises:
            DocumentError: something is being read already, or the path is not there.
        """
        if self.job and not self.job.done:
            raise DocumentError(texts.BUSY)
        if not name:
            raise DocumentError(texts.NOTHING_NAMED)
        if not is_address(name) and not _path(name).exists():
            raise DocumentError(texts.missing_path(name))
        self.job = ReadingJob(name)
        self._task = asyncio.create_task(self._work(self.job, wishes))

    def take_done(self) -> ReadingJob | None:
        """The one that is read, or was read last: what became of that is shown once."""
        job = self.job
        if job and job.done:
            self.job = None
        return job

    async def close(self) -> None:
        """Stop reading."""
        if self._task:
            await ended(self._task)

    async def _work(self, job: ReadingJob, wishes: SourceWishes) -> None:
        try:
            read = self._read_address if is_address(job.name) else self._read_path
            job.report = await read(job, wishes)
        except AttuneError as error:
            job.failure = str(error)
        except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
            job.failure = failure_of(error, "console_reading_failed")
        except asyncio.CancelledError:
            job.failure = texts.STOPPED
            raise

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


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()


def readers_of(names: str) -> Readers | None:
    """Readers' names as somebody typed them, separated by commas or blanks; None where there are none.

    Raises:
        ConfigurationError: one of them is no reader's name.
    """
    listed = names.replace(",", " ").split()
    return checked(listed) if listed else None
