"""The product as benchmarks run it: its own models and code, over stores that last as long as the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.bootstrap import Library, Stores, open_embedder, open_generator, open_index, open_records
from core.documents.ingest import Ingester
from core.engine import Engine, limits_of
from core.ports import Embedder, Generator, PassageIndex
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Product:
    """All parts of Attune, and engines made of them."""

    settings: Settings
    embedder: Embedder
    index: PassageIndex
    ingester: Ingester
    records: Stores
    generator: Generator

    def engine(self, **limits: Any) -> Engine:
        """The engine with the settings' limits, except those that are named."""
        return Engine(
            embedder=self.embedder,
            index=self.index,
            memory=self.records.memory,
            usage=self.records.usage,
            generator=self.generator,
            limits=replace(limits_of(self.settings), **limits),
        )


@asynccontextmanager
async def open_product(generator: Generator | None = None, home: Path | None = None) -> AsyncIterator[Product]:
    """Open all of Attune with the models of this machine, or another `generator`, and with empty stores.

    With `home` the stores are kept there for the next time.
    """
    async with open_search(home) as library, AsyncExitStack() as stack:
        settings = Settings.from_env(os.environ)
        yield Product(
            settings,
            library.embedder,
            library.index,
            library.ingester,
            await stack.enter_async_context(open_records(elsewhere(settings, stack, home))),
            generator if generator is not None else await stack.enter_async_context(open_generator(settings)),
        )


@asynccontextmanager
async def open_search(home: Path | None = None) -> AsyncIterator[Library]:
    """Open the part that reads documents and finds passages, over an empty index; no language model is loaded.

    With `home` the index is kept there for the next time.
    """
    settings = Settings.from_env(os.environ)
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(open_embedder(settings))
        index = await stack.enter_async_context(open_index(elsewhere(settings, stack, home), embedder.dimension))
        tokens, model = settings.passage_tokens, settings.embedder
        yield Library(embedder, index, Ingester(embedder, index, passage_tokens=tokens, model=model))


@asynccontextmanager
async def open_embedding() -> AsyncIterator[Embedder]:
    """Open the embedder alone."""
    async with open_embedder(Settings.from_env(os.environ)) as embedder:
        yield embedder


@asynccontextmanager
async def open_model() -> AsyncIterator[Generator]:
    """Open the language model alone."""
    async with open_generator(Settings.from_env(os.environ)) as generator:
        yield generator


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for stores, which goes at the end."""
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def elsewhere(settings: Settings, stack: AsyncExitStack, home: Path | None = None) -> Settings:
    """The settings with embedded stores in `home`, or in a folder that goes when `stack` closes."""
    home = home or stack.enter_context(temporary_folder())
    return settings.model_copy(update={"home": home, "redis_url": None, "qdrant_url": None})
