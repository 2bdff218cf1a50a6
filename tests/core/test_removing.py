"""What leaves with a document, over real stores and files; only the embedder is a fake."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.documents.folder_records import FolderDecisions, FolderRecords
from core.documents.ingest import Ingester
from core.documents.removing import Remover
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Conversation, Outcome, Person, Source, Turn
from core.errors import DocumentError, LessonError
from core.people.traces import Trace
from core.readers import GUIDES
from tests.fakes import HashingEmbedder
from tests.files import zipped

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

ANN = Person("slack", "T1", "ann")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """The stores, a remover over them, and a folder with three documents and a guide."""

    def __init__(self, folder: Path, index: QdrantIndex, redis: Redis) -> None:
        self.folder, self.index = folder, index
        self.usage, self.memory = RedisUsage(redis), RedisMemory(redis)
        self.ingester = Ingester(HashingEmbedder(), index, passage_tokens=80)
        self.teacher = Teacher(folder / "learned", self.ingester, index)
        self.read: set[tuple[str, str]] = set()
        self.remover = Remover(index, self.usage, self.memory, self.teacher, self.forget_reading)

    async def forget_reading(self, kept: Collection[tuple[str, str]]) -> None:
        self.read &= set(kept)

    async def remove(self, *names: str | Path) -> dict[str, int]:
        removal = await self.remover.find([str(name) for name in names])
        await self.remover.remove(removal)
        return {Path(source).name: passages for source, passages in removal.sources.items()}

    async def held(self) -> list[str]:
        return sorted(Path(document.source).name for document in await self.index.documents())


@pytest.fixture
async def world(tmp_path: Path, index: QdrantIndex, redis: Redis) -> World:
    world = World(tmp_path, index, redis)
    for name in ("team/leave.md", "team/travel/train.md", "team-2/other.md", "attune/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\nWords of it.\n", encoding="utf-8")
    await world.ingester.ingest([tmp_path / "attune"], readers=(GUIDES,))
    await world.ingester.ingest([tmp_path / "team", tmp_path / "team-2"])
    return world


async def test_a_document_goes_with_all_that_is_kept_of_it(world: World) -> None:
    """Its passages, its count, what traces keep of it and what the model read; others keep theirs, the file stays."""
    leave, train = world.folder / "team" / "leave.md", world.folder / "team" / "travel" / "train.md"
    documents = {document.source: document for document in await world.index.documents()}
    world.read = {(source, documents[source].version) for source in (leave.as_posix(), train.as_posix())}
    await world.usage.note_cited([leave.as_posix(), train.as_posix()], NOW)
    (hit,) = [hit for hit in await found(world) if hit.passage.source == leave.as_posix()]
    other = replace(hit.passage, source=train.as_posix())
    trace = Trace("a", ANN, "?", NOW, (EVERYONE,), Outcome.ANSWERED, (), (Source(1, hit.passage), Source(2, other)))
    await world.memory.append(Conversation("slack", "T1", "C1"), Turn(ANN, "?", "!", NOW), trace)
    assert await world.remove(leave) == {"leave.md": 1}
    assert await world.held() == ["README.md", "other.md", "train.md"]
    assert list(await world.usage.uses()) == [train.as_posix()]
    assert (await world.memory.trace(ANN)).sources == (Source(2, other),)
    assert world.read == {(train.as_posix(), documents[train.as_posix()].version)}
    assert leave.exists()


async def found(world: World) -> list:
    (row,) = await HashingEmbedder().embed(["words"])
    return await world.index.search("words", row, audience={EVERYONE}, limit=9)


async def test_what_was_decided_of_a_folder_goes_with_it(world: World, tmp_path: Path) -> None:
    """Its record, those of its files and no others; also where the index has nothing of it any more."""
    records = FolderRecords(tmp_path / "data")
    records.begin((), lived=False)
    ingester = Ingester(HashingEmbedder(), world.index, passage_tokens=80, records=records)
    team, other = tmp_path / "team", tmp_path / "team-2"
    await ingester.ingest([team], readers=("person:slack/T1/ann",))
    await ingester.ingest([other])
    kept = records.read().without([team.as_posix()])
    remover = Remover(world.index, world.usage, world.memory, world.teacher, world.forget_reading, folders=records)
    removal = await remover.find([str(team)])
    assert len(removal.documents) == 2
    await remover.remove(removal)
    assert records.read() == kept
    await world.index.remove((other / "other.md").as_posix())
    await remover.remove(await remover.find([str(other)]))
    assert records.read() == FolderDecisions()
    await ingester.ingest([team])
    assert {one.readers for one in await world.index.documents() if "/team/" in one.source} == {(EVERYONE,)}


async def test_a_folder_goes_with_all_that_is_under_it(world: World) -> None:
    """And nothing that only begins with its name."""
    assert await world.remove(f"{world.folder}/team/") == {"leave.md": 1, "train.md": 1}
    assert await world.held() == ["README.md", "other.md"]


async def test_a_name_may_be_a_path_from_here_a_link_or_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder / "team")
    (world.folder / "link").symlink_to(world.folder / "team-2")
    (world.folder / "team" / "leave.md").unlink()
    assert await world.remove("leave.md") == {"leave.md": 1}
    assert await world.remove("../team/travel/../travel") == {"train.md": 1}
    assert await world.remove(world.folder / "link") == {"other.md": 1}


async def test_several_are_removed_together_and_each_once(world: World) -> None:
    names = world.folder / "team" / "leave.md", world.folder / "team", world.folder / "team-2"
    assert await world.remove(*names) == {"leave.md": 1, "train.md": 1, "other.md": 1}


async def test_a_member_of_an_archive_goes_alone_and_an_archive_whole(world: World) -> None:
    archive = world.folder / "pages.zip"
    archive.write_bytes(zipped({"a.md": b"# A\n\nWords.", "b.md": b"# B\n\nOther words."}))
    await world.ingester.ingest([archive])
    assert await world.remove(archive / "a.md") == {"a.md": 1}
    assert await world.remove(archive) == {"b.md": 1}


@pytest.mark.parametrize(
    ("name", "near"),
    [("leav.md", ["team/leave.md"]), ("train.md", ["team/travel/train.md"]), ("teem", ["team", "team-2"])],
)
async def test_an_unknown_name_is_met_with_near_ones(world: World, name: str, near: list[str]) -> None:
    """A file's name alone removes nothing: it may mean several. And nothing goes where one of the names is unknown."""
    with pytest.raises(DocumentError) as raised:
        await world.remove(world.folder / "team-2", name)
    sentences = str(raised.value)
    assert sentences.startswith(f"There is no document {name}. Did you mean ")
    assert all(f"{world.folder}/{each}" in sentences for each in near)
    assert len(await world.held()) == 4


