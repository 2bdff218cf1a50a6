"""What was decided of folders and files outlasts the index that it was for."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.folder_records import FILE_NAME, FolderDecisions, FolderRecord, FolderRecords
from core.documents.ingest import Ingester
from core.domain import EVERYONE, Document
from core.errors import DocumentError
from core.readers import GUIDES
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

HR, BOARD, ALL = ("channel:slack/T1/HR",), ("person:slack/T1/U1",), (EVERYONE,)


class World:
    """A data folder, and an index that may be lost."""

    def __init__(self, folder: Path, index: QdrantIndex) -> None:
        self.folder = folder
        self.index = index
        self.records = FolderRecords(folder / "data", apart=folder / "data" / "learned")
        self.records.begin((), lived=False)
        self.ingester = Ingester(HashingEmbedder(), index, passage_tokens=80, records=self.records)

    def write(self, name: str, text: str = "Words.") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    async def lose_index(self) -> None:
        for document in await self.index.documents():
            await self.index.remove(document.source)

    async def readers(self) -> dict[str, tuple[str, ...]]:
        return {
            Path(one.source).relative_to(self.folder).as_posix(): one.readers for one in await self.index.documents()
        }


@pytest.fixture
def world(tmp_path: Path, index: QdrantIndex) -> World:
    return World(tmp_path, index)


async def test_readers_outlast_the_index(world: World) -> None:
    """Folders, single files, an archive's members and what a `.attune.toml` said that is gone: all as they were."""
    docs = world.write("docs/guide.md").parent
    world.write("docs/pay/bonus.md")
    secret = world.write("docs/secret.md")
    toml = world.write("docs/board/.attune.toml", f"readers = {json.dumps(BOARD)}")
    world.write("docs/board/minutes.md")
    await world.ingester.ingest([docs])
    await world.ingester.ingest([docs / "pay"], readers=HR)
    await world.ingester.ingest([secret], readers=BOARD)
    toml.unlink()
    before = await world.readers()
    assert before == {
        "docs/guide.md": ALL,
        "docs/pay/bonus.md": HR,
        "docs/secret.md": BOARD,
        "docs/board/minutes.md": BOARD,
    }
    await world.lose_index()
    await world.ingester.ingest([docs])
    assert await world.readers() == before


async def test_a_new_file_after_the_loss_is_as_closed_as_before_it(world: World) -> None:
    """Below a folder that was named it is for those readers, if that was empty for a while; among different ones no."""
    world.write("hr/old.md")
    world.write("mixed/open.md")
    closed = world.write("mixed/closed.md")
    await world.ingester.ingest([world.folder / "hr"], readers=HR)
    await world.ingester.ingest([world.folder / "mixed"])
    await world.ingester.ingest([closed], readers=HR)
    (world.folder / "hr" / "old.md").unlink()
    await world.ingester.ingest([world.folder / "hr"])
    await world.lose_index()
    world.write("hr/deep/new.md")
    world.write("mixed/new.md")
    report = await world.ingester.ingest([world.folder / "hr" / "deep", world.folder / "mixed"])
    assert [Path(one.path).name for one in report.refused] == ["new.md"]
    assert await world.readers() == {"hr/deep/new.md": HR, "mixed/open.md": ALL, "mixed/closed.md": HR}


async def test_a_file_that_was_away_comes_back_for_its_own_readers(world: World) -> None:
    """An editor that saves by deleting, or a folder that was not mounted, opens nothing."""
    world.write("docs/open.md")
    secret = world.write("docs/secret.md")
    await world.ingester.ingest([world.folder / "docs"])
    await world.ingester.ingest([secret], readers=HR)
    secret.unlink()
    await world.ingester.ingest([world.folder / "docs"])
    assert await world.readers() == {"docs/open.md": ALL}
    world.write("docs/secret.md")
    await world.ingester.ingest([world.folder / "docs"])
    assert await world.readers() == {"docs/open.md": ALL, "docs/secret.md": HR}


async def test_a_link_that_leads_elsewhere_now_is_for_the_same_readers(world: World) -> None:
    """As where each release of some documents has a folder of its own."""
    world.write("releases/1/pay.md")
    world.write("releases/2/pay.md")
    link = world.folder / "current"
    link.symlink_to("releases/1")
    await world.ingester.ingest([link], readers=HR)
    link.unlink()
    link.symlink_to("releases/2")
    await world.ingester.ingest([link])
    assert await world.readers() == {"releases/1/pay.md": HR, "releases/2/pay.md": HR}


