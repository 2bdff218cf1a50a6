"""Several servers instead of one: a cluster with copies, and one with copies that sentinels watch over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection

from core.adapters.redis import addresses, sentinel, valkey
from core.adapters.redis.connections import primaries_of, servers_of
from core.adapters.redis.dump import RedisDump
from core.adapters.redis.inbox import RedisInbox
from core.adapters.redis.keys import finish_removing, removed_from_disk
from core.adapters.redis.memory import RedisMemory
from core.domain import Conversation
from core.errors import ConfigurationError, MemoryUnavailableError
from core.inbox import Receipt
from core.people.preferences import Length
from evals.valkeys import ValkeyGroup, ValkeyServer, cluster, guarded
from tests.contracts.test_inbox import GENEROUS, event, new_token
from tests.contracts.test_memory import ANNA
from tests.core.adapters.test_clearing_away import holding

WORD = "xylozebra"
MARK = "attune:unwritten"


@pytest.fixture(params=[cluster, guarded])
async def group(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ValkeyGroup]:
    """Three primaries with a copy each, or one with a copy and three sentinels."""
    made = cluster(tmp_path, copies=1) if request.param is cluster else guarded(tmp_path)
    async with made as servers:
        yield servers


@pytest.fixture
async def client(group: ValkeyGroup) -> AsyncIterator[Redis]:
    async with valkey.remote(group.url) as opened:
        yield opened


async def test_what_is_acknowledged_outlives_its_server(group: ValkeyGroup, client: Redis) -> None:
    """The server of the inbox is killed while messages come in: each is claimed once, in the order of its lane."""
    inbox = RedisInbox(client, GENEROUS, lease=60)
    lanes = [Conversation("slack", "T1", f"C{number}") for number in range(4)]

    async def write(lane: Conversation) -> None:
        for number in range(30):
            receipt = await inbox.put(event(f"{lane.channel}-{number:02}", lane))
            assert receipt in {Receipt.ACCEPTED, Receipt.KNOWN}

    writing = asyncio.gather(*map(write, lanes))
    await asyncio.sleep(0.2)
    (await group.writer("{attune:inbox}")).kill()
    await writing
    seen: dict[str, list[str]] = {}
    while claim := await inbox.claim(new_token()):
        seen.setdefault(claim.event.conversation.channel, []).append(claim.event.key)
        await inbox.done(claim.token)
    assert seen == {lane.channel: [f"slack:{lane.channel}-{number:02}" for number in range(30)] for lane in lanes}


async def test_two_who_change_the_same_at_once_both_do(client: Redis) -> None:
    """A transaction that was overtaken begins anew."""
    memory, count = RedisMemory(client), 0

    async def change() -> None:
        nonlocal count
        for _ in range(10):
            await memory.change_wishes(ANNA, lambda wishes: wishes)
            count += 1

    async def add(pipe: Any) -> None:
        before = int(await pipe.get("attune:{n}") or 0)
        await asyncio.sleep(0.001)
        pipe.multi()
        pipe.set("attune:{n}", before + 1)

    await asyncio.gather(change(), *[client.transaction(add, "attune:{n}") for _ in range(30)])
    assert int(await client.get("attune:{n}")) == 30
    assert count == 10
    assert (await memory.wishes(ANNA)).preferences.length is not Length.SHORT


async def test_what_is_removed_is_on_no_disk_of_any_server(group: ValkeyGroup, client: Redis, tmp_path: Path) -> None:
    """Of copies neither; one that is away meanwhile is seen to when it is back."""
    for number in range(9):
        await client.set(f"k{number}", f"{WORD} {number}")
    for number in range(4):
        async with removed_from_disk(client):
            await client.delete(f"k{number}")
    assert not await client.exists(MARK)
    assert {word for n in range(4) for word in holding(tmp_path, f"{WORD} {n}")} == set()
    copy = await a_copy(group)
    copy.kill()
    async with removed_from_disk(client):
        for number in range(4, 9):
            await client.delete(f"k{number}")
    assert await client.exists(MARK)
    assert holding(copy.folder, WORD)
    copy.start()
    async with asyncio.timeout(30):
        while await client.exists(MARK):
            await finish_removing(client)
    assert holding(tmp_path, WORD) == []


async def test_a_dump_is_of_one_moment(client: Redis) -> None:
    """Whatever was written after something else is in it only with that, on whichever node it lies."""
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            for name in "abcdef":
                await client.set(f"attune:{name}", number)

    await asyncio.gather(*[client.rpush(f"attune:many:{number}", *range(2000)) for number in range(9)])
    writing = asyncio.create_task(write())
    try:
        for _ in range(10):
            values = {one.key: one.value for one in await RedisDump(client).entries()}
            numbers = [int(values.get(f"attune:{name}".encode(), [b"0"])[0]) for name in "abcdef"]
            assert numbers == sorted(numbers, reverse=True)
            assert numbers[0] - numbers[-1] <= 1
    finally:
        stop.set()
        await writing
    entries = await RedisDump(client).entries()
    await RedisDump(client).replace(entries)
    assert sorted(await RedisDump(client).entries(), key=lambda one: one.key) == sorted(
        entries, key=lambda one: one.key
    )


async def test_all_servers_are_known(group: ValkeyGroup, client: Redis) -> None:
    """Those that write and those that copy, also such as are away."""
    everybody = [server for server in group.servers if not server.words]
    (await a_copy(group)).kill()
    assert len(await servers_of(client)) == len(everybody)
    assert len(await primaries_of(client)) == len(everybody) // 2


@pytest.mark.parametrize(("kind", "path"), [("cluster", ""), ("sentinel", "/attune")])
async def test_an_address_where_nobody_is_ends_in_a_sentence(
    kind: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the password."""
    monkeypatch.setattr(sentinel, "FAILOVER_RETRIES", 2)
    async with valkey.remote(f"redis+{kind}://user:s3cret@127.0.0.1:1{path}") as client:
        with pytest.raises(MemoryUnavailableError) as caught:
            await RedisMemory(client).ping()
    assert "REDIS_URL" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_address_names_several_servers() -> None:
    """With what connections to them need."""
    found = addresses.parse("rediss+cluster://ann:p%40ss@one:7000,[::1]:7001,three?socket_timeout=3")
    assert found.places == (("one", 7000), ("::1", 7001), ("three", 6379))
    assert found.options["username"], found.options["password"] == ("ann", "p@ss")
    assert found.options["ssl"] is True
    assert found.options["socket_timeout"] == 3
    found = addresses.parse("redis+sentinel://:secret@one,two:5/team/2?sentinel_password=other")
    assert found.places == (("one", 26379), ("two", 5))
    assert (found.service, found.options["db"], found.options["password"]) == ("team", 2, "secret")
    assert found.of_sentinels["password"] == "other"  # noqa: S105 - a test's


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://one:26379",
        "redis+sentinel://one/service/x",
        "redis+sentinel://one/service?max_connections=9",
        "redis+sentinel://one/service?ssl_ca_certs=a.pem",
        "redis+cluster://",
        "redis+cluster://one:x",
        "redis+cluster://one,,two",
        "redis+cluster://one/3",
        *(
            f"redis+cluster://one?{option}"
            for option in ("db=3", "max_connections=5", "retry_on_timeout=true", "foo=bar")
        ),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """With an example of one."""
    with pytest.raises(ConfigurationError, match=r"Write it like redis\+"):
        addresses.parse(url)


