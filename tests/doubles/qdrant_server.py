"""A Qdrant server on loopback, as far as Attune asks one: REST in front of qdrant-client's local mode.

Each body has to be exactly what Qdrant's published schema says, as the client's models have it, strictly; what comes
back is what those models make of the answer. What the local mode does not keep (shards, copies, quantisation, payload
indexes) is kept here and told, but does nothing. Like a server in strict mode it refuses filters on fields without an
index. Nothing here is distributed, and no search is approximate.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from qdrant_client import AsyncQdrantClient, models

LARGEST = 64 << 20  # bytes of a request, twice what a server takes
Answer = Callable[[str, Any], Awaitable[Any]]


@dataclass(frozen=True)
class WireRequest:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class QdrantDouble:
    """`peers` machines, of which one holds each copy. `managed`: whether the key may change a collection.

    With `holds` the upsert after so many points gets no answer until `released`, and is lost; `held` says that it came.
    """

    peers: int = 3
    managed: bool = True
    holds: int | None = None
    url: str = ""
    requests: list[WireRequest] = field(default_factory=list)
    client: AsyncQdrantClient = field(default_factory=lambda: AsyncQdrantClient(":memory:"))
    made: dict[str, models.CreateCollection] = field(default_factory=dict)
    indexed: dict[str, dict[str, models.PayloadSchemaType]] = field(default_factory=dict)
    upserted: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        raw = await request.read()
        told = json.loads(raw) if raw else None
        self.requests.append(WireRequest(request.method, request.path, dict(request.query), told))
        found = re.fullmatch(r"/collections/([^/]+)(/.*)?", request.path)
        route = ROUTES.get((request.method, (found[2] or "") if found else ""))
        if found is None or route is None:
            return web.json_response({"status": {"error": "no such route"}}, status=404)
        kind, answer = route
        try:
            body = TypeAdapter(kind).validate_json(raw, strict=True) if kind else None
            self.check_filters(found[1], told)
            result = await answer(self, found[1], body)
        except PermissionError:
            return web.json_response({"status": {"error": "Forbidden"}}, status=403)
        except (ValidationError, ValueError, KeyError) as error:
            return web.json_response({"status": {"error": str(error)}}, status=400)
        return web.json_response({"time": 0.0, "status": "ok", "result": to_jsonable_python(result, exclude_none=True)})

    def check_filters(self, name: str, told: Any) -> None:
        """As strict mode has it."""
        for key in keys_of(told):
            if key not in self.indexed.get(name, {}):
                raise ValueError(f"Index required but not found for {key}")

    async def exists(self, name: str, _: None) -> dict[str, bool]:
        return {"exists": await self.client.collection_exists(name)}

    async def create(self, name: str, body: models.CreateCollection) -> bool:
        self.made[name], self.indexed[name] = body, {}
        return await self.client.create_collection(
            name, vectors_config=body.vectors, sparse_vectors_config=body.sparse_vectors, metadata=body.metadata
        )

    async def info(self, name: str, _: None) -> models.CollectionInfo:
        info, made = await self.client.get_collection(name), self.made[name]
        params, copies = info.config.params, made.replication_factor or 1
        params.shard_number, params.replication_factor = made.shard_number or 1, copies
        params.write_consistency_factor, params.vectors = made.write_consistency_factor or 1, made.vectors
        schema = self.indexed[name].items()
        info.payload_schema = {key: models.PayloadIndexInfo(data_type=kind, points=0) for key, kind in schema}
        return info

    async def cluster(self, name: str, _: None) -> models.CollectionClusterInfo:
        shards, active = self.made[name].shard_number or 1, models.ReplicaState.ACTIVE
        here = [models.LocalShardInfo(shard_id=shard, points_count=0, state=active) for shard in range(shards)]
        copies = min(self.peers, self.first_copies.get(name, 1)) - 1
        there = [
            models.RemoteShardInfo(shard_id=shard, peer_id=2 + copy, state=active)
            for shard in range(shards)
            for copy in range(copies)
        ]
        return models.CollectionClusterInfo(
            peer_id=1, shard_count=shards, local_shards=here, remote_shards=there, shard_transfers=[]
        )

    @property
    def first_copies(self) -> dict[str, int]:
        """Copies as they were made with each collection: a server makes none for a factor that is changed."""
        puts = [one for one in self.requests if one.method == "PUT" and one.path.count("/") == 2]
        return {one.path.split("/")[2]: one.body.get("replication_factor", 1) for one in puts}

    async def update(self, name: str, body: models.UpdateCollection) -> bool:
        if body.metadata is not None:
            await self.client.update_collection(name, metadata=body.metadata)
        if (body.params or body.vectors) and not self.managed:
            raise PermissionError
        made = self.made[name]
        changed = body.params.model_dump(exclude_none=True) if body.params else {}
        self.made[name] = made = made.model_copy(update=changed)
        for vector, diff in (body.vectors or {}).items():
            params = made.vectors[vector]  # type: ignore[index]
            if diff.on_disk is not None:
                params.on_disk = diff.on_disk
            if diff.quantization_config is not None:
                off = diff.quantization_config is models.Disabled.DISABLED
                params.quantization_config = None if off else diff.quantization_config
        return True

    async def delete_collection(self, name: str, _: None) -> bool:
        self.made.pop(name, None)
        return await self.client.delete_collection(name)

    async def index(self, name: str, body: models.CreateFieldIndex) -> models.UpdateResult:
        assert isinstance(body.field_schema, models.PayloadSchemaType)
        self.indexed[name][body.field_name] = body.field_schema
        return models.UpdateResult(operation_id=1, status=models.UpdateStatus.COMPLETED)

    async def upsert(self, name: str, body: models.PointsList) -> models.UpdateResult:
        if self.holds is not None and self.upserted >= self.holds and not self.released.is_set():
            self.held.set()
            await self.released.wait()
            raise ValueError("nothing of it was written")
        done = await self.client.upsert(name, body.points, wait=True)
        self.upserted += len(body.points)
        return done

    async def delete(self, name: str, body: models.PointsSelector) -> models.UpdateResult:
        return await self.client.delete(name, body, wait=True)

    async def set_payload(self, name: str, body: models.SetPayload) -> models.UpdateResult:
        return await self.client.set_payload(name, body.payload, body.filter or body.points, wait=True)

    async def query(self, name: str, body: models.QueryRequestBatch) -> list[models.QueryResponse]:
        exact = [one.model_copy(update={"params": None}) for one in body.searches]
        return await self.client.query_batch_points(name, exact)

    async def retrieve(self, name: str, body: models.PointRequest) -> list[models.Record]:
        vectors = body.with_vector or False
        return await self.client.retrieve(name, body.ids, with_payload=body.with_payload or False, with_vectors=vectors)

    async def scroll(self, name: str, body: models.ScrollRequest) -> models.ScrollResult:
        found, following = await self.client.scroll(
            name,
            body.filter,
            limit=body.limit or 10,
            offset=body.offset,
            with_payload=body.with_payload or False,
            with_vectors=body.with_vector or False,
        )
        return models.ScrollResult(points=found, next_page_offset=following)

    async def count(self, name: str, body: models.CountRequest) -> models.CountResult:
        return await self.client.count(name, body.filter, exact=bool(body.exact))

    async def facet(self, name: str, body: models.FacetRequest) -> models.FacetResponse:
        return await self.client.facet(name, body.key, body.filter, body.limit or 10, exact=bool(body.exact))


ROUTES: dict[tuple[str, str], tuple[Any, Any]] = {
    ("GET", "/exists"): (None, QdrantDouble.exists),
    ("PUT", ""): (models.CreateCollection, QdrantDouble.create),
    ("GET", ""): (None, QdrantDouble.info),
    ("GET", "/cluster"): (None, QdrantDouble.cluster),
    ("PATCH", ""): (models.UpdateCollection, QdrantDouble.update),
    ("DELETE", ""): (None, QdrantDouble.delete_collection),
    ("PUT", "/index"): (models.CreateFieldIndex, QdrantDouble.index),
    ("PUT", "/points"): (models.PointsList, QdrantDouble.upsert),
    ("POST", "/points/delete"): (models.PointsSelector, QdrantDouble.delete),
    ("POST", "/points/payload"): (models.SetPayload, QdrantDouble.set_payload),
    ("POST", "/points/query/batch"): (models.QueryRequestBatch, QdrantDouble.query),
    ("POST", "/points"): (models.PointRequest, QdrantDouble.retrieve),
    ("POST", "/points/scroll"): (models.ScrollRequest, QdrantDouble.scroll),
    ("POST", "/points/count"): (models.CountRequest, QdrantDouble.count),
    ("POST", "/facet"): (models.FacetRequest, QdrantDouble.facet),
}


def keys_of(told: Any) -> set[str]:
    """The payload fields that the filters and the facet in a body name."""
    if isinstance(told, list):
        return set().union(*map(keys_of, told))
    if not isinstance(told, dict):
        return set()
    own = {told["key"]} if isinstance(told.get("key"), str) else set()
    return own.union(*(keys_of(value) for name, value in told.items() if name not in {"payload", "points", "vectors"}))


@asynccontextmanager
async def qdrant_served(**more: Any) -> AsyncIterator[QdrantDouble]:
    """A server at `url`, without a slash at its end."""
    double, app = QdrantDouble(**more), web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/{path:.*}", double.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    double.url = str(server.make_url("")).rstrip("/")
    try:
        yield double
    finally:
        double.released.set()
        await server.close()
        await double.client.close()
