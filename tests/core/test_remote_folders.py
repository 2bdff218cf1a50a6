"""Files behind fsspec, from an address to the index; its memory file system stands in for a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from core.documents.remote.filesystem import RemoteFolder
from core.documents.remote.keeper import SourceKeeper, SourceWishes, connected
from core.documents.remote.mirror import ENDING_BYTES, NAME_BYTES, Mirror
from core.documents.remote.records import SourceRecord, SourceRecords
from core.documents.tally import IngestReport
from core.errors import DocumentError

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

ADDRESS = "memory://team/docs"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryFileSystem]:
    files = fsspec.filesystem("memory", skip_instance_cache=True)
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    return files


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose bytes were asked for."""
    asked: list[str] = []
    before = MemoryFileSystem.cat_file

    def cat_file(self: MemoryFileSystem, path: str, *more: object, **named: object) -> bytes:
        asked.append(path)
        return before(self, path, *more, **named)

    monkeypatch.setattr(MemoryFileSystem, "cat_file", cat_file)
    return asked


@pytest.fixture
def read(tmp_path: Path, ingester: Ingester, index: QdrantIndex) -> Callable[..., object]:
    def connect(record: SourceRecord) -> RemoteFolder:
        return RemoteFolder(record.address, here=True)

    keeper = SourceKeeper(SourceRecords(tmp_path / "data"), ingester, index, connect=connect)

    async def reading(address: str) -> IngestReport:
        return await keeper.read(await keeper.add(address, SourceWishes()))

    return reading


async def held(index: QdrantIndex) -> dict[str, str]:
    return {document.source: document.title for document in await index.documents()}


async def test_only_what_changed_is_fetched(
    bucket: MemoryFileSystem, fetched: list[str], read: Callable, index: QdrantIndex
) -> None:
    """All files below are documents by their addresses; the second time only what changed is asked for."""
    bucket.pipe("/team/docs/leave.md", b"# Leave\n\nThirty days.\n")
    bucket.pipe("/team/docs/deep/pay.md", b"# Pay\n\nMonthly.\n")
    bucket.pipe("/team/other/x.md", b"# Other\n\nElsewhere.\n")
    bucket.pipe("/team/docs/.secret/x.md", b"# Hidden\n\nHidden.\n")
    bucket.pipe("/team/docs/logo.bmp", b"BM")
    report = await read(ADDRESS)
    assert report.skipped == (f"{ADDRESS}/logo.bmp",)
    assert await held(index) == {f"{ADDRESS}/leave.md": "Leave", f"{ADDRESS}/deep/pay.md": "Pay"}
    fetched.clear()
    bucket.pipe("/team/docs/deep/pay.md", b"# Wages\n\nWeekly.\n")
    await read(ADDRESS)
    assert fetched == ["/team/docs/deep/pay.md"]
    bucket.rm("/team/docs/leave.md")
    report = await read(ADDRESS)
    assert report.removed == (f"{ADDRESS}/leave.md",)
    assert await held(index) == {f"{ADDRESS}/deep/pay.md": "Wages"}


