"""What is kept of documents that left the index: counts, titles, traces, logs, answers, readings, and bytes in files.

One way for all who take documents away, so that nothing of them is left wherever somebody looks. Knows nothing of why
they went, or of how the model remembers what it read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from core.domain import Document
from core.ports import Memory, PassageIndex, Usage

ForgetReading = Callable[[Collection[tuple[str, str]]], Awaitable[None]]
"""Drops what was read of other documents than the given (source, version)."""


class Leftovers:
    """Clears away what is left of documents, over the ports that keep it."""

    def __init__(self, index: PassageIndex, usage: Usage, memory: Memory, forget_reading: ForgetReading) -> None:
        self._index = index
        self._usage = usage
        self._memory = memory
        self._forget_reading = forget_reading

    async def clear(self, documents: Collection[Document]) -> None:
        """Forget all of `documents`, which the index does not hold any more. May be repeated after a failure."""
        sources = sorted({document.source for document in documents})
        if not sources:
            return
        await self._usage.forget_documents(sources, {document.title for document in documents})
        await self._memory.forget_documents(sources)
        await self._forget_reading({(one.source, one.version) for one in await self._index.documents()})
        await self._index.clear_away()
