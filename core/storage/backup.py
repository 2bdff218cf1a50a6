"""Backing up and restoring: memory, lessons, what was decided of folders, the index, and settings without secrets.

Everything is read while others go on: the memory as of one moment, passages and lessons one by one. Passages are kept
with their vectors, so that neither the documents nor the embedder are needed to restore them. Knows nothing of how an
archive is written, or of stores.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from pydantic import TypeAdapter, ValidationError

from core.answering.sources import whole
from core.documents.folder_records import FILE_NAME, FolderRecords, read_records
from core.documents.reading import namespace_of
from core.documents.remote.records import FILE_NAME as SOURCES
from core.documents.remote.records import SourceRecord, SourceRecords, read_sources
from core.documents.splitting import passage_ids
from core.domain import Passage, Vector, VectorOrigin, Vectors
from core.errors import BackupError, DocumentError
from core.ports import PassageIndex
from core.readers import GUIDES
from core.storage.backup_archive import LEARNED, BackupReader, BackupWriter
from core.storage.durable import sync_folder, write_whole

MEMORY, FOLDERS, SETTINGS, INDEX = "memory.jsonl", FILE_NAME, "settings.toml", "index.jsonl"
RESTORED_SETTINGS = "settings-of-backup.toml"
_TOGETHER = 256  # passages
_DRAFT = ".restored-"
_HALF = ".drafts"  # where lessons are before they are whole

_PASSAGE = TypeAdapter(Passage)


class RedisType(StrEnum):
    """The types of Redis."""

    STRING = "string"
    HASH = "hash"
    LIST = "list"
    SET = "set"
    ZSET = "zset"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of the memory: `value` are its parts as Redis lists them, `expires` its end in ms since 1970, 0: none."""

    key: bytes
    kind: RedisType
    expires: int
    value: list[bytes]


class Dump(Protocol):
    """The memory as a whole."""

    async def entries(self) -> list[Entry]:
        """All keys as of one moment."""
        ...

    async def count(self) -> int:
        """How many there are."""
        ...

    async def replace(self, entries: Iterable[Entry]) -> None:
        """Put these in the place of all."""
        ...


class StoredIndex(PassageIndex, Protocol):
    """An index that is opened as it is, and can be emptied."""

    async def dimension(self) -> int | None:
        """Length of its vectors."""
        ...

    async def reset(self, dimension: int, origin: VectorOrigin | None) -> None:
        """Begin anew."""
        ...


@dataclass(frozen=True, slots=True)
class DataLayout:
    """Where the parts are on this machine."""

    data: Path
    learned: Path
    folders: FolderRecords
    dump: Dump


@dataclass(frozen=True, slots=True)
class Move:
    """What people taught lies elsewhere on this machine: whatever names a document of theirs is to name it there."""

    before: str
    now: str

    def of(self, data: bytes) -> bytes:
        """A value of the memory, in which paths stand as they are, or as JSON has them."""
        if self.before in {"", self.now}:
            return data
        forms = {_escaped(self.before): _escaped(self.now), self.before: self.now}  # one where nothing is escaped
        for before, now in forms.items():
            data = data.replace(f"{before}/".encode(), f"{now}/".encode())
        return data

    def of_passages(self, passages: Sequence[Passage], model: str) -> list[Passage]:
        """Passages of whole documents, with ids as if they had been ingested there."""
        before, moved = f"{self.before}/", list(passages)
        documents: dict[tuple[str, str], list[int]] = {}
        for place, one in enumerate(passages):
            if self.before not in {"", self.now} and one.source.startswith(before):
                moved[place] = replace(one, source=f"{self.now}/{one.source.removeprefix(before)}")
                documents.setdefault((one.source, one.version), []).append(place)
        for (_, version), places in documents.items():
            ids = passage_ids([moved[place] for place in places], version, namespace_of(model))
            for place, id_ in zip(places, ids, strict=True):
                moved[place] = replace(moved[place], id=id_)
        return moved


def _escaped(path: str) -> str:
    return json.dumps(path)[1:-1]