async def test_what_cannot_be_fetched_stays(
    bucket: MemoryFileSystem, read: Callable, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that fails keeps what it had and says why; a source that is empty or away removes nothing."""
    bucket.pipe("/team/docs/leave.md", b"# Leave\n\nThirty days.\n")
    await read(ADDRESS)
    bucket.pipe("/team/docs/leave.md", b"# Leave\n\nForty days.\n")

    def fails(*_: object, **__: object) -> bytes:
        raise PermissionError("Access denied")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "cat_file", fails)
        report = await read(ADDRESS)
        assert [(one.path, "Access denied" in one.reason) for one in report.refused] == [(f"{ADDRESS}/leave.md", True)]
        patch.setattr(MemoryFileSystem, "find", fails)
        with pytest.raises(DocumentError, match="Access denied"):
            await read(ADDRESS)
    assert await held(index) == {f"{ADDRESS}/leave.md": "Leave"}
    bucket.rm("/team/docs/leave.md")
    with pytest.raises(DocumentError, match="There are no files"):
        await read(ADDRESS)
    assert await held(index) == {f"{ADDRESS}/leave.md": "Leave"}


@pytest.mark.parametrize(
    "name",
    [
        f"{'x' * 160}.{'y' * 150}/b.md",
        f"{'ä' * 200}.{'ö' * 100}/b.md",
        f"x.{'経' * 120}",
        f"{'経' * 300}.md",
        f".{'z' * 400}",
        "100%2Fetc.md",
        "a\ud800b.md",
        f"{'🙂' * 90}.markdown",
        f"{'a' * 199}é.md",
        "../...x.md",
        " .md",
        f"{'d' * 255}/{'e' * 251}.md",
        f"{'folder/' * 700}b.md",
    ],
)
def test_any_name_can_be_kept(name: str, tmp_path: Path) -> None:
    """However long it is, in whatever writing: it is cut to what a file system takes, and its ending stays."""
    mirror = Mirror(tmp_path)
    mirror.put("s3://b/x", name, b"words")
    assert mirror.data("s3://b/x") == b"words"
    file = Path(mirror.pages["s3://b/x"].file)
    assert max(len(part.encode()) for part in file.parts) <= NAME_BYTES
    assert file.suffix == Path(name).suffix or len(Path(name).suffix) > ENDING_BYTES
    assert len(file.parts) == len(("key", "folder", "name"))


async def test_a_page_that_cannot_be_kept_is_said_and_stays_as_it_was(
    bucket: MemoryFileSystem, read: Callable, index: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone is left out; the others are read."""
    for name in ("leave", "pay"):
        bucket.pipe(f"/team/docs/{name}.md", f"# {name.title()}\n\nThirty.\n".encode())
    await read(ADDRESS)
    for name in ("leave", "pay"):
        bucket.pipe(f"/team/docs/{name}.md", f"# New {name}\n\nForty.\n".encode())
    before = Path.write_bytes

    def fails(path: Path, data: bytes) -> int:
        if path.name == "leave.md":
            raise OSError(28, "No space left on device")
        return before(path, data)

    monkeypatch.setattr(Path, "write_bytes", fails)
    report = await read(ADDRESS)
    assert [(one.path, "No space left" in one.reason) for one in report.refused] == [(f"{ADDRESS}/leave.md", True)]
    assert await held(index) == {f"{ADDRESS}/leave.md": "Leave", f"{ADDRESS}/pay.md": "New pay"}


async def test_one_file_is_a_source_too(bucket: MemoryFileSystem, read: Callable, index: QdrantIndex) -> None:
    """An address of one file is that file."""
    bucket.pipe("/team/docs/leave.md", b"# Leave\n\nThirty days.\n")
    await read(f"{ADDRESS}/leave.md")
    assert await held(index) == {f"{ADDRESS}/leave.md": "Leave"}


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("memory://x", "nothing that lies elsewhere"),
        ("nowhere://x/y", "Protocol not known"),
    ],
)
async def test_an_address_that_nothing_reads_says_so(address: str, reason: str, tmp_path: Path) -> None:
    """What no library knows, and what lies on this machine, is refused."""
    with pytest.raises(DocumentError, match=reason):
        await connected(SourceRecord(address)).fetch(Mirror(tmp_path / "mirror"))


async def test_a_missing_library_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its extra, an address names the command."""

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    for scheme, extra in (("s3", "s3"), ("gs", "gcs"), ("sftp", "sftp"), ("webdavs", "webdav")):
        with pytest.raises(DocumentError, match=rf"pip install 'attune\[{extra}\]'"):
            await connected(SourceRecord(f"{scheme}://x/y")).fetch(Mirror(tmp_path / "mirror"))
