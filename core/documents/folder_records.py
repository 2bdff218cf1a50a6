"""What the operator decided of folders and files, kept beside the index: who may see them, and what is ingested again.

One file of the data folder, `folders.json`, so that readers outlast the index: after it was moved away, rebuilt or
restored, each file is for those it was for. What lies under `apart` says by itself who may see it, and is left out.
Knows nothing of what is in a file or of what readers mean.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePath

from pydantic import BaseModel, ValidationError

from core.documents.remote.addresses import is_address
from core.domain import EVERYONE, Document
from core.errors import DocumentError
from core.readers import GUIDES, Readers
from core.storage.durable import write_whole
from core.storage.folder_lock import locked

FILE_NAME = "folders.json"
VERSION = 1
SHOWN = 5  # paths that a sentence names


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """A folder or file as it was named to `attune ingest`. `readers` is None where nobody named any.

    `collection` is where its passages were put: a collection of the Qdrant server, empty for the embedded index.
    """

    path: str
    readers: Readers | None = None
    collection: str = ""
    watch: bool = False


@dataclass(frozen=True)
class FolderDecisions:
    """All that was decided. Where it is not `complete`, there were documents of which nothing is known any more."""

    folders: Mapping[str, FolderRecord] = field(default_factory=dict)
    files: Mapping[str, Readers] = field(default_factory=dict)
    complete: bool = True

    def readers(self, file: str) -> Readers | None:
        """The readers of `file`, or of what lies inside it where only that was recorded."""
        if file in self.files:
            return self.files[file]
        place = bisect_left(self._sorted, f"{file}/")
        inside = self._sorted[place : place + 1]
        return self.files[inside[0]] if inside and inside[0].startswith(f"{file}/") else None

    def named(self) -> dict[PurePath, Readers]:
        """The readers of folders that were named for them, where the links in their paths lead now."""
        named = {one.path: one.readers for one in self.folders.values() if one.readers}
        led = {PurePath(os.path.realpath(path)): readers for path, readers in named.items()}
        return {**led, **{PurePath(path): readers for path, readers in named.items()}}

    def has(self, places: Collection[str]) -> bool:
        """Whether anything is recorded at or under one of `places`."""
        return any(_is_under(path, places) for path in (*self.folders, *self.files))

    def without(self, places: Collection[str]) -> FolderDecisions:
        """What is left when all at and under `places` is forgotten.

        What lies in a folder that stays is found again with it: where it was not for everyone, its readers stay.
        """
        folders = {path: one for path, one in self.folders.items() if not _is_under(path, places)}

        above = tuple(folders)

        def stays(path: str, readers: Readers | None) -> bool:
            return bool(readers and EVERYONE not in readers and _is_under(path, above) and os.path.lexists(path))

        for path, one in self.folders.items():
            if path not in folders and stays(path, one.readers):
                folders[path] = replace(one, watch=False)
        files = {
            path: readers for path, readers in self.files.items() if not _is_under(path, places) or stays(path, readers)
        }
        return replace(self, folders=folders, files=files)

    def places(self, *, watched: bool = False) -> list[Path]:
        """What is ingested again when all is, or when all is that is watched: what was named, and files beside that."""
        chosen = [one.path for one in self.folders.values() if one.watch or not watched]
        here = [] if watched else [path for path in self.files if not is_address(path)]
        beside = [path for path in here if not _is_under(path, self.folders)]
        return list(dict.fromkeys(_archive_of(Path(path)) for path in (*chosen, *beside)))

    def decided(
        self,
        paths: Iterable[str],
        files: Mapping[str, Readers],
        *,
        named: Readers | None,
        watch: bool | None,
        where: str,
    ) -> FolderDecisions:
        """With what was decided of `paths` now; None: as it was. Readers that are named undo those named for parts.

        A known file of which nothing is decided is only read again; its folder, once named, stands for it.
        """
        folders, places = dict(self.folders), list(paths)
        undone = tuple(map(_slashed, places)) if named else ()  # also what is away now: it may come back
        still = {file: who for file, who in self.files.items() if not file.startswith(undone)}
        for path in places:
            if not named and watch is None and path not in folders and self._is_file(path):
                continue
            before = folders.get(path, FolderRecord(path))
            if named:
                folders = {old: one for old, one in folders.items() if not old.startswith(_slashed(path))}
            stays = before.watch if watch is None else watch
            folders[path] = FolderRecord(path, named or before.readers, where, stays)
        return replace(self, folders=folders, files={**still, **files})

    def _is_file(self, path: str) -> bool:
        return self.readers(path) is not None and not os.path.isdir(path)  # noqa: PTH112 - as it was named

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.files)


class _Group(BaseModel):
    folder: str
    readers: tuple[str, ...]
    files: list[str]


class _Folder(BaseModel):
    path: str
    readers: tuple[str, ...] | None = None
    collection: str = ""
    watch: bool = False


class _FoldersFile(BaseModel):
    version: int
    complete: bool
    folders: list[_Folder]
    documents: list[_Group]


class FolderRecords:
    """The records of one data folder, shared by all processes on it. `collection` is where passages are put now."""

    def __init__(self, data: Path, *, apart: Path | None = None, collection: str = "") -> None:
        self._file = data / FILE_NAME
        self._apart = apart.resolve() if apart else None
        self._collection = collection

    @property
    def begun(self) -> bool:
        """Whether there are records; where nobody may look, there may be some."""
        try:
            return self._file.exists()
        except OSError:
            return True

    @property
    def empty(self) -> bool:
        """Whether nothing is recorded of any document; records that cannot be read are not empty."""
        try:
            now = self.read()
        except DocumentError:
            return False
        return not now.folders and not now.files

    def concerns(self, path: Path) -> bool:
        """Whether who may see `path` is kept here."""
        return self._apart is None or not path.is_relative_to(self._apart)

    def read(self) -> FolderDecisions:
        """All records; where there is no file, nothing is known.

        Raises:
            DocumentError: they are damaged, or a newer Attune wrote them.
        """
        try:
            return read_records(self._file.read_bytes(), self._file)
        except FileNotFoundError:
            return FolderDecisions(complete=False)
        except OSError as error:
            raise DocumentError(f"{self._file} cannot be read: {error.strerror}. Change its permissions.") from None

    def begin(self, held: Iterable[Document], *, lived: bool) -> None:
        """Make the first records, from what the index holds, unless there are some of any document.

        `lived`: whether the data is older than this. Then an index that holds nothing was lost, and with it who may see
        what.
        """
        if not self.empty:
            return
        known = list(held)
        own = [one for one in known if GUIDES not in one.readers and not is_address(one.source)]
        files = {one.source: one.readers for one in own if self.concerns(Path(one.source))}
        with self._locked():
            if not self.begun or (files and self.empty):
                self._write(FolderDecisions(files=files, complete=bool(known) or not lived))

    def decide(
        self, paths: Iterable[Path], files: Mapping[str, Readers], named: Readers | None, *, watch: bool | None
    ) -> None:
        """Record that `paths` were ingested for the readers `named`, and the readers of each file; None: as it was."""
        places = [path.as_posix() for path in paths]
        self._change(lambda now: now.decided(places, files, named=named, watch=watch, where=self._collection))

    def check_places(self) -> None:
        """See that all that was ingested can be read again.

        Raises:
            DocumentError: something is not there; the index had better stay as it is.
        """
        missing = [str(path) for path in self.read().places() if not path.exists()]
        if missing:
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise DocumentError(
                f"The index is unchanged: it cannot be rebuilt without {', '.join(missing[:SHOWN])}{more}, which "
                "would be ingested again. Restore what is missing, or take it out first: attune remove PATH"
            )

    def forget(self, places: Collection[str]) -> None:
        """Drop what is recorded at and under `places`."""
        if self.begun:
            self._change(lambda now: now.without(places))

    def replace(self, written: bytes | None) -> None:
        """Put records in the place of all that there are: those of a backup; None: it has none, so nothing is known."""
        records = FolderDecisions(complete=False) if written is None else read_records(written, self._file)
        with self._locked():
            self._write(records)

    def _change(self, change: Callable[[FolderDecisions], FolderDecisions]) -> None:
        with self._locked():
            before = self.read()
            after = change(before)
            if after != before or not self.begun:
                self._write(after)

    def _write(self, records: FolderDecisions) -> None:
        try:
            write_whole(self._file, _dumped(records))
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DocumentError(f"{self._file} cannot be written: {reason}. Check that the disk has space.") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; the lock ends with its process."""
        with ExitStack() as held:
            try:
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                held.enter_context(locked(self._file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT))
            except OSError as error:
                raise DocumentError(
                    f"{self._file} cannot be written: {error.strerror}. Check who owns the folder, or set ATTUNE_HOME "
                    "to another."
                ) from None
            yield


