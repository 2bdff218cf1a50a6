"""Moving an index, from the embedded one to a server and back: over HTTP to the double, and between real folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.index.shared_index import SharedIndex
from core.bootstrap import open_index
from core.documents.reading import check_origin
from core.domain import VectorOrigin
from core.errors import IndexUnavailableError, MoveError
from core.readers import GUIDES
from core.settings import Settings
from core.storage.copies import PassageCopy
from core.storage.moving import MovableIndex, MoveProgress, move
from core.storage.origin import is_unfinished, unfinished
from tests.contracts.test_passage_index import ALL, EMBEDDER, document, put, vector
from tests.doubles.qdrant_server import QdrantDouble, qdrant_served

ORIGIN, OTHER = VectorOrigin("hashing", "of-the-tests"), VectorOrigin("other", "of-others")


@pytest.fixture
async def double() -> AsyncIterator[QdrantDouble]:
    async with qdrant_served() as served:
        yield served


@pytest.fixture
async def served(double: QdrantDouble) -> AsyncIterator[QdrantIndex]:
    """An index on the server, empty."""
    async with on_server(double, "attune") as index:
        yield index


@pytest.fixture
async def folder(shared_index: SharedIndex) -> SharedIndex:
    """The embedded index with two documents, one of which few may see."""
    await shared_index.reset(EMBEDDER.dimension, ORIGIN)
    await put(shared_index, document())
    await put(shared_index, [replace(one, readers=("person:t/w/x",)) for one in document(source="closed.md")])
    return shared_index


def on_server(double: QdrantDouble, collection: str) -> QdrantIndex:
    return QdrantIndex.at(double.url, api_key=None, collection=collection, dimension=None)


def quiet(_: MoveProgress) -> None:
    """Nobody watches."""


async def all_of(index: MovableIndex) -> dict[str, PassageCopy]:
    page = await index.page(None)
    assert page.following is None
    return {one.id: one for one in await index.copies([*page.marks])}


async def assert_same(ours: MovableIndex, theirs: MovableIndex, *, counted: bool = True) -> None:
    """Ids, fields, vectors, words, documents, origin and what searches find; `counted`: also how rare words are.

    The local mode counts words of what was removed (qdrant-client issue 1426).
    """
    one, other = await all_of(ours), await all_of(theirs)
    assert one.keys() == other.keys()
    for id_, copy in one.items():
        assert copy.fields == other[id_].fields
        assert copy.words == pytest.approx(other[id_].words)
        np.testing.assert_allclose(copy.vector, other[id_].vector, atol=1e-6)
    assert await ours.documents() == await theirs.documents()
    assert await ours.origin() == await theirs.origin()
    for text in ("cats", "E4711 toner", "holiday requests", "postmann"):
        for audience in (ALL, {"person:t/w/x"}):
            found = [
                {hit.passage: (hit.dense, hit.sparse if counted else 0) for hit in hits}
                for hits in [
                    await index.search(text, await vector(text), audience=audience, limit=9) for index in (ours, theirs)
                ]
            ]
            assert found[0].keys() == found[1].keys()
            for passage, scores in found[0].items():
                assert scores == pytest.approx(found[1][passage], abs=1e-4)


async def test_an_index_comes_to_a_server_and_back_as_it_was(
    folder: SharedIndex, served: QdrantIndex, data: Path
) -> None:
    """Passages, ids, vectors, words, readers, versions and origin, by each of the two ways."""
    there = await move(folder, served, ORIGIN, quiet)
    assert (there.passages, there.copied, there.resumed) == (10, 10, False)
    assert there.found == there.searched > 0
    await assert_same(folder, served)
    async with SharedIndex(data, None) as again:
        await move(served, again, ORIGIN, quiet)
        await assert_same(folder, again)
        await put(again, document(source="more.md"))
        assert await again.count() == 15
    assert await folder.count() == 10


class BusyIndex:
    """Passes everything on to an index, and does one of `deeds` after each batch that is written."""

    def __init__(self, index: MovableIndex, deeds: Sequence[object]) -> None:
        self._index, self._deeds = index, list(deeds)

    def __getattr__(self, name: str) -> object:
        return getattr(self._index, name)

    async def put(self, copies: Sequence[PassageCopy]) -> None:
        await self._index.put(copies)
        if self._deeds:
            await self._deeds.pop(0)()  # type: ignore[operator]


async def test_what_is_written_meanwhile_comes_along(folder: SharedIndex, served: QdrantIndex) -> None:
    """What is new, what is another, and what is gone, be it before or behind what was copied."""

    async def change() -> None:
        await put(folder, document(source="new.md"))
        await put(folder, [replace(one, readers=("person:t/w/y",)) for one in document()])
        await folder.remove("closed.md")

    busy = BusyIndex(served, [change])
    done = await move(folder, busy, ORIGIN, quiet)  # type: ignore[arg-type]
    assert done.rounds > 1
    assert [(one.source, one.readers) for one in await served.documents()] == [
        ("guide.md", ("person:t/w/y",)),
        ("new.md", ("everyone",)),
    ]
    await assert_same(folder, served, counted=False)


async def test_a_move_that_was_cut_off_goes_on(
    folder: SharedIndex, served: QdrantIndex, double: QdrantDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is not copied again; until then nobody opens the index, and its state says why."""
    monkeypatch.setattr("core.storage.moving.BATCH", 3)

    async def fail() -> None:
        raise IndexUnavailableError("gone")

    async def pass_by() -> None: ...

    with pytest.raises(IndexUnavailableError, match="gone"):
        await move(folder, BusyIndex(served, [pass_by, fail]), ORIGIN, quiet)  # type: ignore[arg-type]
    assert await served.count() == 6
    stored = await served.origin()
    assert stored is not None
    assert is_unfinished(stored)
    with pytest.raises(IndexUnavailableError, match="attune index move again"):
        await check_origin(served, ORIGIN)
    before = double.upserted
    done = await move(folder, served, ORIGIN, quiet)
    assert (done.copied, done.resumed, double.upserted - before) == (4, True, 4)
    await check_origin(served, ORIGIN)
    await assert_same(folder, served)


