"""What is done when nobody asks: the model forgets documents that are gone, and reads ahead what is asked about most.

Knows nothing of how the model remembers; see `Generator.retain` and `Generator.read_ahead`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from core.domain import Passage
from core.errors import StoreError
from core.ports import Generator, PassageIndex

PAUSE = 30.0  # seconds between two looks
MOST = 50  # passages that are read ahead
_REMEMBERED = 1000  # passages whose readings are counted


class Upkeep:
    """Counts what is read, and tends the model's memory of it."""

    def __init__(self, index: PassageIndex, generator: Generator) -> None:
        self._index = index
        self._generator = generator
        self._read: Counter[Passage] = Counter()
        self._news = False

    def note(self, passages: Iterable[Passage]) -> None:
        """Count passages that a question made the model read."""
        self._read.update(passages)
        self._news = True
        if len(self._read) > _REMEMBERED:
            self._read = Counter(dict(self._read.most_common(_REMEMBERED // 2)))

    async def run(self) -> None:
        """Tend now and then, until cancelled. An index that does not answer is asked again later."""
        while True:
            await asyncio.sleep(PAUSE)
            if self._news:
                with suppress(StoreError):
                    await self.tend()

    async def tend(self) -> None:
        """Forget what is gone or changed; read ahead the rest of what is asked about most."""
        current = {(document.source, document.version) for document in await self._index.documents()}
        self._read = Counter({p: count for p, count in self._read.items() if (p.source, p.version) in current})
        await self._generator.retain(current)
        often = [passage for passage, count in self._read.most_common(MOST) if count > 1]
        self._generator.read_ahead(self._generator.protocol.system, often)
        self._news = False