def _where(learned: Path) -> str:
    return learned.resolve().as_posix()


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in a backup. `passages` is None where the index was left out."""

    keys: int
    lessons: int
    passages: int | None


async def back_up(
    file: Path, place: DataLayout, index: StoredIndex | None, facts: dict[str, Any], settings: str
) -> Counts:
    """Write all that `place` has, and the passages of `index`, to a new file.

    Raises:
        BackupError: it cannot be written.
        StoreError: a store does not answer.
    """
    entries, learned = await place.dump.entries(), await asyncio.to_thread(_where, place.learned)
    with BackupWriter(file, {**facts, "learned": learned}) as archive:
        archive.add(SETTINGS, settings.encode())
        for name in (FOLDERS, SOURCES):
            with suppress(FileNotFoundError):
                archive.add(name, await asyncio.to_thread((place.data / name).read_bytes))
        with archive.part(MEMORY) as stream:
            for entry in entries:
                await asyncio.to_thread(stream.write, _dumped(entry))
        lessons = await asyncio.to_thread(_add_lessons, archive, place.learned)
        passages = None
        if index is not None:
            with archive.part(INDEX) as stream:
                passages = await _write_passages(index, stream)
    return Counts(len(entries), lessons, passages)


async def is_used(place: DataLayout, index: PassageIndex) -> bool:
    """Whether there is anything that a restoring would replace: more than what every new home has."""
    if await place.dump.count() or any(place.learned.glob("*/*")):
        return True
    with suppress(DocumentError):
        recorded = await asyncio.to_thread(place.folders.read)
        if recorded.folders or recorded.files:
            return True
    return any(GUIDES not in document.readers for document in await index.documents())


async def restore(archive: BackupReader, place: DataLayout, index: StoredIndex) -> Counts:
    """Put what `archive` holds in the place of all that there is.

    Who may see what comes first, and the index last: what is cut off shows nothing to anybody new.

    Raises:
        BackupError: it holds what cannot be understood; nothing was changed.
        StoreError: a store does not answer; restore again.
    """
    move = Move(str(archive.facts.get("learned", "")), await asyncio.to_thread(_where, place.learned))
    entries = await asyncio.to_thread(_entries, archive, move)
    folders = archive.read(FOLDERS) if FOLDERS in archive.parts else None
    await asyncio.to_thread(_check_folders, folders, place.data / FOLDERS)
    sources = await asyncio.to_thread(_sources, archive, place.data / SOURCES)
    await asyncio.to_thread(_check_room, archive, place.data)
    await _empty(archive, index)
    await asyncio.to_thread(place.folders.replace, folders)
    await asyncio.to_thread(SourceRecords(place.data).replace, lambda _: sources, anew=True)
    lessons = await asyncio.to_thread(_unpack_lessons, archive, place)
    await place.dump.replace(entries)
    await asyncio.to_thread(_keep_settings, place.data / RESTORED_SETTINGS, archive.read(SETTINGS))
    passages = await _restore_passages(archive, index, move) if INDEX in archive.parts else None
    return Counts(len(entries), lessons, passages)


def _dumped(entry: Entry) -> bytes:
    value = [_text(part) for part in entry.value]
    written = {"key": _text(entry.key), "kind": entry.kind, "expires": entry.expires, "value": value}
    return json.dumps(written).encode() + b"\n"


def _entries(archive: BackupReader, move: Move) -> list[Entry]:
    with archive.lines(MEMORY) as stream, _understood(MEMORY):
        return [
            Entry(
                _bytes(told["key"]),
                RedisType(told["kind"]),
                int(told["expires"]),
                [move.of(_bytes(part)) for part in told["value"]],
            )
            for told in map(json.loads, stream)
        ]


@contextmanager
def _understood(part: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError, ValidationError) as error:
        raise BackupError(f"{part} in the backup cannot be read ({type(error).__name__}).") from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _check_folders(written: bytes | None, file: Path) -> None:
    if written is None:
        return
    try:
        read_records(written, file)
    except DocumentError as error:
        raise BackupError(f"{error} Nothing was restored.") from None


def _sources(archive: BackupReader, file: Path) -> list[SourceRecord]:
    try:
        return read_sources(archive.read(SOURCES), file) if SOURCES in archive.parts else []
    except DocumentError as error:
        raise BackupError(f"{error} Nothing was restored.") from None


def _check_room(archive: BackupReader, data: Path) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    need, free = sum(part.size for part in archive.parts.values()), shutil.disk_usage(data).free
    if need > free:
        raise BackupError(
            f"The backup needs {need // 1_000_000:,} MB in {data}, and only {free // 1_000_000:,} are free. "
            "Free some space, or "
            "set ATTUNE_HOME to a folder on a larger disk. Nothing was restored."
        )


def _add_lessons(archive: BackupWriter, learned: Path) -> int:
    """Add every lesson, also those that can be brought back; none that is not whole yet, or goes meanwhile."""
    files = [
        file
        for file in sorted(learned.rglob("*"))
        if file.is_file() and not file.is_symlink() and not file.relative_to(learned).parts[0].startswith(_HALF)
    ]
    for file in files:
        with suppress(FileNotFoundError):
            archive.add(f"{LEARNED}{file.relative_to(learned).as_posix()}", file.read_bytes())
    return _lessons(file.relative_to(learned).as_posix() for file in files)


def _keep_settings(file: Path, written: bytes) -> None:
    try:
        write_whole(file, written)
    except OSError as error:
        raise BackupError(
            f"{file} cannot be written: {error.strerror}. Free some space, then restore again."
        ) from error


def _unpack_lessons(archive: BackupReader, place: DataLayout) -> int:
    """Unpack beside the lessons that there are, then change places with them."""
    for left in place.data.glob(f"{_DRAFT}*"):  # by a restoring that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        return _unpacked_lessons(archive, place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BackupError(
            f"{place.learned} cannot be written: {reason}. Free some space, then restore again."
        ) from error


def _unpacked_lessons(archive: BackupReader, place: DataLayout) -> int:
    names = [name for name in archive.parts if name.startswith(LEARNED)]
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=place.data))
    try:
        for name in names:
            archive.unpack(name, draft / "new" / name.removeprefix(LEARNED))
        if place.learned.exists():
            place.learned.rename(draft / "old")
        if names:
            (draft / "new").rename(place.learned)
        sync_folder(place.data)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return _lessons(name.removeprefix(LEARNED) for name in names)


def _lessons(names: Iterable[str]) -> int:
    """How many lessons these files are of; those that were forgotten are not counted."""
    return len({name.partition("/")[0] for name in names if not name.startswith(".")})


async def _write_passages(index: StoredIndex, stream: IO[bytes]) -> int:
    """The index's dimension and origin on the first line, then a passage with its vector on each."""
    origin, written = await index.origin(), 0
    fields = (origin.embedder, origin.digest, origin.form) if origin else None
    stream.write(json.dumps({"dimension": await index.dimension(), "origin": fields}).encode() + b"\n")
    async for passage, vector in _passages(index):
        packed = _text(vector.astype("<f4").tobytes())
        told = {"passage": _PASSAGE.dump_python(passage, mode="json"), "vector": packed}
        await asyncio.to_thread(stream.write, json.dumps(told).encode() + b"\n")
        written += 1
    return written


