"""What is done when nobody asks: documents that are gone are forgotten, and what is asked about most is read ahead.

`Leftovers` is the one way for all who take documents away: counts, titles, traces, logs, answers, readings, and bytes
in files. `Upkeep` tends the model's memory, also after an ingestion by another process: the passages that took the
place of those asked about are read again. Knows nothing of why documents went, or of how the model remembers; see
`Generator.retain` and `Generator.read_ahead`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from core.domain import Document, Passage
from core.errors import ModelUnavailableError, StoreError
from core.ports import Generator, Memory, PassageIndex, Usage

PAUSE = 30.0  # seconds between two looks
SWEEP = 3600.0  # seconds between two tries to let go what is too old; it is done once a day
MOST = 50  # passages that are read ahead
_REMEMBERED = 1000  # passages whose readings are counted

ForgetReading = Callable[[Collection[tuple[str, str]]], Awaitable[None]]
"""Drops what was read of other documents than the given (source, version)."""


async def swept(memory: Memory) -> None:
    """Let go what is too old, now and then, until cancelled. A memory that does not answer is asked again later."""
    while True:
        with suppress(StoreError):
            await memory.sweep()
        await asyncio.sleep(SWEEP)


class Upkeep:
    """Counts what is read, and tends the model's memory of it."""

    def __init__(self, index: PassageIndex, generator: Generator) -> None:
        self._index = index
        self._generator = generator
        self._read: Counter[Passage] = Counter()
        self._news = False
        self._current: set[tuple[str, str]] = set()  # (source, version) of all documents, when last looked at

    def note(self, passages: Iterable[Passage]) -> None:
        """Count passages that a question made the model read."""
        self._read.update(passages)
        self._news = True
        if len(self._read) > _REMEMBERED:
            self._read = Counter(dict(self._read.most_common(_REMEMBERED // 2)))

    async def run(self) -> None:
        """Tend now and then, until cancelled. An index or a model that does not answer is asked again later."""
        while True:
            await asyncio.sleep(PAUSE)
            with suppress(StoreError, ModelUnavailableError):
                await self.tend()

    async def tend(self) -> None:
        """Forget what is gone or changed, though nobody asked; read ahead what is asked about most, or replaced it."""
        whole = [document for document in await self._index.documents() if document.complete]
        current = {(document.source, document.version) for document in whole}
        if not self._news and current == self._current:
            return
        self._read = await self._followed(dict(sorted(current)))
        await self._generator.retain(current)
        often = [passage for passage, count in self._read.most_common(MOST) if count > 1]
        self._generator.read_ahead(self._generator.protocol.system, often)
        self._news, self._current = False, current

    async def _followed(self, versions: Mapping[str, str]) -> Counter[Passage]:
        """What was read, as the documents are now: an old version's passages by those in their place in the new one."""
        counted: Counter[Passage] = Counter()
        for passage, count in self._read.most_common():
            version = versions.get(passage.source)
            if version == passage.version:
                counted[passage] += count
            elif version is not None and count > 1:
                before = replace(passage, version=version, ordinal=passage.ordinal - 1)
                counted.update(dict.fromkeys(await self._index.following([before], count=1), count))
        return counted


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
