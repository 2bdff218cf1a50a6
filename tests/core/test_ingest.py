from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.adapters.index import points
from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.qdrant_index import QdrantIndex
from core.answering.retrieval import retrieve
from core.documents.ingest import Ingester, IngestProgress
from core.documents.parsing import MAX_BYTES
from core.documents.splitting import embedding_text
from core.documents.tally import IngestReport
from core.domain import EVERYONE, Passage, Vectors
from core.errors import DocumentError, IndexUnavailableError
from tests.core.test_documents import HANDBOOK
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

SECTIONS = tuple(f"## Part {number}\n\n" + f"word{number} " * 40 for number in range(6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "docs" / "guide.md", "# Guide\n\n" + "\n\n".join(SECTIONS))
    write(tmp_path / "docs" / "rules.txt", "Be kind.")
    return tmp_path / "docs"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def names(sources: Sequence[str]) -> list[str]:
    return [Path(source).name for source in sources]


async def held(index: QdrantIndex) -> dict[str, int]:
    documents = await index.documents()
    assert all(document.complete for document in documents)
    assert len({document.source for document in documents}) == len(documents)
    return {Path(document.source).name: document.passages for document in documents}


async def test_files_become_passages_that_are_found(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """A folder's files are in the index, each whole, under its absolute path."""
    report = await ingester.ingest([folder])
    assert report.new == ((folder / "guide.md").as_posix(), (folder / "rules.txt").as_posix())
    assert await held(index) == {"guide.md": 6, "rules.txt": 1}
    assert (report.passages_added, report.passages_reused, report.passages_removed) == (7, 0, 0)
    (row,) = await HashingEmbedder().embed(["word3"])
    best = max(await index.search("word3", row, audience={EVERYONE}, limit=3), key=lambda hit: hit.sparse)
    assert (best.passage.heading_path, best.passage.line) == ("Guide › Part 3", 17)


async def test_what_did_not_change_is_not_embedded_again(
    folder: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """The second time nothing is embedded; after an edit only the edited passage is, and the old one is gone."""
    await ingester.ingest([folder])
    embedder.embedded.clear()
    report = await ingester.ingest([folder])
    assert (len(report.unchanged), report.new, report.changed, embedder.embedded) == (2, (), (), [])
    sections = [*SECTIONS[:2], "## Part 2\n\n" + "edited " * 40, *SECTIONS[3:]]
    write(folder / "guide.md", "# Guide\n\nNew first line.\n\n" + "\n\n".join(sections))
    report = await ingester.ingest([folder])
    assert names(report.changed) == ["guide.md"]
    assert [text.split()[-1] for text in embedder.embedded] == ["line.", "edited"]
    assert (report.passages_added, report.passages_reused, report.passages_removed) == (2, 5, 1)
    assert await held(index) == {"guide.md": 7, "rules.txt": 1}


async def test_kept_passages_keep_their_vectors(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """A passage that was not embedded again has the vector that belongs to its text."""
    await ingester.ingest([folder])
    write(folder / "guide.md", "# Guide\n\n" + "\n\n".join(SECTIONS[1:]))
    await ingester.ingest([folder])
    for hit in await index.search("word", (await HashingEmbedder().embed(["word"]))[0], audience={EVERYONE}, limit=50):
        (expected,) = await HashingEmbedder().embed([embedding_text(hit.passage)])
        assert float(hit.vector @ expected) == pytest.approx(1, abs=1e-4)


async def test_files_that_are_gone_lose_their_passages(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """A deleted, emptied or renamed file is no longer cited; a folder that was not named stays as it is."""
    other = write(folder.parent / "docs2" / "other.md", "Other words.").parent
    hidden = write(folder / ".drafts" / "draft.md", "A draft.")
    write(folder / "empty.md", "Soon empty.")
    await ingester.ingest([folder, other, hidden])
    (folder / "guide.md").rename(folder / "handbook.md")
    (folder / "rules.txt").unlink()
    write(folder / "empty.md", "")
    report = await ingester.ingest([folder])
    assert sorted(names(report.removed)) == ["empty.md", "guide.md", "rules.txt"]
    assert "contains no text" in report.notes[0]
    assert await held(index) == {"handbook.md": 6, "other.md": 1, "draft.md": 1}
    hidden.unlink()
    assert names((await ingester.ingest([folder])).removed) == ["draft.md"]


async def test_bad_files_never_stop_the_others(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """Each file that cannot be read is refused with its reason; the others are there."""
    write(folder / "binary.txt", b"MZ\0\1")
    write(folder / "large.txt", b"word " * (MAX_BYTES // 5 + 1))
    write(folder / "broken.pdf", b"%PDF-1.7 and no more")
    os.mkfifo(folder / "pipe.md")
    write(folder / "picture.gif", b"\x89PNG\0")
    report = await ingester.ingest([folder])
    assert {Path(refusal.path).name for refusal in report.refused} == {
        "binary.txt",
        "large.txt",
        "broken.pdf",
        "pipe.md",
    }
    assert all(refusal.reason.endswith(".") for refusal in report.refused)
    assert names(report.skipped) == ["picture.gif"]
    assert await held(index) == {"guide.md": 6, "rules.txt": 1}


async def test_a_refused_file_keeps_what_it_had(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """A file that cannot be read for now is still cited as it was."""
    await ingester.ingest([folder])
    write(folder / "rules.txt", b"\0\1\2")
    report = await ingester.ingest([folder])
    assert (len(report.refused), report.removed) == (1, ())
    assert await held(index) == {"guide.md": 6, "rules.txt": 1}


async def test_unreadable_files_say_so(
    folder: Path, ingester: Ingester, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without permission is refused, even where the tests run as root."""
    read_bytes = Path.read_bytes

    def denied(self: Path) -> bytes:
        if self.name == "guide.md":
            raise PermissionError(13, "Permission denied", str(self))
        return read_bytes(self)

    monkeypatch.setattr(Path, "read_bytes", denied)
    report = await ingester.ingest([folder])
    assert "guide.md cannot be read: Permission denied." in report.refused[0].reason
    assert await held(index) == {"rules.txt": 1}


async def test_a_missing_path_is_named_before_anything_changes(
    folder: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """A path that does not exist is an error that names it."""
    with pytest.raises(DocumentError, match="nowhere does not exist"):
        await ingester.ingest([folder, folder / "nowhere"])
    assert await index.count() == 0


async def test_a_walk_leaves_out_what_nobody_means(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """Hidden files, caches and links out of the folder are not read, nor do links in a circle hang."""
    secret = write(folder.parent / "secret.md", "Secret.")
    for path in (".hidden.md", ".git/a.md", "node_modules/a.md", "sub/__pycache__/a.md"):
        write(folder / path, "Not meant.")
    (folder / "link.md").symlink_to(secret)
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "double.md").symlink_to(folder / "guide.md")
    report = await ingester.ingest([folder])
    assert await held(index) == {"guide.md": 6, "rules.txt": 1}
    assert sorted(names(report.skipped)) == ["link.md", "linked", "loop.md"]


async def test_same_names_in_two_folders_are_two_documents(
    tmp_path: Path, ingester: Ingester, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that share name and words do not collide; one file reached by two paths is one."""
    for team in ("a", "b"):
        write(tmp_path / team / "leave.md", "Ask your lead.")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alias").symlink_to(tmp_path / "a")
    await ingester.ingest([Path("a"), tmp_path / "b", Path("b/../alias"), tmp_path / "a" / "leave.md"])
    documents = await index.documents()
    assert [document.source for document in documents] == [
        (tmp_path / team / "leave.md").as_posix() for team in ("a", "b")
    ]
    assert await index.count() == 2


async def test_a_named_file_of_another_format_is_refused(tmp_path: Path, ingester: Ingester) -> None:
    """Someone who names a file is told why it cannot be read."""
    report = await ingester.ingest([write(tmp_path / "sheet.ods", "x")])
    assert "files ending in .ods are not supported" in report.refused[0].reason


class Patient(HashingEmbedder):
    """Embeds nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        await self.may.wait()
        return await super().embed(texts)


async def test_files_are_read_while_others_are_embedded(
    tmp_path: Path, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third window's files are read before the first one is embedded, and a fourth has to wait."""
    monkeypatch.setattr("core.documents.ingest._WINDOW", 2)
    embedder, read, meanwhile = Patient(), [], []
    files = [write(tmp_path / f"{number}.txt", f"Text {number}.") for number in range(9)]

    def go_on() -> None:
        meanwhile.extend(read)
        embedder.may.set()

    def note(progress: IngestProgress) -> None:
        if progress.number in read:
            return  # of what was found in it
        read.append(progress.number)
        if progress.number == 6:
            asyncio.get_running_loop().call_later(0.2, go_on)

    running = asyncio.create_task(Ingester(embedder, index, passage_tokens=80).ingest(files, note))
    await asyncio.wait_for(embedder.may.wait(), 10)
    assert meanwhile == [1, 2, 3, 4, 5, 6]
    assert len((await running).new) == 9
    assert await held(index) == {f"{number}.txt": 1 for number in range(9)}


class Failing(QdrantIndex):
    """An index that stops in the middle of a document, as after a kill."""

    broken = False

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        if not self.broken:
            return await super().upsert(passages, vectors)
        await super().upsert(passages[: len(passages) // 2], vectors[: len(passages) // 2])
        raise IndexUnavailableError("The index stopped.")

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        if self.broken:
            raise IndexUnavailableError("The index stopped.")
        await super().remove(source, keep_version=keep_version)


@pytest.mark.parametrize("edited", [False, True])
async def test_the_next_run_mends_what_was_cut_off(folder: Path, embedder: HashingEmbedder, edited: bool) -> None:  # noqa: FBT001
    """After a kill in the middle of a write, new or changed, another run leaves exactly the new version."""
    async with Failing.at(":memory:", api_key=None, collection="attune", dimension=384) as index:
        ingester = Ingester(embedder, index, passage_tokens=80)
        if edited:
            await ingester.ingest([folder])
            write(folder / "guide.md", "# Guide\n\n" + "\n\n".join(["Now new. " * 20, *SECTIONS[3:], *SECTIONS[:2]]))
        index.broken = True
        with pytest.raises(IndexUnavailableError):
            await ingester.ingest([folder])
        index.broken = False
        embedder.embedded.clear()
        await ingester.ingest([folder])
        assert await held(index) == {"guide.md": 6, "rules.txt": 1}
        assert len(embedder.embedded) < 7
        assert len((await ingester.ingest([folder])).unchanged) == 2


async def test_another_model_or_budget_embeds_anew(
    folder: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """Vectors of two models never meet; a new passage size is applied to files that did not change."""
    await ingester.ingest([folder])
    report = await Ingester(embedder, index, passage_tokens=80, model="other").ingest([folder])
    assert (len(report.changed), report.passages_reused, report.passages_removed) == (2, 0, 7)
    report = await Ingester(embedder, index, passage_tokens=60, model="other").ingest([folder])
    assert len(report.changed) == 2


async def test_progress_names_each_file(folder: Path, ingester: Ingester) -> None:
    """Someone who waits sees which file of how many is read, and how far the embedding is."""
    seen: list[IngestProgress] = []
    await ingester.ingest([folder], seen.append)
    assert list(dict.fromkeys((progress.number, progress.files, progress.name) for progress in seen)) == [
        (1, 2, "guide.md"),
        (2, 2, "rules.txt"),
    ]
    assert seen[-1].passages == 7


async def test_batches_cross_files(tmp_path: Path, index: QdrantIndex) -> None:
    """Many small files are embedded in few batches, similar lengths together."""
    batches: list[list[str]] = []

    class Recording(HashingEmbedder):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            batches.append(list(texts))
            return await super().embed(texts)

    for number in range(100):
        write(tmp_path / f"{number}.txt", "word " * (number + 1))
    await Ingester(Recording(), index, passage_tokens=200).ingest([tmp_path])
    assert [len(batch) for batch in batches] == [64, 36]
    assert max(map(len, batches[0])) <= min(map(len, batches[1]))


async def test_the_handbook_ingests_whole(ingester: Ingester, index: QdrantIndex) -> None:
    """Real pages are all there; the one that only redirects is noted."""
    report: IngestReport = await ingester.ingest([HANDBOOK])
    assert (len(report.new), report.refused, report.skipped) == (8, (), ())
    assert [note.split(": ")[0].rpartition("/")[2] for note in report.notes] == ["vmware-horizon.md"]
    assert await index.count() == report.passages_added > 100


async def readers_of(index: QdrantIndex) -> dict[str, tuple[str, ...]]:
    return {Path(document.source).name: document.readers for document in await index.documents()}


async def test_readers_that_are_named_hold_until_others_are(
    folder: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """Ingesting again without a word of readers opens nothing, and changing them embeds nothing."""
    hr = ("channel:slack/T1/C9",)
    report = await ingester.ingest([folder], readers=hr)
    assert report.readers == ((hr, 2),)
    embedder.embedded.clear()
    write(folder / "rules.txt", "Be kind and honest.")
    write(folder / "deeper" / "new.txt", "A new one.")
    await ingester.ingest([folder])
    assert await readers_of(index) == dict.fromkeys(("guide.md", "rules.txt", "new.txt"), hr)
    embedder.embedded.clear()
    report = await ingester.ingest([folder], readers=(EVERYONE,))
    assert len(report.changed) == 3
    assert embedder.embedded == []
    assert set((await readers_of(index)).values()) == {(EVERYONE,)}


async def test_a_folder_says_itself_who_may_see_it(folder: Path, ingester: Ingester, index: QdrantIndex) -> None:
    """The nearest `.attune.toml` above a file counts, more than the command line, also when a file is named itself."""
    write(folder / "pay" / ".attune.toml", 'readers = ["person:slack/T1/U1", "channel:slack/T1/C9"]')
    pay = write(folder / "pay" / "2026" / "bonus.txt", "Two per cent.")
    await ingester.ingest([pay], readers=(EVERYONE,))
    assert await readers_of(index) == {"bonus.txt": ("channel:slack/T1/C9", "person:slack/T1/U1")}
    await ingester.ingest([folder])
    assert (await readers_of(index))["guide.md"] == (EVERYONE,)
    assert (await readers_of(index))["bonus.txt"] == ("channel:slack/T1/C9", "person:slack/T1/U1")


@pytest.mark.parametrize(
    "written", ["readers = [", 'readers = "everyone"', 'readers = ["all"]', 'reader = ["everyone"]']
)
async def test_a_folder_that_is_not_understood_is_shown_to_nobody(
    folder: Path, ingester: Ingester, index: QdrantIndex, written: str
) -> None:
    """Its files are refused with the name of the file to mend; the others are read."""
    write(folder / "pay" / ".attune.toml", written)
    write(folder / "pay" / "bonus.txt", "Two per cent.")
    report = await ingester.ingest([folder])
    assert [Path(refusal.path).name for refusal in report.refused] == ["bonus.txt"]
    assert ".attune.toml" in report.refused[0].reason
    assert set(await readers_of(index)) == {"guide.md", "rules.txt"}


async def test_a_new_file_among_different_readers_is_not_guessed_at(
    folder: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """It is refused until somebody says who may see it."""
    await ingester.ingest([folder / "guide.md"])
    await ingester.ingest([folder / "rules.txt"], readers=("person:slack/T1/U1",))
    write(folder / "new.txt", "Whose?")
    report = await ingester.ingest([folder])
    assert "--readers" in report.refused[0].reason
    assert set(await readers_of(index)) == {"guide.md", "rules.txt"}


async def test_a_refused_file_keeps_no_passages_for_former_readers(
    folder: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """A file that was closed to others and cannot be read any more is gone, not still open."""
    await ingester.ingest([folder])
    write(folder / "rules.txt", b"MZ\0\1")
    await ingester.ingest([folder])
    assert set(await readers_of(index)) == {"guide.md", "rules.txt"}
    await ingester.ingest([folder], readers=("person:slack/T1/U1",))
    assert await readers_of(index) == {"guide.md": ("person:slack/T1/U1",)}


async def test_a_document_that_changes_is_read_in_one_version_and_never_missing(
    folder: Path, embedder: HashingEmbedder, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks while it is ingested anew finds the old or the new one, never parts of both, never nothing."""
    monkeypatch.setattr(points, "BATCH", 3)  # a version is written in several strokes
    seen: set[str] = set()

    def edition(number: int) -> str:
        parts = [f"## Part {part}\n\nedition{number} word{part} " + "filler " * 30 for part in range(12)]
        return "# Guide\n\n" + "\n\n".join(parts)

    async with EdgeIndex(data / "index", embedder.dimension) as index:
        ingester, done = Ingester(embedder, index, passage_tokens=80), asyncio.Event()
        write(folder / "guide.md", edition(0))
        await ingester.ingest([folder])

        async def ask() -> None:
            while not done.is_set():
                found = await retrieve("word3 word7 filler", embedder, index, {EVERYONE})
                editions = {ranked.passage.text.split()[0] for ranked in found if "Guide" in ranked.passage.title}
                assert len(editions) == 1
                seen.update(editions)

        asking = [asyncio.create_task(ask()) for _ in range(3)]
        for number in range(1, 6):
            write(folder / "guide.md", edition(number))
            await ingester.ingest([folder])
            await asyncio.sleep(0.05)
        done.set()
        await asyncio.gather(*asking)
    assert len(seen) == 6


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    folder: Path, ingester: Ingester, embedder: HashingEmbedder, index: QdrantIndex
) -> None:
    """The report is that of the run itself, to the passage; until then the index stays as it was."""
    write(folder / "old.md", "Old words.")
    write(folder / "same.md", "The same.")
    await ingester.ingest([folder])
    before = await index.documents()
    (folder / "old.md").unlink()
    write(folder / "guide.md", "# Guide\n\n" + "\n\n".join(SECTIONS[1:]))
    write(folder / "new.md", "New words.")
    write(folder / "picture.gif", b"\x89PNG\0")
    write(folder / "binary.txt", b"MZ\0\1")
    embedder.embedded.clear()
    planned = await ingester.ingest([folder], dry=True)
    assert (await index.documents(), embedder.embedded) == (before, [])
    done = await ingester.ingest([folder])
    assert dataclasses.replace(planned, seconds=done.seconds) == done
    assert [names(files) for files in (done.new, done.changed, done.removed, done.skipped)] == [
        ["new.md"],
        ["guide.md"],
        ["old.md"],
        ["picture.gif"],
    ]
    assert (done.passages_added, done.passages_reused, done.passages_removed) == (1, 5, 2)
    assert sorted(await held(index)) == ["guide.md", "new.md", "rules.txt", "same.md"]


async def test_a_dry_run_over_others_readers_hides_nothing_yet(
    folder: Path, ingester: Ingester, index: QdrantIndex
) -> None:
    """Also where the run itself would at once take a document from those who may no longer see it."""
    await ingester.ingest([folder])
    before = await index.documents()
    report = await ingester.ingest([folder], readers=("person:slack/T/U",), dry=True)
    assert (len(report.changed), report.passages_added, report.passages_reused) == (2, 0, 7)
    assert await index.documents() == before
