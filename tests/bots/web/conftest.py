"""Attune as programs find it: a real server on loopback over real stores; only the two models are fakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import structlog
from openai import AsyncOpenAI
from redis.asyncio import Redis

from bots.service.slots import ClientLanes
from bots.web.app import program_app
from bots.web.programs import Programs
from bots.web.server import served
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis.clients import RedisClients
from core.adapters.redis.memory import RedisMemory
from core.adapters.redis.usage import RedisUsage
from core.answering.prompt import NOT_FOUND
from core.domain import EVERYONE, Passage, Prompt
from core.engine import AnswerLimits, Engine
from core.people.clients import ApiClients
from core.text.words import content_words
from tests.fakes import HashingEmbedder, ScriptedGenerator

BOARD = "channel:slack/T1/BOARD"
START = datetime(2026, 1, 1, tzinfo=UTC)
LEAVE = "Annual leave is requested in the calendar two weeks before"
TRAVEL = "Book travel with the agency and keep every receipt"
SALARY = "The salary of the director is negotiated by the board"
PASSAGES = [
    Passage("00000000-0000-0000-0000-000000000001", "/srv/docs/leave.md", "Leave", ("Request",), LEAVE, 1, 0, 1, "v"),
    Passage("00000000-0000-0000-0000-000000000002", "https://intra.test/travel", "Travel", (), TRAVEL, 1, 0, 1, "v"),
    Passage("00000000-0000-0000-0000-000000000003", "/srv/docs/board.md", "Board", (), SALARY, 1, 0, 1, "v", (BOARD,)),
]
QUESTION = "How is annual leave requested?"
SECRET = "Who negotiates the salary of the director?"  # noqa: S105


def from_passages(prompt: Prompt) -> str:
    """What a reader says: the first passage with the question's words, or that there is none."""
    asked = content_words(prompt.question)
    found = (one.text for one in prompt.passages if len(asked & content_words(one.text)) > 1)
    return next(found, NOT_FOUND)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclass
class World:
    """What a test of a program has in its hands."""

    engine: Engine
    generator: ScriptedGenerator
    clients: ApiClients
    memory: RedisMemory
    usage: RedisUsage
    address: str = ""
    opened: list[AsyncOpenAI] = field(default_factory=list)

    async def key(self, name: str = "tester", *readers: str) -> str:
        return await self.clients.add(name, readers or (EVERYONE,), START)

    async def openai(self, name: str = "tester", *readers: str) -> AsyncOpenAI:
        return self.client(await self.key(name, *readers))

    def client(self, key: str, **more: float) -> AsyncOpenAI:
        self.opened.append(AsyncOpenAI(api_key=key, base_url=f"http://{self.address}/v1", max_retries=0, **more))
        return self.opened[-1]


@pytest.fixture
async def world(redis: Redis, shared_index: SharedIndex) -> World:
    embedder, generator = HashingEmbedder(), ScriptedGenerator(from_passages)
    await shared_index.upsert(PASSAGES, await embedder.embed([passage.text for passage in PASSAGES]))
    memory, usage = RedisMemory(redis), RedisUsage(redis)
    engine = Engine(
        embedder=embedder,
        index=shared_index,
        memory=memory,
        usage=usage,
        generator=generator,
        limits=AnswerLimits(passages=2, relevance=0.15),
    )
    return World(engine, generator, ApiClients(RedisClients(redis)), memory, usage)


@asynccontextmanager
async def serving(world: World, **limits: int) -> AsyncIterator[World]:
    """The server, with other limits than the usual ones."""
    programs = Programs(world.engine, ClientLanes(**limits))
    async with (
        program_app(programs, world.clients, "0") as app,
        served(app, "127.0.0.1:0", "ATTUNE_API") as world.address,
    ):
        yield world
        for client in world.opened:
            await client.close()


@pytest.fixture
async def api(world: World) -> AsyncIterator[World]:
    """In a task of its own: a scope of anyio is left by the task that entered it, which a fixture's is not."""
    ready, over = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        async with serving(world):
            ready.set()
            await over.wait()

    task = asyncio.create_task(serve())
    await asyncio.wait({task, asyncio.ensure_future(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    yield world
    over.set()
    await task
