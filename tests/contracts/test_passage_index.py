"""What every `PassageIndex` promises, held by all: in the process, shared, on a server, and after a move both ways."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from core.adapters.index import points
from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.qdrant_index import QdrantIndex
from core.adapters.index.shared_index import SharedIndex
from core.documents.reading import check_origin
from core.domain import EVERYONE, Document, Passage, VectorOrigin
from core.errors import IndexUnavailableError
from core.ports import PassageIndex
from core.storage.layout import CollectionLayout
from tests.doubles.qdrant_server import qdrant_served
from tests.fakes import HashingEmbedder
from tests.moved_index import MovedIndex

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

EMBEDDER = HashingEmbedder()
ALL = {EVERYONE}
TEXTS = (
    "cats sleep on warm windowsills all afternoon",
    "dogs bark when the postman rings",
    "the quarterly budget is due on Friday",
    "error E4711 means that the printer lacks toner and paper",
    "holidays are requested from your manager in writing two weeks before they begin",
)


@pytest.fixture(params=["edge_index", "shared_index", "qdrant_index", "moved_to_server", "moved_to_folder"])
def index(request: pytest.FixtureRequest) -> PassageIndex:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def moved_to_server(shared_index: SharedIndex) -> AsyncIterator[PassageIndex]:
    """What is embedded, moved over HTTP to a server that quantises, after each change."""
    layout = CollectionLayout(shards=3, replicas=2, quantisation="scalar")
    async with qdrant_served() as double:
        server = QdrantIndex.at(double.url, api_key=None, collection="attune", dimension=384, layout=layout)
        async with server as target:
            yield MovedIndex(shared_index, target)


@pytest.fixture
def moved_to_folder(qdrant_index: QdrantIndex, shared_index: SharedIndex) -> PassageIndex:
    """What is on a server, moved to the embedded index after each change."""
    return MovedIndex(qdrant_index, shared_index)


def document(texts: Sequence[str] = TEXTS, source: str = "guide.md", version: str = "1") -> list[Passage]:
    return [
        Passage(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{source}|{version}|{ordinal}")),
            source=source,
            title=f"Title of {source}",
            headings=("Über", "uns: “alles”"),
            text=text,
            line=10 * ordinal + 1,
            ordinal=ordinal,
            total=len(texts),
            version=version,
        )
        for ordinal, text in enumerate(texts)
    ]


async def put(index: PassageIndex, passages: list[Passage]) -> None:
    await index.upsert(passages, await EMBEDDER.embed([passage.text for passage in passages]))


async def vector(text: str) -> np.ndarray:
    return (await EMBEDDER.embed([text]))[0]


async def test_an_empty_index_finds_nothing(index: PassageIndex) -> None:
    """No documents are no error."""
    assert await index.search("cats", await vector("cats"), audience=ALL, limit=5) == []
    assert await index.documents() == []
    assert await index.count() == 0
    assert await index.vectors([str(uuid.uuid4())]) == {}
    await index.remove("unknown.md")
    await index.upsert([], np.zeros((0, EMBEDDER.dimension), np.float32))


async def test_passages_come_back_whole(index: PassageIndex) -> None:
    """A hit holds the passage exactly as it was given, and its vector."""
    passages = document()
    await put(index, passages)
    found = {hit.passage.id: hit for hit in await index.search("cats", await vector("cats"), audience=ALL, limit=9)}
    for passage in passages:
        hit = found[passage.id]
        assert hit.passage == passage
        assert hit.vector.dtype == np.float32
        np.testing.assert_allclose(hit.vector, await vector(passage.text), atol=1e-6)


async def test_what_follows_a_passage_is_found(index: PassageIndex) -> None:
    """Only of the same version of the same document, not beyond its end, and each once."""
    passages = document()
    await put(index, [*passages, *document(version="2"), *document(source="other.md")])
    following = await index.following([passages[0], passages[1]], count=2)
    assert sorted(following, key=lambda passage: passage.ordinal) == passages[1:4]
    assert await index.following([passages[-1]], count=3) == []
    assert await index.following(passages, count=0) == []
    assert await index.following([], count=2) == []


async def test_a_search_never_shows_what_its_audience_may_not_see(index: PassageIndex) -> None:
    """Random readers and random audiences: every passage with a reader in common is found, and no other."""
    rng = np.random.default_rng(0)
    names = [EVERYONE, "workspace:t/w", "channel:t/w/a", "channel:t/w/ab", "person:t/w/x"]
    passages = [
        replace(passage, readers=tuple(sorted(rng.choice(names, rng.integers(1, 4), replace=False).tolist())))
        for number in range(12)
        for passage in document([f"{text} {number}" for text in TEXTS], source=f"{number}.md")
    ]
    await put(index, passages)
    for _ in range(60):
        audience = set(rng.choice(names, rng.integers(0, 4), replace=False).tolist())
        text = TEXTS[rng.integers(len(TEXTS))]
        hits = await index.search(text, await vector(text), audience=audience, limit=100)
        assert {hit.passage.id for hit in hits} == {p.id for p in passages if audience & set(p.readers)}


async def test_a_word_that_only_hidden_passages_hold_finds_nothing(index: PassageIndex) -> None:
    """Neither as it is asked for, nor by another spelling, nor by its score."""
    await put(index, [replace(passage, readers=("person:t/w/x",)) for passage in document(source="hidden.md")])
    await put(index, document(["cats and dogs at work"], source="open.md"))
    for text in ("E4711 toner", "postman", "postmann", "quarterly budgett"):
        hits = await index.search(text, await vector(text), audience=ALL, limit=9)
        assert [(hit.passage.source, hit.sparse) for hit in hits] == [("open.md", 0)]


async def test_who_may_see_a_passage_changes_with_it(index: PassageIndex) -> None:
    """The new readers take the place of the old ones at once."""
    await put(index, document())
    await put(index, [replace(passage, readers=("person:t/w/x",)) for passage in document()])
    asked = await vector("cats")
    assert await index.search("cats", asked, audience=ALL, limit=5) == []
    assert len(await index.search("cats", asked, audience={"person:t/w/x"}, limit=5)) == len(TEXTS)
    assert [one.readers for one in await index.documents()] == [("person:t/w/x",)]


async def test_search_unites_meaning_and_words(index: PassageIndex) -> None:
    """With limit 1 each search brings its best: one by the vector, one by a word the vector lacks."""
    await put(index, document())
    hits = await index.search("what is E4711?", await vector("dogs bark"), audience=ALL, limit=1)
    assert {hit.passage.ordinal for hit in hits} == {1, 3}


async def test_cosines_are_exact_for_every_hit(index: PassageIndex) -> None:
    """Also a passage found by words alone has its cosine, and one found by meaning alone has no BM25."""
    await put(index, document())
    asked = await vector("dogs bark")
    hits = {hit.passage.ordinal: hit for hit in await index.search("E4711", asked, audience=ALL, limit=1)}
    for hit in hits.values():
        assert hit.dense == pytest.approx(float(await vector(hit.passage.text) @ asked), abs=1e-5)
    assert hits[3].sparse > 0
    assert hits[1].sparse == 0


async def test_bm25_is_exact_for_every_hit(index: PassageIndex) -> None:
    """A passage that meaning found has the BM25 score that it has among the best by words."""
    await put(index, document())
    asked = "budget, toner, paper, printer"
    every = {
        hit.passage.ordinal: hit.sparse
        for hit in await index.search(asked, await vector("dogs"), audience=ALL, limit=5)
    }
    few = await index.search(asked, await vector(TEXTS[2]), audience=ALL, limit=1)
    assert {hit.passage.ordinal for hit in few} == {2, 3}
    for hit in few:
        assert hit.sparse == pytest.approx(every[hit.passage.ordinal])
        assert hit.sparse > 0


async def test_a_found_passage_stands_once(index: PassageIndex) -> None:
    """A passage that both searches find is one hit."""
    await put(index, document())
    text = TEXTS[0]
    hits = await index.search(text, await vector(text), audience=ALL, limit=1)
    assert [hit.passage.ordinal for hit in hits] == [0]
    assert hits[0].dense == pytest.approx(1, abs=1e-5)
    assert hits[0].sparse > 0


async def test_rare_words_weigh_more(index: PassageIndex) -> None:
    """BM25 knows inverse document frequency: a word of one passage beats a word of many."""
    texts = [f"printer number{number}" for number in range(6)] + ["toner number6"]
    await put(index, document(texts))
    hits = await index.search("printer toner", await vector("unrelated"), audience=ALL, limit=7)
    best = max(hits, key=lambda hit: hit.sparse)
    assert best.passage.text == "toner number6"


async def test_words_match_by_their_stem(index: PassageIndex) -> None:
    """A question in other inflections finds the passage, and stop words find nothing."""
    await put(index, document())
    hits = await index.search("requesting holiday", await vector("unrelated"), audience=ALL, limit=5)
    assert {hit.passage.ordinal for hit in hits if hit.sparse} == {4}
    hits = await index.search("the on and", await vector("unrelated"), audience=ALL, limit=5)
    assert not any(hit.sparse for hit in hits)


@pytest.mark.parametrize("text", ["", "?!", "🤷", "x" * 10_000])
async def test_a_question_without_words_is_no_error(index: PassageIndex, text: str) -> None:
    """What BM25 cannot read is left to the vector."""
    await put(index, document())
    hits = await index.search(text, await vector("cats"), audience=ALL, limit=2)
    assert len(hits) == 2


async def test_upsert_replaces_by_id(index: PassageIndex) -> None:
    """Ingesting the same passages again adds nothing."""
    await put(index, document())
    await put(index, document())
    assert await index.count() == len(TEXTS)


async def test_vectors_come_by_id(index: PassageIndex) -> None:
    """Unknown ids are left out."""
    passages = document()
    await put(index, passages)
    found = await index.vectors([passages[2].id, str(uuid.uuid4()), passages[0].id])
    assert set(found) == {passages[0].id, passages[2].id}
    np.testing.assert_allclose(found[passages[2].id], await vector(TEXTS[2]), atol=1e-6)


async def test_passages_come_by_id_as_they_are_now(index: PassageIndex) -> None:
    """With their readers of today; of what is gone nothing comes."""
    passages = document()
    await put(index, passages)
    ids = [passage.id for passage in passages]
    assert await index.passages([*ids[:2], str(uuid.uuid4())]) == {passage.id: passage for passage in passages[:2]}
    closed = replace(passages[0], readers=("person:slack/T1/U1",))
    await put(index, [closed])
    assert await index.passages(ids[:1]) == {closed.id: closed}
    await index.remove("guide.md")
    assert await index.passages(ids) == {}
    assert await index.passages([]) == {}


async def test_documents_are_listed_by_version(index: PassageIndex) -> None:
    """Each version of a source is a document, complete when all its passages are there."""
    await put(index, document(source="b.md"))
    await put(index, document(source="a.md", version="old"))
    await put(index, document(source="a.md", version="new")[:2])
    listed = await index.documents()
    assert listed == [
        Document("a.md", "Title of a.md", "new", passages=2, total=5),
        Document("a.md", "Title of a.md", "old", passages=5, total=5),
        Document("b.md", "Title of b.md", "1", passages=5, total=5),
    ]
    assert [one.complete for one in listed] == [False, True, True]
    assert await index.documents("a.md") == listed[:2]
    assert await index.documents("unknown.md") == []


async def test_more_documents_are_listed_than_a_facet_shows_by_itself(index: PassageIndex) -> None:
    """The list has no end."""
    for number in range(40):
        await put(index, document([f"text {number}"], source=f"{number:02}.md"))
    assert [one.source for one in await index.documents()] == [f"{number:02}.md" for number in range(40)]


async def test_removing_keeps_one_version_and_other_sources(index: PassageIndex) -> None:
    """A changed document takes the place of its old version; a source like another is not touched."""
    await put(index, document(version="old"))
    await put(index, document(version="new"))
    await put(index, document(source="guide.md.bak", version="old"))
    await index.remove("guide.md", keep_version="new")
    kept = [(one.source, one.version) for one in await index.documents()]
    assert kept == [("guide.md", "new"), ("guide.md.bak", "old")]
    await index.remove("guide.md")
    assert [one.source for one in await index.documents()] == ["guide.md.bak"]
    assert await index.count() == len(TEXTS)


async def test_a_batch_may_be_of_any_size(index: PassageIndex) -> None:
    """More passages than fit in one request are one call."""
    passages = document([f"word{number} of many" for number in range(600)])
    await put(index, passages)
    assert await index.count() == 600
    hits = await index.search("word417", await vector("word417 of many"), audience=ALL, limit=1)
    assert [hit.passage for hit in hits] == [passages[417]]


async def test_vectors_of_another_embedder_are_refused(index: PassageIndex) -> None:
    """No index mixes two embedders."""
    with pytest.raises(IndexUnavailableError):
        await index.upsert(document()[:1], np.ones((1, 5), np.float32))
    with pytest.raises(IndexUnavailableError):
        await index.search("cats", np.ones(5, np.float32), audience=ALL, limit=1)
    assert await index.count() == 0


@pytest.mark.parametrize("kind", [EdgeIndex, SharedIndex])
async def test_an_index_on_disk_is_there_after_closing(kind: type, data: Path) -> None:
    """What was kept is found again, and an embedder of another dimension is told how to go on."""
    folder = data / "index" if kind is EdgeIndex else data
    async with kind(folder, EMBEDDER.dimension) as index:
        await put(index, document())
    async with kind(folder, EMBEDDER.dimension) as index:
        assert await index.count() == len(TEXTS)
    with pytest.raises(IndexUnavailableError, match="ATTUNE_EMBEDDER"):
        async with kind(folder, 5):
            pass


HERE, THERE = VectorOrigin("ours", "digest-1"), VectorOrigin("theirs", "digest-2")


@asynccontextmanager
async def opened(kind: str, data: Path, client: AsyncQdrantClient, origin: VectorOrigin) -> AsyncIterator[PassageIndex]:
    """An index that stands for `origin`, by one process of several."""
    if kind == "shared":
        async with SharedIndex(data, EMBEDDER.dimension, origin) as index:
            yield index
    else:
        server = QdrantIndex(client, "attune", EMBEDDER.dimension, origin)
        await server._prepare()
        yield server


@pytest.mark.parametrize("kind", ["shared", "server"])
async def test_vectors_of_another_origin_are_never_mixed(
    kind: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another embedder of the same dimension is refused at its start; one that is at it, when another takes over."""
    monkeypatch.setattr("core.adapters.index.qdrant_index.LOOK_AGAIN", 0)
    client, asked = AsyncQdrantClient(":memory:"), await vector("cats")
    async with opened(kind, data, client, HERE) as ours:
        assert await ours.origin() is None
        await check_origin(ours, HERE)
        await put(ours, document())
        assert await ours.origin() == HERE
        async with opened(kind, data, client, replace(HERE, embedder="by another name")) as same:
            await check_origin(same, replace(HERE, embedder="by another name"))
            assert await same.search("cats", asked, audience=ALL, limit=1)
        for other in (THERE, replace(HERE, digest="other files"), replace(HERE, form="other-2")):
            async with opened(kind, data, client, other) as theirs:
                with pytest.raises(IndexUnavailableError, match="attune ingest --rebuild"):
                    await check_origin(theirs, other)
        async with opened(kind, data, client, THERE) as theirs:
            await theirs.reset(EMBEDDER.dimension, THERE)
            await check_origin(theirs, THERE)
            await put(theirs, document(source="new.md"))
            with pytest.raises(IndexUnavailableError, match="rebuilt with the embedder theirs"):
                await ours.search("cats", asked, audience=ALL, limit=1)
            with pytest.raises(IndexUnavailableError, match="rebuilt with the embedder theirs"):
                await put(ours, document())
            assert [one.source for one in await theirs.documents()] == ["new.md"]
    async with opened(kind, data, client, THERE) as again:
        assert await again.origin() == THERE
    await client.close()


