"""The product as benchmarks run it: its own models and code, over stores that last as long as the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from core.bootstrap import Attune, Library, limits_of, open_embedder, open_generator, open_index, open_memory
from core.engine import Engine
from core.ingest import Ingester
from core.settings import Settings


@asynccontextmanager
async def open_product(settings: Settings | None = None) -> AsyncIterator[Attune]:
    """Open all of Attune with the models of this machine and with empty stores."""
    chosen = settings or Settings.from_env(os.environ)
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attune-")))
        empty = chosen.model_copy(update={"home": home, "redis_url": None, "qdrant_url": None})
        memory = await stack.enter_async_context(open_memory(empty))
        embedder = await stack.enter_async_context(open_embedder(chosen))
        index = await stack.enter_async_context(open_index(empty, embedder.dimension))
        generator = await stack.enter_async_context(open_generator(chosen))
        ingester = Ingester(embedder, index, passage_tokens=chosen.passage_tokens, model=chosen.embedder)
        engine = Engine(embedder=embedder, index=index, memory=memory, generator=generator, limits=limits_of(chosen))
        yield Attune(engine, Library(embedder, index, ingester), memory)
