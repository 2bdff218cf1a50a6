"""Notes when documents come to say something new, whoever ingested them, and knows nothing of who is told.

`DocumentWatch` looks at the index now and then; `Histories` keep since when each document says what it says.
What is there when somebody looks for the first time ever is no news.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from core.answering.sources import whole
from core.domain import Document
from core.errors import StoreError
from core.notices.history import ALWAYS, DocumentHistory, followed
from core.ports import PassageIndex
from core.readers import GUIDES

PAUSE = 60.0  # seconds between two looks
MISSED = timedelta(days=7)  # that a document may be gone, as while an index is rebuilt, and is no news when it is back

log = structlog.get_logger(__name__)


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

    async def follow(self, source: str, change: Callable[[DocumentHistory | None], DocumentHistory | None]) -> None:
        """Replace what is known of `source` by `change` of it, which may be called again; None changes nothing."""
        ...

    async def forget(self, sources: Collection[str]) -> None:
        """Forget these documents."""
        ...


class DocumentWatch:
    """Keeps `histories` in step with the index. Several may do so at the same time."""

    def __init__(self, index: PassageIndex, histories: Histories, clock: Callable[[], datetime] = utc_now) -> None:
        self._index = index
        self._histories = histories
        self._clock = clock
        self._seen: set[Document] | None = None  # all documents, when last looked at, if none was missed

    async def run(self) -> None:
        """Look now and then, until cancelled, whatever a look ends in."""
        while True:
            try:
                await self.look()
            except StoreError as error:
                log.warning("store_unavailable", error=type(error).__name__, work="news")
            except Exception:  # one document that cannot be followed must not end the news of all others
                log.exception("watch_failed")
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
            before = known.get(one.source)
            is_noted = before is not None and before.revision == one.version and before.gone is None
            if one.complete and versions[one.source] == 1 and not is_noted:
                await self._follow(one, ALWAYS if is_first else self._clock())
        missed = [known[source] for source in known.keys() - versions]
        await self._miss(missed, self._clock())
        await self._histories.begin()
        self._seen = None if missed else set(documents)

    async def _miss(self, missed: Collection[DocumentHistory], now: datetime) -> None:
        """Documents that are not there may come back soon: their histories outlive them for a while."""
        for one in missed:
            if one.gone is None:
                await self._histories.follow(one.source, lambda kept: replace(kept, gone=now) if kept else None)
        over = {one.source for one in missed if one.gone is not None and now - one.gone > MISSED}
        if over:
            await self._histories.forget(over)

    async def _follow(self, document: Document, at: datetime) -> None:
        passages = await whole(document, self._index)

        def change(before: DocumentHistory | None) -> DocumentHistory:
            if before is not None and before.revision == document.version:  # as it was, or noted by another process
                return replace(before, gone=None)
            return followed(before, document.source, document.version, passages, at)

        if len(passages) == document.total:  # it does not change just now
            await self._histories.follow(document.source, change)
