"""The product as benchmarks run it: its own models and code, over stores that last as long as the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.bootstrap import Library, limits_of, open_embedder, open_generator, open_index, open_memory
from core.engine import Engine
from core.ingest import Ingester
from core.ports import Embedder, Generator, Memory, PassageIndex
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Product:
    """All parts of Attune, and engines made of them."""

    settings: Settings
    embedder: Embedder
    index: PassageIndex
    memory: Memory
    generator: Generator

    @property
    def ingester(self) -> Ingester:
        """What brings documents into the index."""
        settings = self.settings
        return Ingester(self.embedder, self.index, passage_tokens=settings.passage_tokens, model=settings.embedder)

    def engine(self, **limits: Any) -> Engine:
        """The engine with the settings' limits, except those that are named."""
        return Engine(
            embedder=self.embedder,
            index=self.index,
            memory=self.memory,
            generator=self.generator,
            limits=replace(limits_of(self.settings), **limits),
        )


@asynccontextmanager
async def open_shelf() -> AsyncIterator[Library]:
    """Open what searching takes, with an empty index: no language model is loaded."""
    settings = Settings.from_env(os.environ)
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as home:
        empty = settings.model_copy(update={"home": Path(home), "qdrant_url": None})
        async with open_embedder(settings) as embedder, open_index(empty, embedder.dimension) as index:
            tokens = settings.passage_tokens
            yield Library(embedder, index, Ingester(embedder, index, passage_tokens=tokens, model=settings.embedder))


@asynccontextmanager
async def open_product() -> AsyncIterator[Product]:
    """Open all of Attune with the models of this machine and with empty stores."""
    settings = Settings.from_env(os.environ)
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True)))
        empty = settings.model_copy(update={"home": home, "redis_url": None, "qdrant_url": None})
        embedder = await stack.enter_async_context(open_embedder(settings))
        yield Product(
            settings,
            embedder,
            await stack.enter_async_context(open_index(empty, embedder.dimension)),
            await stack.enter_async_context(open_memory(empty)),
            await stack.enter_async_context(open_generator(settings)),
        )
