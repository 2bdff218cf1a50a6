"""The file of a backup: a ZIP of parts, with the size and hash of each in its last member, `backup.json`.

Written beside its place and moved there when it is whole; only its owner can read it. Read with distrust: everything is
checked before anything of it is used. Knows nothing of what the parts mean.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from core.errors import BackupError
from core.storage.durable import sync_folder

FORMAT = 1  # raise it when an older Attune could not read what is written
MANIFEST = "backup.json"
LEARNED = "learned/"
_PARTS = re.compile(r"(memory|index)\.jsonl|(folders|sources)\.json|settings\.toml|learned(/[^/\\\0]{1,255}){2,5}")
_KIND = "attune-backup"
_MANIFEST_BYTES = 64 << 20
_RATIO, _ALWAYS = 200, 256 << 20  # times its own size that an archive may unpack to, and bytes that any may
_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, LookupError, TypeError)


@dataclass(frozen=True, slots=True)
class Part:
    """What the manifest says of one part."""

    size: int
    sha256: str


class BackupWriter:
    """A new archive, as a context manager: `file` is there when it ends well, and not otherwise.

    Raises:
        BackupError: there is a file of this name, or it cannot be written.
    """

    def __init__(self, file: Path, facts: dict[str, Any]) -> None:
        self._file = file
        self._facts = facts
        self._parts: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        if os.path.lexists(self._file):
            raise BackupError(f"{self._file} already exists. Choose another file, or remove it.")
        with self._convert_errors():
            descriptor, draft = tempfile.mkstemp(prefix=f".{self._file.name}.", dir=self._file.parent)
        self._draft = Path(draft)
        self._stream = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with self._convert_errors():
                if kind is None:
                    self._end()
        finally:
            with suppress(OSError, ValueError):
                self._zip.close()
            with suppress(OSError, ValueError):
                self._stream.close()
            self._draft.unlink(missing_ok=True)

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """A stream for one part."""
        with self._convert_errors(), self._zip.open(name, "w", force_zip64=True) as stream:
            counted = _MeteredStream(stream)
            yield counted  # type: ignore[misc]  # it writes, which is all that is asked of it
        self._parts[name] = {"size": counted.size, "sha256": counted.digest.hexdigest()}

    def add(self, name: str, data: bytes) -> None:
        """A small part."""
        with self.part(name) as stream:
            stream.write(data)

    def _end(self) -> None:
        manifest = {"kind": _KIND, "format": FORMAT, **self._facts, "parts": self._parts}
        self._zip.writestr(MANIFEST, json.dumps(manifest, indent=1))
        self._zip.close()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._draft.rename(self._file)
        sync_folder(self._file.parent)

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise BackupError(f"{self._file} cannot be written: {reason}. Check that its folder exists.") from error


class _MeteredStream:
    """A stream that knows what went through it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size, self.digest = 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._stream.write(data)


class BackupReader:
    """An archive that was checked, as a context manager.

    Raises:
        BackupError: it is none of Attune's, of a newer version, damaged, or holds what no backup holds.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.facts: dict[str, Any] = {}
        self.parts: dict[str, Part] = {}

    def __enter__(self) -> Self:
        with self._convert_errors():
            self._zip = zipfile.ZipFile(self._file)
        try:
            with self._convert_errors():
                self._check()
        except BaseException:
            self._zip.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """A small part."""
        with self.lines(name) as stream:
            return stream.read()

    @contextmanager
    def lines(self, name: str) -> Iterator[IO[bytes]]:
        """A part as a stream."""
        with self._convert_errors(), self._zip.open(name) as stream:
            yield stream

    def unpack(self, name: str, target: Path) -> None:
        """Write a part to a new file in a folder of ours."""
        with self._convert_errors():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with self._zip.open(name) as source, os.fdopen(descriptor, "wb") as stream:
                shutil.copyfileobj(source, stream, _BLOCK)

    def _check(self) -> None:
        members = {member.filename: member for member in self._zip.infolist()}
        if MANIFEST not in members or members[MANIFEST].file_size > _MANIFEST_BYTES:
            raise self._refused("is not an Attune backup")
        self._read_manifest(self._zip.read(MANIFEST))
        if len(members) != len(self._zip.infolist()) or members.keys() - {MANIFEST} != self.parts.keys():
            raise self._refused("is incomplete, or holds more than its list of contents names")
        for name, member in members.items():
            if not _is_part(name) or not _is_plain(member):
                raise self._refused(f"holds {name!r}, which does not belong in a backup")
            if name != MANIFEST and member.file_size != self.parts[name].size:
                raise self._refused(f"is damaged: {name} has the wrong length")
        self._check_room(sum(member.file_size for member in members.values()))
        for name, part in self.parts.items():
            if self._hash(name) != part.sha256:
                raise self._refused(f"is damaged: {name} does not match its hash")

    def _read_manifest(self, written: bytes) -> None:
        told = json.loads(written)
        if not isinstance(told, dict) or told.get("kind") != _KIND:
            raise self._refused("is not an Attune backup")
        if (version := int(told["format"])) > FORMAT:
            raise BackupError(
                f"{self._file} was written by a newer Attune ({told.get('attune', '?')}; format {version}, this one "
                f"reads up to {FORMAT}). Install that version, then restore."
            )
        parts = dict(told.pop("parts"))
        self.parts = {str(name): Part(int(part["size"]), str(part["sha256"])) for name, part in parts.items()}
        self.facts = told

    def _check_room(self, size: int) -> None:
        if size > max(_ALWAYS, _RATIO * self._file.stat().st_size):
            raise self._refused("would unpack to far more than a backup holds")

    def _hash(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._zip.open(name) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def _refused(self, why: str) -> BackupError:
        return BackupError(f"{self._file} {why}. Nothing was restored.")

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise BackupError(f"There is no file {self._file}.") from None
        except _BROKEN as error:
            raise self._refused(f"is not an Attune backup, or is damaged ({type(error).__name__})") from error


def _is_part(name: str) -> bool:
    """Whether a backup may have a part of this name; none leads out of its folder."""
    return name == MANIFEST or bool(_PARTS.fullmatch(name) and not {".", ".."} & set(name.split("/")))


def _is_plain(member: zipfile.ZipInfo) -> bool:
    """Whether it is a file and no link, folder or device."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in {0, stat.S_IFREG} and not member.is_dir()
