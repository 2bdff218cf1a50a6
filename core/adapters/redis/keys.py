"""What the adapters over Redis share: how keys are named, and what its errors become.

Knows nothing of what is kept under a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core.adapters.redis.connections import primaries_of, servers_of
from core.domain import Person
from core.errors import MemoryUnavailableError

PREFIX = "attune:"
PATIENCE = 60.0  # seconds for a server's files to be written anew
_PAUSE = 0.03  # seconds between two looks at them
_UNWRITTEN = "attune:unwritten"  # counts removals; there while one of them may still stand in a file

# Only the last of several that remove at the same time knows that all of it is written.
_UNMARK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


def person_key(kind: str, person: Person) -> str:
    """A key of one person's; all of these share a slot."""
    return f"{PREFIX}{kind}:{tag(person.platform, person.workspace, person.user)}"


def conversations_key(person: Person) -> str:
    """The conversations a person took part in: a hash of turn keys, counting what was said."""
    return person_key("conversations", person)


def workspace_key(kind: str, platform: str, workspace: str) -> str:
    """A key of one workspace's."""
    return f"{PREFIX}{kind}:{tag(platform, workspace)}"


def tag(*parts: str) -> str:
    """One hash tag: quoted, so that neither a ':' nor a brace inside an id can make two keys one."""
    return "{" + ":".join(quote(part, safe="") for part in parts) + "}"


@asynccontextmanager
async def removed_from_disk(client: Redis) -> AsyncIterator[None]:
    """What is removed inside is gone from the server's files as well when this ends, not only from its memory.

    Whoever is killed meanwhile, or fails, leaves a mark, by which `finish_removing` goes on.
    """
    mark = await client.incr(_UNWRITTEN)
    yield
    if await _files_written_anew(client):
        await client.eval(_UNMARK, 1, _UNWRITTEN, mark)


async def finish_removing(client: Redis) -> None:
    """Go on where somebody was killed between removing and the end of it on the disk."""
    if await client.exists(_UNWRITTEN):
        async with removed_from_disk(client):
            pass


async def _files_written_anew(client: Redis) -> bool:
    """Have every server write its files anew: what was removed would stand in them for a long time.

    False where one failed, took too long, or is a copy that is away.
    """
    servers = await servers_of(client)
    if len(servers) == 1:
        return await _anew(servers[0])
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*map(_copied, await primaries_of(client)))
    except TimeoutError:
        return False
    return all(await asyncio.gather(*map(_anew_if_there, servers)))


async def _copied(server: Redis) -> None:
    """Return when its copies have all that it has now."""
    now = (await server.info("replication"))["master_repl_offset"]
    while True:
        facts = await server.info("replication")
        if all(facts[f"slave{number}"]["offset"] >= now for number in range(facts["connected_slaves"])):
            return
        await asyncio.sleep(_PAUSE)


async def _anew_if_there(server: Redis) -> bool:
    try:
        return await _anew(server)
    except (RedisConnectionError, RedisTimeoutError, OSError):
        return False


async def _anew(server: Redis) -> bool:
    """Whether one server wrote its files anew.

    One that keeps no such file, or takes these commands from nobody, is left alone. One that is at it began before what
    was removed was gone, so that it is asked again.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            facts = await server.info("persistence")
            if (await server.info("replication")).get("master_link_status") == "down":
                return False  # it may have missed the removal
            if facts.get("aof_enabled"):
                facts = await _written(
                    server, server.bgrewriteaof, ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
                )
            if facts.get("rdb_saves") or await _saves(server):
                facts |= await _written(server, server.bgsave, ("rdb_bgsave_in_progress",))
    except TimeoutError:
        return False
    except ResponseError:  # it takes them from nobody
        return True
    return "err" not in (facts.get("aof_last_bgrewrite_status"), facts.get("rdb_last_bgsave_status"))


async def _written(client: Redis, write: Callable[[], Awaitable[Any]], going_on: Sequence[str]) -> dict[str, Any]:
    """What the server says of its files when `write` has been done, which began after this did."""
    await _begun(write)
    while True:
        facts = await client.info("persistence")
        if not any(facts.get(sign) for sign in going_on):
            return facts
        await asyncio.sleep(_PAUSE)


async def _begun(write: Callable[[], Awaitable[Any]]) -> None:
    """Ask again where the server is at the same already, or at another file."""
    while True:
        try:
            await write()
        except ResponseError as error:
            if "in progress" not in str(error) and "right now" not in str(error):
                raise
            await asyncio.sleep(_PAUSE)
        else:
            return


async def _saves(client: Redis) -> bool:
    """Whether the server writes snapshots now and then."""
    return bool((await client.config_get("save")).get("save"))


@contextmanager
def convert_errors() -> Iterator[None]:
    """Errors of redis-py as one that the operator can act on."""
    try:
        yield
    except DataError:
        raise  # a mistake of ours: it would fail again, and is no word about the store
    except (RedisError, OSError) as error:
        # Other errors quote the command, and with it what a person wrote.
        detail = f": {error}" if isinstance(error, RedisConnectionError) else ""
        raise MemoryUnavailableError(
            f"The memory does not answer ({type(error).__name__}{detail}). "
            "If REDIS_URL is set, check that its server is running and accepts the user and password in it; "
            "if not, see run/valkey.log in the data folder."
        ) from None
