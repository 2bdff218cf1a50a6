"""`SharedIndex`: the embedded index of this machine, shared by all attune processes.

One process, `service.py`, owns the index; this is a client of it, which starts it where it finds none.
Knows nothing of how passages are stored.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Self, TypeVar

import aiohttp
from pydantic import BaseModel, TypeAdapter

from core.adapters.index import files as index_files
from core.adapters.index import points, wire
from core.adapters.redis import keeper
from core.adapters.redis.companion import PATIENCE, Companion, is_in_use, run_folder, socket_path
from core.domain import Document, Hit, Passage, Vector, VectorOrigin, Vectors
from core.errors import IndexUnavailableError
from core.storage.copies import MarkPage, PassageCopy

TIMEOUT = aiohttp.ClientTimeout(total=60)  # seconds, of one call
LONG = aiohttp.ClientTimeout(total=3600)  # … of one that waits until a large index is written anew, after its rest
OK = 200
TRIES = 100  # every tenth of a second, to take the place of a service that is ending
NEW = 384  # the length of vectors of an index that is made without one being asked for: the built-in embedder's
OPENING = index_files.READING_SECONDS + PATIENCE  # seconds: one that was not closed is read before it is opened
PAUSES = (0.0, 0.1, 0.5)  # seconds before another try

Result = TypeVar("Result")


class SharedIndex:
    """The port `PassageIndex` over the index under `data`, as an async context manager.

    Where it stands for an `origin`, each call is refused once the index has another one. Where `dimension` is None, an
    index is opened whatever the length of its vectors.
    """

    def __init__(self, data: Path, dimension: int | None, origin: VectorOrigin | None = None) -> None:
        self._dimension = dimension
        self._origin = origin
        self._companion = _companion(data, dimension or NEW)
        self._data = data
        self._open = AsyncExitStack()
        self._http: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            alone = not await is_in_use(self._data, wire.NAME, tries=1)
            await stack.enter_async_context(self._companion)
            await self._companion.ensure()
            connector = aiohttp.UnixConnector(str(self._companion.socket))
            headers = {wire.ORIGIN: self._origin.mark} if self._origin else {}
            session = aiohttp.ClientSession("http://index", connector=connector, timeout=TIMEOUT, headers=headers)
            self._http = await stack.enter_async_context(session)
            await self._check_dimension(alone=alone)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Add or replace passages by id; on the disk when it returns."""
        for some, rows in points.batches(passages, vectors):
            await self._call("/upsert", wire.Upsert(passages=list(some), vectors=list(rows)), wire.NOTHING)

    async def search(self, text: str, vector: Vector, *, audience: Collection[str], limit: int) -> list[Hit]:
        """The union of the `limit` nearest by cosine and the `limit` best by BM25, of what `audience` may see."""
        request = wire.Search(text=text, vector=vector, audience=sorted(audience), limit=limit)
        hits = await self._call("/search", request, wire.HITS)
        return wire.unpack_hits(hits)

    async def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that exist."""
        return await self._call("/vectors", wire.Ids(ids=list(ids)), wire.VECTORS)

    async def passages(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Those of these ids that exist."""
        found = await self._call("/passages", wire.Ids(ids=list(ids)), wire.PASSAGES)
        return {passage.id: passage for passage in found}

    async def following(self, passages: Sequence[Passage], *, count: int) -> list[Passage]:
        """The `count` passages behind each of `passages`."""
        return await self._call("/following", wire.Following(passages=list(passages), count=count), wire.PASSAGES)

    async def documents(self, source: str | None = None) -> list[Document]:
        """Every version of every document, or of one, by source."""
        return await self._call("/documents", wire.Documents(source=source), wire.DOCUMENTS)

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        """Remove a document's passages, except those of `keep_version`."""
        await self._call("/remove", wire.Remove(source=source, keep_version=keep_version), wire.NOTHING)

    async def clear_away(self) -> None:
        """Have the index written anew without what was removed."""
        await self._call("/clear_away", wire.Ask(), wire.NOTHING, LONG)

    async def count(self) -> int:
        """Passages in the index."""
        return await self._call("/count", wire.Ask(), wire.COUNT)

    async def dimension(self) -> int:
        """Length of the vectors that it holds."""
        return await self._call("/dimension", wire.Ask(), wire.COUNT)

    async def origin(self) -> VectorOrigin | None:
        """By what its vectors were made."""
        stored = await self._call("/origin", wire.Ask(), wire.ORIGINS)
        return VectorOrigin(stored.embedder, stored.digest, stored.form) if stored else None

    async def set_origin(self, origin: VectorOrigin) -> None:
        """Note by what its vectors were made."""
        await self._call("/set_origin", _told(origin), wire.NOTHING)

    async def reset(self, dimension: int, origin: VectorOrigin | None) -> None:
        """Begin anew, with an empty index for vectors of another length or origin; what there was is set aside."""
        await self._call(
            "/reset", wire.Reset(dimension=dimension, origin=_told(origin) if origin else None), wire.NOTHING
        )

    async def page(self, after: str | None) -> MarkPage:
        """The marks of some passages, from `after` on."""
        packed = await self._call("/page", wire.Page(after=after), wire.MARK_PAGE)
        return MarkPage(packed.marks, packed.following)

    async def marks(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The marks of those of these ids that exist."""
        return await self._call("/marks", wire.Ids(ids=list(ids)), wire.MARKS)

    async def copies(self, ids: Sequence[str]) -> Sequence[PassageCopy]:
        """Those of these passages that exist, as they are."""
        copies = await self._call("/copies", wire.Ids(ids=list(ids)), wire.COPIES)
        return wire.unpack_copies(copies)

    async def put(self, copies: Sequence[PassageCopy]) -> None:
        """Add or replace passages as they are; on the disk when it returns."""
        await self._call("/put", wire.Copies(copies=wire.pack_copies(copies)), wire.NOTHING)

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these passages."""
        await self._call("/drop", wire.Ids(ids=list(ids)), wire.NOTHING)

    async def _check_dimension(self, *, alone: bool) -> None:
        """A service that still runs for others may have been started for another embedder.

        An empty index that nobody else has open fits any.
        """
        if self._dimension is None:
            return None
        if (stored := await self.dimension()) != self._dimension and alone and await self.count() == 0:
            return await self.reset(self._dimension, self._origin)
        points.check_dimension(stored, self._dimension, where="The index")
        return None

    async def _call(
        self, path: str, request: BaseModel, result: TypeAdapter[Result], limit: aiohttp.ClientTimeout = TIMEOUT
    ) -> Result:
        """Ask the service, and again where it was gone: every call may be repeated without harm.

        A killed service still accepts connections for a moment, so one more try is not always enough.
        """
        body = request.model_dump_json().encode()
        with _convert_errors():
            for pause in PAUSES:
                try:
                    return result.validate_json(await self._post(path, body, limit))
                except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                    await asyncio.sleep(pause)
                    await self._companion.ensure()
            return result.validate_json(await self._post(path, body, limit))

    async def _post(self, path: str, body: bytes, limit: aiohttp.ClientTimeout) -> bytes:
        async with self._http.post(path, data=body, timeout=limit) as response:
            answer = await response.read()
            if response.status != OK:
                raise IndexUnavailableError(answer.decode(errors="replace"))
            return answer


def _told(origin: VectorOrigin) -> wire.SetOrigin:
    return wire.SetOrigin(embedder=origin.embedder, digest=origin.digest, form=origin.form)


async def set_aside(data: Path) -> None:
    """Put an index out of the way that no service can open.

    Raises:
        IndexUnavailableError: a service has it open.
    """
    lock = keeper.open_lock(run_folder(data) / f"{wire.NAME}.server.lock")
    try:
        await _taken(lock)
        await asyncio.to_thread(index_files.set_aside, data / wire.NAME)
    except OSError as error:
        raise IndexUnavailableError(f"The index under {data} cannot be moved aside: {error}.") from error
    finally:
        os.close(lock)


async def _taken(lock: int) -> None:
    """Take the service's lock, so that none starts meanwhile."""
    for _ in range(TRIES):
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.1)
    raise IndexUnavailableError("The embedded index is in use. Stop the other attune processes, then try again.")


def _companion(data: Path, dimension: int) -> Companion:
    folder, store = run_folder(data), data.absolute() / wire.NAME
    arguments = [str(socket_path(folder, wire.NAME)), str(store), str(dimension)]
    command = [sys.executable, "-m", "core.adapters.index.service", *arguments]
    return Companion(wire.NAME, command, folder, error=IndexUnavailableError, patience=OPENING)


@contextmanager
def _convert_errors() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, TimeoutError) as error:
        raise IndexUnavailableError(
            f"The embedded index does not answer ({type(error).__name__}: {error}). "
            "See run/index.log in the data folder."
        ) from error
