"""The shard of the embedded index: how it is configured, made and opened, also where an earlier version made it.

Knows nothing of searching, or of who has it open.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import qdrant_edge as edge

from core.adapters.index import files as index_files
from core.adapters.index import points
from core.storage.durable import write_whole

# Every search looks at every vector, in the eight bits that the optimiser gives to many of them, and at the likeliest
# once more in full. A graph would be faster still, but takes minutes to build, and finds less.
MANY = 20_000  # vectors that get eight bits, and passages to be added before there is another look at that
_EIGHT_BITS = edge.ScalarQuantizationConfig(edge.ScalarType.Int8, memory=edge.Memory.Pinned)
_NO_GRAPH = edge.HnswIndexConfig(m=0, ef_construct=0, full_scan_threshold=1)
_CONFIG, _LOGGED = index_files.CONFIG, "wal_enabled"
_LEFT = ("wal", "temp_segments")  # of earlier versions, and what a kill may leave: none is read any more


def create(folder: Path, dimension: int) -> None:
    """Make an empty index beside its place and move it there: a creation that was cut off leaves none."""
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    shard = edge.EdgeShard.create(str(draft), _config(dimension))
    shard.flush()
    shard.close()
    index_files.seal(draft)
    draft.rename(folder)


def load(folder: Path, dimension: int) -> edge.EdgeShard:
    """Open the shard in `folder`, as it is configured today."""
    return edge.EdgeShard.load(str(folder), _config(dimension))


def drop_left(folder: Path) -> bool:
    """Remove what today's versions do not read; whether a log was there, which has what was removed long ago.

    What the log says is done and flushed when the index is opened with it and closed.
    """
    if logged := _has_log(folder):
        shard = edge.EdgeShard.load(str(folder))
        shard.flush()
        shard.close()
        config = folder / _CONFIG
        write_whole(config, json.dumps({**json.loads(config.read_bytes()), _LOGGED: False}).encode())
    for left in _LEFT:
        shutil.rmtree(folder / left, ignore_errors=True)
    return logged


def index_keywords(shard: edge.EdgeShard) -> None:
    """At every opening, since older folders lack some; one that is there costs nothing."""
    for field in points.KEYWORDS:
        shard.update(edge.UpdateOperation.create_field_index(field, edge.PayloadSchemaType.Keyword))


def name_readers(shard: edge.EdgeShard) -> None:
    """Of passages from before there were readers."""
    nobody = edge.Filter(must=[edge.IsEmptyCondition(points.READERS)])
    shard.update(edge.UpdateOperation.set_payload_by_filter(nobody, points.first_readers()))


def _config(dimension: int) -> edge.EdgeConfig:
    """The optimiser clears away the first removed passage, and is called by `rewriting.py` alone.

    No log beside the passages: each call is flushed before it returns, and the log would keep what was removed.
    """
    return edge.EdgeConfig(
        vectors={
            points.DENSE: edge.EdgeVectorParams(
                size=dimension,
                distance=edge.Distance.Cosine,
                quantization_config=_EIGHT_BITS,
                hnsw_config=_NO_GRAPH,
            )
        },
        sparse_vectors={points.SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(
            indexing_threshold=MANY * dimension * 4 // 1024,  # KB of float32
            deleted_threshold=0.0,
            vacuum_min_vector_number=0,
        ),
        wal_enabled=False,
    )


def _has_log(folder: Path) -> bool:
    return bool(json.loads((folder / _CONFIG).read_bytes()).get(_LOGGED, True))


def stored_dimension(folder: Path) -> int:
    """Length of the vectors in `folder`."""
    try:
        config = json.loads((folder / _CONFIG).read_bytes())
        return int(config["vectors"][points.DENSE]["size"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise index_files.damaged(folder, f"{_CONFIG} cannot be read ({type(error).__name__})") from error
