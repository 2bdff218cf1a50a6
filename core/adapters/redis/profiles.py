"""`RedisProfiles`: what people set, what is learned of them and why their answers are as they are.

The part of `RedisMemory` that is about people; conversations are the other. All keys of one person share a slot, and
what changes together changes in one transaction. What a team has in common stands in a key of its own, written last.
Knows nothing of how the server is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from core.adapters.redis.keeping import KEEP, RedisKeeping
from core.adapters.redis.keys import convert_errors, person_key, removed_from_disk, workspace_key
from core.adapters.redis.records import CONTRIBUTION, LEARNED, SIGNAL, TRACE, WISHES, UnreadableNotes, digest, read
from core.domain import Person
from core.people import interests
from core.people.interests import LearnedProfile, Signal
from core.people.preferences import Preferences, PreferenceSet
from core.people.team import Contribution
from core.people.traces import Trace
from core.storage.stored import UnreadableRecordError, with_unknown

KEPT_TRACES = 2000  # of each person

_PREFERENCES = TypeAdapter(Preferences)
_WISHES = TypeAdapter(PreferenceSet)
_SAID = tuple(field.name for field in fields(PreferenceSet) if field.name != "preferences")
T = TypeVar("T")

# A trace that is kept again stays where it was; the oldest go.
_KEEP_TRACE = """
if redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) == 1 then
    redis.call('RPUSH', KEYS[2], ARGV[1])
end
while redis.call('LLEN', KEYS[2]) > tonumber(ARGV[3]) do
    redis.call('HDEL', KEYS[1], redis.call('LPOP', KEYS[2]))
