"""Lessons that several processes learn, read again and forget at the same moment. Two of everything stand for two."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.adapters.index.edge_index import EdgeIndex
from core.documents.ingest import Ingester
from core.documents.teaching import Lesson, Teacher
from core.domain import EVERYONE, Person
from core.storage.folder_lock import FolderLock
from tests.fakes import HashingEmbedder

ANN = Person("slack", "T1", "ann")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "The owls of the mill sleep until noon."


class Gate:
    """An embedder that waits: whoever ingests has read, and has not written yet."""

    dimension, max_tokens = HashingEmbedder.dimension, HashingEmbedder.max_tokens

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._embedder = HashingEmbedder()
        self.count_tokens = self._embedder.count_tokens

    async def embed(self, texts):
        self.reached.set()
        await self.open.wait()
        return await self._embedder.embed(texts)


@pytest.fixture
async def shared(tmp_path: Path) -> AsyncIterator[EdgeIndex]:
    async with EdgeIndex(tmp_path / "index", HashingEmbedder.dimension) as index:
        yield index


def process(folder: Path, index: EdgeIndex, embedder: object) -> Teacher:
    """What another process has: nothing is shared but the folder and the index."""
    return Teacher(folder / "learned", Ingester(embedder, index, passage_tokens=80), index)


async def taught(teacher: Teacher, index: EdgeIndex) -> Lesson:
    """A lesson whose passages the index has lost, as after a change of embedder."""
    lesson = await teacher.learn_text("owls", TEXT, ANN, (EVERYONE,), NOW)
    for document in await index.documents():
        await index.remove(document.source)
    return lesson


async def found(index: EdgeIndex) -> list[str]:
    (row,) = await HashingEmbedder().embed([TEXT])
    return [hit.passage.text for hit in await index.search(TEXT, row, audience=[EVERYONE], limit=9)]


@pytest.mark.parametrize("erase", [True, False])
async def test_what_is_forgotten_while_another_process_reads_it_stays_forgotten(
    tmp_path: Path, shared: EdgeIndex, *, erase: bool
) -> None:
    """One process starts, reads all lessons again and is about to write; in another somebody takes one back."""
    first, gate = process(tmp_path, shared, HashingEmbedder()), Gate()
    lesson = await taught(first, shared)
    refreshing = asyncio.create_task(process(tmp_path, shared, gate).refresh())
    await gate.reached.wait()
    await (first.erase(lesson.id) if erase else first.forget(lesson.id, ANN))
    gate.open.set()
    await refreshing
    assert await found(shared) == []
    assert await shared.documents() == []


async def test_at_no_moment_after_it_was_forgotten_is_a_lesson_found(tmp_path: Path, shared: EdgeIndex) -> None:
    """However the two meet: whoever is told that it is forgotten finds none of it from then on."""
    first = process(tmp_path, shared, HashingEmbedder())
    for delay in range(5):
        gate = Gate()
        lesson = await taught(first, shared)
        refreshing = asyncio.create_task(process(tmp_path, shared, gate).refresh())
        await gate.reached.wait()
        gate.open.set()
        await asyncio.sleep(delay / 500)
        await first.forget(lesson.id, ANN)
        while not refreshing.done():
            assert await found(shared) == []
            await asyncio.sleep(0)
        await refreshing
        assert await found(shared) == []


async def test_what_is_learned_while_another_process_looks_for_what_is_gone_stays(
    tmp_path: Path, shared: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson that came after the walk of the other is in the index, and has a file: it is not gone."""
    first, second = (process(tmp_path, shared, HashingEmbedder()) for _ in range(2))
    await first.learn_text("cats", "Cats are grey.", ANN, (EVERYONE,), NOW)
    documents, late = shared.documents, []

    async def slow(source: str | None = None):
        if not late:
            late.append(1)
            await first.learn_text("owls", TEXT, ANN, (EVERYONE,), NOW)
        return await documents(source)

    monkeypatch.setattr(shared, "documents", slow)
    await second.refresh()
    assert TEXT in await found(shared)


async def test_a_file_that_went_while_it_was_read_is_not_written(tmp_path: Path, shared: EdgeIndex) -> None:
    """In any folder."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "owls.md").write_text(TEXT, encoding="utf-8")
    gate = Gate()
    ingesting = asyncio.create_task(Ingester(gate, shared, passage_tokens=80).ingest([tmp_path / "notes"]))
    await gate.reached.wait()
    (tmp_path / "notes" / "owls.md").unlink()
    gate.open.set()
    report = await ingesting
    assert (report.new, await shared.documents()) == ((), [])


def hold(folder: str, ready: object) -> None:
    """Another process that takes the lock, and keeps it."""

    async def forever() -> None:
        async with FolderLock(Path(folder)).held():
            ready.set()  # type: ignore[attr-defined]
            await asyncio.sleep(60)

    asyncio.run(forever())


async def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """Nobody else has it meanwhile, and whoever is killed leaves it free."""
    ways = multiprocessing.get_context("spawn")
    ready = ways.Event()
    other = ways.Process(target=hold, args=(str(tmp_path), ready))
    other.start()
    assert await asyncio.to_thread(ready.wait, 60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), FolderLock(tmp_path).held():
            pass
    other.kill()
    started = time.monotonic()
    async with FolderLock(tmp_path).held():
        assert time.monotonic() - started < 10
    other.join()


async def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """Also in one process; a folder that is not there yet is made."""
    inside, most = 0, 0

    async def take() -> None:
        nonlocal inside, most
        async with FolderLock(tmp_path / "new").held():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(take() for _ in range(20)))
    assert (inside, most) == (0, 1)
