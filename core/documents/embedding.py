"""Passages → vectors: those that the index has from before, and the others embedded in batches that cross documents.

`embed_contents` does both for whole files in a process that reads and embeds for another one, which writes. Knows
nothing of who writes, nor of how that process is reached.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from uuid import UUID

from core.documents.reading import DocumentContent, FileContent, FileTask, PassageVectors
from core.documents.splitting import embedding_text, passage_ids
from core.domain import Document, Passage, Vector
from core.errors import DocumentError
from core.ports import Embedder, PassageIndex

BATCH = 64  # passages that are embedded together

FileResult = FileContent | DocumentError
"""What became of a file: its documents, or why it is refused."""


class RemoteReading(Protocol):
    """Other processes, also on other machines, that read files and embed what is in them."""

    def reaches(self, file: Path) -> bool:
        """Whether they see `file` where this process sees it."""
        ...

    def contents(self, tasks: Sequence[FileTask]) -> AsyncGenerator[tuple[FileTask, FileResult], None]:
        """What became of each file, once, in any order, with the vectors of its passages.

        Raises:
            OperatorError: they cannot go on; what has come so far may be written.
        """
        ...


async def known_vectors(
    index: PassageIndex, passages: Sequence[Passage], held: Sequence[Document], namespace: UUID
) -> dict[str, Vector]:
    """The vectors that the versions in the index have of the same passages, by the ids they have now."""
    known: dict[str, Vector] = {}
    for document in held:
        now = dict(zip(passage_ids(passages, document.version, namespace), passages, strict=True))
        vectors = await index.vectors(list(now))
        known |= {now[id_].id: vector for id_, vector in vectors.items()}
    return known


async def embed_passages(
    embedder: Embedder, passages: Sequence[Passage], tell: Callable[[int], None] = lambda _: None
) -> dict[str, Vector]:
    """The vectors of `passages`, by id; `tell` is called with the size of each batch that is done."""
    texts = {passage.id: embedding_text(passage) for passage in passages}
    ids = sorted(texts, key=lambda id_: len(texts[id_]))  # texts of a length waste no padding
    vectors: dict[str, Vector] = {}
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        rows = await embedder.embed([texts[id_] for id_ in batch])
        vectors.update(zip(batch, rows, strict=True))
        tell(len(batch))
    return vectors


async def embed_contents(
    contents: Sequence[tuple[FileTask, FileResult]], embedder: Embedder, index: PassageIndex, namespace: UUID
) -> list[FileResult]:
    """`contents` with the vectors of all their passages, in the same order."""
    known = {
        document.source: await known_vectors(index, passages, task.held.get(document.source, ()), namespace)
        for task, document, passages in _documents(contents)
    }
    missing = [
        passage
        for _, document, passages in _documents(contents)
        for passage in passages
        if passage.id not in known[document.source]
    ]
    fresh = await embed_passages(embedder, missing)
    return [_with_vectors(content, known, fresh) for _, content in contents]


def _documents(
    contents: Sequence[tuple[FileTask, FileResult]],
) -> Iterator[tuple[FileTask, DocumentContent, list[Passage]]]:
    """The documents that have passages to be embedded."""
    for task, content in contents:
        for document in content.documents if isinstance(content, FileContent) else ():
            if document.passages:
                yield task, document, document.passages


def _with_vectors(
    content: FileResult, known: Mapping[str, Mapping[str, Vector]], fresh: Mapping[str, Vector]
) -> FileResult:
    if isinstance(content, DocumentError):
        return content
    documents = [
        replace(
            document,
            vectors=PassageVectors(
                known[document.source],
                {passage.id: fresh[passage.id] for passage in document.passages if passage.id in fresh},
            ),
        )
        if document.passages
        else document
        for document in content.documents
    ]
    return replace(content, documents=tuple(documents))