async def _passages(index: PassageIndex) -> AsyncIterator[tuple[Passage, Vector]]:
    for document in await index.documents():
        passages = await whole(document, index)
        for start in range(0, len(passages), _TOGETHER):
            some = passages[start : start + _TOGETHER]
            vectors = await index.vectors([passage.id for passage in some])
            for passage in some:
                if passage.id in vectors:  # else it is gone since
                    yield passage, vectors[passage.id]


async def _empty(archive: BackupReader, index: StoredIndex) -> None:
    """Empty the index, for vectors as the backup has them; without any it stays for what it is for."""
    if INDEX not in archive.parts:
        await index.reset(await index.dimension() or 0, await index.origin())
        return
    with archive.lines(INDEX) as stream, _understood(INDEX):
        told = json.loads(stream.readline())
        dimension, fields = int(told["dimension"]), told["origin"]
        origin = VectorOrigin(*map(str, fields)) if fields else None
    await index.reset(dimension, origin)


async def _restore_passages(archive: BackupReader, index: PassageIndex, move: Move) -> int:
    origin, count = await index.origin(), 0
    with archive.lines(INDEX) as stream:
        stream.readline()
        while some := await asyncio.to_thread(_some, stream):
            passages, vectors = some
            await index.upsert(move.of_passages(passages, origin.embedder if origin else ""), vectors)
            count += len(passages)
    return count


def _some(stream: IO[bytes]) -> tuple[Sequence[Passage], Vectors] | None:
    """The next passages, up to the end of a document."""
    passages, rows = list[Passage](), []
    with _understood(INDEX):
        while line := stream.readline():
            told = json.loads(line)
            passages.append(_PASSAGE.validate_python(told["passage"]))
            rows.append(np.frombuffer(_bytes(told["vector"]), "<f4").astype(np.float32))
            if len(passages) >= _TOGETHER and passages[-1].ordinal + 1 >= passages[-1].total:
                break
        return (passages, np.stack(rows)) if passages else None
