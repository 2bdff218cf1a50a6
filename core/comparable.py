"""Whether the vectors of an index can be compared with a question's: those of two embedders may only be of one length.

A passage's id says which embedder it is for. Knows nothing of embedders but their names.
"""

from __future__ import annotations

from core.documents.reading import namespace_of
from core.documents.splitting import passage_ids
from core.domain import Document, Passage
from core.ports import PassageIndex

_SAMPLE = 200  # documents that are looked at, at least, where there are so many


async def share_of_others(index: PassageIndex, model: str) -> float:
    """The share of the documents in `index` that another embedder than `model` embedded."""
    documents = await index.documents()
    sample = documents[:: 1 + len(documents) // (2 * _SAMPLE)]
    firsts = await index.following([_before_first(document) for document in sample], count=1)
    theirs = [first for first in firsts if [first.id] != passage_ids([first], first.version, namespace_of(model))]
    return len(theirs) / max(1, len(firsts))


def _before_first(document: Document) -> Passage:
    """A place before the first passage of `document`."""
    return Passage(
        id="",
        source=document.source,
        title=document.title,
        headings=(),
        text="",
        line=0,
        ordinal=-1,
        total=document.total,
        version=document.version,
        readers=document.readers,
    )