async def test_what_was_decided_last_counts_though_the_index_has_another(world: World) -> None:
    """A cut between deciding and writing, or an older index in the place of the new one: the next run closes it."""
    docs = world.write("docs/guide.md").parent
    await world.ingester.ingest([docs])
    world.records.decide([docs], {(docs / "guide.md").as_posix(): HR}, HR, watch=None)
    await world.ingester.ingest([docs])
    assert await world.readers() == {"docs/guide.md": HR}


async def test_where_nothing_is_known_any_more_documents_stay_closed(world: World, tmp_path: Path) -> None:
    """An older home whose index was moved away: what nobody names readers for is refused, and the operator told why."""
    records = FolderRecords(tmp_path / "old")
    records.begin((), lived=True)
    ingester = Ingester(HashingEmbedder(), world.index, passage_tokens=80, records=records)
    docs = world.write("docs/board.md").parent
    report = await ingester.ingest([docs])
    assert "are no longer known" in report.refused[0].reason
    assert "--readers" in report.refused[0].reason
    assert await world.readers() == {}
    await ingester.ingest([docs], readers=HR)
    world.write("docs/more.md")
    await ingester.ingest([docs])
    assert await world.readers() == {"docs/board.md": HR, "docs/more.md": HR}


def test_the_first_records_are_what_an_older_index_holds(tmp_path: Path) -> None:
    """Attune's own guides are none of the operator's; an index that holds only those was not lost."""
    held = [Document("/d/a.md", "A", "1", 1, 1, HR), Document("/g/README.md", "G", "1", 1, 1, (GUIDES,))]
    records = FolderRecords(tmp_path)
    records.begin(held, lived=True)
    records.begin((), lived=False)
    assert records.read() == FolderDecisions(files={"/d/a.md": HR})
    other = FolderRecords(tmp_path / "guides")
    other.begin(held[1:], lived=True)
    assert other.read() == FolderDecisions()


def test_an_address_is_no_file(tmp_path: Path) -> None:
    """Neither at first nor where older records have some: what lies elsewhere is recorded elsewhere."""
    records = FolderRecords(tmp_path)
    records.begin([Document("https://example.org/leave", "A", "1", 1, 1, HR)], lived=True)
    assert records.read() == FolderDecisions()
    assert FolderDecisions(files={"https://example.org/leave": HR}).places() == []


@pytest.mark.parametrize("named", [("docs",), ("docs/pay",)])
async def test_readers_named_for_a_folder_undo_those_of_its_parts(world: World, named: tuple[str, ...]) -> None:
    """And nobody else's."""
    world.write("docs/pay/bonus.md")
    world.write("docs/guide.md")
    await world.ingester.ingest([world.folder / "docs" / "pay"], readers=HR, watch=True)
    await world.ingester.ingest([world.folder / "docs"], readers=BOARD)
    await world.ingester.ingest([world.folder / name for name in named], readers=ALL)
    await world.lose_index()
    world.write("docs/pay/new.md")
    await world.ingester.ingest([world.folder / "docs"])
    found = await world.readers()
    assert (found["docs/pay/bonus.md"], found["docs/pay/new.md"]) == (ALL, ALL)
    assert found["docs/guide.md"] == (ALL if named == ("docs",) else BOARD)


async def test_a_file_that_was_away_when_readers_were_named_comes_back_for_those(world: World) -> None:
    """What was recorded of it before does not outlive a narrowing; what lies beside the folder is as it was."""
    docs = world.write("docs/open.md").parent
    away = world.write("docs/away.md")
    world.write("docs2/beside.md")
    await world.ingester.ingest([docs, world.folder / "docs2"])
    away.rename(world.folder / "away.md")
    await world.ingester.ingest([docs], readers=HR)
    (world.folder / "away.md").rename(away)
    await world.ingester.ingest([docs, world.folder / "docs2"])
    assert await world.readers() == {"docs/open.md": HR, "docs/away.md": HR, "docs2/beside.md": ALL}


async def test_what_is_ingested_again_is_what_was_named(world: World) -> None:
    """Each with its readers, its collection and whether it is watched; left out, a decision stays."""
    docs, note = world.write("docs/guide.md").parent, world.write("note.md")
    await world.ingester.ingest([docs], readers=HR, watch=True)
    await world.ingester.ingest([note])
    await world.ingester.ingest([docs])
    written = world.records.read()
    assert written.folders == {
        docs.as_posix(): FolderRecord(docs.as_posix(), HR, "", watch=True),
        note.as_posix(): FolderRecord(note.as_posix()),
    }
    assert written.places() == [docs, note]
    assert written.places(watched=True) == [docs]


