"""A damaged index is found before the engine opens it, which would end the process at some damages."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.index import files as index_files
from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.shared_index import SharedIndex, set_aside
from core.domain import EVERYONE, Passage
from core.errors import IndexUnavailableError
from tests.conftest import runs, wait_until
from tests.fakes import HashingEmbedder

EMBEDDER = HashingEmbedder()
TEXTS = [f"text number {number} about owls" for number in range(50)]
PARTS = ("vector_storage", "payload_storage", "id_tracker", "segment.json", "payload_index", "edge_config.json")


def passages() -> list[Passage]:
    return [
        Passage(f"00000000-0000-0000-0000-{number:012}", f"/d{number}.md", "T", (), text, 1, 0, 1, "v")
        for number, text in enumerate(TEXTS)
    ]


async def fill(folder: Path) -> None:
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        await index.upsert(passages(), await EMBEDDER.embed(TEXTS))


async def opens(folder: Path) -> int:
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        return await index.count()


def damage(folder: Path, part: str, kind: str) -> None:
    """Overwrite some bytes of every file of the part, cut them off, or remove them."""
    files = [
        file for file in sorted(folder.rglob("*")) if file.is_file() and part in file.relative_to(folder).as_posix()
    ]
    assert files
    for file in files:
        size = file.stat().st_size
        if kind == "removed":
            file.unlink()
        elif kind == "cut":
            os.truncate(file, size // 2)
        elif size:
            with file.open("r+b") as stream:
                stream.seek(min(size // 3, 4096 if size > 8192 else size // 3))
                stream.write(b"\xff" * max(1, min(512, size // 2)))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["overwritten", "cut", "removed"])
async def test_a_damaged_index_is_refused_with_what_to_do(data: Path, part: str, kind: str) -> None:
    """Whatever is damaged after it was closed, and however."""
    folder = data / "index"
    await fill(folder)
    damage(folder, part, kind)
    with pytest.raises(IndexUnavailableError, match="is damaged") as refused:
        await opens(folder)
    assert "attune ingest --rebuild" in str(refused.value)


@pytest.mark.parametrize("part", ["vector_storage", "payload_storage", "id_tracker", "payload_index"])
async def test_an_index_that_was_not_closed_is_read_by_another_process_first(data: Path, part: str) -> None:
    """As after a power cut; the damage that ends the engine's process ends that one."""
    folder = data / "index"
    await fill(folder)
    (folder / index_files.SEAL).unlink()
    damage(folder, part, "overwritten")
    with pytest.raises(IndexUnavailableError, match="attune ingest --rebuild"):
        await opens(folder)


async def test_a_whole_index_opens_however_it_was_left(data: Path) -> None:
    """Closed, killed, or of a version that sealed nothing."""
    folder = data / "index"
    await fill(folder)
    assert await opens(folder) == len(TEXTS)
    script = (
        "import asyncio, os, sys; from pathlib import Path; from core.adapters.index.edge_index import EdgeIndex\n"
        "async def main():\n"
        "    async with EdgeIndex(Path(sys.argv[1]), 384): os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", script.replace("384", str(EMBEDDER.dimension)), str(folder)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (folder / index_files.SEAL).exists()
    assert await opens(folder) == len(TEXTS)


async def test_an_index_that_an_earlier_version_used_since_it_was_sealed_opens(data: Path) -> None:
    """That version writes, and leaves the seal as it was."""
    folder = data / "index"
    await fill(folder)
    seal = (folder / index_files.SEAL).read_bytes()
    status = (folder / index_files.SEAL).stat()
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        await index.remove("/d0.md")
    (folder / index_files.SEAL).write_bytes(seal)
    os.utime(folder / index_files.SEAL, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert await opens(folder) == len(TEXTS) - 1
    assert await opens(folder) == len(TEXTS) - 1


async def test_the_service_says_it_in_one_sentence_and_a_new_index_takes_its_place(data: Path) -> None:
    """Its clients get the whole sentence at once; after the folder was set aside they get an empty index."""
    async with SharedIndex(data, EMBEDDER.dimension) as index:
        await index.upsert(passages(), await EMBEDDER.embed(TEXTS))
    wait_until(lambda: not runs(data, "index"))
    damage(data / "index", "id_tracker", "overwritten")
    with pytest.raises(IndexUnavailableError, match=r"^The index in .* is damaged: .* attune ingest --rebuild$"):
        async with SharedIndex(data, EMBEDDER.dimension):
            pass
    await set_aside(data)
    async with SharedIndex(data, EMBEDDER.dimension) as index:
        (row,) = await EMBEDDER.embed(["owls"])
        assert await index.search("owls", row, audience={EVERYONE}, limit=3) == []


async def test_an_index_that_somebody_uses_is_not_set_aside(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it lose anything."""
    monkeypatch.setattr("core.adapters.index.shared_index.TRIES", 2)
    async with SharedIndex(data, EMBEDDER.dimension) as index:
        await index.upsert(passages(), await EMBEDDER.embed(TEXTS))
        with pytest.raises(IndexUnavailableError, match="in use"):
            await set_aside(data)
        assert await index.count() == len(TEXTS)
