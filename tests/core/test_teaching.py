"""Lessons over a real index and real files; only the embedder is a fake."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.usage import RedisUsage
from core.documents import teaching
from core.documents.ingest import Ingester
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Person, Vectors
from core.errors import DocumentError, LessonError
from core.storage import sealing
from tests.fakes import HashingEmbedder

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

ANN, BEN = Person("slack", "T1", "ann"), Person("slack", "T1", "ben")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANNEL = ("channel:slack/T1/C1",)
ALL = (EVERYONE,)


@pytest.fixture
def usage(redis: Redis) -> RedisUsage:
    return RedisUsage(redis)


@pytest.fixture
def teacher(tmp_path: Path, index: QdrantIndex, ingester: Ingester) -> Teacher:
    return Teacher(tmp_path / "learned", ingester, index)


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


async def found(index: QdrantIndex, text: str, *audience: str) -> list[str]:
    (row,) = await HashingEmbedder().embed([text])
    return [hit.passage.text for hit in await index.search(text, row, audience=audience, limit=5) if hit.sparse]


async def test_a_file_is_learned_for_those_it_is_meant_for(teacher: Teacher, index: QdrantIndex) -> None:
    """Its author is kept, and nobody else finds it."""
    lesson = await teacher.learn_file("Wifi at home.md", b"# Wifi\n\nThe code is 4711.", ANN, CHANNEL, NOW)
    assert (lesson.name, lesson.author, lesson.readers) == ("Wifi at home.md", ANN, CHANNEL)
    assert await found(index, "wifi code", *CHANNEL) == ["The code is 4711."]
    assert await found(index, "wifi code", *ALL) == []
    assert await teacher.lessons(CHANNEL) == [lesson]
    assert await teacher.lessons(ALL) == []


async def test_a_message_is_learned_under_its_title(teacher: Teacher, index: QdrantIndex) -> None:
    await teacher.learn_text("Where do we park?\n", "Behind the mill.", ANN, ALL, NOW)
    assert await found(index, "park mill", *ALL) == ["Behind the mill."]
    assert [document.title for document in await index.documents()] == ["Where do we park?"]


async def test_a_lesson_is_forgotten_and_brought_back(teacher: Teacher, index: QdrantIndex) -> None:
    """Each undoes the other, for the same readers."""
    first = await teacher.learn_text("Parking", "Behind the mill.", ANN, CHANNEL, NOW)
    other = await teacher.learn_text("Lunch", "At the mill.", ANN, CHANNEL, NOW + timedelta(hours=1))
    assert await teacher.lessons(CHANNEL) == [other, first]
    assert await teacher.forget(first.id, ANN) == first
    assert await found(index, "mill", *CHANNEL) == ["At the mill."]
    assert await teacher.lessons(CHANNEL) == [other]
    assert await teacher.bring_back(first.id, ANN) == first
    assert sorted(await found(index, "mill", *CHANNEL)) == ["At the mill.", "Behind the mill."]
    assert await found(index, "mill", *ALL) == []


async def test_only_its_author_or_an_operator_forgets_a_lesson(teacher: Teacher, index: QdrantIndex) -> None:
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    with pytest.raises(LessonError, match="taught"):
        await teacher.forget(lesson.id, BEN)
    assert await found(index, "mill", *ALL)
    await teacher.forget(lesson.id, BEN, operator=True)
    with pytest.raises(LessonError, match="taught"):
        await teacher.bring_back(lesson.id, BEN)


@pytest.mark.parametrize("id_", ["0" * 32, "", "../learned", ".forgotten", "a/../b"])
async def test_an_unknown_lesson_is_said_to_be_unknown(teacher: Teacher, id_: str) -> None:
    for act in (teacher.forget, teacher.bring_back):
        with pytest.raises(LessonError, match="don't have that lesson"):
            await act(id_, ANN, operator=True)


@pytest.mark.parametrize(
    ("name", "data"), [("a.exe", b"MZ"), ("a.txt", b"MZ\0\1"), ("a.md", b""), ("a", b"text"), ("a.txt", b" \n")]
)
async def test_what_cannot_be_learned_leaves_nothing_behind(
    teacher: Teacher, index: QdrantIndex, tmp_path: Path, name: str, data: bytes
) -> None:
    """The person reads a sentence without the place of the file, and nothing stays on the disk or in the index."""
    with pytest.raises(LessonError) as raised:
        await teacher.learn_file(name, data, ANN, ALL, NOW)
    assert str(tmp_path) not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert await index.documents() == []
    assert files_below(tmp_path) == []
    with pytest.raises(LessonError):
        await teacher.learn_text("Nothing", " \n", ANN, ALL, NOW)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.md", "C:\\temp\\x.md", ".attune.toml.md", "a\0b/x.md", "ü" * 300 + ".md", "?.md"]
)
async def test_a_name_from_outside_leads_nowhere(teacher: Teacher, tmp_path: Path, name: str) -> None:
    """Each lesson stays in its own folder, and the note of its readers as it was written."""
    lesson = await teacher.learn_file(name, b"words", ANN, CHANNEL, NOW)
    assert (tmp_path / "learned" / lesson.id / lesson.name).read_bytes() == b"words"
    assert files_below(tmp_path) == sorted(
        [f"learned/{lesson.id}/{part}" for part in (".attune.toml", ".lesson.json", lesson.name)]
    )
    assert await teacher.lessons(CHANNEL) == [lesson]


async def test_the_index_is_brought_in_step_with_the_lessons(teacher: Teacher, index: QdrantIndex) -> None:
    """A lesson whose passages were lost is learned again; one that is gone from the disk is forgotten."""
    await teacher.refresh()
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, CHANNEL, NOW)
    (document,) = await index.documents()
    await index.remove(document.source)
    await teacher.refresh()
    assert await found(index, "mill", *CHANNEL) == ["Behind the mill."]
    await asyncio.to_thread(Path(document.source).unlink)
    await teacher.refresh()
    assert await index.documents() == []
    assert await teacher.lessons(CHANNEL) == [lesson]


async def test_a_broken_record_costs_one_lesson(teacher: Teacher, tmp_path: Path) -> None:
    """The others are listed, learned, forgotten and brought back as ever."""
    kept = await teacher.learn_text("Lunch", "At the mill.", BEN, ALL, NOW)
    for broken in (b"", b'{"id":', b"\xff\0", b"[]", b'{"id": 3}'):
        lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
        (tmp_path / "learned" / lesson.id / ".lesson.json").write_bytes(broken)
        with pytest.raises(LessonError, match="don't have that lesson"):
            await teacher.forget(lesson.id, ANN)
    assert await teacher.lessons(ALL) == [kept]
    await teacher.refresh()
    assert await teacher.forget(kept.id, BEN) == kept
    assert await teacher.bring_back(kept.id, BEN) == kept
    assert await teacher.lessons(ALL) == [kept]


@pytest.mark.parametrize("record", [True, False])
async def test_a_lesson_that_lost_the_note_of_its_readers_is_never_shown_to_others(
    teacher: Teacher, index: QdrantIndex, tmp_path: Path, *, record: bool
) -> None:
    """Its record says who they were; without one nobody may see it, also where the index is made anew."""
    lesson = await teacher.learn_text("Salaries", "The mill pays 4711.", ANN, CHANNEL, NOW)
    place = tmp_path / "learned" / lesson.id
    await asyncio.to_thread((place / ".attune.toml").unlink)
    if not record:
        await asyncio.to_thread((place / ".lesson.json").write_bytes, b"{")
    for document in await index.documents():
        await index.remove(document.source)
    await teacher.refresh()
    assert await found(index, "mill", *ALL) == []
    assert await found(index, "mill", *CHANNEL) == (["The mill pays 4711."] if record else [])


@pytest.mark.parametrize("at", range(3))
async def test_a_disk_that_fills_up_leaves_no_part_of_a_lesson(
    teacher: Teacher, index: QdrantIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Whichever of its files has no room."""
    write_new, written = teaching.write_new, []

    def filling(path: Path, data: bytes) -> None:
        if len(written) == at:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(path)
        write_new(path, data)

    monkeypatch.setattr(teaching, "write_new", filling)
    with pytest.raises(DocumentError, match="No space left"):
        await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    await teacher.refresh()
    assert (files_below(tmp_path), await index.documents()) == ([], [])


