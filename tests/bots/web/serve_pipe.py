"""A program that serves MCP over its pipe as `attune mcp` does, with scripted models in place of real ones."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bots.cli.programs import mcp
from core.adapters.index.qdrant_index import QdrantIndex
from core.bootstrap import open_records
from core.engine import AnswerLimits, Engine
from core.readers import checked
from core.settings import Settings
from tests.bots.web.conftest import PASSAGES, from_passages
from tests.fakes import HashingEmbedder, ScriptedGenerator

GO = "go"  # a file in the home: until it is there, models are loaded


@asynccontextmanager
async def engine(settings: Settings) -> AsyncIterator[Engine]:
    while settings.home and not (settings.home / GO).exists():  # noqa: ASYNC110 - a file of another process
        await asyncio.sleep(0.05)
    embedder = HashingEmbedder()
    async with (
        open_records(settings) as records,
        QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=embedder.dimension) as index,
    ):
        await index.upsert(PASSAGES, await embedder.embed([passage.text for passage in PASSAGES]))
        yield Engine(
            embedder=embedder,
            index=index,
            memory=records.memory,
            usage=records.usage,
            generator=ScriptedGenerator(from_passages),
            limits=AnswerLimits(passages=2, relevance=0.15),
        )


def main(*readers: str) -> None:
    settings = Settings.from_env(os.environ)
    sys.exit(asyncio.run(mcp(settings, checked(readers), engine)))


if __name__ == "__main__":
    main(*sys.argv[1:])
