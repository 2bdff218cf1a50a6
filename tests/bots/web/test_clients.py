"""Keys of programs: made once, kept as hashes, listed and removed by the operator; and where they are used."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI
from redis.asyncio import Redis
from starlette.applications import Starlette

from bots.cli.programs import add_client, list_clients, remove_client
from bots.service.serving import Answerer, ProcessRoles, serve
from bots.web.server import is_loopback, served
from core.adapters.redis.clients import CLIENTS, RedisClients
from core.bootstrap import open_records
from core.domain import EVERYONE
from core.errors import ConfigurationError
from core.people.clients import ApiClients
from core.settings import Settings
from tests.bots.test_serving import free_port
from tests.bots.test_workers import until
from tests.bots.web.conftest import LEAVE, QUESTION, START, World
from tests.doubles.chat import Chat, chat_platform


@pytest.fixture
def clients(redis: Redis) -> ApiClients:
    return ApiClients(RedisClients(redis))


async def test_a_key_is_found_and_never_kept(clients: ApiClients, redis: Redis) -> None:
    """Whoever reads the store, or a backup of it, cannot ask."""
    key = await clients.add("open-webui", [EVERYONE, "channel:slack/T1/C1"], START)
    found = await clients.find(key)
    assert found is not None
    assert (found.name, found.readers, found.since) == ("open-webui", ("channel:slack/T1/C1", EVERYONE), START)
    stored = str(await redis.hgetall(CLIENTS))
    assert key not in stored
    assert key.rpartition(".")[2] not in stored


async def test_only_the_very_key_is_found(clients: ApiClients) -> None:
    key = await clients.add("a", [EVERYONE], START)
    other = await clients.add("b", [EVERYONE], START)
    swapped = f"attune.a.{other.rpartition('.')[2]}"
    assert [await clients.find(one) for one in (swapped, key[:-1], f"{key}x", key.upper(), "", "attune.a.")] == [
        None
    ] * 6


async def test_a_name_is_taken_once_and_free_again_when_removed(clients: ApiClients) -> None:
    """Of many at once one gets it."""
    made = await asyncio.gather(*[clients.add("a", [EVERYONE], START) for _ in range(20)], return_exceptions=True)
    assert sum(isinstance(one, ConfigurationError) for one in made) == 19
    old = next(one for one in made if isinstance(one, str))
    known = await clients.find(old)
    assert known
    assert await clients.remove("a")
    assert not await clients.remove("a")
    assert not await clients.knows(known)
    new = await clients.add("a", [EVERYONE], START)
    assert await clients.find(old) is None
    assert await clients.find(new)
    assert not await clients.knows(known)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a.b", "a" * 41, "ä", "a\n"])
async def test_a_name_is_plain(clients: ApiClients, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not a name"):
        await clients.add(name, [EVERYONE], START)


async def test_a_record_that_cannot_be_read_lets_nobody_in(clients: ApiClients, redis: Redis) -> None:
    """The others stay, and it can be removed."""
    key = await clients.add("a", [EVERYONE], START)
    await clients.add("b", [EVERYONE], START)
    await redis.hset(CLIENTS, "a", '{"version":99}')
    assert await clients.find(key) is None
    assert [client.name for client in await clients.all()] == ["b"]
    assert await clients.remove("a")


async def test_the_operator_makes_lists_and_removes_keys(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(home=data)
    assert await add_client(settings, "webui", (EVERYONE,)) == 0
    key = capsys.readouterr().out.strip()
    async with open_records(settings) as records:
        assert await records.clients.find(key)
    await list_clients(settings)
    shown = capsys.readouterr().out
    assert "webui" in shown
    assert key not in shown
    assert [await remove_client(settings, "webui"), await remove_client(settings, "webui")] == [0, 1]
    await list_clients(settings)
    assert "No program has a key" in capsys.readouterr().out


async def test_serving_without_a_platform_answers_programs(data: Path, world: World) -> None:
    """`attune serve` with ATTUNE_API alone; keys are those of its own store."""
    port = free_port()
    settings = Settings(home=data, api=f"127.0.0.1:{port}", metrics="off", grace=1.0)

    @asynccontextmanager
    async def opened(_: Settings):
        yield Answerer(world.engine)

    async with open_records(settings) as records:
        key = await records.clients.add("a", [EVERYONE], START)
    serving = asyncio.create_task(serve(settings, [], ProcessRoles(), opened))
    async with AsyncOpenAI(api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=9) as client:
        reply = await client.chat.completions.create(model="attune", messages=[{"role": "user", "content": QUESTION}])
        assert reply.choices[0].message.content == LEAVE
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(openai.APIConnectionError):
            await client.with_options(max_retries=0).models.list()


async def test_a_program_that_floods_takes_no_place_of_people(data: Path, world: World) -> None:
    """With a single place for people and a program that fills its own, a person is answered in their turn."""
    port = free_port()
    settings = Settings(home=data, api=f"127.0.0.1:{port}", metrics="off", grace=1.0, workers=1)
    world.generator.pace, ended = 0.05, []

    @asynccontextmanager
    async def opened(_: Settings):
        yield Answerer(world.engine)

    async with open_records(settings) as records:
        key = await records.clients.add("a", [EVERYONE], START)
    async with Chat().running() as chat:
        serving = asyncio.create_task(serve(settings, [chat_platform(chat.url)], ProcessRoles(), opened))
        async with AsyncOpenAI(api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=9) as client:
            await client.models.list()

            async def ask() -> None:
                message = {"role": "user", "content": QUESTION}
                await client.chat.completions.create(model="attune", messages=[message])
                ended.append("program")

            flood = [asyncio.create_task(ask()) for _ in range(8)]
            await until(lambda: world.generator.pieces_sent > 0)
            await chat.deliver("1", "c", "ann", QUESTION)
            await until(lambda: bool(chat.messages) and chat.messages[0].text.startswith(LEAVE))
            ended.append("person")
            await asyncio.gather(*flood)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert ended.index("person") <= 4


async def test_nothing_is_served_to_programs_unless_it_is_asked_for() -> None:
    with pytest.raises(ConfigurationError, match="ATTUNE_API"):
        await serve(Settings(), [], ProcessRoles())
    with pytest.raises(ConfigurationError, match="No platform"):
        await serve(Settings(api="127.0.0.1:0"), [], ProcessRoles(answers=False))


async def test_an_address_that_is_taken_is_said() -> None:
    async with served(Starlette(), "127.0.0.1:0", "ATTUNE_API") as address:
        with pytest.raises(ConfigurationError, match=r"ATTUNE_API is 127\.0\.0\.1:"):
            async with served(Starlette(), address, "ATTUNE_API"):
                pass


def test_what_only_this_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1")))
    assert not any(map(is_loopback, ("0.0.0.0:1", "[::]:1", "10.0.0.1:1", "attune.test:1")))
