"""What leaves the memory with a document: what traces, logs, teams and answers hold of it, whoever's they are.

The part of `RedisMemory` that is about documents that are gone. It looks at what is kept of all people, and changes
only what names one of them. Knows nothing of how the server is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core import learning
from core.adapters.redis_keys import conversations_key
from core.domain import Person, Turn
from core.history import unsaid
from core.learning import Learned, Signal
from core.team import Contribution
from core.traces import Trace, rests_on, without

_NAME = TypeAdapter(str)
_TRACE, _SIGNAL, _TURN = TypeAdapter(Trace), TypeAdapter(Signal), TypeAdapter(Turn)
_LEARNED, _CONTRIBUTION = TypeAdapter(Learned), TypeAdapter(Contribution)
_TRACES, _SIGNALS, _STATE, _TEAMS = "attune:traces:", "attune:signals:", "attune:learned:", "attune:team:"
T = TypeVar("T")

# Whoever was forgotten meanwhile, or has something newer of that name, keeps what they have.
_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
"""
_REPLACE_TURN = """
local place = redis.call('LPOS', KEYS[1], ARGV[1])
if place then redis.call('LSET', KEYS[1], place, ARGV[2]) end
"""


class RedisDocuments:
    """The documents `sources`, as far as they are in what is kept of people."""

    def __init__(self, client: Redis, sources: Collection[str]) -> None:
        self._client = client
        self._sources = frozenset(sources)
        self._names = [_NAME.dump_json(source) for source in self._sources]
        self._answers: dict[Person, set[tuple[str, datetime]]] = {}  # that rest on one of them

    async def forget(self) -> None:
        """Take them out of all of it. May be repeated after a failure."""
        await self._each(_TRACES, _TRACE, self._trace)
        for person, answers in self._answers.items():
            await self._unsay(person, answers)
        async for key in self._client.scan_iter(match=f"{_SIGNALS}*"):
            await self._relearn(cast("bytes", key))
        await self._each(_TEAMS, _CONTRIBUTION, self._contribution)

    async def _each(self, prefix: str, kind: TypeAdapter[T], change: Callable[[T], T]) -> None:
        """Change every entry of the hashes under `prefix` that names one of the documents."""
        async for key in self._client.scan_iter(match=f"{prefix}*"):
            for name, value in cast("dict[bytes, bytes]", await self._client.hgetall(key)).items():
                stored = _read(kind, value) if self._names_one(value) else None
                if stored is not None and (left := kind.dump_json(change(stored))) != value:
                    await self._client.eval(_REPLACE, 1, key, name, value, left)

    def _names_one(self, value: bytes) -> bool:
        return any(name in value for name in self._names)

    def _trace(self, trace: Trace) -> Trace:
        if rests_on(trace, self._sources):
            self._answers.setdefault(trace.person, set()).add((trace.question, trace.at))
        return without(trace, self._sources)

    def _contribution(self, told: Contribution) -> Contribution:
        return replace(told, tallies={name: one for name, one in told.tallies.items() if name not in self._sources})

    async def _unsay(self, person: Person, answers: Collection[tuple[str, datetime]]) -> None:
        """The questions stay: they are the person's own."""
        for key in cast("dict[bytes, bytes]", await self._client.hgetall(conversations_key(person))):
            for value in cast("list[bytes]", await self._client.lrange(key, 0, -1)):
                turn = _read(_TURN, value)
                if turn and turn.person == person and (turn.question, turn.asked_at) in answers:
                    await self._client.eval(_REPLACE_TURN, 1, key, value, _TURN.dump_json(unsaid(turn)))

    async def _relearn(self, log: bytes) -> None:
        """A log without the documents, and the state that follows from it."""
        state = _STATE.encode() + log.removeprefix(_SIGNALS.encode())

        async def write(pipe: Pipeline) -> None:
            stored = cast("dict[bytes, bytes]", await pipe.hgetall(log))
            signals = {name: signal for name, value in stored.items() if (signal := _read(_SIGNAL, value))}
            concerned = [name for name in signals if self._names_one(stored[name])]
            left = {name: learning.without_documents(signals[name], self._sources) for name in concerned}
            pipe.multi()  # type: ignore[no-untyped-call]
            for name, signal in left.items():
                pipe.hset(log, name, _SIGNAL.dump_json(signal))
            if left:
                pipe.set(state, _LEARNED.dump_json(learning.replay({**signals, **left}.values())))

        await self._client.transaction(write, log, state)


def _read(kind: TypeAdapter[T], value: bytes) -> T | None:
    """None for what is of another version: nobody can tell what it says."""
    try:
        return kind.validate_json(value)
    except ValidationError:
        return None
