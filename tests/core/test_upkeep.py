"""What is done when nobody asks, over a real index; the model is the fake."""

from __future__ import annotations

import asyncio

import pytest

from core import upkeep
from core.adapters.index.qdrant_index import QdrantIndex
from core.domain import Passage
from core.errors import IndexUnavailableError
from core.upkeep import Upkeep
from tests.fakes import HashingEmbedder, ScriptedGenerator


def passage(number: int, version: str = "v") -> Passage:
    id_ = f"00000000-0000-0000-{version.encode().hex():0>4}-{number:012}"
    return Passage(id_, f"/{number}.md", "A", (), f"text {number} {version}", 1, 0, 1, version)


@pytest.fixture
async def index():
    async with QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=384) as index:
        passages = [passage(number) for number in range(3)]
        await index.upsert(passages, await HashingEmbedder().embed([one.text for one in passages]))
        yield index


async def test_what_is_read_often_is_read_ahead_most_often_first(index: QdrantIndex) -> None:
    generator = ScriptedGenerator()
    tending = Upkeep(index, generator)
    for numbers in ([0, 1], [1, 2], [1, 2]):
        tending.note(passage(number) for number in numbers)
    await tending.tend()
    assert generator.read == [passage(1), passage(2)]


async def test_what_changed_or_was_deleted_is_forgotten(index: QdrantIndex) -> None:
    generator = ScriptedGenerator()
    tending = Upkeep(index, generator)
    for _ in range(2):
        tending.note(passage(number) for number in range(3))
    await tending.tend()
    await index.upsert([passage(0, "w")], await HashingEmbedder().embed(["changed"]))
    await index.remove("/0.md", keep_version="w")
    await index.remove("/1.md")
    generator.read = [passage(number) for number in range(3)]
    await tending.tend()
    assert set(generator.read) == {passage(2), passage(0, "w")}


async def test_after_an_ingestion_what_took_the_place_of_the_commonest_is_read_ahead(index: QdrantIndex) -> None:
    """Though nobody asked since; and where nothing changed either, the index is only looked at."""
    generator = ScriptedGenerator()
    tending = Upkeep(index, generator)
    for numbers in ([0, 1], [0]):
        tending.note(passage(number) for number in numbers)
    await tending.tend()
    await index.upsert([passage(0, "w"), passage(1, "w")], await HashingEmbedder().embed(["new", "newer"]))
    for source in ("/0.md", "/1.md"):
        await index.remove(source, keep_version="w")
    generator.read = []
    await tending.tend()
    assert generator.read == [passage(0, "w")]
    generator.read = []
    await tending.tend()
    assert generator.read == []


async def test_what_is_gone_is_forgotten_though_nobody_asked_since(index: QdrantIndex) -> None:
    """Also what another process read before this one began."""
    generator = ScriptedGenerator()
    generator.read = [passage(number) for number in range(4)]
    tending = Upkeep(index, generator)
    await tending.tend()
    assert set(generator.read) == {passage(0), passage(1), passage(2)}
    await index.remove("/1.md")
    await tending.tend()
    assert set(generator.read) == {passage(0), passage(2)}


async def test_an_index_that_is_gone_is_asked_again(index: QdrantIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "PAUSE", 0.01)
    generator = ScriptedGenerator()
    tending = Upkeep(index, generator)
    asked = []
    documents = index.documents

    async def failing_once():
        asked.append(1)
        if len(asked) == 1:
            raise IndexUnavailableError("gone")
        return await documents()

    monkeypatch.setattr(index, "documents", failing_once)
    running = asyncio.create_task(tending.run())
    for _ in range(2):
        tending.note([passage(0)])
    async with asyncio.timeout(5):
        while not generator.read:  # upkeep tells nobody
            tending.note([])
            await asyncio.sleep(0.01)
    running.cancel()
    assert generator.read == [passage(0)]