async def test_a_lesson_that_a_full_disk_cannot_put_away_is_known_as_before(
    teacher: Teacher, index: QdrantIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And can be forgotten, and brought back, when there is room again."""
    lesson = await teacher.learn_text("Parking", "Behind the mill.", ANN, ALL, NOW)
    before = files_below(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "write_whole", full)
        with pytest.raises(DocumentError, match="No space left"):
            await teacher.forget(lesson.id, ANN)
    assert (files_below(tmp_path), await teacher.lessons(ALL)) == (before, [lesson])
    assert await found(index, "mill", *ALL) == ["Behind the mill."]
    await teacher.forget(lesson.id, ANN)
    assert [name for name in files_below(tmp_path) if not name.endswith(".sealed")] == []
    assert await teacher.bring_back(lesson.id, ANN) == lesson


async def test_what_a_killed_process_left_unwritten_is_no_lesson(
    teacher: Teacher, index: QdrantIndex, tmp_path: Path
) -> None:
    """It is never read, and goes when it is so old that nobody can be writing it."""
    fresh, old = (tmp_path / "learned" / ".drafts" / (digit * 32) for digit in "ab")
    for draft in (fresh, old):
        await asyncio.to_thread(draft.mkdir, parents=True)
        await asyncio.to_thread((draft / "Salaries.md").write_text, "ANNSECRET")
    await teacher.refresh()
    assert len(files_below(tmp_path)) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teaching.time, "time", lambda: time.time_ns() / 1e9 + 2 * teaching._STALE)
        await teacher.refresh()
    assert (files_below(tmp_path), await index.documents()) == ([], [])


class HeldEmbedder(HashingEmbedder):
    """Embeds what holds the word "slow" only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.may = asyncio.Event(), asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if any("slow" in text for text in texts):
            self.begun.set()
            await self.may.wait()
        return await super().embed(texts)


async def test_a_lesson_does_not_wait_for_a_slow_one(tmp_path: Path, index: QdrantIndex) -> None:
    """Each lesson is read by itself: the quick one is learned while the slow one is under way, which then ends well."""
    embedder = HeldEmbedder()
    teacher = Teacher(tmp_path / "learned", Ingester(embedder, index, passage_tokens=100), index)
    slow = asyncio.create_task(teacher.learn_text("First", "A slow lesson.", ANN, ALL, NOW))
    await embedder.begun.wait()
    await teacher.learn_text("Second", "A quick one.", BEN, ALL, NOW)
    assert not slow.done()
    assert [document.title for document in await index.documents()] == ["Second"]
    embedder.may.set()
    await slow
    assert sorted(document.title for document in await index.documents()) == ["First", "Second"]
