"""What the adapters over Redis share: how keys are named, and what its errors become.

Knows nothing of what is kept under a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisError, ResponseError

from core.domain import Person
from core.errors import MemoryUnavailableError

_TRIES, _PAUSE = 20, 0.1  # seconds


def person_key(kind: str, person: Person) -> str:
    """A key of one person's; all of these share a slot."""
    return f"attune:{kind}:{tag(person.platform, person.workspace, person.user)}"


def workspace_key(kind: str, platform: str, workspace: str) -> str:
    """A key of one workspace's."""
    return f"attune:{kind}:{tag(platform, workspace)}"


def tag(*parts: str) -> str:
    """One hash tag: quoted, so that neither a ':' nor a brace inside an id can make two keys one."""
    return "{" + ":".join(quote(part, safe="") for part in parts) + "}"


async def drop_from_file(client: Redis) -> None:
    """Have the server write its append-only file anew: what was removed would stand in it for a long time.

    A server that keeps none, or takes this command from nobody, is left alone. One that is at it began before what was
    removed was gone, so that it is asked again.
    """
    for _ in range(_TRIES):
        try:
            await client.bgrewriteaof()
        except ResponseError as error:
            if "already in progress" not in str(error):
                return
            await asyncio.sleep(_PAUSE)
        else:
            return


@contextmanager
def translated() -> Iterator[None]:
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
            "If REDIS_URL is set, check that its server runs and takes the user and password in it; "
            "if not, see run/valkey.log in the data folder."
        ) from None