end
"""


class RedisProfiles:
    """The part of the port `Memory` that is about people, over a client of redis-py."""

    def __init__(self, client: Redis, keep: timedelta = KEEP) -> None:
        """`keep` is how long something stays that nobody uses."""
        self._client = client
        self._keeping = RedisKeeping(client, keep)
        self._unreadable = UnreadableNotes(client)

    async def wishes(self, person: Person) -> PreferenceSet:
        """All that the person set and said."""
        with convert_errors():
            stored = await self._client.get(preferences_key(person))
        return await self._wishes_in(person, stored)

    async def change_wishes(self, person: Person, change: Callable[[PreferenceSet], PreferenceSet]) -> PreferenceSet:
        """Replace what the person set by `change` of it; what cannot be read is put aside before."""
        key = preferences_key(person)
        now, aside = PreferenceSet(), b""

        async def write(pipe: Pipeline) -> None:
            nonlocal now, aside
            stored = cast("bytes | None", await pipe.get(key))
            values = _wished(stored)
            now = change(_read_wishes(values or {}))
            pipe.multi()  # type: ignore[no-untyped-call]
            if aside := stored if stored and values is None else b"":
                pipe.hset(aside_key(person), digest(aside), cast("str", aside))
            pipe.set(key, _written(now, values or {}), ex=self._keeping.seconds)

        with convert_errors():
            await self._client.transaction(write, key)
        await self._unreadable.read(WISHES, aside_key(person), digest(aside), aside or None)
        return now

    async def known(self, person: Person) -> tuple[PreferenceSet, LearnedProfile]:
        """What the person set and said, and what is learned of them."""
        with convert_errors():
            said, stored = await self._client.mget(preferences_key(person), learned_key(person))
        wishes = await self._wishes_in(person, said)
        return wishes, await self._learned_in(person, stored) or interests.replay(await self.signals(person))

    async def signals(self, person: Person) -> list[Signal]:
        """The log of what is learned from, in order."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(signals_key(person)))
        found = await self._unreadable.read_all(SIGNAL, signals_key(person), stored.items())
        return interests.in_order(signal for _, signal in found)

    async def learned(self, person: Person) -> LearnedProfile:
        """What follows from the log."""
        with convert_errors():
            stored = await self._client.get(learned_key(person))
        return await self._learned_in(person, stored) or interests.replay(await self.signals(person))

    async def learn(
        self, person: Person, signals: Sequence[Signal], *, without: Collection[str] = ()
    ) -> LearnedProfile:
        """Change the log; the state is stepped on where all that is new comes last, and otherwise replayed."""
        log, state = signals_key(person), learned_key(person)
        learned = LearnedProfile()
        gone: list[str] = []

        async def write(pipe: Pipeline) -> None:
            nonlocal learned, gone
            before = await self._learned_in(person, await pipe.get(state))
            room = await pipe.hlen(log) + len(signals) <= interests.KEPT + interests.SLACK
            known = [await pipe.hexists(log, signal.id) for signal in signals]
            news = [signal for signal, there in zip(signals, known, strict=True) if not (there and signal.imported)]
            if before and room and not (without or any(known)) and _follow(before, news):
                learned, gone = _stepped(before, news), []
            else:
                stored = cast("dict[bytes, bytes]", await pipe.hgetall(log))
                learned, gone = _replayed(stored, news, without)
            pipe.multi()  # type: ignore[no-untyped-call]
            for signal in news:
                pipe.hset(log, signal.id, cast("str", SIGNAL.dump_json(signal)))
            if gone:
                pipe.hdel(log, *gone)
            pipe.set(state, LEARNED.dump_json(learned), ex=self._keeping.seconds)
            self._keeping.renew(pipe, log)

        with convert_errors():
            await self._client.transaction(write, log, state)
        return learned

    async def trace(self, person: Person, answer: str = "") -> Trace | None:
        """The trace of one of this person's answers, or of the last."""
        with convert_errors():
            name = answer or await self._client.lindex(trace_order_key(person), -1)
            stored = await self._client.hget(traces_key(person), name) if name else None
        return await self._unreadable.read(TRACE, traces_key(person), name or "", stored)

    async def traces(self, person: Person, *, limit: int) -> list[Trace]:
        """The traces of this person's last answers, the latest first; one that cannot be read is left out."""
        with convert_errors():
            names = list(reversed(await self._client.lrange(trace_order_key(person), -limit, -1) if limit > 0 else []))
            stored = await self._client.hmget(traces_key(person), names) if names else []
        found = await self._unreadable.read_all(TRACE, traces_key(person), zip(names, stored, strict=True))
        return [trace for _, trace in found]

    async def contribute(self, person: Person, contribution: Contribution) -> None:
        """Replace what the person's use of documents says to their team."""
        team = team_key(person.platform, person.workspace)
        with convert_errors():
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.hset(team, person.user, cast("str", CONTRIBUTION.dump_json(contribution)))
                self._keeping.renew(pipe, team)
                # After: of somebody who was forgotten meanwhile nothing may be left.
                pipe.exists(learned_key(person), signals_key(person))
                *_, known = await pipe.execute()
            if not known:
                await self._client.hdel(team, person.user)

    async def contributions(self, platform: str, workspace: str) -> Mapping[str, Contribution]:
        """The contributions of a workspace, by user."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(key := team_key(platform, workspace)))
        found = {}
        for user, value in stored.items():
            if contribution := await self._unreadable.read(CONTRIBUTION, key, user, value):
                found[user.decode()] = contribution
        return found

    def _keep_trace(self, pipe: Pipeline, trace: Trace) -> None:
        keys = traces_key(trace.person), trace_order_key(trace.person)
        pipe.eval(_KEEP_TRACE, 2, *keys, trace.answer, TRACE.dump_json(trace), KEPT_TRACES)

    async def forget_interests(self, person: Person) -> None:
        """Remove what was learned of the person, and from what."""
        with convert_errors():
            async with removed_from_disk(self._client):
                await self._remove_interests(person)

    async def _remove_interests(self, person: Person) -> None:
        await self._client.delete(signals_key(person), learned_key(person))
        await self._client.hdel(team_key(person.platform, person.workspace), person.user)
        await self._unreadable.all()  # notes of what is gone go

    async def forget_phrases(self, person: Person) -> None:
        """Remove the words of questions from the log, and what may hold some; what was learned stays as it is."""
        key = signals_key(person)

        async def write(pipe: Pipeline) -> None:
            stored = cast("dict[bytes, bytes]", await pipe.hgetall(key))
            pipe.multi()  # type: ignore[no-untyped-call]
            for name, value in stored.items():
                if signal := read(SIGNAL, value):
                    wordless = SIGNAL.dump_json(interests.without_phrases(signal), value)
                    pipe.hset(key, cast("str", name), cast("str", wordless))
                else:
                    pipe.hdel(key, cast("str", name))

        with convert_errors():
            await self._client.transaction(write, key)

    async def _wishes_in(self, person: Person, stored: bytes | str | None) -> PreferenceSet:
        if stored is not None and _wished(stored) is None:
            await self._unreadable.read(WISHES, preferences_key(person), "", stored)
        return _read_wishes(_wished(stored) or {})

    async def _learned_in(self, person: Person, stored: bytes | str | None) -> LearnedProfile | None:
        return await self._unreadable.read(LEARNED, learned_key(person), "", stored)


def person_keys(person: Person) -> tuple[str, ...]:
    """All keys of a person's profile, in one slot."""
    return (
        preferences_key(person),
        signals_key(person),
        learned_key(person),
        traces_key(person),
        trace_order_key(person),
        aside_key(person),
        person_key("study", person),
        digest_key(person),
    )


