"""An index is made anew for another embedder, or in the place of a damaged one: readers and lessons stay."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bots.cli import operations
from bots.cli.backing_up import backup, restore_from
from core import bootstrap
from core.bootstrap import open_index, open_library
from core.documents.folder_records import FILE_NAME
from core.documents.remote.records import SourceRecords
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Person, VectorOrigin
from core.embedder_choice import embedder_for, with_embedder
from core.errors import DocumentError, IndexUnavailableError
from core.models.files import digest_of
from core.models.specs import LocalModel
from core.readers import GUIDES, Readers
from core.settings import Settings
from core.storage.backup_archive import MANIFEST, BackupWriter
from tests.conftest import runs, wait_until
from tests.core.adapters.test_index_files import damage
from tests.doubles.website import page, served_site
from tests.fakes import HashingEmbedder

ANN = Person("slack", "T1", "ann")
HR, ALL = ("channel:slack/T1/HR",), (EVERYONE,)


@pytest.fixture
def origins(monkeypatch: pytest.MonkeyPatch) -> list[VectorOrigin]:
    """The last one is that of today; only the embedder is a fake."""
    made = [VectorOrigin("attune-embedder", "first")]

    @asynccontextmanager
    async def embedder(*_: object) -> AsyncIterator[HashingEmbedder]:
        yield HashingEmbedder()

    monkeypatch.setattr(bootstrap, "open_embedder", embedder)
    monkeypatch.setattr(bootstrap, "origin_of", lambda *_: made[-1])
    return made


@pytest.fixture
def home(data: Path, origins: list[VectorOrigin]) -> Settings:
    assert origins
    return Settings(home=data)


def write(path: Path, text: str = "Words of it.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


async def fill(home: Settings, docs: Path) -> dict[str, Readers]:
    """Documents for different people, and a lesson."""
    write(docs / "open" / "guide.md")
    write(docs / "hr" / "pay.md")
    async with open_library(home) as library:
        await library.ingester.ingest([docs])
        await library.ingester.ingest([docs / "hr"], readers=HR)
        teacher = Teacher(home.learned_folder, library.ingester, library.index)
        await teacher.learn_text("Wifi", "The code is 4711.", ANN, HR, datetime(2026, 1, 1, tzinfo=UTC))
        return {one.source: one.readers for one in await library.index.documents()}


async def held(home: Settings) -> dict[str, Readers]:
    async with open_library(home) as library:
        return {one.source: one.readers for one in await library.index.documents()}


async def closed(home: Settings) -> None:
    wait_until(lambda: not runs(home.data_folder, "index"))


async def test_another_embedder_is_a_question_and_the_answer_works(
    home: Settings, origins: list[VectorOrigin], tmp_path: Path
) -> None:
    """`--rebuild` embeds all anew for whom it was; then nothing is left of what was set aside."""
    before = await fill(home, tmp_path / "docs")
    assert sorted(before.values()) == [HR, HR, ALL]
    origins.append(VectorOrigin("another", "second"))
    with pytest.raises(IndexUnavailableError, match="attune ingest --rebuild"):
        async with open_library(home):
            pass
    assert await operations.ingest(home, [], anew=True) == 0
    assert await held(home) == before
    assert not (home.data_folder / "index.old").exists()
    origins.pop()
    with pytest.raises(IndexUnavailableError, match="another"):
        async with open_library(home):
            pass


async def test_an_index_of_guides_alone_fits_any_embedder(
    home: Settings, origins: list[VectorOrigin], tmp_path: Path
) -> None:
    """They are read again when Attune starts; with a single document it belongs to its embedder."""
    guide = write(tmp_path / "checkout" / "README.md")
    async with open_library(home) as library:
        await library.ingester.ingest([guide], readers=(GUIDES,))
    origins.append(VectorOrigin("multilingual-e5-small", "second"))
    assert await held(home) == {}
    await operations.ingest(home, [write(tmp_path / "docs" / "a.md")])
    origins.append(VectorOrigin("third", "third"))
    with pytest.raises(IndexUnavailableError, match="cannot be compared"):
        await held(home)


async def test_whoever_ingests_what_the_embedder_does_not_know_is_told_the_command(
    home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the format: the passages are looked at."""
    german = "<p>Reisekosten werden innerhalb von 30 Tagen erstattet, und das Formular liegt am Empfang.</p>"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.html", german)
    assert await operations.ingest(home, [tmp_path / "a.zip"]) == 0
    assert "ATTUNE_EMBEDDER=multilingual-e5-small attune ingest --rebuild" in capsys.readouterr().err


async def test_a_damaged_index_is_a_question_and_the_answer_works(home: Settings, tmp_path: Path) -> None:
    """Though nothing can be read from it any more."""
    before = await fill(home, tmp_path / "docs")
    await closed(home)
    damage(home.data_folder / "index", "id_tracker", "overwritten")
    with pytest.raises(IndexUnavailableError, match="attune ingest --rebuild"):
        async with open_library(home):
            pass
    assert await operations.ingest(home, [], anew=True) == 0
    assert await held(home) == before


