"""The process that owns the embedded index and serves it to the others over a unix socket.

    python -m core.adapters.index_service <socket> <folder> <dimension>

Started through `companion.py` by `shared_index.py`, never by hand. Knows nothing of models or of people.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.adapters import index_wire as wire
from core.adapters.edge_index import EdgeIndex
from core.domain import Document, Passage
from core.errors import StoreError

Request = TypeVar("Request", bound=BaseModel)
Result = TypeVar("Result")

LARGEST_REQUEST = 64 * 2**20  # bytes; a batch of passages is about one MB


class IndexService:
    """One route for each method of `PassageIndex`, and one for its dimension."""

    def __init__(self, index: EdgeIndex) -> None:
        self._index = index

    def application(self) -> web.Application:
        """The routes, without a place to listen."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/dimension", _route(wire.Ask, self._dimension, wire.COUNT))
        app.router.add_post("/upsert", _route(wire.Upsert, self._upsert, wire.NOTHING))
        app.router.add_post("/search", _route(wire.Search, self._search, wire.HITS))
        app.router.add_post("/vectors", _route(wire.Ids, self._vectors, wire.VECTORS))
        app.router.add_post("/passages", _route(wire.Ids, self._passages, wire.PASSAGES))
        app.router.add_post("/following", _route(wire.Following, self._following, wire.PASSAGES))
        app.router.add_post("/documents", _route(wire.Documents, self._documents, wire.DOCUMENTS))
        app.router.add_post("/remove", _route(wire.Remove, self._remove, wire.NOTHING))
        app.router.add_post("/count", _route(wire.Ask, self._count, wire.COUNT))
        return app

    async def _dimension(self, _: wire.Ask) -> int:
        return self._index.dimension

    async def _upsert(self, request: wire.Upsert) -> None:
        await self._index.upsert(request.passages, np.stack(request.vectors))

    async def _search(self, request: wire.Search) -> list[wire.PackedHit]:
        hits = await self._index.search(request.text, request.vector, audience=request.audience, limit=request.limit)
        return wire.pack_hits(hits)

    async def _vectors(self, request: wire.Ids) -> dict[str, wire.Packed]:
        return dict(await self._index.vectors(request.ids))

    async def _passages(self, request: wire.Ids) -> list[Passage]:
        return [*(await self._index.passages(request.ids)).values()]

    async def _following(self, request: wire.Following) -> list[Passage]:
        return await self._index.following(request.passages, count=request.count)

    async def _documents(self, request: wire.Documents) -> list[Document]:
        return await self._index.documents(request.source)

    async def _remove(self, request: wire.Remove) -> None:
        await self._index.remove(request.source, keep_version=request.keep_version)

    async def _count(self, _: wire.Ask) -> int:
        return await self._index.count()


def _route(
    model: type[Request], answer: Callable[[Request], Awaitable[Result]], result: TypeAdapter[Result]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            asked = model.model_validate_json(await request.read())
            answered = await answer(asked)
        except ValidationError as error:
            return web.Response(status=400, text=f"The index service got a request it does not know: {error}")
        except StoreError as error:
            return web.Response(status=503, text=str(error))
        return web.Response(body=result.dump_json(answered), content_type="application/json")

    return handle


def main(socket: str, folder: str, dimension: str) -> None:
    """Serve the index in `folder` until a signal comes; ends with one sentence if it cannot be opened."""
    index = EdgeIndex(Path(folder), int(dimension))
    app = IndexService(index).application()

    async def opened(_: web.Application) -> AsyncIterator[None]:
        async with index:
            yield

    app.cleanup_ctx.append(opened)
    try:
        web.run_app(app, path=socket, print=None, access_log=None, shutdown_timeout=2)
    except StoreError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