def preferences_key(person: Person) -> str:
    """What a person set and said."""
    return person_key("preferences", person)


def signals_key(person: Person) -> str:
    """The log: signals by id."""
    return person_key("signals", person)


def learned_key(person: Person) -> str:
    """The state that follows from the log."""
    return person_key("learned", person)


def traces_key(person: Person) -> str:
    """Traces by the answer's name."""
    return person_key("traces", person)


def trace_order_key(person: Person) -> str:
    """The names of answers, oldest first."""
    return person_key("answers", person)


def aside_key(person: Person) -> str:
    """What a person set in a form that cannot be read here, by its digest, where they set something since."""
    return person_key("aside", person)


def digest_key(person: Person) -> str:
    """The digest that a person asked for."""
    return person_key("digest", person)


def team_key(platform: str, workspace: str) -> str:
    """The contributions of a workspace, by user."""
    return workspace_key("team", platform, workspace)


def _wished(stored: bytes | str | None) -> dict[str, Any] | None:
    """The fields of what a person set; None where none can be read."""
    try:
        return WISHES.values(stored or b"{}")
    except UnreadableRecordError:
        return None


def _read_wishes(stored: Mapping[str, Any]) -> PreferenceSet:
    """Whatever of it can be read here: a value that is unknown costs only itself."""
    wishes = {name: stored[name] for name in _SAID if name in stored}
    return _tolerant(_WISHES, {**wishes, "preferences": _tolerant(_PREFERENCES, stored)})


def _tolerant(kind: TypeAdapter[T], values: Mapping[str, Any]) -> T:
    try:
        return kind.validate_python(values)
    except ValidationError as error:
        unknown = {problem["loc"][0] for problem in error.errors() if problem["loc"]}
        return kind.validate_python({key: values[key] for key in values.keys() - unknown})


def _written(wishes: PreferenceSet, before: Mapping[str, Any]) -> bytes:
    """As one object: what is set stands beside what is said, as it did when there was nothing else."""
    values = from_json(WISHES.dump_json(wishes))
    return to_json(with_unknown({**values.pop("preferences"), **values}, before))


def _follow(before: LearnedProfile, signals: Sequence[Signal]) -> bool:
    """Whether all of `signals` are later than whatever there was."""
    return all((signal.at.timestamp(), signal.id) > before.last for signal in signals)


def _stepped(state: LearnedProfile, signals: Sequence[Signal]) -> LearnedProfile:
    for signal in interests.in_order(signals):
        state = interests.step(state, signal)
    return state


def _replayed(
    stored: Mapping[bytes, bytes], signals: Sequence[Signal], without: Collection[str]
) -> tuple[LearnedProfile, list[str]]:
    """The state of the changed log, and the ids that go from it. What cannot be read stays, up to a number."""
    known = {name.decode(): read(SIGNAL, value) for name, value in stored.items()}
    log = {signal.id: signal for signal in (*filter(None, known.values()), *signals) if signal.id not in without}
    done_here = [one for one in log.values() if not one.imported] or log.values()
    kept = interests.retained(list(log.values()), max((one.at for one in done_here), default=datetime.now(UTC)))
    unreadable = [name for name, signal in known.items() if signal is None and name not in without]
    ids = {signal.id for signal in kept}.union(unreadable[: interests.KEPT])
    return interests.replay(kept), [name for name in (*known, *log) if name not in ids]
