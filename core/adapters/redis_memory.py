"""`RedisMemory`: turns and preferences in a Redis or Valkey, embedded or a server of its own.

Each command touches one key, and the keys of one person share a slot, so that a Cluster holds them too.
Knows nothing of how the server is reached or started.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from core.domain import Conversation, Person, Preferences, Turn
from core.errors import MemoryUnavailableError

KEPT_TURNS = 200  # of each conversation

_TURN = TypeAdapter(Turn)
_PREFERENCES = TypeAdapter(Preferences)

# A client that lost its connection cannot know whether the turn was kept and sends it once more: the same
# turn among the latest is not added again.
_APPEND = """
if not redis.call('LPOS', KEYS[1], ARGV[1], 'RANK', -1, 'MAXLEN', 50) then
    redis.call('RPUSH', KEYS[1], ARGV[1])
    redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
end
"""


class RedisMemory:
    """The port `Memory` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def turns(self, conversation: Conversation, *, limit: int) -> list[Turn]:
        """The last `limit` turns, oldest first; a turn that cannot be read is left out."""
        if limit <= 0:
            return []
        with translated():
            stored = await self._client.lrange(turns_key(conversation), -limit, -1)
        return [turn for value in stored if (turn := _read_turn(value))]

    async def append(self, conversation: Conversation, turn: Turn) -> None:
        """Add a turn, once; the oldest beyond `KEPT_TURNS` go."""
        key, spoken = turns_key(conversation), conversations_key(turn.person)
        with translated():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hincrby(spoken, key)  # before: a turn is never kept that `forget` would not find
                pipe.eval(_APPEND, 1, key, _TURN.dump_json(turn), KEPT_TURNS)
                pipe.hincrby(spoken, key)  # after: a `forget` that ran in between starts over
                await pipe.execute()

    async def preferences(self, person: Person) -> Preferences:
        """What the person set; the default in place of a value that is unknown here."""
        with translated():
            stored = await self._client.get(preferences_key(person))
        return _read_preferences(stored or b"{}")

    async def save_preferences(self, person: Person, preferences: Preferences) -> None:
        """Replace what the person set."""
        with translated():
            await self._client.set(preferences_key(person), _PREFERENCES.dump_json(preferences))

    async def forget(self, person: Person) -> None:
        """Remove the person's preferences and turns; other people's turns stay. May be repeated."""
        spoken = conversations_key(person)

        async def remove(pipe: Pipeline) -> None:
            for key in cast("dict[bytes, bytes]", await pipe.hgetall(spoken)):
                await self._remove_turns(key, person)
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.delete(spoken, preferences_key(person))

        with translated():
            # Watched: a turn that is added meanwhile changes `spoken`, and all of this runs again.
            await self._client.transaction(remove, spoken)

    async def ping(self) -> None:
        """Return when the server answers."""
        with translated():
            await self._client.ping()

    async def _remove_turns(self, key: bytes, person: Person) -> None:
        for value in await self._client.lrange(key, 0, -1):
            turn = _read_turn(value)
            if turn is None or turn.person == person:  # nobody can tell whose an unreadable one was
                await self._client.lrem(key, 0, cast("str", value))


def turns_key(conversation: Conversation) -> str:
    """The list of a conversation's turns."""
    parts = (conversation.platform, conversation.workspace, conversation.channel, conversation.thread)
    return f"attune:turns:{_tag(*parts)}"


def preferences_key(person: Person) -> str:
    """What a person set."""
    return f"attune:preferences:{_tag(person.platform, person.workspace, person.user)}"


def conversations_key(person: Person) -> str:
    """The conversations a person took part in: a hash of turn keys, counting what was said."""
    return f"attune:conversations:{_tag(person.platform, person.workspace, person.user)}"


def _tag(*parts: str) -> str:
    """One hash tag: quoted, so that neither a ':' nor a brace inside an id can make two keys one."""
    return "{" + ":".join(quote(part, safe="") for part in parts) + "}"


def _read_turn(value: bytes | str) -> Turn | None:
    try:
        return _TURN.validate_json(value)
    except ValidationError:
        return None


def _read_preferences(value: bytes | str) -> Preferences:
    try:
        return _PREFERENCES.validate_json(value)
    except ValidationError as error:
        unknown = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
    if not unknown:  # not even JSON
        return Preferences()
    values = TypeAdapter(dict[str, object]).validate_json(value)
    return _PREFERENCES.validate_python({key: values[key] for key in values.keys() - unknown})


@contextmanager
def translated() -> Iterator[None]:
    """Errors of redis-py as one that the operator can act on."""
    try:
        yield
    except (RedisError, OSError) as error:
        # Other errors quote the command, and with it what a person wrote.
        detail = f": {error}" if isinstance(error, RedisConnectionError) else ""
        raise MemoryUnavailableError(
            f"The memory does not answer ({type(error).__name__}{detail}). "
            "If REDIS_URL is set, check that its server runs and takes the user and password in it; "
            "if not, see run/valkey.log in the data folder."
        ) from None
