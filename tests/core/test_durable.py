"""Files that are written whole or not at all, over a real disk and real kills."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.storage import durable

OLD, NEW = b"old" * 1000, b"new" * 1000


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_replaced_for_its_owner_only(tmp_path: Path) -> None:
    """And nothing else is left beside it."""
    file = tmp_path / "record.json"
    for data in (OLD, NEW):
        durable.write_whole(file, data)
        assert file.read_bytes() == data
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["record.json"]


@pytest.mark.parametrize("step", ["write_new", "fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whichever step of it fails."""
    file = tmp_path / "record.json"
    durable.write_whole(file, OLD)

    def fails(*_: object, **__: object) -> None:
        raise OSError("No space left")

    monkeypatch.setattr({"write_new": durable, "fsync": os, "replace": Path}[step], step, fails)
    with pytest.raises(OSError, match="No space"):
        durable.write_whole(file, NEW)
    monkeypatch.undo()
    assert file.read_bytes() == OLD
    assert names(tmp_path) == ["record.json"]


def test_the_disk_has_the_bytes_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut can come between any two steps."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync draft")
        fsync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    durable.write_whole(tmp_path / "record.json", NEW)
    assert steps == ["sync draft", "rename", "sync folder"]


def test_a_killed_writer_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    """Whenever the kill comes."""
    file = tmp_path / "record.json"
    code = (
        "import itertools, sys; from pathlib import Path; from core.storage.durable import write_whole\n"
        "for n in itertools.count(): write_whole(Path(sys.argv[1]), str(n % 10).encode() * 100_000); print(flush=True)"
    )
    for wait in (0.0, 0.003, 0.007):
        with subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(wait)
            writer.send_signal(signal.SIGKILL)
        data = file.read_bytes()
        assert len(data) == 100_000
        assert len(set(data)) == 1
