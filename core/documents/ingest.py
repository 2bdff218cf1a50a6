"""Files → passages → vectors → index, again and again: only what changed is embedded.

A document's passages are replaced only when all of the new ones are embedded, so a reader sees the old or the
new version; what a kill leaves half done, the next run mends. Knows nothing of formats, models or stores.
"""

from __future__ import annotations

import asyncio
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice, takewhile
from pathlib import Path

import numpy as np

from core.documents.archives import is_readable
from core.documents.assigning import Assignment
from core.documents.folder_records import FolderRecords
from core.documents.reading import DocumentContent, FileReader, inside
from core.documents.remote.mirror import RemoteFiles
from core.documents.splitting import embedding_text
from core.documents.tally import IngestReport, IngestTally
from core.documents.walk import Refusal, WalkResult, find_files, printable
from core.domain import EVERYONE, Document, Passage, Vector
from core.errors import DocumentError
from core.ports import Embedder, PassageIndex
from core.readers import GUIDES, Readers
from core.storage.folder_lock import FolderLock, Turns
from core.together import ended, to_the_end

BATCH = 64  # passages that are embedded together
_WINDOW = 512  # passages that are embedded and written together; a larger document is held whole
_AHEAD = 2  # windows under way while the next files are read: one is embedded, one is written


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """Where an ingestion stands: reading file `number` of `files`, `passages` embedded of the `known` ones so far.

    `picture` is the page of it whose text is being recognised, which takes seconds; 0 for none.
    """

    number: int
    files: int
    name: str
    passages: int
    known: int = 0
    picture: int = 0

    @property
    def expected(self) -> int:
        """Passages to embed in all, if the files that are not read yet have as many as the others."""
        return self.known * self.files // max(1, self.number)


ReportProgress = Callable[[IngestProgress], None]


class Ingester:
    """Keeps an index in step with files. Ingestions of files that lie in the same folder wait for each other.

    `model` names the embedder: passages that another one embedded are embedded anew. `records` keep what was decided of
    files beside the index.
    """

    def __init__(
        self,
        embedder: Embedder,
        index: PassageIndex,
        *,
        passage_tokens: int,
        model: str = "",
        records: FolderRecords | None = None,
    ) -> None:
        self._embedder = embedder
        self._records = records
        self._index = index
        self._new_reader = partial(FileReader, embedder, passage_tokens, model)
        self._turns = Turns()

    async def ingest(
        self,
        paths: Iterable[Path],
        report_progress: ReportProgress = lambda _: None,
        *,
        readers: Readers | None = None,
        dry: bool = False,
        watch: bool | None = None,
        lock: FolderLock | None = None,
        remote: RemoteFiles | None = None,
    ) -> IngestReport:
        """Bring the index in step with the files and folders `paths`, for `readers` to see.

        With `dry` all is read and reported as if, but nothing is embedded, written or removed. `watch` is recorded;
        None leaves it as it was. With `lock` each document is written while it is held: a file that somebody took away
        under it is not found afterwards. With `remote` the files are those of documents elsewhere, all for `readers`.

        Who may see a file is said by the nearest `.attune.toml`, else by `readers`, else as it was recorded, or else as
        the index has it; a new file is for the readers of its neighbours. A file that cannot be read is refused and
        keeps the passages it had, unless its readers changed; files that are gone from a folder of `paths` lose theirs.

        Raises:
            DocumentError: a path does not exist, or what was recorded cannot be read; nothing was changed.
            StoreError: the index does not answer; run it again to go on.
            asyncio.CancelledError: when nothing of it runs any more, neither a parser nor a write.
        """
        paths = [remote.folder] if remote else list(paths)
        async with self._turns.of(paths):
            started = time.monotonic()
            found = await asyncio.to_thread(_found, paths, remote)
            recording = None if remote else self._recording(paths, readers)
            decisions = _Decisions(recording, tuple(paths), readers, watch=watch, dry=dry, remote=remote)
            reader = self._new_reader()
            run = _Run(
                self._embedder, self._index, reader, found, decisions=decisions, report=report_progress, lock=lock
            )
            try:
                return await run.completed(started)
            finally:
                reader.close()

    def _recording(self, paths: Sequence[Path], readers: Readers | None) -> FolderRecords | None:
        """The records, where they say who may see what is below `paths`: not of lessons and Attune's own guides."""
        if self._records is None or readers == (GUIDES,):
            return None
        return self._records if any(self._records.concerns(_place(path)) for path in paths) else None