@pytest.mark.parametrize("name", ["", " ", "/nowhere/at/all", "~/xyzzy"])
async def test_a_name_that_is_near_nothing_is_met_with_the_list(world: World, name: str) -> None:
    with pytest.raises(DocumentError, match="`attune sources` lists the documents"):
        await world.remove(name)
    assert len(await world.held()) == 4


async def test_attunes_own_guides_stay(world: World) -> None:
    """Also where they lie under a folder that is removed."""
    with pytest.raises(DocumentError, match="Attune's own guides"):
        await world.remove(world.folder / "attune" / "README.md")
    assert await world.remove(world.folder) == {"leave.md": 1, "train.md": 1, "other.md": 1}
    assert await world.held() == ["README.md"]


async def test_what_was_taught_goes_with_its_record_for_good(world: World) -> None:
    """Its author sees it no more, nobody brings it back, and the next start does not learn it again."""
    kept = await world.teacher.learn_text("Lunch", "At the mill.", ANN, (EVERYONE,), NOW)
    gone = await world.teacher.learn_text("Parking", "Behind the mill.", ANN, (EVERYONE,), NOW)
    assert await world.remove(world.folder / "learned" / gone.id / "Parking.md") == {"Parking.md": 1}
    assert await world.teacher.lessons({EVERYONE}) == [kept]
    assert gone.id not in "".join(path.as_posix() for path in world.folder.rglob("*"))
    await world.teacher.refresh()
    assert "Parking.md" not in await world.held()
    assert "Lunch.md" in await world.held()
    with pytest.raises(LessonError):
        await world.teacher.bring_back(gone.id, ANN)
    assert await world.remove(world.folder / "learned") == {"Lunch.md": 1}
    assert await world.teacher.lessons({EVERYONE}) == []


async def test_of_a_lesson_all_goes(world: World) -> None:
    """A part of a taught archive alone would be learned again at the next start."""
    data = zipped({"a.md": b"# A\n\nWords.", "b.md": b"# B\n\nOther words."})
    lesson = await world.teacher.learn_file("pages.zip", data, ANN, (EVERYONE,), NOW)
    part = world.folder / "learned" / lesson.id / "pages.zip" / "a.md"
    assert await world.remove(part) == {"a.md": 1, "b.md": 1}
    assert await world.teacher.lessons({EVERYONE}) == []
