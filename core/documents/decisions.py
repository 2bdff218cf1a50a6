"""What one ingestion was told of its files: which there are, who may see them, and where that is recorded.

Knows nothing of what is in them, nor of the index.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.documents.archives import is_readable
from core.documents.assigning import Assignment
from core.documents.folder_records import FolderRecords
from core.documents.remote.mirror import RemoteFiles
from core.documents.walk import WalkResult, find_files, printable
from core.domain import Document
from core.errors import DocumentError
from core.readers import Readers


@dataclass(frozen=True, slots=True)
class Decisions:
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
        places = [place for path in self.paths for place in _names(path) if self.records.concerns(place_of(place))]
        await asyncio.to_thread(self.records.decide, places, files, self.named, watch=self.watch)


def found_files(paths: Sequence[Path], remote: RemoteFiles | None) -> WalkResult:
    """The files that `paths` lead to, or those of `remote`."""
    return WalkResult(files=list(remote.sources)) if remote else find_files(paths, is_readable)


def place_of(path: Path) -> Path:
    """Where a path that was named is, as the documents' sources have it."""
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _names(path: Path) -> list[Path]:
    """What a path goes by: where it is, and the way by links that led there, which may lead elsewhere tomorrow."""
    return list(dict.fromkeys((place_of(path), Path(os.path.abspath(path)))))  # noqa: PTH100 - links stay links


def _is_writable(file: Path) -> bool:
    """Whether its name can be written down; one that is not UTF-8 is refused anyway."""
    return printable(file.as_posix()) == file.as_posix()