async def test_an_index_of_another_length_can_be_made_anew(data: Path) -> None:
    """Opened as it is, its documents are listed, and an empty one takes its place."""
    async with SharedIndex(data, 5, HERE) as old:
        await old.upsert(document(), np.eye(5, dtype=np.float32))
    async with SharedIndex(data, None) as index:
        assert await index.dimension() == 5
        assert len(await index.documents()) == 1
        await index.reset(EMBEDDER.dimension, THERE)
        await put(index, document(source="new.md"))
        assert [one.source for one in await index.documents()] == ["new.md"]


async def test_a_second_owner_of_the_folder_is_refused(data: Path) -> None:
    """The engine's lock holds, and the error says so."""
    async with EdgeIndex(data / "index", 4):
        with pytest.raises(IndexUnavailableError, match="cannot be opened"):
            async with EdgeIndex(data / "index", 4):
                pass


async def test_a_creation_that_was_cut_off_is_begun_anew(data: Path) -> None:
    """A half-made folder is no index."""
    (data / "index.new").mkdir()
    (data / "index.new" / "edge_config.json").write_text("{")
    async with EdgeIndex(data / "index", 4) as index:
        assert await index.count() == 0


async def test_a_collection_that_is_not_ours_is_left_alone() -> None:
    """The operator is told to name another one."""
    index = QdrantIndex.at(":memory:", api_key=None, collection="attune", dimension=4)
    await index._client.create_collection("attune", vectors_config={})
    with pytest.raises(IndexUnavailableError, match="QDRANT_COLLECTION"):
        async with index:
            pass