async def test_what_holds_something_is_not_overwritten(folder: SharedIndex, served: QdrantIndex) -> None:
    """Unless somebody says so; Attune's own guides alone are nothing."""
    await served.reset(EMBEDDER.dimension, OTHER)
    await put(served, document(source="theirs.md"))
    with pytest.raises(MoveError, match=r"5 passages there already.*--replace"):
        await move(folder, served, ORIGIN, quiet)
    assert [one.source for one in await served.documents()] == ["theirs.md"]
    await move(folder, served, ORIGIN, quiet, replace=True)
    await assert_same(folder, served)
    await served.reset(EMBEDDER.dimension, OTHER)
    await put(served, [replace(one, readers=(GUIDES,)) for one in document(source="guide.md")])
    await move(folder, served, ORIGIN, quiet)
    await assert_same(folder, served)


async def test_an_unfinished_move_of_another_embedder_is_refused(folder: SharedIndex, served: QdrantIndex) -> None:
    """Its vectors would stand among these."""
    await served.reset(EMBEDDER.dimension, unfinished(OTHER))
    await put(served, document())
    with pytest.raises(MoveError, match="another embedder"):
        await move(folder, served, ORIGIN, quiet)
    with pytest.raises(MoveError, match="itself the unfinished target"):
        await move(served, folder, unfinished(OTHER), quiet)


async def test_an_index_of_another_length_is_moved(data: Path, served: QdrantIndex) -> None:
    """The collection is made anew for its vectors."""
    async with SharedIndex(data, 5, ORIGIN) as short:
        await short.upsert(document(), np.eye(5, dtype=np.float32))
        await move(short, served, ORIGIN, quiet)
    assert await served.dimension() == 5
    assert await served.count() == 5


async def test_one_index_by_two_names_is_not_emptied(
    folder: SharedIndex, served: QdrantIndex, double: QdrantDouble
) -> None:
    """Not even where it is to be replaced."""
    await move(folder, served, ORIGIN, quiet)
    async with on_server(double, "attune") as same:
        with pytest.raises(MoveError, match="same index"):
            await move(served, same, ORIGIN, quiet, replace=True)
    assert await served.count() == 10
    assert await served.origin() == ORIGIN


