"""What is cancelled in the middle: nothing of it runs on, and nothing of it stays where somebody could find it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath

import numpy as np
import pytest

from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from core.documents.reading import FileReader
from core.documents.sandbox import Sandbox
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Passage, Person, Vectors
from core.errors import DocumentError, LessonError
from tests import odd_parser
from tests.conftest import wait_until
from tests.fakes import HashingEmbedder
from tests.files import zipped

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

ANN, BEN = Person("slack", "T1", "ann"), Person("slack", "T1", "ben")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNS = ("person:slack/T1/ann",)
ALL = (EVERYONE,)


class Pausing(QdrantIndex):
    """An index whose next write of a kind says that it began, and then takes its time."""

    pausing = ""
    began: asyncio.Event

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        await self._paused("upsert")
        await super().upsert(passages, vectors)

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        await self._paused("remove")
        await super().remove(source, keep_version=keep_version)

    async def _paused(self, kind: str) -> None:
        if self.pausing == kind:
            self.pausing = ""
            self.began.set()
            await asyncio.sleep(0.2)


@pytest.fixture
async def index() -> AsyncIterator[Pausing]:
    dimension = HashingEmbedder.dimension
    async with Pausing.at(":memory:", api_key=None, collection="attune", dimension=dimension) as index:
        index.began = asyncio.Event()
        yield index


@pytest.fixture
def teacher(tmp_path: Path, index: Pausing) -> Teacher:
    return Teacher(tmp_path / "learned", Ingester(HashingEmbedder(), index, passage_tokens=80), index)


@pytest.fixture
def sandboxes(monkeypatch: pytest.MonkeyPatch) -> list[Sandbox]:
    """All that readers make from now on: they obey what text files say."""
    made: list[Sandbox] = []

    def sandbox(**told: Callable[[int], None]) -> Sandbox:
        made.append(Sandbox(child=odd_parser.CHILD, **told))
        return made[-1]

    monkeypatch.setattr("core.documents.reading.Sandbox", sandbox)
    return made


def texts_below(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


async def cancelled(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def held(index: QdrantIndex) -> dict[str, tuple[str, ...]]:
    return {PurePath(document.source).name: document.readers for document in await index.documents()}


async def test_a_cancelled_lesson_never_becomes_part_of_the_next_one(
    teacher: Teacher, index: Pausing, sandboxes: list[Sandbox], tmp_path: Path
) -> None:
    """Its parser is ended, and the next person's file has one of its own."""
    secrets = {f"s{number}.md": "# Salaries\n\nANNSECRET" for number in range(20)}
    salaries = zipped({"a.txt": "sleep 60", **secrets})
    learning = asyncio.create_task(teacher.learn_file("salaries.zip", salaries, ANN, ANNS, NOW))
    await asyncio.to_thread(wait_until, lambda: bool(sandboxes and sandboxes[0]._process))
    process = sandboxes[0]._process
    assert process
    await asyncio.sleep(0.5)
    await cancelled(learning)
    assert process.poll() is not None
    lesson = await teacher.learn_file("menu.md", b"# Menu\n\nSoup.", BEN, ALL, NOW)
    assert await held(index) == {"menu.md": ALL}
    assert "ANNSECRET" not in texts_below(tmp_path)
    assert await teacher.lessons([*ALL, *ANNS]) == [lesson]
    assert len(sandboxes) == 2


async def test_a_lesson_that_is_cancelled_while_it_is_written_leaves_at_once(
    teacher: Teacher, index: Pausing, tmp_path: Path
) -> None:
    """Folder, record and passages, and the write that was under way does not bring them back."""
    index.pausing = "upsert"
    learning = asyncio.create_task(teacher.learn_text("Salaries", "ANNSECRET", ANN, ANNS, NOW))
    await index.began.wait()
    await cancelled(learning)
    await asyncio.sleep(0.3)
    assert await held(index) == {}
    assert texts_below(tmp_path) == ""
    assert await teacher.lessons([*ALL, *ANNS]) == []


