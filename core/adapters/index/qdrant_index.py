"""`QdrantIndex`: passages in one collection of a Qdrant server or cluster.

Knows nothing of who calls it, nor of how the server is run.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from pydantic import ValidationError
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException
from qdrant_edge import SparseVector

from core.adapters.index import collection as layouts
from core.adapters.index import points
from core.domain import Document, Hit, Passage, Vector, VectorOrigin, Vectors
from core.errors import IndexUnavailableError
from core.storage.copies import PAGE, MarkPage, PassageCopy
from core.storage.layout import CollectionLayout, CollectionState
from core.storage.origin import read_origin, remade

NEW = 384  # the length of vectors of a collection that is made without one being asked for: the built-in embedder's
LOOK_AGAIN = 5.0  # seconds
AS_IT_IS = CollectionLayout()
_ORIGIN = "attune-origin"  # in the collection's metadata


class QdrantIndex:
    """The port `PassageIndex` over a client of Qdrant, as an async context manager that closes the client."""

    def __init__(
        self,
        client: AsyncQdrantClient,
        collection: str,
        dimension: int | None,
        origin: VectorOrigin | None = None,
        layout: CollectionLayout = AS_IT_IS,
    ) -> None:
        """Where it stands for an `origin`, it is refused a collection that has another one, also after a rebuilding.

        Where `dimension` is None, a collection is opened whatever the length of its vectors. A collection is made as
        `layout` has it; one that is there is changed as far as it can be.
        """
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._origin = origin
        self._layout = layout
        self._near: models.SearchParams | None = None  # how the nearest are searched for
        self._seen = 0.0  # when the collection was last seen to have this origin
        self._encoder = points.SparseEncoder()

    @classmethod
    def at(
        cls,
        location: str,
        *,
        api_key: str | None,
        collection: str,
        dimension: int | None,
        origin: VectorOrigin | None = None,
        layout: CollectionLayout = AS_IT_IS,
    ) -> Self:
        """An index on the server at `location`; ":memory:" for one that lasts as long as the client."""
        client = AsyncQdrantClient(location, api_key=api_key, timeout=30, check_compatibility=False)
        return cls(client, collection, dimension, origin, layout)

    async def __aenter__(self) -> Self:
        try:
            await self._prepare()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def upsert(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Add or replace passages by id; the server has them when it returns."""
        for some, rows in points.batches(passages, vectors):
            await self._check_origin(fresh=True)
            batch = [self._point(passage, row) for passage, row in zip(some, rows, strict=True)]
            with _convert_errors():
                await self._client.upsert(self._collection, batch, wait=True)

    async def search(self, text: str, vector: Vector, *, audience: Collection[str], limit: int) -> list[Hit]:
        """The union of the `limit` nearest by cosine and the `limit` best by BM25, of what `audience` may see."""
        await self._check_origin()
        seen = models.FieldCondition(key=points.READERS, match=models.MatchAny(any=sorted(audience)))
        with _convert_errors():
            near = await self._best(vector.tolist(), points.DENSE, limit, seen)
            hits = points.hits(vector, near, await self._worded(self._encoder.question(text), near, limit, seen))
            if slips := await self._unheld(self._encoder.doubtful(text, hits), seen):
                respelled = self._encoder.respelled(text, slips)
                hits = points.hits(vector, near, await self._worded(respelled, near, limit, seen))
        return hits

    async def _unheld(self, words: Mapping[str, SparseVector], seen: models.FieldCondition) -> list[str]:
        """Those of `words` that no passage has."""
        among = models.Filter(must=[seen])
        requests = [
            models.QueryRequest(query=_sparse(word), using=points.SPARSE, filter=among, limit=1)
            for word in words.values()
        ]
        found = await self._client.query_batch_points(self._collection, requests) if requests else []
        return [word for word, one in zip(words, found, strict=True) if not one.points]

    async def _worded(
        self, words: SparseVector, near: Sequence[models.ScoredPoint], limit: int, seen: models.FieldCondition
    ) -> list[models.ScoredPoint]:
        """The best by BM25, and those of `near` that have any of the words."""
        query = _sparse(words)
        best = await self._best(query, points.SPARSE, limit, seen)
        if others := points.unlisted(near, best):
            best += await self._best(query, points.SPARSE, limit, seen, models.HasIdCondition(has_id=[*others]))
        return best

    async def _best(
        self, query: list[float] | models.SparseVector, name: str, limit: int, *conditions: models.Condition
    ) -> list[models.ScoredPoint]:
        request = models.QueryRequest(
            query=query,
            using=name,
            filter=models.Filter(must=[*conditions]),
            params=self._near if name == points.DENSE else None,
            limit=limit,
            with_payload=True,
            with_vector=[points.DENSE],
        )
        (found,) = await self._client.query_batch_points(self._collection, [request])
        return found.points

    async def vectors(self, ids: Sequence[str]) -> Mapping[str, Vector]:
        """The stored vectors of those ids that exist."""
        with _convert_errors():
            found = await self._client.retrieve(
                self._collection, list(ids), with_payload=False, with_vectors=[points.DENSE]
            )
        return {str(record.id): points.dense_vector(record.vector) for record in found}

    async def passages(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        """Those of these ids that exist."""
        with _convert_errors():
            found = await self._client.retrieve(self._collection, list(ids), with_payload=True, with_vectors=False)
        return {str(record.id): points.passage_of(record) for record in found}

    async def following(self, passages: Sequence[Passage], *, count: int) -> list[Passage]:
        """The `count` passages behind each of `passages`."""
        found: list[Passage] = []
        for key, ordinals in points.places(passages, count).items():
            among = models.FieldCondition(key=points.ORDINAL, match=models.MatchAny(any=ordinals))
            chosen = models.Filter(must=[_equals(points.DOCUMENT, key), among])
            with _convert_errors():
                records, _ = await self._client.scroll(
                    self._collection, chosen, limit=len(ordinals), with_payload=True, with_vectors=False
                )
            found += map(points.passage_of, records)
        return found

    async def documents(self, source: str | None = None) -> list[Document]:
        """Every version of every document, or of one, by source."""
        among = None if source is None else models.Filter(must=_equals(points.SOURCE, source))
        with _convert_errors():
            counted = await self._client.facet(
                self._collection, points.DOCUMENT, facet_filter=among, limit=points.MOST_DOCUMENTS, exact=True
            )
        return points.documents(counted.hits)

    async def remove(self, source: str, *, keep_version: str | None = None) -> None:
        """Remove a document's passages, except those of `keep_version`."""
        kept = None if keep_version is None else _equals(points.VERSION, keep_version)
        gone = models.Filter(must=_equals(points.SOURCE, source), must_not=kept)
        with _convert_errors():
            await self._client.delete(self._collection, models.FilterSelector(filter=gone), wait=True)

    async def clear_away(self) -> None:
        """Left to the server: it clears away what was removed by thresholds of its own."""

    async def count(self) -> int:
        """Passages in the index."""
        with _convert_errors():
            return (await self._client.count(self._collection, exact=True)).count

    async def dimension(self) -> int | None:
        """Length of the vectors that it holds."""
        with _convert_errors():
            vectors = (await self._client.get_collection(self._collection)).config.params.vectors
        return vectors[points.DENSE].size if isinstance(vectors, dict) else None

    async def origin(self) -> VectorOrigin | None:
        """By what its vectors were made; None from a server that keeps nothing of the kind (before Qdrant 1.16)."""
        with _convert_errors():
            kept = (await self._client.get_collection(self._collection)).config.metadata or {}
        return read_origin(kept.get(_ORIGIN))

    async def set_origin(self, origin: VectorOrigin) -> None:
        """Note by what its vectors were made."""
        with _convert_errors():
            await self._client.update_collection(self._collection, metadata={_ORIGIN: origin.dumped()})
        if self._origin is not None:
            self._origin = origin

    async def page(self, after: str | None) -> MarkPage:
        """The marks of some passages, from `after` on."""
        with _convert_errors():
            found, following = await self._client.scroll(
                self._collection, limit=PAGE, offset=after, with_payload=True, with_vectors=False
            )
        return MarkPage(points.marks(found), None if following is None else str(following))

    async def marks(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The marks of those of these ids that exist."""
        with _convert_errors():
            found = await self._client.retrieve(self._collection, list(ids), with_payload=True, with_vectors=False)
        return points.marks(found)

    async def copies(self, ids: Sequence[str]) -> Sequence[PassageCopy]:
        """Those of these passages that exist, as they are."""
        both = [points.DENSE, points.SPARSE]
        with _convert_errors():
            found = await self._client.retrieve(self._collection, list(ids), with_payload=True, with_vectors=both)
        return [points.copy_of(record) for record in found]

    async def put(self, copies: Sequence[PassageCopy]) -> None:
        """Add or replace passages as they are; the server has them when it returns."""
        with _convert_errors():
            await self._client.upsert(self._collection, [_copied(one) for one in copies], wait=True)

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove these passages."""
        with _convert_errors():
            await self._client.delete(self._collection, models.PointIdsList(points=[*ids]), wait=True)

    async def state(self) -> CollectionState:
        """How the collection is laid out, beside what is asked for."""
        with _convert_errors():
            return await layouts.state(self._client, self._collection, self._layout)

    async def reset(self, dimension: int, origin: VectorOrigin | None) -> None:
        """Begin anew, with an empty collection for vectors of another length or origin."""
        with _convert_errors():
            await self._client.delete_collection(self._collection)
        self._dimension, self._origin = dimension, origin
        await self._prepare(origin)

    async def _check_origin(self, *, fresh: bool = False) -> None:
        """Others may rebuild the collection for another embedder: looked at before each writing, else now and then."""
        now = time.monotonic()
        if self._origin is None or (not fresh and now - self._seen < LOOK_AGAIN):
            return
        stored = await self.origin()
        if stored is not None and not stored.compares(self._origin):
            raise remade(stored)
        self._seen = now

    async def _prepare(self, origin: VectorOrigin | None = None) -> None:
        """Create the collection if it is missing, at once of this origin, else see that it is one of ours."""
        with _convert_errors():
            if not await self._client.collection_exists(self._collection):
                await self._create(origin)
            info = await self._client.get_collection(self._collection)
        params = info.config.params
        named = params.vectors if isinstance(params.vectors, dict) else {}
        if points.DENSE not in named or points.SPARSE not in (params.sparse_vectors or {}):
            raise IndexUnavailableError(
                f"The collection {self._collection} was not created by Attune: it lacks the vectors "
                f"{points.DENSE} and {points.SPARSE}. Set QDRANT_COLLECTION to another name."
            )
        where, stored = f"The collection {self._collection}", named[points.DENSE].size
        if self._dimension not in {None, stored}:
            if await self.count() == 0:  # an empty one fits any embedder
                return await self.reset(self._dimension, origin)
            points.check_dimension(stored, self._dimension, where=where)
        with _convert_errors():
            await layouts.adapt(self._client, self._collection, info, self._layout)
            await layouts.index_fields(self._client, self._collection, info)
        self._near = layouts.search_params(info, self._layout)
        if await self.origin() is None:  # those that have one had readers from the first
            await self._name_readers()
        return None

    async def _create(self, origin: VectorOrigin | None) -> None:
        metadata = {_ORIGIN: origin.dumped()} if origin else None
        await layouts.create(self._client, self._collection, self._dimension or NEW, self._layout, metadata)

    async def _name_readers(self) -> None:
        nobody = models.IsEmptyCondition(is_empty=models.PayloadField(key=points.READERS))
        with _convert_errors():
            await self._client.set_payload(
                self._collection, points.first_readers(), models.Filter(must=[nobody]), wait=True
            )

    def _point(self, passage: Passage, row: Vector) -> models.PointStruct:
        words = _sparse(self._encoder.passage(passage))
        vectors: dict[str, models.Vector] = {points.DENSE: row.tolist(), points.SPARSE: words}
        return models.PointStruct(id=passage.id, vector=vectors, payload=points.payload(passage))


def _copied(copy: PassageCopy) -> models.PointStruct:
    words = models.SparseVector(indices=[*copy.words], values=[*copy.words.values()])
    vectors: dict[str, models.Vector] = {points.DENSE: copy.vector.tolist(), points.SPARSE: words}
    return models.PointStruct(id=copy.id, vector=vectors, payload=dict(copy.fields))


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices, values=vector.values)


def _equals(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


@contextmanager
def _convert_errors() -> Iterator[None]:
    try:
        yield
    except (ApiException, QdrantException, OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            raise  # a passage that is none is a mistake of ours
        raise IndexUnavailableError(
            f"The Qdrant server does not answer as it should ({type(error).__name__}: {error}). "
            "Check that it is running, and check QDRANT_URL and QDRANT_API_KEY."
        ) from error
