"""Sources, kept in step: fetched into their mirrors and read from there, when they are named and by their schedule.

A source that cannot be reached keeps what it had, and its record says since when and why. Knows nothing of how a source
is fetched or a document read.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from core.documents.folder_records import FolderRecords
from core.documents.ingest import Ingester, ReportProgress
from core.documents.remote.addresses import GIT, WEB, Reach, checked_address, is_address, scheme_of
from core.documents.remote.mirror import DocumentSource, FetchResult, Mirror
from core.documents.remote.records import SourceRecord, SourceRecords
from core.documents.tally import IngestReport, merged
from core.domain import EVERYONE
from core.errors import DocumentError, OperatorError
from core.ports import PassageIndex
from core.readers import Readers
from core.together import ended

log = structlog.get_logger(__name__)

LOOK = 30.0  # seconds between two looks at what is due


@dataclass(frozen=True, slots=True)
class SourceWishes:
    """What the operator says of a source: None and False leave it as it was. `reach`: how far a new one may lie."""

    readers: Readers | None = None
    every: int | None = None
    site: bool = False
    reach: Reach = Reach.MACHINE


class SourceKeeper:
    """Keeps the index in step with the sources of one data folder."""

    def __init__(
        self,
        records: SourceRecords,
        ingester: Ingester,
        index: PassageIndex,
        folders: FolderRecords | None = None,
        connect: Callable[[SourceRecord], DocumentSource] | None = None,
    ) -> None:
        self._records = records
        self._ingester = ingester
        self._index = index
        self._folders = folders
        self._connect = connect or connected

    async def records(self) -> list[SourceRecord]:
        """All sources that are recorded."""
        return await asyncio.to_thread(self._records.read)

    async def add(self, address: str, wishes: SourceWishes) -> SourceRecord:
        """Have a source read from now on, as it is wished; one that is there is changed. Nothing is read yet.

        Raises:
            DocumentError: it is no address that can be read, it cannot be reached, or its readers are not known.
        """
        record = await self._record(address, wishes)
        await asyncio.to_thread(self._records.keep, record)
        return record

    async def _record(self, address: str, wishes: SourceWishes) -> SourceRecord:
        named = checked_address(address) if is_address(address) else address
        known = await asyncio.to_thread(self._records.read)
        record = _named(named, known) or SourceRecord(named)
        record = replace(record, site=record.site or wishes.site)
        if record.remote and record.tried is None:
            await _check_reach(named, wishes.reach)
            private = wishes.reach is not Reach.OPEN and await _lies_in_private(named)
            record = replace(record, private=private, here=wishes.reach is Reach.MACHINE)
            record = replace(record, address=await self._connect(record).located())
            record = _named(record.address, known) or record
        every = record.every if wishes.every is None else wishes.every
        readers = wishes.readers or record.readers or (await self._readers(record, known) if record.remote else None)
        return replace(record, readers=readers, every=every, site=record.site or wishes.site)

    async def _readers(self, record: SourceRecord, others: Sequence[SourceRecord]) -> Readers:
        """The readers of a source that none is recorded of: those that its documents have, or everyone."""
        held = {
            one.readers
            for one in await self._index.documents()
            if record.covers(one.source) and not any(other.covers(one.source) for other in others)
        }
        if len(held) == 1:
            return held.pop()
        known = self._folders is None or (await asyncio.to_thread(self._folders.read)).complete
        if held or not known:
            raise DocumentError(f"The readers of {record.address} are no longer known. Name them with --readers.")
        return (EVERYONE,)

    async def read(
        self, record: SourceRecord, report: ReportProgress = lambda _: None, *, dry: bool = False
    ) -> IngestReport:
        """Fetch a source and bring the index in step with it. What goes wrong is recorded, and what it had stays.

        Raises:
            DocumentError: it cannot be reached, or another process reads it just now.
            StoreError: the index does not answer.
        """
        if dry:
            return await self._tried(record, report)
        with self._records.alone(record.address) as alone:
            if not alone:
                raise DocumentError(f"{record.address} is being read by another attune process. Try again soon.")
            try:
                found = await self._read(record, report)
            except DocumentError as error:
                await self._give_up(record, str(error))
                raise
            failures = [one.reason for one in found.refused if one.path == record.address]
            await self._note(record, failures[0] if failures else "")
            return found

    async def _give_up(self, record: SourceRecord, failure: str) -> None:
        """Record a failure; of a source that never could be read, such as a mistyped one, nothing is kept."""
        mirror = await asyncio.to_thread(Mirror, self._records.mirror(record.address))
        if record.remote and record.read is None and not mirror.pages:
            await asyncio.to_thread(self._records.forget, record.address)
        else:
            await self._note(record, failure)

    async def note(self, address: str, failure: str = "") -> None:
        """Record of a folder, where it is a source, that it was read now, or why it could not be."""
        if record := await asyncio.to_thread(self._records.find, address):
            await self._note(record, failure)

    async def _note(self, record: SourceRecord, failure: str) -> None:
        now = datetime.now(UTC)
        change: Callable[[SourceRecord], SourceRecord] = (
            (lambda one: one.failed(now, failure)) if failure else (lambda one: one.succeeded(now))
        )
        await asyncio.to_thread(self._records.change, record.address, change)

    async def _read(self, record: SourceRecord, report: ReportProgress) -> IngestReport:
        if not record.remote:
            if not await asyncio.to_thread(Path(record.address).exists):
                raise DocumentError(f"No such file or folder: {record.address}.")
            return await self._ingester.ingest([Path(record.address)], report, readers=None)
        mirror = await asyncio.to_thread(Mirror, self._records.mirror(record.address))
        left_out = await self._connect(record).fetch(mirror)
        if left_out.moved != record.moved:  # first: whose page it is depends on it
            change = partial(replace, moved=left_out.moved)
            await asyncio.to_thread(self._records.change, record.address, change)
        return _with(left_out, await self._ingest(record, mirror, report))

    async def read_again(self, address: str, report: ReportProgress = lambda _: None) -> IngestReport:
        """Bring the index in step with what was fetched of a source before, if anything was."""
        record = await asyncio.to_thread(self._records.find, address)
        mirror = await asyncio.to_thread(Mirror, self._records.mirror(address))
        return await self._ingest(record, mirror, report) if record and mirror.pages else merged([])

    async def _ingest(
        self, record: SourceRecord, mirror: Mirror, report: ReportProgress = lambda _: None, *, dry: bool = False
    ) -> IngestReport:
        """Bring the index in step with what was fetched."""
        owner = await asyncio.to_thread(self._records.owner, record.address)
        files = mirror.files(record.covers if dry else owner)
        return await self._ingester.ingest([], report, readers=record.readers, dry=dry, remote=files)

    async def _tried(self, record: SourceRecord, report: ReportProgress) -> IngestReport:
        """What would be read; all is fetched once more, and thrown away."""
        with tempfile.TemporaryDirectory(prefix="attune-") as folder:
            mirror = Mirror(Path(folder, "mirror"))
            left_out = await self._connect(record).fetch(mirror)
            return _with(left_out, await self._ingest(record, mirror, report, dry=True))

    async def plan(self, address: str, wishes: SourceWishes, report: ReportProgress = lambda _: None) -> IngestReport:
        """What `add` and `read` would do. Nothing is kept."""
        return await self._tried(await self._record(address, wishes), report)

    @asynccontextmanager
    async def kept(self, *, look: float = LOOK) -> AsyncIterator[None]:
        """Read each source by its schedule while other things are done."""
        task = asyncio.create_task(self._keep(look))
        try:
            yield
        finally:
            await ended(task)

    async def _keep(self, look: float) -> None:
        while True:
            await asyncio.sleep(look)
            try:
                for record in due(await asyncio.to_thread(self._records.read), datetime.now(UTC)):
                    await self._read_quietly(record)
            except OperatorError as error:
                log.warning("source_records_unreadable", error=str(error))

    async def _read_quietly(self, record: SourceRecord) -> None:
        try:
            found = await self.read(record)
        except OperatorError as error:
            log.warning("source_read_failed", source=record.address, error=str(error))
            return
        except Exception as error:  # one source must not end the reading of all
            log.exception("source_read_failed", source=record.address)
            await self._note(record, f"A fault of Attune's own stopped it ({type(error).__name__}); its log says more.")
            return
        counts = {"new": len(found.new), "changed": len(found.changed), "removed": len(found.removed)}
        log.info("source_read", source=record.address, refused=len(found.refused), **counts)


async def check_places(folders: FolderRecords, records: SourceRecords) -> None:
    """See that all can be read again: fetch what nothing is left of, such as after a backup was restored.

    Raises:
        DocumentError: something cannot be reached; the index had better stay as it is.
    """
    await asyncio.to_thread(folders.check_places)
    for record in [one for one in await asyncio.to_thread(records.read) if one.remote]:
        mirror = await asyncio.to_thread(Mirror, records.mirror(record.address))
        if not mirror.pages:
            try:
                await connected(record).fetch(mirror)
            except DocumentError as error:
                raise DocumentError(
                    f"The index is unchanged: it cannot be rebuilt without {record.address}, which would be ingested "
                    f"again. {error} Try again later, or take it out first: attune remove {record.address}"
                ) from None


def due(records: Sequence[SourceRecord], now: datetime) -> list[SourceRecord]:
    """Those that are to be read now, the one that waits longest first."""
    waiting = [(record.next, record) for record in records if record.next and record.next <= now]
    return [record for _, record in sorted(waiting, key=lambda one: one[0])]


def connected(record: SourceRecord) -> DocumentSource:
    """What fetches a source, by the scheme of its address."""
    scheme = scheme_of(record.address)
    if scheme in WEB:
        from core.documents.remote.web import Website  # noqa: PLC0415 - only who reads a page waits for its libraries

        return Website(record.address, site=record.site, private=record.private, here=record.here)
    if scheme in GIT:
        from core.documents.remote.git import GitRepository  # noqa: PLC0415 - as above

        return GitRepository(record.address)
    from core.documents.remote.filesystem import RemoteFolder  # noqa: PLC0415 - as above

    return RemoteFolder(record.address)


def check_source(address: str) -> None:
    """See, without asking anybody, that what lies at an address can be read by something here.

    Raises:
        DocumentError: it cannot, whatever is there.
    """
    scheme = scheme_of(address)
    if scheme in WEB or scheme in GIT:
        return
    from core.documents.remote.filesystem import RemoteFolder, knows_scheme  # noqa: PLC0415 - as above

    RemoteFolder(address)
    if not knows_scheme(scheme):
        raise DocumentError(f"{scheme}:// is nothing that Attune reads. docs/documents.md says what it does.")


async def _check_reach(address: str, reach: Reach) -> None:
    from core.documents.remote.network import check_reach  # noqa: PLC0415 - as above

    await check_reach(address, reach)


async def _lies_in_private(address: str) -> bool:
    from core.documents.remote.network import lies_in_private  # noqa: PLC0415 - as above

    return scheme_of(address) in WEB and await lies_in_private(address)


def _named(address: str, known: Sequence[SourceRecord]) -> SourceRecord | None:
    """The source at an address, or the one whose page it is by another address."""
    named = [one for one in known if one.names(address)]
    return next((one for one in named if one.address == address), named[0] if named else None)


def _with(left_out: FetchResult, report: IngestReport) -> IngestReport:
    return replace(
        report,
        refused=(*left_out.refused, *report.refused),
        skipped=(*left_out.skipped, *report.skipped),
        notes=(*left_out.notes, *report.notes),
    )