async def test_reading_the_files_of_an_older_home_again_names_none_of_them(world: World, tmp_path: Path) -> None:
    """So that one may go later: its folder, once named, stands for it."""
    docs, away = world.write("docs/a.md").parent, world.write("docs/away.md")
    await Ingester(HashingEmbedder(), world.index, passage_tokens=80).ingest([docs])
    records = FolderRecords(tmp_path / "older")
    records.begin(await world.index.documents(), lived=True)
    ingester = Ingester(HashingEmbedder(), world.index, passage_tokens=80, records=records)
    await world.lose_index()
    await ingester.ingest(records.read().places())
    assert len(await world.readers()) == 2
    await ingester.ingest([docs], watch=False)
    away.unlink()
    records.check_places()
    assert records.read().places() == [docs]


async def test_a_dry_run_and_lessons_leave_no_record(world: World) -> None:
    """The one decides nothing, and of the others each has its own."""
    docs = world.write("docs/guide.md").parent
    lesson = world.write("data/learned/0/lesson.md").parent
    world.write("data/learned/0/.attune.toml", f"readers = {json.dumps(HR)}")
    await world.ingester.ingest([docs], readers=HR, dry=True)
    await world.ingester.ingest([lesson])
    assert world.records.read() == FolderDecisions()


def test_what_is_forgotten_is_no_longer_decided(tmp_path: Path) -> None:
    """A place goes with all that is under it, and nothing beside it."""
    records = FolderRecords(tmp_path)
    records.begin((), lived=False)
    records.decide([Path("/a"), Path("/ab")], {"/a/x.md": HR, "/ab/y.md": HR}, HR, watch=None)
    records.forget(["/a"])
    left = records.read()
    assert (set(left.folders), dict(left.files)) == ({"/ab"}, {"/ab/y.md": HR})


async def test_what_is_forgotten_of_a_folder_that_stays_opens_nothing(world: World) -> None:
    """It lies there still, so the next reading of that folder finds it: for whom it was. Gone, so is the record."""
    docs, hr = world.write("docs/open.md").parent, world.write("docs/hr/pay.md").parent
    gone, said = world.write("docs/gone/a.md"), world.write("docs/said/b.md")
    toml = world.write("docs/said/.attune.toml", f"readers = {json.dumps(BOARD)}")
    await world.ingester.ingest([docs])
    toml.unlink()
    await world.ingester.ingest([hr, gone.parent], readers=HR, watch=True)
    gone.unlink()
    gone.parent.rmdir()
    for file in (hr / "pay.md", said):
        await world.index.remove(file.as_posix())
    world.records.forget([folder.as_posix() for folder in (hr, gone.parent, said.parent)])
    assert set(world.records.read().folders) == {docs.as_posix(), hr.as_posix()}
    assert world.records.read().places(watched=True) == []
    await world.ingester.ingest([docs])
    assert await world.readers() == {"docs/open.md": ALL, "docs/hr/pay.md": HR, "docs/said/b.md": BOARD}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"{", "is damaged"),
        (b"", "is damaged"),
        (b"[]", "is damaged"),
        (b'{"version": 1, "complete": true, "folders": [], "documents": [{"folder": "/", "readers": "x"}]}', "damaged"),
        (b'{"version": 2, "anything": 1}', "newer Attune"),
    ],
)
async def test_records_that_cannot_be_read_open_nothing_and_are_kept(world: World, written: bytes, said: str) -> None:
    """Nothing is ingested, and what there is, is left for whoever can read it."""
    file = world.folder / "data" / FILE_NAME
    file.write_bytes(written)
    docs = world.write("docs/guide.md").parent
    with pytest.raises(DocumentError, match=said):
        await world.ingester.ingest([docs])
    assert await world.readers() == {}
    assert file.read_bytes() == written


def test_only_its_owner_reads_the_record_and_it_is_there_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails in the middle leaves the one of before."""
    records = FolderRecords(tmp_path)
    records.begin((), lived=False)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DocumentError, match="disk has space"):
        records.decide([Path("/a")], {}, HR, watch=None)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.suffix not in {".json", ".lock"}] == []
