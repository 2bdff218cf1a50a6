"""The folder of the embedded index: whether it is whole, by what its vectors were made, and a new one in its place.

The engine ends the whole process where some of its files are damaged. So a folder that is closed gets a seal, the sizes
and checksums of its files; one that was not closed is read in a process of its own first (`index_probe.py`). Knows
nothing of passages.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

from core.adapters.index import points
from core.adapters.index import probe as index_probe
from core.domain import VectorOrigin
from core.errors import IndexUnavailableError
from core.storage.durable import sync_folder, write_whole
from core.storage.origin import KEPT, REBUILD

ORIGIN, SEAL = KEPT, "sealed.json"
CONFIG = "edge_config.json"  # which the engine writes whenever it opens the folder
OLD = "index.old"  # what a rebuilding put aside, until it has ended
MOST_SEALED = 4 << 30  # bytes; a larger folder takes too long to close
SETTLING = 20  # times, a tenth of a second apart, that files are looked at until nothing of them changes
READING_SECONDS = 120.0
_BLOCK = 1 << 20


def check(folder: Path) -> None:
    """See that an index can be opened in this process, and break its seal: from now on it changes.

    A seal older than the last opening says nothing: an earlier version, which knows no seals, used the index since.

    Raises:
        IndexUnavailableError: it is damaged, or another program has it.
    """
    seal = folder / SEAL
    if seal.exists() and not _used_since(folder, seal):
        if wrong := _broken(folder, seal):
            raise damaged(folder, f"its file {wrong} has changed since the index was closed")
        seal.unlink()
        sync_folder(folder)  # a seal that came back after a power cut would be a wrong one
    else:
        _read_elsewhere(folder)
        seal.unlink(missing_ok=True)


def seal(folder: Path) -> None:
    """Note what all files are, now that nobody changes them."""
    for _ in range(SETTLING):
        before = _facts(folder)
        if sum(size for size, _ in before.values()) > MOST_SEALED:
            return
        with suppress(FileNotFoundError):  # the engine has not ended its writing yet
            written = {name: [size, _checksum(folder / name)] for name, (size, _) in before.items()}
            if _facts(folder) == before:
                write_whole(folder / SEAL, json.dumps(written).encode())
                return
        time.sleep(0.1)


def keep_origin(folder: Path, origin: VectorOrigin) -> None:
    """Note by what the vectors were made."""
    try:
        write_whole(folder / ORIGIN, origin.dumped().encode())
    except OSError as error:
        raise IndexUnavailableError(
            f"{folder / ORIGIN} cannot be written: {error.strerror}. Check that the disk has space."
        ) from error


def set_aside(folder: Path) -> None:
    """Put the index out of the way, in the place of an earlier one there."""
    old = folder.with_name(OLD)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)


def drop_old(data: Path) -> None:
    """Remove what was set aside."""
    shutil.rmtree(data / OLD, ignore_errors=True)


def damaged(folder: Path, what: str) -> IndexUnavailableError:
    """An index that must not be opened, and what to do."""
    return IndexUnavailableError(
        f"The index in {folder} is damaged: {what}. Documents, lessons and their readers are stored separately; "
        f"rebuild the index from them: {REBUILD}"
    )


def _used_since(folder: Path, seal: Path) -> bool:
    """Whether the engine opened the folder after it was sealed."""
    with suppress(FileNotFoundError):
        return (folder / CONFIG).stat().st_mtime_ns > seal.stat().st_mtime_ns
    return False


def _broken(folder: Path, seal: Path) -> str:
    """The first file that is not as it was sealed; empty where all are."""
    try:
        written = {name: tuple(facts) for name, facts in json.loads(seal.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return SEAL
    there = {file.relative_to(folder).as_posix(): file for file in _files(folder)}
    for name, (size, checksum) in written.items():
        file = there.get(name)
        try:
            if file is None or file.stat().st_size != size or _checksum(file) != checksum:
                return str(name)
        except OSError:
            return str(name)
    return next((name for name in there if name not in written), "")


def _facts(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file."""
    facts = {}
    for file in _files(folder):
        with suppress(FileNotFoundError):
            status = file.stat()
            facts[file.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return facts


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SEAL and file.name[0] != ".")


def _checksum(file: Path) -> int:
    checksum = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum


def _read_elsewhere(folder: Path) -> None:
    """Have another process open and read the index: what ends that one ends not this one."""
    command = [sys.executable, "-I", index_probe.__file__, str(folder), points.SOURCE, points.VERSION, points.DOCUMENT]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=READING_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise damaged(folder, f"it cannot be read within {READING_SECONDS:.0f} seconds") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode and "WouldBlock" in said:
        raise IndexUnavailableError(
            f"The index in {folder} cannot be opened: another program is using it. Stop that program first."
        )
    if done.returncode:
        reason = said.splitlines()[0] if said else "reading it crashes the program that reads it"
        raise damaged(folder, reason.rstrip("."))
