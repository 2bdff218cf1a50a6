"""An index that is written in one place and read in another, where it is moved in between: for the contract suite."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from core.domain import Document, Hit, Passage, Vector, VectorOrigin, Vectors
from core.storage.moving import MovableIndex, keep_up


class MovedIndex:
    """The port `PassageIndex`: what is written goes to `source`, what is read comes from `target`."""

    def __init__(self, source: MovableIndex, target: MovableIndex) -> None:
        self._source = source
        self._target = target
        self._moved = True

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        self._moved = False
        await self._source.upsert(passages, vectors)

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        self._moved = False
        await self._source.remove(source, keep_version=keep_version)

    async def search(self, text: str, vector: Vector, *, audience: Collection[str], limit: int) -> list[Hit]:
        return await (await self._there()).search(text, vector, audience=audience, limit=limit)

    async def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        return await (await self._there()).vectors(ids)

    async def passages(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        return await (await self._there()).passages(ids)

    async def following(self, passages: Sequence[Passage], *, count: int) -> list[Passage]:
        return await (await self._there()).following(passages, count=count)

    async def documents(self, source: str | None = None) -> list[Document]:
        return await (await self._there()).documents(source)

    async def count(self) -> int:
        return await (await self._there()).count()

    async def clear_away(self) -> None:
        await self._source.clear_away()

    async def origin(self) -> VectorOrigin | None:
        return await self._source.origin()

    async def set_origin(self, origin: VectorOrigin) -> None:
        await self._source.set_origin(origin)

    async def _there(self) -> MovableIndex:
        if not self._moved:
            await keep_up(self._source, self._target, lambda _: None)
            self._moved = True
        return self._target
