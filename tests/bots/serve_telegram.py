"""A program that serves Telegram as `attune serve` does, with a scripted model in place of a real one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bots.service.serving import Answerer, ProcessRoles, configured, serve
from core.adapters.index.qdrant_index import QdrantIndex
from core.bootstrap import open_records
from core.domain import Passage
from core.engine import AnswerLimits, Engine
from core.settings import Settings
from tests.fakes import HashingEmbedder, ScriptedGenerator

TEXT = "Parental leave is twenty weeks and you ask your lead for it"
PACE = 0.15  # seconds a word


@asynccontextmanager
async def answerer(settings: Settings) -> AsyncIterator[Answerer]:
    embedder = HashingEmbedder()
    passage = Passage("00000000-0000-0000-0000-000000000001", "/docs/Leave.md", "Leave", (), TEXT, 1, 0, 1, "v")
    async with (
        open_records(settings) as records,
        QdrantIndex.at(":memory:", api_key=None, collection="t", dimension=embedder.dimension) as index,
    ):
        await index.upsert([passage], await embedder.embed([TEXT]))
        engine = Engine(
            embedder=embedder,
            index=index,
            memory=records.memory,
            usage=records.usage,
            generator=ScriptedGenerator(pace=PACE),
            limits=AnswerLimits(passages=2, relevance=0.1),
        )
        yield Answerer(engine)


def main(role: str = "both") -> None:
    settings = Settings.from_env(os.environ)
    halves = ProcessRoles(receives=role != "worker", answers=role != "receiver")
    asyncio.run(serve(settings, configured(settings), halves, answerer))


if __name__ == "__main__":
    main(*sys.argv[1:])
