"""A language model on other machines: behind OpenAI's API, or Attune's own on a Ray cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.adapters.remote_model.openai_api import OpenAIServer
from core.adapters.remote_model.ray_generator import SCHEME, RayGenerator
from core.adapters.remote_model.remote_generator import RemoteGenerator
from core.models.layouts import protocol_of
from core.models.store import ModelStore
from core.settings import Settings


@asynccontextmanager
async def open_model(settings: Settings, url: str) -> AsyncIterator[RemoteGenerator | RayGenerator]:
    """Open the language model at `url`; on a server, it is taken to have merged the adapter of `ATTUNE_ADAPTER`."""
    key = settings.model_key.get_secret_value() if settings.model_key else None
    if url.startswith(SCHEME):
        async with RayGenerator(url.removeprefix(SCHEME), key, silence=settings.model_timeout) as cluster:
            yield cluster
        return
    store, named = ModelStore(settings.models_folder), settings.adapter
    adapter = await asyncio.to_thread(store.resolve_adapter, named) if named else None
    server = OpenAIServer(url, key, silence=settings.model_timeout)
    async with RemoteGenerator(server, settings.model, protocol_of(settings.model, settings.model, adapter)) as remote:
        yield remote