async def test_a_lesson_that_is_cancelled_while_its_file_is_written_leaves_nothing(
    teacher: Teacher, index: Pausing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that writes is waited for, and what it wrote goes."""
    write, began = Teacher._write, threading.Event()

    def slow(self: Teacher, *arguments: object) -> None:
        began.set()
        threading.Event().wait(0.3)
        write(self, *arguments)

    monkeypatch.setattr(Teacher, "_write", slow)
    learning = asyncio.create_task(teacher.learn_text("Salaries", "ANNSECRET", ANN, ANNS, NOW))
    await asyncio.to_thread(began.wait)
    await cancelled(learning)
    await teacher.refresh()
    assert (await held(index), texts_below(tmp_path)) == ({}, "")


async def test_a_lesson_is_forgotten_whole_although_whoever_asked_is_cancelled(
    teacher: Teacher, index: Pausing
) -> None:
    """Its passages and its folder go together, and so they come back."""
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    index.pausing = "remove"
    forgetting = asyncio.create_task(teacher.forget(lesson.id, ANN))
    await index.began.wait()
    await cancelled(forgetting)
    assert (await held(index), await teacher.lessons(ALL)) == ({}, [])
    assert await teacher.bring_back(lesson.id, ANN) == lesson
    assert list(await held(index)) == ["Parking.md"]


async def test_a_lesson_whose_return_is_cancelled_is_still_forgotten(teacher: Teacher, index: Pausing) -> None:
    """It can be brought back another time."""
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    await teacher.forget(lesson.id, ANN)
    index.pausing, index.began = "upsert", asyncio.Event()
    returning = asyncio.create_task(teacher.bring_back(lesson.id, ANN))
    await index.began.wait()
    await cancelled(returning)
    assert (await held(index), await teacher.lessons(ALL)) == ({}, [])
    assert await teacher.bring_back(lesson.id, ANN) == lesson


async def test_erasing_goes_to_its_end(teacher: Teacher, index: Pausing, tmp_path: Path) -> None:
    """Whoever asked may be cancelled; nothing can bring the lesson back."""
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    index.pausing = "remove"
    erasing = asyncio.create_task(teacher.erase(lesson.id))
    await index.began.wait()
    await cancelled(erasing)
    assert (await held(index), texts_below(tmp_path)) == ({}, "")
    with pytest.raises(LessonError):
        await teacher.bring_back(lesson.id, ANN)


async def test_passages_without_a_lesson_leave_when_lessons_are_looked_through(
    teacher: Teacher, index: Pausing
) -> None:
    """Such as those of a lesson that another process undid while this one read it."""
    kept = await teacher.learn_text("Lunch", "At the mill.", BEN, ALL, NOW)
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    remaining = [document.source for document in await index.documents() if lesson.id in document.source]
    vectors = await HashingEmbedder().embed(["Behind the mill."])
    await teacher.erase(lesson.id)
    for source in remaining:
        passage = Passage("00000000-0000-0000-0000-000000000001", source, "P", (), "Behind the mill.", 1, 0, 1, "v")
        await index.upsert([passage], vectors)
    await teacher.refresh()
    assert await held(index) == {"Lunch.md": ALL}
    assert await teacher.lessons(ALL) == [kept]


async def test_a_stopped_reading_ends_at_once_and_starts_no_other_process() -> None:
    """The thread that reads hears of it by an error, and its sandbox is of no more use."""
    sandbox = Sandbox(child=odd_parser.CHILD)
    reading = asyncio.create_task(asyncio.to_thread(sandbox.read, b"sleep 60", PurePath("a.txt"), "", {}))
    await asyncio.to_thread(wait_until, lambda: sandbox._process is not None)
    sandbox.stop()
    with pytest.raises(DocumentError, match="interrupted"):
        await asyncio.wait_for(reading, 20)
    with pytest.raises(DocumentError, match="interrupted"):
        sandbox.read(b"sleep 0", PurePath("b.txt"), "", {})
    assert sandbox._process is None
    sandbox.close()


async def test_files_for_different_readers_have_different_processes(tmp_path: Path) -> None:
    """A hostile file must not carry the text of a private one to everybody."""
    reader, processes = FileReader(HashingEmbedder(), 80, ""), []
    for number, readers in enumerate((ALL, ALL, ANNS, ANNS, ALL)):
        file = tmp_path / f"{number}.md"
        file.write_text(f"Text {number}.")
        await asyncio.to_thread(reader.read, file, {}, readers)
        assert reader._sandbox._process
        processes.append(reader._sandbox._process.pid)
    reader.close()
    assert [processes.index(each) for each in processes] == [0, 0, 2, 2, 4]


@pytest.mark.parametrize("order", ["forge Mine", "stray x"])
async def test_no_document_answers_for_the_next_one(order: str) -> None:
    """What the process says beyond its answer, or of another request, is not heard."""
    sandbox = Sandbox(child=odd_parser.CHILD)
    try:
        first = await asyncio.to_thread(sandbox.read, order.encode(), PurePath("a.txt"), "", {})
        (second,) = await asyncio.to_thread(sandbox.read, b"# Good\n\nWords.", PurePath("b.md"), "", {})
    finally:
        sandbox.close()
    assert len(first) == 1
    assert second.document
    assert second.document.title == "Good"


async def test_a_write_that_is_cancelled_ends_before_the_next_one(
    edge_index: EdgeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's thread cannot be cut off, so nobody else writes, and nobody closes, until it is done."""
    said: list[str] = []

    def slow(said_first: str, said_last: str, *_: object) -> None:
        said.append(said_first)
        threading.Event().wait(0.2)
        said.append(said_last)

    monkeypatch.setattr(edge_index, "_upsert", partial(slow, "writes", "has written"))
    monkeypatch.setattr(edge_index, "_remove", partial(slow, "removes", "has removed"))
    passage = Passage("00000000-0000-0000-0000-000000000001", "/a.md", "A", (), "text", 1, 0, 1, "v")
    writing = asyncio.create_task(edge_index.upsert([passage], np.ones((1, HashingEmbedder.dimension), np.float32)))
    await asyncio.sleep(0.05)
    removing = asyncio.create_task(edge_index.remove("/a.md"))
    await cancelled(writing)
    await removing
    assert said == ["writes", "has written", "removes", "has removed"]
