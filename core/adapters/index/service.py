"""The process that owns the embedded index and serves it to the others over a unix socket.

    python -m core.adapters.index.service <socket> <folder> <dimension>

Started through `companion.py` by `shared_index.py`, never by hand. Knows nothing of models or of people.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.adapters.index import wire
from core.adapters.index.edge_index import EdgeIndex
from core.adapters.redis.companion import FINAL
from core.domain import Document, Passage, VectorOrigin
from core.errors import StoreError
from core.storage.origin import remade

Handler = Callable[[web.Request], Awaitable[web.Response]]
Request = TypeVar("Request", bound=BaseModel)
Result = TypeVar("Result")

LARGEST_REQUEST = 64 * 2**20  # bytes; a batch of passages is about one MB


class IndexService:
    """One route for each method of `MovableIndex`.

    A call that stands for vectors of another origin is refused, also of a process that was there before a rebuilding.
    """

    def __init__(self, index: EdgeIndex) -> None:
        self._index = index
        self._origin: VectorOrigin | None = None
        self._running: set[asyncio.Future[None]] = set()  # calls that were let through

    def application(self) -> web.Application:
        """The routes, without a place to listen."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.cleanup_ctx.append(self._opened)
        app.router.add_post("/dimension", _route(wire.Ask, self._dimension, wire.COUNT))
        app.router.add_post("/origin", _route(wire.Ask, self._stored_origin, wire.ORIGINS))
        app.router.add_post("/set_origin", self._checked(_route(wire.SetOrigin, self._set_origin, wire.NOTHING)))
        app.router.add_post("/reset", _route(wire.Reset, self._reset, wire.NOTHING))
        app.router.add_post("/upsert", self._checked(_route(wire.Upsert, self._upsert, wire.NOTHING)))
        app.router.add_post("/search", self._checked(_route(wire.Search, self._search, wire.HITS)))
        app.router.add_post("/vectors", self._checked(_route(wire.Ids, self._vectors, wire.VECTORS)))
        app.router.add_post("/passages", self._checked(_route(wire.Ids, self._passages, wire.PASSAGES)))
        app.router.add_post("/following", self._checked(_route(wire.Following, self._following, wire.PASSAGES)))
        app.router.add_post("/documents", self._checked(_route(wire.Documents, self._documents, wire.DOCUMENTS)))
        app.router.add_post("/remove", self._checked(_route(wire.Remove, self._remove, wire.NOTHING)))
        app.router.add_post("/clear_away", self._checked(_route(wire.Ask, self._clear_away, wire.NOTHING)))
        app.router.add_post("/page", self._checked(_route(wire.Page, self._page, wire.MARK_PAGE)))
        app.router.add_post("/marks", self._checked(_route(wire.Ids, self._marks, wire.MARKS)))
        app.router.add_post("/copies", self._checked(_route(wire.Ids, self._copies, wire.COPIES)))
        app.router.add_post("/put", self._checked(_route(wire.Copies, self._put, wire.NOTHING)))
        app.router.add_post("/drop", self._checked(_route(wire.Ids, self._drop, wire.NOTHING)))
        app.router.add_post("/count", _route(wire.Ask, self._count, wire.COUNT))
        return app

    async def _opened(self, _: web.Application) -> AsyncIterator[None]:
        async with self._index:
            self._origin = await self._index.origin()
            yield

    def _checked(self, handle: Handler) -> Handler:
        async def checked(request: web.Request) -> web.Response:
            asked = request.headers.get(wire.ORIGIN)
            if asked and self._origin and asked != self._origin.mark:
                return web.Response(status=409, text=str(remade(self._origin)))
            done = asyncio.get_running_loop().create_future()
            self._running.add(done)
            try:
                return await handle(request)
            finally:
                self._running.discard(done)
                done.set_result(None)

        return checked

    async def _dimension(self, _: wire.Ask) -> int:
        return self._index.dimension

    async def _stored_origin(self, _: wire.Ask) -> wire.SetOrigin | None:
        stored = self._origin
        return wire.SetOrigin(embedder=stored.embedder, digest=stored.digest, form=stored.form) if stored else None

    async def _set_origin(self, request: wire.SetOrigin) -> None:
        origin = VectorOrigin(request.embedder, request.digest, request.form)
        await self._index.set_origin(origin)
        self._origin = origin

    async def _reset(self, request: wire.Reset) -> None:
        """Who stands for the former origin is refused at once; what was let through before ends in the old index."""
        told = request.origin
        self._origin = origin = VectorOrigin(told.embedder, told.digest, told.form) if told else None
        await asyncio.gather(*self._running)
        await self._index.reset(request.dimension, origin)

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

    async def _clear_away(self, _: wire.Ask) -> None:
        await self._index.clear_away()

    async def _page(self, request: wire.Page) -> wire.PackedMarks:
        page = await self._index.page(request.after)
        return wire.PackedMarks(marks=dict(page.marks), following=page.following)

    async def _marks(self, request: wire.Ids) -> dict[str, str]:
        return dict(await self._index.marks(request.ids))

    async def _copies(self, request: wire.Ids) -> list[wire.PackedCopy]:
        return wire.pack_copies(await self._index.copies(request.ids))

    async def _put(self, request: wire.Copies) -> None:
        await self._index.put(wire.unpack_copies(request.copies))

    async def _drop(self, request: wire.Ids) -> None:
        await self._index.drop(request.ids)

    async def _count(self, _: wire.Ask) -> int:
        return await self._index.count()


def _route(
    model: type[Request], answer: Callable[[Request], Awaitable[Result]], result: TypeAdapter[Result]
) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            asked = model.model_validate_json(await request.read())
            answered = await answer(asked)
        except ValidationError as error:
            return web.Response(status=400, text=f"The index service received an unknown request: {error}")
        except StoreError as error:
            return web.Response(status=503, text=str(error))
        return web.Response(body=result.dump_json(answered), content_type="application/json")

    return handle


def main(socket: str, folder: str, dimension: str) -> None:
    """Serve the index in `folder` until a signal comes; ends with one sentence if it cannot be opened."""
    app = IndexService(EdgeIndex(Path(folder), int(dimension), as_stored=True)).application()
    try:
        web.run_app(app, path=socket, print=None, access_log=None, shutdown_timeout=2)
    except StoreError as error:
        print(str(error), file=sys.stderr, flush=True)  # noqa: T201 - its log is all that it has
        sys.exit(FINAL)


if __name__ == "__main__":
    main(*sys.argv[1:])