async def test_an_index_in_use_is_kept_from_nobody_while_it_is_looked_at_by_two_names(
    folder: SharedIndex, served: QdrantIndex, double: QdrantDouble
) -> None:
    """Also where that is cut off."""
    await move(folder, served, ORIGIN, quiet)

    class Lost(BusyIndex):
        async def set_origin(self, origin: VectorOrigin) -> None:
            await self._index.set_origin(origin)
            raise IndexUnavailableError("gone")

    async with on_server(double, "attune") as same:
        with pytest.raises(IndexUnavailableError, match="gone"):
            await move(served, Lost(same, []), ORIGIN, quiet, replace=True)  # type: ignore[arg-type]
    await check_origin(served, ORIGIN)


async def test_an_index_that_is_not_the_same_afterwards_is_not_used(folder: SharedIndex, served: QdrantIndex) -> None:
    """Where vectors or searches differ, the new index stays unfinished."""

    class Bent(BusyIndex):
        async def put(self, copies: Sequence[PassageCopy]) -> None:
            await self._index.put([replace(one, vector=np.roll(one.vector, 1)) for one in copies])

    with pytest.raises(MoveError, match="Vectors are not what they were"):
        await move(folder, Bent(served, []), ORIGIN, quiet)  # type: ignore[arg-type]

    class Blind(BusyIndex):
        async def search(self, *_: object, **__: object) -> list[object]:
            return []

    with pytest.raises(MoveError, match="the new one's fill 0 as well"):
        await move(folder, Blind(served, []), ORIGIN, quiet, replace=True)  # type: ignore[arg-type]
    stored = await served.origin()
    assert stored is not None
    assert is_unfinished(stored)


async def test_a_source_that_never_rests_ends_the_move(
    folder: SharedIndex, served: QdrantIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some rounds, with what to do."""
    monkeypatch.setattr("core.storage.moving.ROUNDS", 3)
    numbers = iter(range(100))

    async def more() -> None:
        await put(folder, document([f"text {next(numbers)}"], source=f"{next(numbers)}.md"))

    with pytest.raises(MoveError, match="Stop attune ingest"):
        await move(folder, BusyIndex(served, [more] * 100), ORIGIN, quiet)  # type: ignore[arg-type]


async def test_an_empty_index_replaces_nothing(folder: SharedIndex, double: QdrantDouble) -> None:
    """As where QDRANT_COLLECTION has a slip: what is there would be lost for nothing, or for Attune's own guides."""
    async with on_server(double, "a-slip") as empty:
        for held in ([], [replace(one, readers=(GUIDES,)) for one in document(source="guide.md")]):
            await put(empty, held)
            with pytest.raises(MoveError, match=r"nothing to move.*QDRANT_COLLECTION"):
                await move(empty, folder, ORIGIN, quiet, replace=True)
    assert await folder.count() == 10


@pytest.mark.parametrize("last", [False, True])
async def test_what_somebody_else_began_anew_meanwhile_is_left_alone(
    folder: SharedIndex, served: QdrantIndex, monkeypatch: pytest.MonkeyPatch, *, last: bool
) -> None:
    """A target that was rebuilt, or finished by another move and is in use: nothing is put there, dropped, or noted."""
    monkeypatch.setattr("core.storage.moving.BATCH", 10 if last else 3)

    async def rebuild() -> None:
        await served.reset(EMBEDDER.dimension, OTHER)
        await put(served, document(source="theirs.md"))

    with pytest.raises(MoveError, match="wrote no more to it"):
        await move(folder, BusyIndex(served, [rebuild]), ORIGIN, quiet)  # type: ignore[arg-type]
    assert [(one.source, one.passages) for one in await served.documents()] == [("theirs.md", 5)]
    assert await served.origin() == OTHER


async def test_an_unfinished_move_is_told_also_before_the_embedder_is_here(data: Path) -> None:
    """The doctor, who cannot compare origins then, does not call half an index good."""
    home = Settings(home=data)
    async with SharedIndex(home.data_folder, EMBEDDER.dimension) as index:
        await index.reset(EMBEDDER.dimension, unfinished(ORIGIN))
        await put(index, document())
        with pytest.raises(IndexUnavailableError, match="attune index move again"):
            async with open_index(home, EMBEDDER.dimension):
                pass