async def test_a_silent_qdrant_server_is_named() -> None:
    """The operator reads which settings to check."""
    index = QdrantIndex.at("http://127.0.0.1:1", api_key=None, collection="attune", dimension=4)
    with pytest.raises(IndexUnavailableError, match="QDRANT_URL"):
        async with index:
            pass


async def test_passages_from_before_there_were_readers_are_for_everyone(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of an older Attune answers on, and what has readers keeps them."""
    old, closed = document(source="old.md"), [replace(p, readers=("person:t/w/x",)) for p in document(source="new.md")]
    whole = points.payload

    def without_readers(passage: Passage) -> dict[str, object]:
        fields = whole(passage)
        return {name: fields[name] for name in fields if name != points.READERS or passage.source == "new.md"}

    client = AsyncQdrantClient(":memory:")
    for reopened in (False, True):
        async with EdgeIndex(data / "index", EMBEDDER.dimension) as embedded:
            server = QdrantIndex(client, "attune", EMBEDDER.dimension)
            await server._prepare()
            for index in (embedded, server):
                if not reopened:
                    monkeypatch.setattr(points, "payload", without_readers)
                    await put(index, [*old, *closed])
                    monkeypatch.undo()
                hits = await index.search("cats", await vector("cats"), audience=ALL, limit=50)
                assert {hit.passage for hit in hits} == (set(old) if reopened else set())
    await client.close()
