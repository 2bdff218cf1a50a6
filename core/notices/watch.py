"""Notes when documents come to say something new, whoever ingested them, and knows nothing of who is told.

`DocumentWatch` looks at the index now and then; `Histories` keep since when each document says what it says.
What is there when somebody looks for the first time ever is no news.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from core.answering.sources import whole
from core.domain import Document
from core.errors import StoreError
from core.notices.history import ALWAYS, DocumentHistory, followed
from core.ports import PassageIndex
from core.readers import GUIDES

PAUSE = 60.0  # seconds between two looks


def utc_now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


class Histories(Protocol):
    """Since when documents say what they say."""

    async def begun(self) -> bool:
        """Whether somebody looked at all documents before."""
        ...

    async def begin(self) -> None:
        """Note that somebody did."""
        ...

    async def read(self, sources: Collection[str] | None = None) -> Mapping[str, DocumentHistory]:
        """What is known of `sources`, or of all documents."""
        ...

    async def follow(self, source: str, change: Callable[[DocumentHistory | None], DocumentHistory]) -> None:
        """Replace what is known of `source` by `change` of it, which may be called again."""
        ...

    async def keep_only(self, sources: Collection[str]) -> None:
        """Forget all other documents than `sources`."""
        ...


class DocumentWatch:
    """Keeps `histories` in step with the index. Several may do so at the same time."""

    def __init__(self, index: PassageIndex, histories: Histories, clock: Callable[[], datetime] = utc_now) -> None:
        self._index = index
        self._histories = histories
        self._clock = clock
        self._seen: set[Document] | None = None  # all documents, when last looked at

    async def run(self) -> None:
        """Look now and then, until cancelled. A store that does not answer is asked again later."""
        while True:
            with suppress(StoreError):
                await self.look()
            await asyncio.sleep(PAUSE)

    async def look(self) -> None:
        """Note what is new. A document that is being changed waits for the next look."""
        documents = [document for document in await self._index.documents() if GUIDES not in document.readers]
        if set(documents) == self._seen:
            return
        is_first = not await self._histories.begun()
        known = await self._histories.read()
        versions = Counter(document.source for document in documents)
        for one in documents:
            is_noted = one.source in known and known[one.source].revision == one.version
            if one.complete and versions[one.source] == 1 and not is_noted:
                await self._follow(one, ALWAYS if is_first else self._clock())
        if known.keys() - versions:
            await self._histories.keep_only(versions)
        await self._histories.begin()
        self._seen = set(documents)

    async def _follow(self, document: Document, at: datetime) -> None:
        passages = await whole(document, self._index)

        def change(before: DocumentHistory | None) -> DocumentHistory:
            if before is not None and before.revision == document.version:  # another process noted it meanwhile
                return before
            return followed(before, document.source, document.version, passages, at)

        if len(passages) == document.total:  # it does not change just now
            await self._histories.follow(document.source, change)