def read_records(written: bytes, file: Path) -> FolderDecisions:
    """Records as `file` has them.

    Raises:
        DocumentError: they are damaged, or a newer Attune wrote them.
    """
    try:
        version = json.loads(written).get("version")
    except (ValueError, AttributeError):
        version = None
    if isinstance(version, int) and version > VERSION:
        raise DocumentError(
            f"{file} was written by a newer Attune. Use that version, so that nobody sees what they may not."
        )
    try:
        read = _FoldersFile.model_validate_json(written)
    except ValidationError:
        raise DocumentError(
            f"{file}, which records who may see what, is damaged. Restore it from a backup (attune "
            "restore), or move it "
            "away; Attune then takes what it can from the index, and asks for the readers of the rest."
        ) from None
    folders = {one.path: FolderRecord(one.path, one.readers, one.collection, one.watch) for one in read.folders}
    files = {f"{_slashed(group.folder)}{name}": group.readers for group in read.documents for name in group.files}
    return FolderDecisions(folders, files, read.complete)


def _dumped(records: FolderDecisions) -> bytes:
    groups: dict[tuple[str, Readers], list[str]] = {}
    for path in sorted(records.files):
        folder, _, name = path.rpartition("/")
        groups.setdefault((folder or "/", records.files[path]), []).append(name)
    written = _FoldersFile(
        version=VERSION,
        complete=records.complete,
        folders=[
            _Folder(path=one.path, readers=one.readers, collection=one.collection, watch=one.watch)
            for _, one in sorted(records.folders.items())
        ],
        documents=[_Group(folder=folder, readers=readers, files=names) for (folder, readers), names in groups.items()],
    )
    return written.model_dump_json(indent=1).encode() + b"\n"


def _archive_of(path: Path) -> Path:
    """`path`, or the archive that it is a name in."""
    return next((place for place in path.parents if place.is_file()), path)


def _slashed(folder: str) -> str:
    return folder if folder.endswith("/") else f"{folder}/"


def _is_under(path: str, places: Collection[str]) -> bool:
    return any(path == place or path.startswith(_slashed(place)) for place in places if place)
