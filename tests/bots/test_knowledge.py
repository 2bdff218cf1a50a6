"""`attune ingest --dry-run`, `attune remove` and `attune sources` over real stores; only the embedder is a fake."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bots.cli import knowledge_view, operations, removing
from bots.own_guides import OwnGuides
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.redis.chats import RedisChats
from core.adapters.redis.clients import RedisClients
from core.adapters.redis.histories import RedisHistories
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.pairings import RedisPairings
from core.adapters.redis.usage import RedisUsage
from core.bootstrap import Library, Stores
from core.documents.ingest import Ingester
from core.errors import ConfigurationError, DocumentError
from core.people.access import Access, AccessLists
from core.people.clients import ApiClients
from core.settings import Settings
from tests.fakes import HashingEmbedder

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the person stands, with three documents."""
    for name in ("gone", "changed", "same"):
        write(tmp_path / "team" / f"{name}.md", f"# {name.title()}\n\nWords of {name}.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
async def library(
    place: Path, qdrant_index: QdrantIndex, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Library]:
    """The real stores with the documents in them, put where the product opens its own."""
    embedder = HashingEmbedder()
    library = Library(embedder, qdrant_index, Ingester(embedder, qdrant_index, passage_tokens=80))
    await library.ingester.ingest([place / "team"])

    @asynccontextmanager
    async def library_of(*_: object) -> AsyncIterator[Library]:
        yield library

    @asynccontextmanager
    async def records_of(*_: object) -> AsyncIterator[Stores]:
        access, clients = Access(RedisPairings(redis), AccessLists()), ApiClients(RedisClients(redis))
        yield Stores(RedisMemory(redis), RedisUsage(redis), access, RedisHistories(redis), RedisChats(redis), clients)

    @asynccontextmanager
    async def index_of(*_: object) -> AsyncIterator[QdrantIndex]:
        yield qdrant_index

    for module in (knowledge_view, operations):
        monkeypatch.setattr(module, "open_library", library_of)
    for module in (knowledge_view, removing):
        monkeypatch.setattr(module, "open_stored_index", index_of)
    for module in (knowledge_view, removing):
        monkeypatch.setattr(module, "open_records", records_of)
    return library


@pytest.fixture
def settings(place: Path) -> Settings:
    return Settings(home=place / "home")


async def held(library: Library) -> list[str]:
    return sorted(Path(document.source).name for document in await library.index.documents())


async def test_a_dry_run_names_every_file_and_changes_nothing(
    place: Path, library: Library, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is new, changed, gone, skipped and refused, as plain text; the documents stay as they were."""
    (place / "team" / "gone.md").unlink()
    write(place / "team" / "changed.md", "# Changed\n\nNew words.\n")
    write(place / "team" / "new\u202e.md", "# New\n\nWords.\n")
    write(place / "team" / "picture.gif", b"\x89PNG\0")
    write(place / "team" / "broken.txt", b"MZ\0\1")
    (place / "team" / "link.md").symlink_to(write(place / "elsewhere.md", "words"))
    before = await library.index.documents()
    assert await operations.ingest(settings, [place / "team"], dry=True) == 0
    assert await library.index.documents() == before
    shown = capsys.readouterr().out
    assert "\u202e" not in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[:7] == [
        "unchanged team/same.md",
        "skipped team/picture.gif: unknown format",
        "skipped team/link.md: link that leaves the folder or cannot be read",
        "new team/new.md",
        "changed team/changed.md",
        "removed team/gone.md",
        "new 1",
    ]
    assert "2 passages to embed, 0 to keep, 2 to remove. Dry run: nothing was written." in lines
    assert lines[-1].startswith("✗ team/broken.txt: ")
    assert await operations.ingest(settings, [place / "team"]) == 0
    assert await held(library) == ["changed.md", "new\u202e.md", "same.md"]


async def test_a_dry_run_over_nothing_says_so(
    place: Path, library: Library, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place / "pictures" / "picture.gif", b"\x89PNG\0")
    assert await operations.ingest(settings, [place / "pictures"], dry=True) == 1
    assert "There is nothing to ingest." in capsys.readouterr().err
    assert len(await held(library)) == 3


@pytest.mark.parametrize("said", ["n\n", "\n", "", "remove\n"])
async def test_only_a_yes_removes(
    said: str,
    library: Library,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It shows what would go and asks; anything else, or no word at all, leaves everything as it is."""
    monkeypatch.setattr(removing, "is_interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert await removing.remove(settings, ["team"], yes=False) == 1
    shown = capsys.readouterr().out
    assert [line.split() for line in shown.splitlines()[:3]] == [
        ["team/changed.md", "1", "passage"],
        ["team/gone.md", "1", "passage"],
        ["team/same.md", "1", "passage"],
    ]
    assert "Remove 3 documents (3 passages)? [y/N] " in shown
    assert shown.endswith("Nothing was removed.\n")
    assert len(await held(library)) == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("Yes\n"))
    assert await removing.remove(settings, ["team"], yes=False) == 0
    assert await held(library) == []


async def test_with_yes_nobody_is_asked(
    place: Path, library: Library, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what went, and where a file is still there, that it could come back."""
    assert await removing.remove(settings, ["team/gone.md"], yes=True) == 0
    shown = capsys.readouterr().out
    assert "[y/N]" not in shown
    assert (
        "Removed 1 document (1 passage), and everything derived from it.\nThe files themselves are untouched" in shown
    )
    (place / "team" / "same.md").unlink()
    assert await removing.remove(settings, [str(place / "team" / "same.md")], yes=True) == 0
    assert "The files themselves are untouched" not in capsys.readouterr().out
    assert await held(library) == ["changed.md"]


async def test_what_cannot_be_removed_is_left_and_named(library: Library, settings: Settings) -> None:
    """Where nobody is there to say yes, or a name is not known."""
    with pytest.raises(ConfigurationError, match="--yes"):
        await removing.remove(settings, ["team"], yes=False)
    with pytest.raises(DocumentError, match=r"Did you mean \S+/team/gone\.md\?"):
        await removing.remove(settings, ["team/gnoe.md"], yes=True)
    assert len(await held(library)) == 3


async def test_the_list_of_documents_counts_the_guides_in_one_line(
    place: Path, library: Library, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the operator sees it: the team's documents first, and no column of readers where all are for everyone."""
    guides = [write(place / "checkout" / name, f"# {name}\n\nOf Attune.\n") for name in ("README.md", "prefs.md")]
    await OwnGuides(library, guides).keep()
    assert await knowledge_view.sources(settings, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "team/gone.md" in shown
    assert "seen by" not in shown
    assert "README.md" not in shown
    assert "Plus 2 guides of Attune's own" in shown
