"""Which files Attune's guides are, and how the index is kept in step with them; only the embedder is a fake."""

from __future__ import annotations

import asyncio
import sysconfig
from pathlib import Path

import pytest

from bots import own_guides
from bots.commands import Commands
from bots.console_bot import OWN_COMMANDS as TERMINAL
from bots.on_slack.platform import OWN_COMMANDS as SLACK
from bots.on_telegram.sender import OWN_COMMANDS as TELEGRAM
from bots.own_guides import OwnGuides, own_documents, shown
from core.adapters.index.qdrant_index import QdrantIndex
from core.answering.guides import COMMANDS
from core.bootstrap import Library
from core.documents.ingest import Ingester
from core.domain import EVERYONE
from core.errors import IndexUnavailableError
from core.readers import GUIDES
from tests.fakes import HashingEmbedder

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def library(qdrant_index: QdrantIndex) -> Library:
    embedder = HashingEmbedder()
    return Library(embedder, qdrant_index, Ingester(embedder, qdrant_index, passage_tokens=80))


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two guides in a checkout."""
    return [
        write(tmp_path / "checkout" / "README.md", "# Attune\n\nA private chatbot."),
        write(tmp_path / "checkout" / "docs" / "preferences.md", "# Preferences\n\n/prefs tone friendly"),
    ]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


async def held(library: Library) -> dict[str, tuple[str, ...]]:
    return {Path(document.source).name: document.readers for document in await library.index.documents()}


def test_the_guides_are_what_users_read() -> None:
    """From a checkout: the README first, then every guide, and no figures of ours."""
    own = own_documents()
    assert own[0] == ROOT / "README.md"
    names = {path.name for path in own[1:]}
    assert names >= {"documents.md", "preferences.md", "settings.md", "slack.md", "telegram.md", "operate.md"}
    assert names.isdisjoint({"decisions.md", "licences.md", "grafana.json"})


def test_a_wheel_brings_the_guides_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no checkout they are where the wheel put them; where neither is, there are none."""
    monkeypatch.setattr(own_guides, "__file__", str(tmp_path / "lib" / "bots" / "own_guides.py"))
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert own_documents() == []
    shared = tmp_path / "share" / "attune"
    listed = [write(shared / name, "# A") for name in ("README.md", "docs/asking.md", "docs/decisions.md")]
    assert own_documents() == listed[:2]


def test_every_command_is_known_as_one_of_attune() -> None:
    """What a platform lists, and what people type to get in, makes a question one about Attune."""
    listed = {*Commands(None).names, *TERMINAL, *SLACK, *TELEGRAM}  # type: ignore[arg-type]
    assert set(COMMANDS) == listed | {"pair", "start"}
    assert list(COMMANDS) == sorted(COMMANDS)


async def test_an_empty_index_begins_with_the_guides(library: Library, files: list[Path]) -> None:
    """Under their mark; then nothing is urgent any more, also beside a team's documents."""
    guides = OwnGuides(library, files)
    assert await guides.urgent()
    assert await guides.keep() == 2
    assert await held(library) == {"README.md": (GUIDES,), "preferences.md": (GUIDES,)}
    assert not await guides.urgent()


async def test_guides_that_stood_among_the_documents_are_marked(library: Library, files: list[Path]) -> None:
    """As Attune kept them once: urgent, and without embedding anything anew."""
    await library.ingester.ingest(files)
    assert set((await held(library)).values()) == {(EVERYONE,)}
    guides = OwnGuides(library, files)
    assert await guides.urgent()
    library.embedder.embedded.clear()  # type: ignore[attr-defined]  # of the fake
    await guides.keep()
    assert set((await held(library)).values()) == {(GUIDES,)}
    assert library.embedder.embedded == []  # type: ignore[attr-defined]


async def test_the_guides_come_later_where_a_team_began_with_its_own_documents(
    library: Library, files: list[Path], tmp_path: Path
) -> None:
    """In the background, after a pause; what is no guide any more goes, and nothing of the team's does."""
    old = write(tmp_path / "moved" / "README.md", "# Attune\n\nAn old one.")
    await OwnGuides(library, [old]).keep()
    await library.ingester.ingest([write(tmp_path / "team" / "leave.md", "# Leave\n\nIn the calendar.")])
    guides = OwnGuides(library, files)
    assert not await guides.urgent()
    async with guides.kept(pause=60):
        await asyncio.sleep(0.05)
    assert await held(library) == {"README.md": (GUIDES,), "leave.md": (EVERYONE,)}
    async with guides.kept(pause=0):
        for _ in range(500):
            await asyncio.sleep(0.02)
            sources = {document.source for document in await library.index.documents()}
            if len(sources) == 3 and old.as_posix() not in sources:
                break
    assert await held(library) == {"README.md": (GUIDES,), "preferences.md": (GUIDES,), "leave.md": (EVERYONE,)}
    assert old.as_posix() not in sources


async def test_a_store_that_is_away_does_not_end_what_is_served(library: Library, files: list[Path]) -> None:
    class Away:
        async def ingest(self, *_: object, **__: object) -> None:
            raise IndexUnavailableError("away")

    guides = OwnGuides(Library(library.embedder, library.index, Away()), files)  # type: ignore[arg-type]
    async with guides.kept(pause=0):
        await asyncio.sleep(0.05)
    assert await held(library) == {}


async def test_documents_beside_the_guides_do_not_become_guides(library: Library, files: list[Path]) -> None:
    """Whoever ingests the folder that Attune stands in has documents for everyone, and the guides stay guides."""
    await OwnGuides(library, files).keep()
    folder = files[0].parent
    write(folder / "ours.md", "# Ours\n\nA page.")
    write(folder / "docs" / "more.md", "# More\n\nAnother page.")
    await library.ingester.ingest([folder])
    assert await held(library) == {
        "README.md": (GUIDES,),
        "preferences.md": (GUIDES,),
        "ours.md": (EVERYONE,),
        "more.md": (EVERYONE,),
    }


async def test_the_guides_are_counted_only_where_there_is_nothing_else(library: Library, files: list[Path]) -> None:
    await OwnGuides(library, files).keep()
    assert len(shown(await library.index.documents())) == 2
    await library.ingester.ingest([write(files[0].parent / "ours.md", "# Ours\n\nA page.")])
    assert [document.title for document in shown(await library.index.documents())] == ["Ours"]


async def test_an_installation_without_guides_keeps_those_it_has(library: Library, files: list[Path]) -> None:
    """A package brings no guides: what a checkout left in the same index stays."""
    await OwnGuides(library, files).keep()
    guides = OwnGuides(library, [])
    assert not await guides.urgent()
    assert await guides.keep() == 0
    assert len(await held(library)) == 2
