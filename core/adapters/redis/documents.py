"""What leaves the memory with a document: what traces, logs, teams and answers hold of it, whoever's they are.

The part of `RedisMemory` that is about documents that are gone. It looks at what is kept of all people, and changes
only what names one of them; a record that names one and cannot be read goes. Knows nothing of how the server is
reached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis.histories import HISTORIES
from core.adapters.redis.keys import conversations_key
from core.adapters.redis.records import CONTRIBUTION, LEARNED, SIGNAL, STUDY, TRACE, TURN, read
from core.answering.history import unsaid
from core.domain import Person
from core.learning.study import Study, without_sources
from core.people import interests
from core.people.team import Contribution
from core.people.traces import Trace, rests_on, without
from core.storage.stored import RecordForm

_TRACES, _ORDER, _SIGNALS, _STATE, _TEAMS, _STUDIES = (
    f"attune:{kind}:".encode() for kind in ("traces", "answers", "signals", "learned", "team", "study")
)
T = TypeVar("T")

# Whoever was forgotten meanwhile, or has something newer of that name, keeps what they have.
_REPLACE = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    if ARGV[3] ~= '' then
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
    else
        redis.call('HDEL', KEYS[1], ARGV[1])
        if KEYS[2] then redis.call('LREM', KEYS[2], 0, ARGV[1]) end
    end
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
        spelt = {form for source in self._sources for form in (source, json.dumps(source)[1:-1])}
        self._names = [name.encode() for name in spelt]
        self._answers: dict[Person, set[tuple[str, datetime]]] = {}  # that rest on one of them

    async def forget(self) -> None:
        """Take them out of all of it. May be repeated after a failure."""
        await self._each(_TRACES, TRACE, self._trace)
        for person, answers in self._answers.items():
            await self._unsay(person, answers)
        async for key in self._client.scan_iter(match=_SIGNALS + b"*"):
            await self._relearn(cast("bytes", key))
        await self._each(_TEAMS, CONTRIBUTION, self._contribution)
        async for key in self._client.scan_iter(match=_STUDIES + b"*"):
            await self._study(cast("bytes", key))
        if self._sources:
            await self._client.hdel(HISTORIES, *self._sources)

    async def _each(self, prefix: bytes, form: RecordForm[T], change: Callable[[T], T]) -> None:
        """Change every entry of the hashes under `prefix` that names one of the documents."""
        async for key in self._client.scan_iter(match=prefix + b"*"):
            keys = [key, *([_ORDER + key.removeprefix(_TRACES)] if prefix == _TRACES else [])]
            for name, value in cast("dict[bytes, bytes]", await self._client.hgetall(key)).items():
                if self._names_one(value):
                    stored = read(form, value)
                    over = value if form is TRACE else None  # tallies are named by what is to go
                    left = b"" if stored is None else form.dump_json(change(stored), over)
                    await self._client.eval(_REPLACE, len(keys), *keys, name, value, left)

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
                turn = read(TURN, value)
                if turn and turn.person == person and (turn.question, turn.asked_at) in answers:
                    await self._client.eval(_REPLACE_TURN, 1, key, value, TURN.dump_json(unsaid(turn), value))

    async def _relearn(self, log: bytes) -> None:
        """A log without the documents, and the state that follows from it."""
        state = _STATE + log.removeprefix(_SIGNALS)

        async def write(pipe: Pipeline) -> None:
            stored = cast("dict[bytes, bytes]", await pipe.hgetall(log))
            signals = {name: signal for name, value in stored.items() if (signal := read(SIGNAL, value))}
            concerned = [name for name, value in stored.items() if self._names_one(value)]
            pipe.multi()  # type: ignore[no-untyped-call]
            for name in concerned:
                if signal := signals.get(name):
                    signals[name] = left = interests.without_documents(signal, self._sources)
                    pipe.hset(log, name, SIGNAL.dump_json(left, stored[name]))
                else:
                    pipe.hdel(log, name)
            if concerned:
                pipe.set(state, LEARNED.dump_json(interests.replay(signals.values())), keepttl=True)

        await self._client.transaction(write, log, state)

    async def _study(self, key: bytes) -> None:
        """What somebody studies without the documents; where that cannot be read and names one, it goes."""

        async def write(pipe: Pipeline) -> None:
            stored = cast("bytes | None", await pipe.get(key))
            pipe.multi()  # type: ignore[no-untyped-call]
            if stored is None or not self._names_one(stored):
                return
            left = without_sources(read(STUDY, stored) or Study(), self._sources)
            if left == Study():
                pipe.delete(key)
            else:
                pipe.set(key, STUDY.dump_json(left), keepttl=True)

        await self._client.transaction(write, key)
