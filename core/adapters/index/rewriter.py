"""Writes an embedded index anew in its place, without what was removed, and ends: with 0, or with a sentence.

    python -I rewriter.py <folder>

Run by path by `rewriting.py`, never by hand: the engine holds Python's lock while it writes, and whoever asked in the
same process would wait.
"""

from __future__ import annotations

import os
import sys

import qdrant_edge as edge

POLITE = 5  # how much those who ask go first


def main(folder: str) -> None:
    """Rewrite as long as there is anything to rewrite."""
    os.nice(POLITE)
    try:
        shard = edge.EdgeShard.load(folder)
        while shard.optimize():
            pass
        shard.flush()
        shard.close()
    except Exception as error:  # noqa: BLE001 - the engine raises nothing more exact
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main(*sys.argv[1:])
