"""A collection on a server, over the wire: what is asked of Qdrant, held to its published schema and to a recording."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bots.cli.collection_checks import checks_of
from bots.cli.index_moving import move_to
from bots.platform import CheckStatus
from core.adapters.index.qdrant_index import QdrantIndex
from core.domain import VectorOrigin
from core.errors import IndexUnavailableError
from core.settings import Settings
from core.storage.layout import CollectionLayout
from tests.contracts.test_passage_index import ALL, document, put, vector
from tests.doubles.qdrant_server import QdrantDouble, qdrant_served
from tests.write_qdrant_wire import FILE, recorded

ASKED = CollectionLayout(shards=3, replicas=2, write_consistency=2, quantisation="scalar", on_disk=True)
FIELDS = {"source", "document", "readers", "version", "ordinal"}


def at(double: QdrantDouble, layout: CollectionLayout = CollectionLayout()) -> QdrantIndex:  # noqa: B008 - frozen
    return QdrantIndex.at(double.url, api_key=None, collection="attune", dimension=384, layout=layout)


async def test_what_is_asked_of_a_server_is_as_it_was_recorded() -> None:
    """Method, path and body of each kind of request; `python -m tests.write_qdrant_wire` records them again."""
    now = [json.loads(json.dumps(one)) for one in await recorded()]
    assert now == json.loads(FILE.read_text(encoding="utf-8"))


async def test_a_new_collection_is_made_as_it_is_asked_for() -> None:
    """Shards, replicas, writes, quantisation, the disk, and an index of each field that is filtered by."""
    async with qdrant_served() as double:
        async with at(double, ASKED) as index:
            state = await index.state()
        (made,) = [one.body for one in double.requests if (one.method, one.path) == ("PUT", "/collections/attune")]
    assert state.there == ASKED
    assert (state.fewest, list(state.unindexed)) == (2, [])
    assert set(double.indexed["attune"]) == FIELDS
    assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (3, 2, 2)
    assert made["vectors"]["dense"]["on_disk"] is True
    assert made["vectors"]["dense"]["quantization_config"] == {"scalar": {"type": "int8", "always_ram": True}}
    assert [check.mark for check in checks_of(state, double.url)] == [CheckStatus.GOOD]


async def test_what_is_unset_is_left_to_the_server() -> None:
    """Of a new collection nothing is said, and of one that somebody laid out nothing is changed."""
    async with qdrant_served() as double:
        async with at(double):
            pass
        (made,) = [one.body for one in double.requests if (one.method, one.path) == ("PUT", "/collections/attune")]
        assert not {"shard_number", "replication_factor", "write_consistency_factor"} & set(made)
        assert not {"on_disk", "quantization_config"} & set(made["vectors"]["dense"])
    async with qdrant_served() as double:
        async with at(double, ASKED):
            pass
        async with at(double) as index:
            assert (await index.state()).there == ASKED
        assert not [one for one in double.requests if one.method == "PATCH"]


async def test_a_collection_that_is_there_is_changed_where_that_can_be_done() -> None:
    """All but the number of shards, and copies of the shards that there are; the doctor says what to do about these."""
    async with qdrant_served() as double:
        async with at(double) as index:
            await put(index, document())
        async with at(double, ASKED) as index:
            state = await index.state()
            assert await index.count() == 5
        async with at(double, ASKED):
            pass
        assert len([one for one in double.requests if one.method == "PATCH"]) == 1
    there = state.there
    assert (there.replicas, there.write_consistency, there.quantisation, there.on_disk) == (2, 2, "scalar", True)
    told = [(check.found, check.fix) for check in checks_of(state, "http://q") if check.mark is CheckStatus.CARE]
    assert [found for found, _ in told] == [
        "QDRANT_SHARDS is 3, but the collection has 1",
        "some shard has 1 replica in use, of 2",
    ]
    assert all("attune index move http://q --collection" in fix for _, fix in told)


async def test_quantisation_can_be_taken_away_again() -> None:
    async with qdrant_served() as double:
        for kind in ("scalar", "binary", "none"):
            async with at(double, CollectionLayout(quantisation=kind)) as index:
                assert (await index.state()).there.quantisation == kind


async def test_a_key_that_may_not_change_the_collection_is_named() -> None:
    """What was asked for is not passed over."""
    async with qdrant_served(managed=False) as double:
        async with at(double):
            pass
        with pytest.raises(IndexUnavailableError, match=r"QDRANT_API_KEY may not change .* QDRANT_QUANTISATION"):
            async with at(double, CollectionLayout(quantisation="scalar")):
                pass


async def test_an_index_that_is_missing_is_made_and_no_other() -> None:
    """Of a collection from before, and once; a strict server then answers every search."""
    async with qdrant_served() as double:
        async with at(double) as index:
            await put(index, document())
        for field in ("version", "ordinal"):
            del double.indexed["attune"][field]
        double.requests.clear()
        for _ in range(2):
            async with at(double) as index:
                await index.following(document()[:1], count=2)
                await index.remove("guide.md", keep_version="1")
                assert await index.search("cats", await vector("cats"), audience=ALL, limit=3)
        made = [one.body["field_name"] for one in double.requests if one.path.endswith("/index")]
    assert made == ["version", "ordinal"]


@pytest.mark.parametrize(("kind", "oversampling"), [("none", None), ("scalar", 2.0), ("binary", 8.0)])
async def test_the_likeliest_by_quantised_vectors_are_compared_in_full(kind: str, oversampling: float | None) -> None:
    """By meaning; words are not quantised."""
    async with qdrant_served() as double:
        async with at(double, CollectionLayout(quantisation=kind)) as index:
            await put(index, document())
            await index.search("cats", await vector("cats"), audience=ALL, limit=3)
        asked = [search for one in double.requests if one.path.endswith("batch") for search in one.body["searches"]]
    near = [search.get("params") for search in asked if search["using"] == "dense"]
    wished = {"quantization": {"rescore": True, "oversampling": oversampling}} if oversampling else None
    assert near == [wished]
    assert not [search for search in asked if search["using"] != "dense" and "params" in search]


async def test_the_double_refuses_what_the_schema_does_not_have() -> None:
    """A body with a word more is no request, and a filter needs an index: else nothing here would be proven."""
    async with qdrant_served() as double, at(double) as index:
        http = index._client
        with pytest.raises(Exception, match="Index required but not found for text"):
            await http.count("attune", count_filter={"must": [{"key": "text", "match": {"value": "x"}}]})
        answer = await http.http.client._async_client.post(
            f"{double.url}/collections/attune/points/count", json={"exact": True, "more": 1}
        )
    assert answer.status_code == 400
    assert re.search("more", answer.text)


async def test_a_collection_that_is_moved_stays_as_it_was_laid_out(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is asked for is of the new one; a key that may not change the old one moves it all the same."""
    async with qdrant_served(managed=False) as double:
        async with at(double) as index:
            await index.set_origin(VectorOrigin("hashing", "of-the-tests"))
            await put(index, document())
        settings = Settings(home=data, qdrant_url=double.url, qdrant_quantisation="scalar", qdrant_shards=3)
        assert await move_to(settings, double.url, "new", replace=False) == 0
        quantised = {name: made.vectors["dense"].quantization_config for name, made in double.made.items()}  # type: ignore[index]
        assert (quantised["attune"], double.made["attune"].shard_number) == (None, None)
        assert (quantised["new"] is not None, double.made["new"].shard_number) == (True, 3)
    assert "QDRANT_COLLECTION=new" in capsys.readouterr().out
