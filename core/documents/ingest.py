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
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice, takewhile
from pathlib import Path

import numpy as np

from core.documents.decisions import Decisions, found_files, place_of
from core.documents.embedding import FileResult, RemoteReading, embed_passages, known_vectors
from core.documents.folder_records import FolderRecords
from core.documents.reading import DocumentContent, FileReader, FileTask, PassageVectors, inside
from core.documents.remote.mirror import RemoteFiles
from core.documents.tally import IngestReport, IngestTally
from core.documents.walk import Refusal, WalkResult, printable
from core.domain import EVERYONE, Document, Passage, Vector
from core.errors import DocumentError
from core.ports import Embedder, PassageIndex
from core.readers import GUIDES, Readers
from core.storage.folder_lock import FolderLock, Turns
from core.together import ended, to_the_end

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
        elsewhere: RemoteReading | None = None,
    ) -> IngestReport:
        """Bring the index in step with the files and folders `paths`, for `readers` to see.

        With `dry` all is read and reported as if, but nothing is embedded, written or removed. `watch` is recorded;
        None leaves it as it was. With `lock` each document is written while it is held: a file that somebody took away
        under it is not found afterwards. With `remote` the files are those of documents elsewhere, all for `readers`.
        What `elsewhere` reaches is read and embedded by it, and written here.

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
            found = await asyncio.to_thread(found_files, paths, remote)
            recording = None if remote else self._recording(paths, readers)
            decisions = Decisions(recording, tuple(paths), readers, watch=watch, dry=dry, remote=remote)
            reader = self._new_reader()
            run = _Run(
                self._embedder,
                self._index,
                reader,
                found,
                decisions=decisions,
                report=report_progress,
                lock=lock,
                elsewhere=None if dry else elsewhere,
            )
            try:
                return await run.completed(started)
            finally:
                reader.close()

    def _recording(self, paths: Sequence[Path], readers: Readers | None) -> FolderRecords | None:
        """The records, where they say who may see what is below `paths`: not of lessons and Attune's own guides."""
        if self._records is None or readers == (GUIDES,):
            return None
        return self._records if any(self._records.concerns(place_of(path)) for path in paths) else None


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that waits to be embedded and written.

    `vectors` are those it has from before, and `fresh` those that were made elsewhere.
    """

    file: Path
    passages: list[Passage]
    vectors: Mapping[str, Vector]
    fresh: Mapping[str, Vector]

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
        decisions: Decisions,
        report: ReportProgress,
        lock: FolderLock | None,
        elsewhere: RemoteReading | None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._reader = reader
        self._elsewhere = elsewhere
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
        await self._take_all(assigned)
        await self._hand_over(ahead=0)
        await self._remove_gone()
        return self._tally.report(time.monotonic() - started)

    async def _remove_gone(self) -> None:
        """Remove what has no file any more; looked for again, since one may have come since the walk."""
        if not any(map(self._is_gone, self._held)):
            return
        async with self._alone():
            with suppress(DocumentError):  # a path of the walk is gone: what it found then
                self._found = await asyncio.to_thread(found_files, self._decisions.paths, self._decisions.remote)
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

    async def _take_all(self, assigned: Mapping[Path, Readers | DocumentError]) -> None:
        """Every file, here or elsewhere."""
        there: list[FileTask] = []
        for file in self._found.files:
            source = self._decisions.source(file)
            held, readers = self._held_of(source), assigned[file]
            if isinstance(readers, DocumentError):
                self._begin(file)
                self._refuse(source, held, readers)
            elif self._elsewhere and self._elsewhere.reaches(file):
                there.append(FileTask(file, source, held, readers))
            else:
                self._begin(file)
                task = FileTask(file, source, held, readers)
                await self._take(task, await self._read_here(task))
        if self._elsewhere and there:
            async with aclosing(self._elsewhere.contents(there)) as contents:
                async for task, content in contents:
                    self._begin(task.file)
                    await self._take(task, content)

    def _begin(self, file: Path) -> None:
        self._tell(replace(self._progress, number=self._progress.number + 1, name=printable(file.name), picture=0))

    async def _read_here(self, task: FileTask) -> FileResult:
        reading = asyncio.to_thread(self._reader.read, task.file, task.held, task.readers, task.source)
        try:
            return await to_the_end(reading, hurry=self._reader.stop)
        except DocumentError as error:
            return error

    def _refuse(self, source: str, held: Mapping[str, Sequence[Document]], error: DocumentError) -> None:
        """It keeps what it had."""
        self._tally.refused.append(Refusal(printable(source), str(error)))
        self._read.update(held)

    async def _take(self, task: FileTask, content: FileResult) -> None:
        held, readers = task.held, task.readers
        if isinstance(content, DocumentError):
            self._refuse(task.source, held, content)  # unless it is for others
            for source in [source for source, documents in held.items() if documents[0].readers != readers]:
                await self._remove(source)
            return
        self._tally.refused += content.refused
        self._tally.skipped += content.skipped
        for document in content.documents:
            await self._take_document(task, document)
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

    async def _take_document(self, task: FileTask, content: DocumentContent) -> None:
        self._tally.notes += content.notes
        self._tally.readers[task.readers] += 1
        held = self._held.get(content.source, [])
        if content.passages is None:
            self._tally.unchanged.append(content.source)
        elif content.passages:
            document = await self._pending_document(task.file, content.passages, content.vectors, held)
            self._pending.append(document)
            self._tell(replace(self._progress, known=self._progress.known + len(document.missing)))
        elif held:
            await self._remove(content.source)
        if sum(len(pending.passages) for pending in self._pending) >= _WINDOW:
            await self._hand_over(ahead=_AHEAD)

    async def _pending_document(
        self, file: Path, passages: list[Passage], vectors: PassageVectors | None, held: Sequence[Document]
    ) -> _Pending:
        if vectors:
            return _Pending(file, passages, vectors.known, vectors.fresh)
        known = await known_vectors(self._index, passages, held, self._reader.namespace)
        return _Pending(file, passages, known, {})

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
            fresh = await self._embedded(pending)
        async with self._writing:
            for document in pending:
                await self._write_alone(document, fresh)

    async def _embedded(self, pending: Sequence[_Pending]) -> dict[str, Vector]:
        """The vectors of what was missing."""
        made = {id_: vector for document in pending for id_, vector in document.fresh.items()}
        self._count_embedded(len(made))
        missing = [passage for document in pending for passage in document.missing if passage.id not in made]
        return made | await embed_passages(self._embedder, missing, self._count_embedded)

    def _count_embedded(self, passages: int) -> None:
        if passages:
            self._tell(replace(self._progress, passages=self._progress.passages + passages))

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
