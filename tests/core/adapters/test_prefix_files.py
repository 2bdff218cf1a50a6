"""What models have read, on disk: forgotten for documents that were removed, by a process that runs no model."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import torch

from core.adapters.local_model.prefix_files import PrefixFiles
from core.bootstrap import forget_reading
from core.settings import Settings


def write(folder: Path, *owners: tuple[str, str]) -> None:
    files = PrefixFiles(folder, 1 << 20)
    files.write("instructions", torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), None)
    for owner in owners:
        files.write("-".join(owner), torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), owner)


def names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.safetensors"))


async def test_what_models_read_of_removed_documents_is_forgotten(tmp_path: Path) -> None:
    """Of every model that ever read here; other documents and the instructions stay."""
    settings = Settings(home=tmp_path)
    await forget_reading(settings, {("a", "1")})  # where no model ever read
    one, other = (settings.read_folder / name for name in ("one", "other"))
    write(one, ("a", "1"), ("a", "2"), ("b", "1"))
    write(other, ("b", "1"))
    await forget_reading(settings, {("a", "1")})
    assert names(one) == ["a-1", "instructions"]
    assert names(other) == ["instructions"]


MEBI = 1 << 20


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def write_one(files: PrefixFiles, key: str, size: int = MEBI) -> None:
    files.write(key, torch.zeros(size // 8), torch.ones(size // 8), ("a", "1"))


def test_processes_that_share_a_folder_share_its_budget(tmp_path: Path) -> None:
    """Each counts what the others wrote, and the longest unused leaves, whoever wrote it."""
    several = [PrefixFiles(tmp_path, 10 * MEBI) for _ in range(4)]
    for number, files in enumerate(several):
        for turn in range(5):
            write_one(files, f"p{number}t{turn}")
    assert 8 * MEBI < on_disk(tmp_path) <= 10 * MEBI
    assert names(tmp_path) == sorted([*(f"p2t{turn}" for turn in range(1, 5)), *(f"p3t{turn}" for turn in range(5))])
    assert several[3].bytes == on_disk(tmp_path)


def test_what_another_process_wrote_is_forgotten_too(tmp_path: Path) -> None:
    one, other = PrefixFiles(tmp_path, 10 * MEBI), PrefixFiles(tmp_path, 10 * MEBI)
    write_one(other, "later")
    one.retain(set())
    assert names(tmp_path) == []
    assert other.read("later", torch.device("cpu")) is None


def test_what_a_killed_process_left_half_written_goes_at_the_next_start(tmp_path: Path) -> None:
    """And when another process that runs already writes or forgets."""
    part = tmp_path / "abc.123.part"
    running = PrefixFiles(tmp_path, 10 * MEBI)
    for act in (lambda: PrefixFiles(tmp_path, MEBI), lambda: write_one(running, "x"), lambda: running.retain(set())):
        part.write_bytes(b"x" * MEBI)
        act()
        assert not part.exists()


WRITER = """
import sys, torch
from pathlib import Path
from core.adapters.local_model.prefix_files import PrefixFiles
files = PrefixFiles(Path(sys.argv[1]), 4 << 20)
print("ready", flush=True); sys.stdin.readline()
for turn in range(60):
    files.write(f"{sys.argv[2]}-{turn}", torch.zeros(1 << 17), torch.ones(1 << 17), ("a", "1"))
"""


def test_writers_that_race_keep_to_the_budget_and_lose_no_file_half_way(tmp_path: Path) -> None:
    """Three processes at once, one of which is killed in the middle: what is left can be read, and nothing else is."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    racing = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for name in "abc"
    ]
    for process in racing:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    time.sleep(0.05)
    racing[2].kill()
    assert [process.wait(60) for process in racing[:2]] == [0, 0]
    for process in racing:
        process.communicate()
    files = PrefixFiles(tmp_path, 4 * MEBI)
    assert on_disk(tmp_path) <= 4 * MEBI
    assert all(file.suffix == ".safetensors" for file in tmp_path.iterdir())
    assert all(files.read(name, torch.device("cpu")) is not None for name in names(tmp_path))