@dataclass(frozen=True, slots=True)
class _Decisions:
    """What one ingestion was told of who may see what, and where that is recorded."""

    records: FolderRecords | None
    paths: tuple[Path, ...]
    named: Readers | None
    watch: bool | None
    dry: bool
    remote: RemoteFiles | None = None

    def source(self, file: Path) -> str:
        """The source of the document that a file is."""
        return self.remote.sources[file] if self.remote else file.as_posix()

    async def assignment(self, found: WalkResult, held: Iterable[Document]) -> Assignment:
        """Who may see each file."""
        records = await asyncio.to_thread(self.records.read) if self.records else None
        return await asyncio.to_thread(Assignment, found, self.named, list(held), records)

    async def record(self, assigned: Mapping[Path, Readers | DocumentError]) -> None:
        """Record them before the index changes: what is cut off is then gone on with, by what was decided last."""
        if self.records is None or self.dry:
            return
        files = {
            file.as_posix(): readers
            for file, readers in assigned.items()
            if not isinstance(readers, DocumentError) and self.records.concerns(file) and _is_writable(file)
        }
        places = [place for path in self.paths for place in _names(path) if self.records.concerns(_place(place))]
        await asyncio.to_thread(self.records.decide, places, files, self.named, watch=self.watch)


def _found(paths: Sequence[Path], remote: RemoteFiles | None) -> WalkResult:
    return WalkResult(files=list(remote.sources)) if remote else find_files(paths, is_readable)


def _place(path: Path) -> Path:
    """Where a path that was named is, as the documents' sources have it."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _names(path: Path) -> list[Path]:
    """What a path goes by: where it is, and the way by links that led there, which may lead elsewhere tomorrow."""
    return list(dict.fromkeys((_place(path), Path(os.path.abspath(path)))))  # noqa: PTH100 - links stay links


def _is_writable(file: Path) -> bool:
    """Whether its name can be written down; one that is not UTF-8 is refused anyway."""
    return printable(file.as_posix()) == file.as_posix()


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that waits to be embedded and written; `vectors` are those it has from before."""

    file: Path
    passages: list[Passage]
    vectors: Mapping[str, Vector]

    @property
    def source(self) -> str:
        return self.passages[0].source

    @property
    def missing(self) -> list[Passage]:
        return [passage for passage in self.passages if passage.id not in self.vectors]


