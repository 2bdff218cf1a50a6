"""`EdgeIndex`: Qdrant's engine in this process, over one folder.

The engine lets one process open the folder; `shared_index.py` shares it with the others. Its calls block,
so they run in threads, each to its end: a caller that is cancelled leaves none behind. `files.py` sees that the
folder is whole, `rewriting.py` writes it anew. Knows nothing of who calls it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import qdrant_edge as edge

from core.adapters.index import edge_copies, edge_shard, points, rewriting
from core.adapters.index import files as index_files
from core.adapters.index.clearing import Clearing
from core.domain import Document, Hit, Passage, Vector, VectorOrigin, Vectors
from core.errors import IndexUnavailableError, StoreError
from core.storage.copies import MarkPage, PassageCopy
from core.storage.origin import stored_origin
from core.together import to_the_end

# The nearest by eight bits, twice as many as asked for, are compared once more in full.
_LIKELIEST = edge.SearchParams(quantization=edge.QuantizationSearchParams(rescore=True, oversampling=2.0))
_P = ParamSpec("_P")
_Asked = TypeVar("_Asked")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class _SearchRequest:
    """What all parts of a search share."""

    vector: Vector
    limit: int
    seen: edge.Filter


class EdgeIndex:
    """The port `PassageIndex` over a folder, as an async context manager. Creates the folder if missing.

    With `as_stored`, `dimension` is for a new folder only: one that is there is opened whatever its vectors' length.
    """

    def __init__(self, folder: Path, dimension: int, *, as_stored: bool = False) -> None:
        self._folder = folder
        self._dimension = dimension
        self._as_stored = as_stored
        self._encoder = points.SparseEncoder()
        self._writing = asyncio.Lock()
        self._clearing = Clearing(folder.with_name(f"{folder.name}.removed"), self._rewritten)
        self._added = 0  # passages since the last rewriting; the next one comes after so `_much`
        self._much = edge_shard.MANY
        self._meanwhile: list[edge.UpdateOperation] | None = None  # what is written during one, to be done again
        self._shard: edge.EdgeShard
        self._own: int  # the descriptor that holds the folder's lock

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._dimension

    async def __aenter__(self) -> Self:
        self._shard = await _in_thread(self._open_first)
        self._clearing.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._clearing.ending():
            await _in_thread(self._close)

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Add or replace passages by id; flushed to the disk when it returns."""
        for some, rows in points.batches(passages, vectors):
            async with self._writing:
                await self._among_others(self._upsert, some, rows)
            if self._added >= self._much:
                self._clearing.note()
                self._clearing.begin()

    async def search(self, text: str, vector: Vector, *, audience: Collection[str], limit: int) -> list[Hit]:
        """The union of the `limit` nearest by cosine and the `limit` best by BM25, of what `audience` may see."""
        return await self._among_others(self._search, text, vector, audience, limit)

    async def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that exist."""
        return await self._among_others(self._vectors, ids)

    async def passages(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Those of these ids that exist."""
        return await self._among_others(self._passages, ids)

    async def following(self, passages: Sequence[Passage], *, count: int) -> list[Passage]:
        """The `count` passages behind each of `passages`."""
        return await self._among_others(self._following, passages, count)

    async def documents(self, source: str | None = None) -> list[Document]:
        """Every version of every document, or of one, by source."""
        return await self._among_others(self._documents, source)

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        """Remove a document's passages, except those of `keep_version`."""
        async with self._writing:
            await self._among_others(self._remove, source, keep_version)

    async def clear_away(self) -> None:
        """Write the index anew without what was removed.

        It takes a second, for 100,000 passages ten; meanwhile it is searched and written as ever, but for a moment.
        """
        await self._clearing.clear()

    async def _rewritten(self) -> None:
        draft = rewriting.draft_beside(self._folder)
        try:
            async with self._writing:
                await _in_thread(self._copy_to, draft)
            await rewriting.rewrite(draft)
            async with self._clearing.alone():
                await _in_thread(self._move_to, draft)
        finally:
            self._meanwhile = None
            await _in_thread(shutil.rmtree, draft, ignore_errors=True)

    async def _among_others(self, work: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
        async with self._clearing.using():
            return await _in_thread(work, *args, **kwargs)

    async def count(self) -> int:
        """Passages in the index."""
        return await self._among_others(self._count)

    async def page(self, after: str | None) -> MarkPage:
        """The marks of some passages, from `after` on."""
        return await self._among_others(self._copied, edge_copies.page, after)

    async def marks(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The marks of those of these ids that exist."""
        return await self._among_others(self._copied, edge_copies.marks, ids)

    async def copies(self, ids: Sequence[str]) -> Sequence[PassageCopy]:
        """Those of these passages that exist, as they are."""
        return await self._among_others(self._copied, edge_copies.copies, ids)

    async def put(self, copies: Sequence[PassageCopy]) -> None:
        """Add or replace passages as they are; flushed to the disk when it returns."""
        async with self._writing:
            await self._among_others(self._put, edge_copies.points_of(copies, self._dimension))
        if self._added >= self._much:
            self._clearing.note()
            self._clearing.begin()

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these passages."""
        async with self._writing:
            await self._among_others(self._drop, ids)

    async def origin(self) -> VectorOrigin | None:
        """By what its vectors were made."""
        return await _in_thread(stored_origin, self._folder)

    async def set_origin(self, origin: VectorOrigin) -> None:
        """Note by what its vectors were made."""
        async with self._writing:
            await self._among_others(index_files.keep_origin, self._folder, origin)

    async def reset(self, dimension: int, origin: VectorOrigin | None) -> None:
        """Begin anew, with an empty index for vectors of another length or origin; what there was is set aside."""
        async with self._writing, self._clearing.alone():
            await _in_thread(self._reset, dimension, origin)

    def _reset(self, dimension: int, origin: VectorOrigin | None) -> None:
        self._meanwhile = None  # a copy of what was there is not to come back
        self._close()
        index_files.set_aside(self._folder)
        self._dimension, self._as_stored = dimension, False
        self._shard = self._open()
        if origin:
            index_files.keep_origin(self._folder, origin)

    def _open_first(self) -> edge.EdgeShard:
        with _convert_errors(f"The index in {self._folder} cannot be opened"):
            rewriting.recover(self._folder)
        return self._open()

    def _open(self) -> edge.EdgeShard:
        with _convert_errors(f"The index in {self._folder} cannot be opened"):
            if not self._folder.exists():
                edge_shard.create(self._folder, self._dimension)
            stored = edge_shard.stored_dimension(self._folder)
            if self._as_stored:
                self._dimension = stored
            points.check_dimension(stored, self._dimension, where=str(self._folder))
            self._own = _owned(self._folder)
            try:
                return self._load()
            except BaseException:
                os.close(self._own)
                raise

    def _load(self) -> edge.EdgeShard:
        index_files.check(self._folder)
        if edge_shard.drop_left(self._folder):
            self._clearing.note()
        shard = edge_shard.load(self._folder, self._dimension)
        edge_shard.index_keywords(shard)
        if stored_origin(self._folder) is None:  # those that have one had readers from the first
            edge_shard.name_readers(shard)
        return shard

    def _copy_to(self, draft: Path) -> None:
        with _convert_errors(f"The index in {self._folder} cannot be copied"):
            self._shard.flush()
            self._added, self._much, self._meanwhile = 0, max(edge_shard.MANY, self._count()), []
            rewriting.copy(self._folder, draft)

    def _move_to(self, draft: Path) -> None:
        """Go on with the copy, after what was written to the index meanwhile."""
        if self._meanwhile is None:
            return
        with _convert_errors(f"The index in {self._folder} cannot be rewritten"):
            own = _owned(draft)
            self._shard.close()
            try:
                rewriting.exchange(self._folder, draft)
                self._shard = edge_shard.load(self._folder, self._dimension)
                self._write(*self._meanwhile)
                rewriting.settle(self._folder)
                own, self._own = self._own, own
            except BaseException:
                rewriting.recover(self._folder)
                self._shard = edge_shard.load(self._folder, self._dimension)
                raise
            finally:
                os.close(own)
            index_files.drop_old(self._folder.parent)  # of a rebuilding that was cut off: it holds what was removed

    def _update(self, operation: edge.UpdateOperation) -> None:
        self._write(operation)
        if (meanwhile := self._meanwhile) is not None:  # once: a rewriting that fails ends in another thread
            meanwhile.append(operation)

    def _write(self, *operations: edge.UpdateOperation) -> None:
        for operation in operations:
            self._shard.update(operation)
        self._shard.flush()

    def _close(self) -> None:
        with _convert_errors(f"The index in {self._folder} cannot be closed"):
            self._shard.flush()
            self._shard.close()
            index_files.seal(self._folder)
            os.close(self._own)

    def _upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        points.check_dimension(self._dimension, vectors.shape[1], where="The index")
        self._put([self._point(passage, row) for passage, row in zip(passages, vectors, strict=True)])

    def _put(self, rows: list[edge.Point]) -> None:
        with _convert_errors("Passages cannot be stored"):
            self._update(edge.UpdateOperation.upsert_points(rows))
            self._added += len(rows)

    def _drop(self, ids: Sequence[str]) -> None:
        with _convert_errors("Passages cannot be removed"):
            self._clearing.note()
            self._update(edge.UpdateOperation.delete_points([*ids]))

    def _copied(self, read: Callable[[edge.EdgeShard, _Asked], _Result], asked: _Asked) -> _Result:
        with _convert_errors("The index cannot be read"):
            return read(self._shard, asked)

    def _point(self, passage: Passage, row: Vector) -> edge.Point:
        vectors = {points.DENSE: row.tolist(), points.SPARSE: self._encoder.passage(passage)}
        return edge.Point(passage.id, vectors, points.payload(passage))

    def _search(self, text: str, vector: Vector, audience: Collection[str], limit: int) -> list[Hit]:
        points.check_dimension(self._dimension, len(vector), where="The index")
        if not audience:  # a filter that asks for one of nothing lets everything through
            return []
        asked = _SearchRequest(vector, limit, _seen_by(audience))
        with _convert_errors("The index cannot be searched"):
            near = self._best(edge.Query.Nearest(vector.tolist(), using=points.DENSE), limit, asked.seen, whole=True)
            known = points.read(vector, near)
            hits = self._with_words(self._encoder.question(text), asked, near, known)
            doubtful = self._encoder.doubtful(text, hits)
            if slips := [word for word, query in doubtful.items() if not self._holds(query, asked.seen)]:
                hits = self._with_words(self._encoder.respelled(text, slips), asked, near, known)
        return hits

    def _holds(self, word: edge.SparseVector, seen: edge.Filter) -> bool:
        query = edge.Query.Nearest(word, using=points.SPARSE)
        return bool(self._shard.query(edge.QueryRequest(1, query=query, filter=edge.Filter(must=[seen]))))

    def _with_words(
        self, words: edge.SparseVector, asked: _SearchRequest, near: Sequence[edge.ScoredPoint], known: dict[str, Hit]
    ) -> list[Hit]:
        """`near` and the best by BM25, with exact scores of both; what is not yet read is read into `known`."""
        scores = self._scores(words, asked, near)
        if unread := [id_ for id_ in scores if id_ not in known]:
            stored = self._shard.retrieve([*unread], with_payload=True, with_vector=[points.DENSE])
            known.update(points.read(asked.vector, stored))
        found = dict.fromkeys([*(str(point.id) for point in near), *scores])
        return points.scored({id_: known[id_] for id_ in found if id_ in known}, scores)

    def _scores(
        self, words: edge.SparseVector, asked: _SearchRequest, near: Sequence[edge.ScoredPoint]
    ) -> dict[str, float]:
        """BM25 scores by id: of the best, and of those of `near` that have any of the words."""
        query = edge.Query.Nearest(words, using=points.SPARSE)
        found = self._best(query, asked.limit, asked.seen)
        if others := points.unlisted(near, found):
            found += self._best(query, asked.limit, asked.seen, edge.HasIdCondition(others))
        return {str(point.id): point.score for point in found}

    def _best(
        self,
        query: edge.Query,
        limit: int,
        *conditions: edge.Filter | edge.HasIdCondition,
        whole: bool = False,
    ) -> list[edge.ScoredPoint]:
        """The best points; `whole` with payload and vector, which cost more than the search."""
        vectors = [points.DENSE] if whole else False
        request = edge.QueryRequest(
            limit,
            query=query,
            filter=edge.Filter(must=[*conditions]),
            params=_LIKELIEST,
            with_payload=whole,
            with_vector=vectors,
        )
        return self._shard.query(request)

    def _vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        with _convert_errors("The index cannot be read"):
            found = self._shard.retrieve([*ids], with_payload=False, with_vector=[points.DENSE])
        return {str(record.id): points.dense_vector(record.vector) for record in found}

    def _passages(self, ids: Sequence[str]) -> dict[str, Passage]:
        with _convert_errors("The index cannot be read"):
            found = self._shard.retrieve([*ids], with_payload=True, with_vector=False)
        return {str(record.id): points.passage_of(record) for record in found}

    def _following(self, passages: Sequence[Passage], count: int) -> list[Passage]:
        found: list[Passage] = []
        for key, ordinals in points.places(passages, count).items():
            among = edge.FieldCondition(points.ORDINAL, match=edge.MatchAny(ordinals))
            request = edge.ScrollRequest(
                limit=len(ordinals),
                filter=edge.Filter(must=[_equals(points.DOCUMENT, key), among]),
                with_payload=True,
                with_vector=False,
            )
            with _convert_errors("The index cannot be read"):
                records, _ = self._shard.scroll(request)
            found += map(points.passage_of, records)
        return found

    def _documents(self, source: str | None) -> list[Document]:
        among = edge.Filter(must=[_equals(points.SOURCE, source)]) if source is not None else None
        request = edge.FacetRequest(points.DOCUMENT, limit=points.MOST_DOCUMENTS, exact=True, filter=among)
        with _convert_errors("The index cannot be read"):
            return points.documents(self._shard.facet(request).hits)

    def _remove(self, source: str, keep_version: str | None) -> None:
        gone = edge.Filter(must=[_equals(points.SOURCE, source)])
        if keep_version is not None:
            kept = _equals(points.VERSION, keep_version)
            gone = edge.Filter(must=[_equals(points.SOURCE, source)], must_not=[kept])
        with _convert_errors("Passages cannot be removed"):
            self._clearing.note()
            self._update(edge.UpdateOperation.delete_points_by_filter(gone))

    def _count(self) -> int:
        with _convert_errors("The index cannot be read"):
            return self._shard.count(edge.CountRequest(exact=True))


async def _in_thread(work: Callable[_P, _Result], *args: _P.args, **kwargs: _P.kwargs) -> _Result:
    """`work` in a thread, which has ended when this returns or raises: then the next may write, or the shard close."""
    return await to_the_end(asyncio.to_thread(work, *args, **kwargs))


def _owned(folder: Path) -> int:
    """Lock the folder for this process alone, until what is given is closed or the process ends.

    Raises:
        IndexUnavailableError: another program has it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise IndexUnavailableError(
            f"The index in {folder} cannot be opened: another program is using it. Stop that program first."
        ) from None
    return descriptor


def _seen_by(audience: Collection[str]) -> edge.Filter:
    """What one of `audience`, which is not empty, may see: `MatchAny` says the same in twice the time."""
    return edge.Filter(should=[_equals(points.READERS, reader) for reader in sorted(audience)])


def _equals(field: str, value: str) -> edge.FieldCondition:
    return edge.FieldCondition(field, match=edge.MatchValue(value))


@contextmanager
def _convert_errors(what: str) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # the engine raises nothing more exact
        raise IndexUnavailableError(
            f"{what}: {error}. Check that the disk has space and that no other program uses the folder."
        ) from error