async def test_a_moved_index_opens_nothing(home: Settings, tmp_path: Path) -> None:
    """The same command as before brings the same readers."""
    before = await fill(home, tmp_path / "docs")
    await closed(home)
    (home.data_folder / "index").rename(tmp_path / "moved")
    assert await operations.ingest(home, [tmp_path / "docs"]) == 0
    after = await held(home)
    assert after == {source: before[source] for source in after}
    assert len(after) == 2


async def test_an_older_home_takes_its_readers_from_the_index_before_it_is_made_anew(
    home: Settings, origins: list[VectorOrigin], tmp_path: Path
) -> None:
    """Its index says nothing of its origin, and there are no records beside it."""
    before = await fill(home, tmp_path / "docs")
    await closed(home)
    (home.data_folder / FILE_NAME).unlink()
    (home.data_folder / "index" / "attune.json").unlink()
    (home.data_folder / "index" / "sealed.json").unlink()
    assert await held(home) == before
    (home.data_folder / FILE_NAME).unlink()
    origins.append(VectorOrigin("another", "second"))
    assert await operations.ingest(home, [], anew=True) == 0
    assert await held(home) == before


@pytest.mark.parametrize("index", [True, False])
async def test_an_older_home_is_backed_up_with_its_readers(home: Settings, tmp_path: Path, *, index: bool) -> None:
    """Though the backup is the first command of this version: restored, or rebuilt there, nothing opens."""
    before = await fill(home, tmp_path / "docs")
    await closed(home)
    (home.data_folder / FILE_NAME).unlink()
    assert await backup(home, tmp_path / "a.zip", "1", index=index) == 0
    new = Settings(home=tmp_path / "new")
    assert await restore_from(new, tmp_path / "a.zip", force=True) == 0
    assert await operations.ingest(new, [], anew=True) == 0
    taught = home.learned_folder.as_posix()
    assert {source: who for source, who in (await held(new)).items() if "/learned/" not in source} == {
        source: who for source, who in before.items() if not source.startswith(taught)
    }
    await closed(new)


async def test_a_backup_that_has_no_records_opens_nothing(home: Settings, tmp_path: Path) -> None:
    """One of an earlier version: its index says who may see what, and without that nobody does."""
    before = await fill(home, tmp_path / "docs")
    files = {source: who for source, who in before.items() if "/learned/" not in source}
    for number, index in enumerate((True, False)):
        await backup(home, tmp_path / f"{index}.zip", "1", index=index)
        with zipfile.ZipFile(tmp_path / f"{index}.zip") as whole:
            parts = {name: whole.read(name) for name in whole.namelist()}
        facts = json.loads(parts.pop(MANIFEST))
        with BackupWriter(tmp_path / f"old-{index}.zip", {"learned": facts["learned"]}) as old:
            for name in parts.keys() - {FILE_NAME}:
                old.add(name, parts[name])
        new = Settings(home=tmp_path / f"new{number}")
        assert await restore_from(new, tmp_path / f"old-{index}.zip", force=True) == 0
        assert await operations.ingest(new, [tmp_path / "docs"]) == (0 if index else 1)
        found = {source: who for source, who in (await held(new)).items() if "/learned/" not in source}
        assert found == (files if index else {})
        await closed(new)


@pytest.mark.parametrize("left", ["run/index.log", "valkey/appendonlydir/x", "learned/.forgotten/x"])
async def test_an_older_home_whose_index_is_gone_stays_closed(home: Settings, tmp_path: Path, left: str) -> None:
    """Whatever is left of it, until somebody names readers; a home that is new is open from the first."""
    docs = write(tmp_path / "docs" / "board.md").parent
    write(home.data_folder / left)
    assert await operations.ingest(home, [docs]) == 1
    assert await held(home) == {}
    assert await operations.ingest(home, [docs], HR) == 0
    assert set((await held(home)).values()) == {HR}
    new = Settings(home=tmp_path / "new")
    async with bootstrap.open_records(new):  # as by `attune pair`, before anything is ingested
        pass
    assert await operations.ingest(new, [docs]) == 0
    assert set((await held(new)).values()) == {ALL}
    await closed(new)


async def test_nothing_is_emptied_that_cannot_be_read_again(home: Settings, tmp_path: Path) -> None:
    """The operator reads what is missing; removing it is a way out."""
    before = await fill(home, tmp_path / "docs")
    (tmp_path / "docs" / "hr").rename(tmp_path / "elsewhere")
    with pytest.raises(DocumentError, match="docs/hr"):
        await operations.ingest(home, [], anew=True)
    assert await held(home) == before
    async with open_library(home) as library:
        assert library.folders
        library.folders.forget([(tmp_path / "docs" / "hr").as_posix()])
    assert await operations.ingest(home, [], anew=True) == 0
    assert len(await held(home)) == 2


