"""By what the vectors of an index were made: only those of one `VectorOrigin` can be compared.

An index keeps its origin. Knows nothing of indexes, of embedders, or of how a model's files are hashed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.domain import VectorOrigin
from core.errors import IndexUnavailableError

REBUILD = "attune ingest --rebuild"
_MOVING = "unfinished move of "  # before the form of the vectors that are being moved
KEPT = "attune.json"  # where an embedded index keeps it


def read_origin(text: object) -> VectorOrigin | None:
    """The origin that was written so; None for what is none."""
    try:
        told = json.loads(text) if isinstance(text, str) else {}
        return VectorOrigin(str(told["embedder"]), str(told["digest"]), str(told["form"]))
    except (ValueError, KeyError, TypeError):
        return None


def stored_origin(folder: Path) -> VectorOrigin | None:
    """By what the vectors of the embedded index in `folder` were made, where that was noted."""
    with suppress(OSError, ValueError):
        return read_origin((folder / KEPT).read_text(encoding="utf-8"))
    return None


def unfinished(origin: VectorOrigin) -> VectorOrigin:
    """What an index stands for to which one of `origin` is being moved: no embedder's vectors compare with it."""
    return origin if is_unfinished(origin) else replace(origin, form=f"{_MOVING}{origin.form}")


def is_unfinished(origin: VectorOrigin) -> bool:
    """Whether a move to the index was begun, and did not come to its end."""
    return origin.form.startswith(_MOVING)


def other_origin(stored: VectorOrigin, asked: VectorOrigin) -> IndexUnavailableError:
    """The vectors of the index are another embedder's than the one that is set."""
    if is_unfinished(stored):
        return _moved_in_part()
    if stored.embedder == asked.embedder:
        what = f"were made with other files, or in another format, of the embedder {asked.embedder}"
    else:
        what = f"were made with the embedder {stored.embedder}, but ATTUNE_EMBEDDER is {asked.embedder}"
    return _refused(f"The vectors in the index {what}")


def other_name(asked: str) -> IndexUnavailableError:
    """The vectors of an index from before it kept its origin are those of an embedder of another name."""
    return _refused(f"Not all vectors in the index were made with {asked}, the embedder that ATTUNE_EMBEDDER names")


def other_dimension(stored: int | None, made: int, where: str) -> IndexUnavailableError:
    """The index holds vectors of another length than the embedder makes."""
    return _refused(f"{where} holds vectors of dimension {stored}, but the embedder makes {made}")


def remade(stored: VectorOrigin) -> IndexUnavailableError:
    """The index was rebuilt for another embedder while somebody was at it with the one of before."""
    if is_unfinished(stored):
        return _moved_in_part()
    return IndexUnavailableError(
        f"The index was rebuilt with the embedder {stored.embedder}. Restart this process; where "
        "ATTUNE_EMBEDDER is set, set it to that."
    )


def _moved_in_part() -> IndexUnavailableError:
    return IndexUnavailableError(
        "The index is not whole: a move to it is under way, or was cut off. Let it finish: run attune index move again "
        "with the settings of before; or fill this one anew: attune ingest --rebuild"
    )


def _refused(what: str) -> IndexUnavailableError:
    return IndexUnavailableError(
        f"{what}: they cannot be compared. Set ATTUNE_EMBEDDER back to the one used for the documents, "
        f"or embed all documents again: {REBUILD}"
    )
