"""Whether the vectors of an index can be compared with a question's: those of two embedders may only be of one length.

An index keeps its origin; one from before that did is told by its passages' ids, which say which embedder they are for.
Knows nothing of embedders but what an `VectorOrigin` says.
"""

from __future__ import annotations

from core.documents.reading import namespace_of
from core.documents.splitting import passage_ids
from core.ports import PassageIndex
from core.storage.origin import VectorOrigin, other_name, other_origin

_SAMPLE = 200  # documents that are looked at, at least, where there are so many


async def check_origin(index: PassageIndex, origin: VectorOrigin) -> None:
    """See that the vectors of `index` are those of `origin`, and note it where nothing is noted yet.

    Raises:
        IndexUnavailableError: they are another embedder's.
    """
    stored = await index.origin()
    if stored is None:
        if await share_of_others(index, origin.embedder):
            raise other_name(origin.embedder)
        await index.set_origin(origin)
    elif not stored.compares(origin):
        raise other_origin(stored, origin)


async def share_of_others(index: PassageIndex, model: str) -> float:
    """The share of the documents in `index` that another embedder than `model` embedded."""
    documents = await index.documents()
    sample = documents[:: 1 + len(documents) // (2 * _SAMPLE)]
    firsts = await index.following([document.before_first for document in sample], count=1)
    theirs = [first for first in firsts if [first.id] != passage_ids([first], first.version, namespace_of(model))]
    return len(theirs) / max(1, len(firsts))