class _Run:
    """One ingestion."""

    def __init__(
        self,
        embedder: Embedder,
        index: PassageIndex,
        reader: FileReader,
        found: WalkResult,
        *,
        decisions: _Decisions,
        report: ReportProgress,
        lock: FolderLock | None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._reader = reader
        self._found = found
        self._report = report
        self._decisions = decisions
        self._dry = decisions.dry
        self._alone = lock.held if lock else nullcontext
        self._held: dict[str, list[Document]] = {}
        self._sources: list[str] = []  # of what is held, sorted: what lies in one archive stands together
        self._read: set[str] = set()  # sources that have a file
        self._pending: list[_Pending] = []
        self._windows: list[asyncio.Task[None]] = []
        self._embedding, self._writing = asyncio.Lock(), asyncio.Lock()  # first come, first served
        self._tally = IngestTally(
            refused=list(found.refused), skipped=[printable(path.as_posix()) for path in found.skipped]
        )
        self._progress = IngestProgress(0, len(found.files), "", 0)

    async def completed(self, started: float) -> IngestReport:
        try:
            return await self._completed(started)
        finally:
            await ended(*self._windows)

    async def _completed(self, started: float) -> IngestReport:
        for document in await self._index.documents():
            self._held.setdefault(document.source, []).append(document)
        self._sources = sorted(self._held)
        assigned = await self._assigned()
        self._reader.on_picture = self._announcer(asyncio.get_running_loop())
        await self._decisions.record(assigned)
        for number, file in enumerate(self._found.files, start=1):
            self._tell(replace(self._progress, number=number, name=printable(file.name), picture=0))
            await self._take(file, assigned[file])
        await self._hand_over(ahead=0)
        await self._remove_gone()
        return self._tally.report(time.monotonic() - started)

    async def _remove_gone(self) -> None:
        """Remove what has no file any more; looked for again, since one may have come since the walk."""
        if not any(map(self._is_gone, self._held)):
            return
        async with self._alone():
            with suppress(DocumentError):  # a path of the walk is gone: what it found then
                self._found = await asyncio.to_thread(_found, self._decisions.paths, self._decisions.remote)
            there = {file.as_posix() for file in self._found.files}
            for source in [source for source in self._held if self._is_gone(source)]:
                if not there.intersection((source, *(place.as_posix() for place in Path(source).parents))):
                    await self._remove(source)

    async def _assigned(self) -> dict[Path, Readers | DocumentError]:
        """The readers of each file, or why they are not known."""
        if self._decisions.remote:
            return dict.fromkeys(self._found.files, self._decisions.named or (EVERYONE,))
        assignment = await self._decisions.assignment(self._found, chain.from_iterable(self._held.values()))
        assigned: dict[Path, Readers | DocumentError] = {}
        for file in self._found.files:
            try:
                assigned[file] = assignment.readers(file, chain.from_iterable(self._held_of(file.as_posix()).values()))
            except DocumentError as error:
                assigned[file] = error
        return assigned

    def _is_gone(self, source: str) -> bool:
        """Whether a document that the index holds has no file any more."""
        if remote := self._decisions.remote:
            return source not in self._read and remote.owns(source)
        return source not in self._read and self._found.misses(Path(source))

    async def _take(self, file: Path, assigned: Readers | DocumentError) -> None:
        source = self._decisions.source(file)
        held, readers = self._held_of(source), None
        try:
            if isinstance(assigned, DocumentError):
                raise assigned
            readers = assigned
            reading = asyncio.to_thread(self._reader.read, file, held, readers, source)
            content = await to_the_end(reading, hurry=self._reader.stop)
        except DocumentError as error:
            self._tally.refused.append(Refusal(printable(source), str(error)))
            self._read.update(held)  # it keeps what it had, unless for others
            for source in [source for source, documents in held.items() if readers and documents[0].readers != readers]:
                await self._remove(source)
            return
        self._tally.refused += content.refused
        self._tally.skipped += content.skipped
        for document in content.documents:
            await self._take_document(file, document, readers)
        kept = {refusal.path for refusal in content.refused} if content.complete else held.keys()
        seen = {document.source for document in content.documents}
        for source in held.keys() - seen:
            if source not in kept or held[source][0].readers != readers:
                await self._remove(source)
        self._read |= held.keys() | seen

    def _held_of(self, file: str) -> dict[str, list[Document]]:
        """The documents of `file` that the index holds, by source: itself, and what lies inside it."""
        within = inside(file)
        start = bisect_left(self._sources, within)
        held = takewhile(lambda source: source.startswith(within), islice(self._sources, start, None))
        return {source: self._held[source] for source in (file, *held) if source in self._held}

    async def _take_document(self, file: Path, content: DocumentContent, readers: Readers) -> None:
        self._tally.notes += content.notes
        self._tally.readers[readers] += 1
        held = self._held.get(content.source, [])
        if content.passages is None:
            self._tally.unchanged.append(content.source)
        elif content.passages:
            document = _Pending(file, content.passages, await self._known(content.passages, held))
            self._pending.append(document)
            self._tell(replace(self._progress, known=self._progress.known + len(document.missing)))
        elif held:
            await self._remove(content.source)
        if sum(len(pending.passages) for pending in self._pending) >= _WINDOW:
            await self._hand_over(ahead=_AHEAD)

    async def _known(self, passages: list[Passage], held: Sequence[Document]) -> dict[str, Vector]:
        """The vectors that the versions in the index have of the same passages, by the ids they have now."""
        known: dict[str, Vector] = {}
        for document in held:
            now = dict(zip(self._reader.ids(passages, document.version), passages, strict=True))
            vectors = await self._index.vectors(list(now))
            known |= {now[id_].id: vector for id_, vector in vectors.items()}
        return known

    async def _hand_over(self, *, ahead: int) -> None:
        """Let what is pending be embedded and written, and return when at most `ahead` windows are under way."""
        pending, self._pending = self._pending, []
        self._windows.append(asyncio.create_task(self._keep(pending)))
        while len(self._windows) > ahead:
            await self._windows[0]
            del self._windows[0]

    async def _keep(self, pending: list[_Pending]) -> None:
        """Embed what is missing, batches crossing from file to file, then write document by document."""
        if self._dry:
            for document in pending:
                self._count(document)
            return
        async with self._embedding:
            fresh = await self._embedded([passage for document in pending for passage in document.missing])
        async with self._writing:
            for document in pending:
                await self._write_alone(document, fresh)

    async def _embedded(self, passages: list[Passage]) -> dict[str, Vector]:
        texts = {passage.id: embedding_text(passage) for passage in passages}
        ids = sorted(texts, key=lambda id_: len(texts[id_]))  # texts of a length waste no padding
        vectors: dict[str, Vector] = {}
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            rows = await self._embedder.embed([texts[id_] for id_ in batch])
            vectors.update(zip(batch, rows, strict=True))
            self._tell(replace(self._progress, passages=self._progress.passages + len(batch)))
        return vectors

    async def _write_alone(self, document: _Pending, fresh: Mapping[str, Vector]) -> None:
        """Write a document, unless its file went while it was read."""
        async with self._alone():
            if await asyncio.to_thread(os.path.lexists, document.file):
                await to_the_end(self._write(document, fresh))
            elif document.source in self._held:
                await self._remove(document.source)

    async def _write(self, document: _Pending, fresh: Mapping[str, Vector]) -> None:
        held = self._held.get(document.source, [])
        known = {**fresh, **document.vectors}
        rows = np.stack([known[passage.id] for passage in document.passages])  # (passages, dimension)
        first = document.passages[0]
        closing = any(version.readers != first.readers for version in held)
        if closing:  # at once: a cut must not leave it open
            await self._index.remove(document.source, keep_version=first.version)
        await self._index.upsert(document.passages, rows)
        if held and not closing:
            await self._index.remove(document.source, keep_version=first.version)
        self._count(document)

    def _count(self, document: _Pending) -> None:
        held = self._held.get(document.source, [])
        (self._tally.changed if held else self._tally.new).append(document.source)
        self._tally.added += len(document.missing)
        self._tally.reused += len(document.vectors)
        self._tally.dropped += max(0, sum(version.passages for version in held) - len(document.vectors))

    async def _remove(self, source: str) -> None:
        if not self._dry:
            await to_the_end(self._index.remove(source))
        self._tally.removed.append(source)
        self._tally.dropped += sum(version.passages for version in self._held[source])

    def _announcer(self, loop: asyncio.AbstractEventLoop) -> Callable[[int], None]:
        """What tells of a picture from the thread that reads it."""

        def tell(page: int) -> None:
            self._tell(replace(self._progress, picture=page))

        def announce(page: int) -> None:
            loop.call_soon_threadsafe(tell, page)

        return announce

    def _tell(self, progress: IngestProgress) -> None:
        self._progress = progress
        self._report(progress)
