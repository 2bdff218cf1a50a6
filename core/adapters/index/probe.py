"""Opens and reads an embedded index, and ends: whether with 0, with a sentence, or killed, its parent learns.

    python -I index_probe.py <folder> <field> <field> …

Run by path by `index_files.py`, never by hand, and imports next to nothing, as every start after a kill waits for it.
Every point has to have a text in each of the fields. What a damaged file makes the engine ask for, a limit of memory
refuses.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Collection
from pathlib import Path

import qdrant_edge as edge

ROOM = 4 << 30  # bytes of address space beside three times the files
MOST = 300_000  # points that are read
BATCH = 1000


def main(folder: str, *fields: str) -> None:
    """Read every passage and vector, as far as there are not too many."""
    _limit(Path(folder))
    try:
        shard = edge.EdgeShard.load(folder)
        _read(shard, fields)
        shard.close()
    except Exception as error:  # noqa: BLE001 - the engine raises nothing more exact
        sys.exit(" ".join(str(error).split()))


def _read(shard: edge.EdgeShard, fields: Collection[str]) -> None:
    offset, count = None, 0
    while count < MOST:
        request = edge.ScrollRequest(limit=BATCH, offset=offset, with_payload=True, with_vector=True)
        found, offset = shard.scroll(request)
        count += len(found)
        for point in found:
            payload = point.payload or {}
            if not point.vector or not all(isinstance(payload.get(field), str) for field in fields):
                raise ValueError(f"the passage {point.id} is not whole")
        if offset is None:
            return


def _limit(folder: Path) -> None:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    most = ROOM + 3 * size
    for limit, value in ((resource.RLIMIT_AS, most), (resource.RLIMIT_CORE, 0)):
        soft, hard = resource.getrlimit(limit)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (bound, hard) if soft != 0 else (soft, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