async def test_what_was_ingested_is_ingested_again_without_being_named(
    home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And where there is nothing, the operator is told what to write."""
    assert await operations.ingest(home, []) == 1
    assert "attune ingest FOLDER" in capsys.readouterr().err
    docs = write(tmp_path / "docs" / "a.md").parent
    assert await operations.ingest(home, [docs], HR) == 0
    write(docs / "b.md")
    assert await operations.ingest(home, []) == 0
    assert set((await held(home)).values()) == {HR}
    assert json.loads((home.data_folder / FILE_NAME).read_text())["folders"][0]["path"] == docs.as_posix()


async def test_a_folder_has_a_schedule(home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was read when it was named; when it is gone, its record and whoever names nothing hear of that."""
    docs, records = write(tmp_path / "docs" / "a.md").parent, SourceRecords(home.data_folder)
    assert await operations.ingest(home, [docs], every=3600) == 0
    record = records.read()[0]
    assert record.read
    assert record.next == record.read + timedelta(hours=1)
    shutil.rmtree(docs)
    capsys.readouterr()
    assert await operations.ingest(home, []) == 1
    said = capsys.readouterr().err
    assert "No such file or folder" in said
    assert "Nothing has been ingested" not in said
    assert records.read()[0].failing
    async with open_library(home) as library:
        assert library.sources
        with pytest.raises(DocumentError, match="No such file or folder"):
            await library.sources.read(record)
    await closed(home)


async def test_pages_of_the_web_outlast_their_index(home: Settings, tmp_path: Path) -> None:
    """Pages are no files: where only such were read, an index is made anew, also elsewhere after a backup."""
    async with served_site() as site:
        site.write("/leave", page("Leave", "Thirty days a year."))
        address = f"{site.url}/leave"
        assert await operations.ingest(home, [address], HR, every=3600) == 0
        assert await held(home) == {address: HR}
        await closed(home)
        assert await operations.ingest(home, [], anew=True) == 0
        assert await held(home) == {address: HR}
        assert json.loads((home.data_folder / FILE_NAME).read_text())["documents"] == []
        await backup(home, tmp_path / "backup.zip", "1", index=False)
        new = Settings(home=tmp_path / "new")
        assert await restore_from(new, tmp_path / "backup.zip", force=True) == 0
        assert SourceRecords(new.data_folder).read() == SourceRecords(home.data_folder).read()
        assert await operations.ingest(new, [], anew=True) == 0
        assert await held(new) == {address: HR}
        await closed(new)


async def test_whoever_opens_a_home_that_others_begin_takes_their_embedder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it had chosen another before: then it opens theirs, instead of emptying what they fill."""
    opened = list[str]()

    @asynccontextmanager
    async def embedder(settings: Settings, _: object) -> AsyncIterator[HashingEmbedder]:
        opened.append(settings.embedder)
        yield HashingEmbedder()

    monkeypatch.setattr(bootstrap, "open_embedder", embedder)
    monkeypatch.setattr(bootstrap, "origin_of", lambda settings, _: VectorOrigin(settings.embedder, "digest"))
    home, document = Settings(home=data), write(tmp_path / "docs" / "a.md", "Reisekosten werden am Empfang erstattet.")
    before = with_embedder(home)
    with embedder_for(home, [document]) as settings:
        async with open_library(before) as library, open_library(settings) as other:
            await other.ingester.ingest([document])
            assert await library.index.count() == 1
    assert opened == ["attune-embedder", "multilingual-e5-small", "multilingual-e5-small"]


async def test_an_index_without_an_origin_belongs_to_the_embedder_its_passages_name(
    home: Settings, tmp_path: Path
) -> None:
    """One from before it was kept is marked at its first opening, or refused."""
    await fill(home, tmp_path / "docs")
    await closed(home)
    (home.data_folder / "index" / "attune.json").unlink()
    (home.data_folder / "index" / "sealed.json").unlink()
    other = VectorOrigin("another", "second")
    with pytest.raises(IndexUnavailableError, match="attune ingest --rebuild"):
        async with open_index(home, HashingEmbedder.dimension, other):
            pass
    async with open_library(home) as library:
        assert await library.index.origin() == VectorOrigin("attune-embedder", "first")


def test_the_hash_of_a_model_is_that_of_its_files(tmp_path: Path) -> None:
    """Not of its name, its place or what is written about it."""
    write(tmp_path / "a" / "model.safetensors", "weights")
    write(tmp_path / "a" / "1_Pooling" / "config.json", "{}")
    write(tmp_path / "b" / "model.safetensors", "weights")
    write(tmp_path / "b" / "1_Pooling" / "config.json", "{}")
    write(tmp_path / "b" / "README.md", "A model.")
    first = digest_of(LocalModel("a", tmp_path / "a", None))
    assert digest_of(LocalModel("b", tmp_path / "b", None)) == first
    write(tmp_path / "b" / "1_Pooling" / "config.json", '{"mean": 1}')
    assert digest_of(LocalModel("b", tmp_path / "b", None)) != first
    write(tmp_path / "lora" / "adapter_model.safetensors", "more")
    assert digest_of(LocalModel("a", tmp_path / "a", None, tmp_path / "lora")) != first