@pytest.mark.parametrize("password", ["s3/cret", "s3#cret", "s3?cret", "s3[cret"])
def test_an_address_that_is_refused_shows_nothing_of_its_password(password: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        addresses.parse(f"redis+cluster://ann:{password}@one:7000")
    assert "s3" not in str(caught.value)
    assert "cret" not in str(caught.value)


async def test_what_is_said_to_sentinels_is_encrypted_where_the_servers_are() -> None:
    """Unless the address says that they are not."""
    url = "rediss+sentinel://one/service?ssl_ca_certs=a.pem&sentinel_password=other&sentinel_ssl_check_hostname=no"
    found = addresses.parse(url).of_sentinels
    assert (found["ssl"], found["ssl_ca_certs"], found["ssl_check_hostname"]) == (True, "a.pem", False)
    async with sentinel.guarded(url) as client:
        assert isinstance(client, sentinel.GuardedServer)
        (one,) = client._sentinel.sentinels
        assert one.connection_pool.connection_class is SSLConnection
    assert addresses.parse(f"{url}&sentinel_ssl=no").of_sentinels["ssl"] is False


async def test_copies_are_known_while_a_sentinel_is_away(tmp_path: Path) -> None:
    """Whichever of them the address names first."""
    async with guarded(tmp_path) as group:
        url = group.url.replace("redis+sentinel://", "redis+sentinel://127.0.0.1:1,")
        async with valkey.remote(url) as client:
            assert len(await servers_of(client)) == 2


async def a_copy(group: ValkeyGroup) -> ValkeyServer:
    """A server that copies another."""
    for server in group.servers:
        if not server.words and (await server.facts("replication"))["role"] == "slave":
            return server
    raise AssertionError("nobody copies")
