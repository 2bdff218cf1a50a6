"""A model's files on the disk: progress while bytes move, hashes, and the record that a folder was verified.

Knows nothing of where files come from, of what is in them, of names or of locks.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from core.errors import CorruptModelError, ModelError
from core.models.specs import LocalModel, ModelFile
from core.storage.durable import SHARED, write_whole

RECORD = ".attune-verified.json"
_COUNTED = {".safetensors", ".bin", ".gguf", ".json", ".txt", ".model"}  # in a digest: no README, no picture
_BLOCK = 1 << 20  # bytes read at a time


class DownloadProgress(Protocol):
    """Told how far a long step is. To stop the step, raise an `AttuneError`: what is resumable stays."""

    def start(self, label: str, total: int) -> None:
        """A step begins; `total` in bytes, 0 where it is not known."""
        ...

    def advance(self, count: int) -> None:
        """`count` more bytes are done."""
        ...

    def finish(self) -> None:
        """The step is over, well or not."""
        ...


class NoProgress:
    """Shows nothing."""

    def start(self, label: str, total: int) -> None:
        """Ignore it."""

    def advance(self, count: int) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""


class Meter:
    """Turns "so far" counts of one piece into advances, never backwards and never beyond its size."""

    def __init__(self, progress: DownloadProgress, size: int) -> None:
        self._progress = progress
        self._size = size
        self._done = 0

    def reach(self, count: int) -> None:
        """`count` bytes of the piece are done in all."""
        step = min(count, self._size) - self._done
        if step > 0:
            self._done += step
            self._progress.advance(step)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when its hash was computed."""

    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VerifiedFolder:
    """What is known of a folder since it was verified, so that no start hashes a gigabyte again."""

    name: str
    files: Mapping[str, FileRecord]

    def is_fresh(self, folder: Path) -> bool:
        """Whether size and time of every file are still the recorded ones."""
        for path, record in self.files.items():
            try:
                state = (folder / path).stat()
            except OSError:
                return False
            if (state.st_size, state.st_mtime_ns) != (record.size, record.mtime_ns):
                return False
        return bool(self.files)

    def keeps(self, files: Sequence[ModelFile]) -> bool:
        """Whether the recorded hashes are the ones that `files` ask for."""
        return {file.path: file.sha256 for file in files} == {
            path: record.sha256 for path, record in self.files.items()
        }

    def as_files(self) -> tuple[ModelFile, ...]:
        """The recorded files as what to expect from now on."""
        return tuple(ModelFile(path, record.size, record.sha256) for path, record in self.files.items())


def read_record(folder: Path) -> VerifiedFolder | None:
    """The folder's record; None where there is none or it cannot be read."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files = {path: FileRecord(**values) for path, values in content["files"].items()}
        return VerifiedFolder(content["name"], files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_record(folder: Path, record: VerifiedFolder) -> None:
    """Keep `record` in `folder`, whole or not at all."""
    write_whole(folder / RECORD, json.dumps(asdict(record), indent=1).encode(), mode=SHARED)


def check(name: str, folder: Path, files: Sequence[ModelFile], progress: DownloadProgress) -> VerifiedFolder:
    """Hash every file of `files` in `folder`.

    Raises:
        CorruptModelError: a file is missing or is not what its hash promises.
    """
    progress.start(f"Checking {name}", sum(file.size for file in files))
    try:
        return VerifiedFolder(name, {file.path: _check_file(name, folder, file, progress) for file in files})
    finally:
        progress.finish()


def _check_file(name: str, folder: Path, file: ModelFile, progress: DownloadProgress) -> FileRecord:
    path = folder / file.path
    try:
        state = path.stat()
        sha256 = _hash(path, progress)
    except FileNotFoundError:
        raise CorruptModelError(f"{name} is incomplete: its file {file.path} is missing.") from None
    if file.sha256 is not None and sha256 != file.sha256:
        raise CorruptModelError(
            f"{file.path} of {name} does not match its hash: expected SHA-256 {file.sha256}, got {sha256}."
        )
    return FileRecord(state.st_size, state.st_mtime_ns, sha256)


def _hash(path: Path, progress: DownloadProgress) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            progress.advance(len(block))
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Make a file's bytes survive a power cut, before anything says that they are there."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def digest_of(model: LocalModel) -> str:
    """The hash of a model: changes when the model does, and neither with its name nor with the path that leads to it.

    Blocking where the operator put it on the disk: then it is read whole.

    Raises:
        ModelError: a file cannot be read.
    """
    folder = model.path if model.path.is_dir() else model.path.parent
    record = read_record(folder)
    if record is not None and record.is_fresh(folder):
        hashes = {path: file.sha256 for path, file in record.files.items()}
    else:
        hashes = _hashed(model.path)
    counted = sorted((path, sha256) for path, sha256 in hashes.items() if Path(path).suffix in _COUNTED)
    return hashlib.sha256(repr(counted).encode()).hexdigest()


def _hashed(place: Path) -> dict[str, str]:
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.suffix in _COUNTED)
    base = place.parent if place.is_file() else place
    try:
        return {
            file.relative_to(base).as_posix(): _hash(file, NoProgress())
            for file in files
            if file.is_file() and file.name != RECORD and not file.relative_to(base).parts[0].startswith(".")
        }
    except OSError as error:
        raise ModelError(f"{place} cannot be read: {error}. Check its permissions.") from error
