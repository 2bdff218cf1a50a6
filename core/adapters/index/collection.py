"""A collection on a Qdrant server: made as the settings have it, changed where that can be done in place, looked at.

Knows nothing of passages but the fields that they are searched by, nor of searching.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from core.adapters.index import points
from core.errors import IndexUnavailableError
from core.storage.layout import CollectionLayout, CollectionState, Quantisation

_KEYWORD, _INTEGER = models.PayloadSchemaType.KEYWORD, models.PayloadSchemaType.INTEGER
INDEXED: Mapping[str, models.PayloadSchemaType] = {
    **dict.fromkeys((*points.KEYWORDS, points.VERSION), _KEYWORD),
    points.ORDINAL: _INTEGER,
}
"""The fields that anything is filtered or counted by: a strict server refuses a filter without an index."""

_QUANTISED: Mapping[str | None, models.ScalarQuantization | models.BinaryQuantization] = {
    Quantisation.SCALAR: models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    ),
    Quantisation.BINARY: models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}
_OVERSAMPLING: Mapping[str | None, float] = {
    Quantisation.BINARY: 8.0
}  # times the limit that are compared in full; evals/index_quantisation.py
_USUAL = 2.0
_REFUSED = {401, 403}


async def create(
    client: AsyncQdrantClient, name: str, dimension: int, layout: CollectionLayout, metadata: dict[str, Any] | None
) -> None:
    """Make an empty collection."""
    dense = models.VectorParams(
        size=dimension,
        distance=models.Distance.COSINE,
        on_disk=layout.on_disk,
        quantization_config=_QUANTISED.get(layout.quantisation),
    )
    await client.create_collection(
        name,
        vectors_config={points.DENSE: dense},
        sparse_vectors_config={points.SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        shard_number=layout.shards,
        replication_factor=layout.replicas,
        write_consistency_factor=layout.write_consistency,
        metadata=metadata,
    )


async def adapt(client: AsyncQdrantClient, name: str, info: models.CollectionInfo, wished: CollectionLayout) -> None:
    """Change what is wished for otherwise and can be changed in place: all but the number of shards.

    The server makes its vectors anew in the background. It makes no copies of shards that it has.

    Raises:
        IndexUnavailableError: the key may not do that.
    """
    parts = {one.part for one in wished.differences(layout_of(info))} - {"shards"}
    if not parts:
        return
    params = models.CollectionParamsDiff(
        replication_factor=wished.replicas if "replicas" in parts else None,
        write_consistency_factor=wished.write_consistency if "write_consistency" in parts else None,
    )
    dense = models.VectorParamsDiff(
        on_disk=wished.on_disk if "on_disk" in parts else None,
        quantization_config=_changed(wished) if "quantisation" in parts else None,
    )
    try:
        await client.update_collection(
            name,
            collection_params=params if params.model_dump(exclude_none=True) else None,
            vectors_config={points.DENSE: dense} if dense.model_dump(exclude_none=True) else None,
        )
    except UnexpectedResponse as error:
        if error.status_code not in _REFUSED:
            raise
        names = ", ".join(f"QDRANT_{part.upper()}" for part in sorted(parts))
        raise IndexUnavailableError(
            f"QDRANT_API_KEY may not change the collection {name}, which is not as {names} asks. Use a key that may "
            "manage it, or unset what is asked."
        ) from error


async def index_fields(client: AsyncQdrantClient, name: str, info: models.CollectionInfo) -> None:
    """Make the indexes that filters need, where there is none, or one of another kind."""
    for field in unindexed(info):
        await client.create_payload_index(name, field, INDEXED[field], wait=True)


def unindexed(info: models.CollectionInfo) -> list[str]:
    """The fields of which the collection has no index."""
    there = {field: index.data_type for field, index in (info.payload_schema or {}).items()}
    return [field for field, kind in INDEXED.items() if there.get(field) != kind]


def layout_of(info: models.CollectionInfo) -> CollectionLayout:
    """How a collection of ours is laid out."""
    params = info.config.params
    dense = params.vectors[points.DENSE] if isinstance(params.vectors, dict) else None
    quantised = (dense.quantization_config if dense else None) or info.config.quantization_config
    kind = next((kind for kind, one in _QUANTISED.items() if isinstance(quantised, type(one))), "another")
    return CollectionLayout(
        params.shard_number,
        params.replication_factor,
        params.write_consistency_factor,
        kind if quantised else Quantisation.NONE,
        bool(dense and dense.on_disk),
    )


def search_params(info: models.CollectionInfo, wished: CollectionLayout) -> models.SearchParams | None:
    """How the nearest are searched for where vectors are quantised: the likeliest are compared in full."""
    quantised = wished.quantisation or layout_of(info).quantisation
    if quantised == Quantisation.NONE:
        return None
    oversampling = _OVERSAMPLING.get(quantised, _USUAL)
    return models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=oversampling))


async def state(client: AsyncQdrantClient, name: str, wished: CollectionLayout) -> CollectionState:
    """The collection beside what is wished for."""
    info = await client.get_collection(name)
    return CollectionState(name, wished, layout_of(info), await _fewest(client, name), unindexed(info))


async def _fewest(client: AsyncQdrantClient, name: str) -> int | None:
    """The copies in use of the shard that has fewest; None where the server does not tell."""
    try:
        cluster = await client.collection_cluster_info(name)
    except (UnexpectedResponse, NotImplementedError):  # a key that may not ask; no server
        return None
    shards: list[models.LocalShardInfo | models.RemoteShardInfo] = [*cluster.local_shards, *cluster.remote_shards]
    active = Counter(shard.shard_id for shard in shards if shard.state is models.ReplicaState.ACTIVE)
    return min((active[shard.shard_id] for shard in shards), default=None)


def _changed(wished: CollectionLayout) -> models.QuantizationConfigDiff:
    return _QUANTISED.get(wished.quantisation, models.Disabled.DISABLED)
