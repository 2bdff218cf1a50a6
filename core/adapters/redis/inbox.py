"""`RedisInbox`: what platforms delivered, in a Redis or Valkey, embedded or a server of its own.

Each call is one script (`inbox_scripts.py`), so that it happens as a whole or not at all, and may be repeated when its
reply was lost. Knows nothing of platforms, of what is in a body, or of how the server is reached.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from redis.asyncio import Redis

from core.adapters.redis.connections import has_copies
from core.adapters.redis.inbox_scripts import SCRIPTS
from core.adapters.redis.keys import convert_errors, removed_from_disk
from core.adapters.redis.records import UnreadableNotes
from core.domain import Conversation, Person
from core.inbox import (
    DEAD_LETTER,
    EVENT,
    Allowance,
    Claim,
    DeadLetter,
    Depth,
    Event,
    Lease,
    Receipt,
    UnreadableItem,
    WaitingEvent,
)
from core.storage.stored import RecordForm, UnreadableRecordError, may_be_of

PREFIX = "{attune:inbox}"
LEASE = 6.0  # seconds; renewed every two
REMEMBERED = 2 * 86_400  # seconds that an event's key is known: Telegram sends again for a day, Slack for an hour
LINKED = 30 * 86_400  # seconds that a shown message is known to stand for its answer
SILENCE = 60.0  # seconds after a refusal in which the person is not told again

READINGS = 3  # times that an event which cannot be read is claimed: a worker of another version may read it
READ_AGAIN = 1.0  # seconds between two of them
COPIED = frozenset({"put", "stop", "note", "ended", "done", "bury", "retry"})  # what nobody does a second time
COPYING = 0.25  # seconds that a copy has for it
ALONE = 5.0  # seconds in which none is waited for where none was there
LATE = 2.0  # seconds after which a server that should have answered is asked again

_EVENT = RecordForm(Event)
_NAMED = re.compile(rb'"person":"([^"\\]*)"')


class RedisInbox:
    """The port `Inbox` over a client of redis-py. Whoever made the client closes it."""

    def __init__(self, client: Redis, allowance: Allowance | None = None, *, lease: float = LEASE) -> None:
        self._client = client
        self._allowance = allowance or Allowance()
        self._lease = _milliseconds(lease)
        self._heard: bytes | None = None  # the last signal
        self._unreadable = UnreadableNotes(client)
        self._ahead: float | None = None  # the server's steady time less that of this machine, in milliseconds
        self._alone_until = 0.0
        self._scripts = {name: client.register_script(script) for name, script in SCRIPTS.items()}

    async def put(self, event: Event) -> Receipt:
        """Keep `event`, once, where the limits let it in."""
        allowed, person = self._allowance, event.person
        receipt: bytes = await self._run(
            "put",
            event.key,
            lane_name(event.conversation),
            person_name(person),
            _joined(person.platform, person.workspace),
            _EVENT.dump_json(event),
            int(event.asks),
            REMEMBERED,
            allowed.waiting,
            max(1, int(allowed.waiting * allowed.share)),
            allowed.person_minute,
            allowed.workspace_minute,
            _milliseconds(SILENCE),
        )
        return Receipt(receipt.decode())

    async def stop(self, conversation: Conversation, person: Person) -> bool:
        """Stop what this person waits for, or is being given."""
        return bool(await self._run("stop", lane_name(conversation), person_name(person)))

    async def claim(self, token: str) -> Claim | None:
        """The next event for this worker; one that cannot be read is set aside when it was claimed a few times."""
        while found := await self._run("claim", token, self._lease):
            try:
                return _claim(token, found)
            except UnreadableRecordError as error:
                if found[1] < READINGS:
                    await self.release(token, pause=READ_AGAIN)
                else:
                    await self.set_aside(token, str(error))
        return None

    async def waiting(self, token: str, *, seconds: float) -> WaitingEvent | None:
        """Hold an event that has waited for `seconds` and whose person was not told so yet."""
        while found := await self._run("waiting", token, self._lease, _milliseconds(seconds)):
            try:
                return WaitingEvent(_claim(token, found[1]), int(found[0]))
            except UnreadableRecordError:
                await self.release(token)
        return None

    async def renew(self, tokens: Sequence[str]) -> Mapping[str, Lease]:
        """Say that these claims are worked on."""
        states = await self._run("renew", self._lease, *tokens)
        return {token: Lease(state.decode()) for token, state in zip(tokens, states, strict=True)}

    async def note(self, token: str, message_id: str) -> bool:
        """Remember what the platform shows for the event."""
        return bool(await self._run("note", token, message_id))

    async def ended(self, token: str, answer: str) -> bool:
        """Remember that all of it was seen, and which answer it was."""
        return bool(await self._run("ended", token, answer, LINKED))

    async def answer_of(self, conversation: Conversation, message_id: str) -> str | None:
        """The answer that a message shown in this conversation's channel stands for."""
        with convert_errors():
            found = await self._client.get(f"{PREFIX}:answer:{channel_name(conversation)}:{message_id}")
        return cast("bytes", found).decode() if found else None

    async def messages_of(self, conversation: Conversation, answer: str) -> tuple[str, ...]:
        """The messages in this conversation's channel that stand for an answer."""
        key = f"{PREFIX}:messages:{channel_name(conversation)}:{answer}"
        with convert_errors():
            found = cast("list[bytes]", await self._client.lrange(key, 0, -1))
        return tuple(message.decode() for message in found)

    async def done(self, token: str) -> None:
        """Forget the event but for its key."""
        await self._run("done", token)

    async def release(self, token: str, *, pause: float = 0.0) -> None:
        """Give the event back."""
        await self._run("release", token, _milliseconds(pause))

    async def bury(self, token: str, reason: str) -> None:
        """Give the event up."""
        await self._run("bury", token, reason, "dead")

    async def set_aside(self, token: str, reason: str) -> None:
        """Put the event where nobody waits for it."""
        await self._run("bury", token, reason, "aside")

    async def listen(self, seconds: float) -> list[str]:
        """Wait for signals. A listener that was away goes on where it was, as far as signals are kept."""
        key = f"{PREFIX}:signals"
        with convert_errors():
            if self._heard is None:
                latest = cast("list[Any]", await self._client.xrevrange(key, count=1))
                self._heard = latest[0][0] if latest else b"0-0"
            heard = await self._heard_of(key, seconds)
        signals = _signals(heard)
        if signals:
            self._heard = signals[-1][0]
        return [token.decode() for _, said in signals if said.get(b"kind") == b"stop" and (token := said.get(b"token"))]

    async def dead(self) -> list[DeadLetter]:
        """What was given up and can be read, oldest first."""
        read = []
        for stored in (await self._kept("dead")).values():
            with suppress(UnreadableRecordError):
                read.append(_letter(stored))
        return sorted(read, key=lambda letter: letter.at)

    async def aside(self) -> list[UnreadableItem]:
        """What cannot be read here: events, dead letters, and records beside the inbox."""
        found = [
            one
            for dead in (False, True)
            for key, stored in (await self._kept("dead" if dead else "aside")).items()
            if (one := _aside(key, stored, dead=dead))
        ]
        return [*found, *await self._unreadable.all()]

    async def retry(self, key: str) -> bool:
        """Put a dead letter at the end of its conversation again."""
        return bool(await self._run("retry", key))

    async def drop(self, key: str) -> bool:
        """Forget a dead letter, or an event that was set aside."""
        with convert_errors():
            return any([await self._client.hdel(f"{PREFIX}:{name}", key) for name in ("dead", "aside")])

    async def forget(self, person: Person) -> None:
        """Drop the person's dead letters and what of theirs was set aside, and what nobody can tell whose it is."""
        kept = [(name, *one) for name in ("dead", "aside") for one in (await self._kept(name)).items()]
        keys = [(name, key) for name, key, stored in kept if _may_be_of(person, stored)]
        if not keys:
            return
        with convert_errors():
            async with removed_from_disk(self._client):
                for name, key in keys:
                    await self._client.hdel(f"{PREFIX}:{name}", key)

    async def depth(self) -> Depth:
        """How full it is."""
        unended, working, dead, oldest, aside = await self._run("depth")
        aside += await self._unreadable.count()
        return Depth(max(0, unended - working), working, dead, oldest / 1000, aside)

    async def _kept(self, name: str) -> dict[str, bytes]:
        """What is written off, by its key."""
        with convert_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(f"{PREFIX}:{name}"))
        return {key.decode("utf-8", "backslashreplace"): value for key, value in stored.items()}

    async def _heard_of(self, key: str, seconds: float) -> Any:
        """New signals. The server's own clock says when it stops waiting, and that may be set back meanwhile."""
        try:
            async with asyncio.timeout(seconds + LATE):
                return await self._client.xread({key: cast("bytes", self._heard)}, block=_milliseconds(seconds))
        except TimeoutError:
            return None

    async def _run(self, name: str, *arguments: bytes | str | float) -> Any:
        expected = "" if self._ahead is None else round(self._ahead + 1000 * time.monotonic())
        with convert_errors():
            if name in COPIED and has_copies(self._client):
                steady, *reply = await self._copied(SCRIPTS[name], 1, PREFIX, expected, *arguments)
            else:
                steady, *reply = await self._scripts[name](keys=[PREFIX], args=[expected, *arguments])
        self._ahead = steady - 1000 * time.monotonic()
        return reply[0] if reply else None

    async def _copied(self, *script: Any) -> Any:
        """The reply of a script when a copy has what it wrote, so that no failover undoes it.

        Where none says so in time, there is none; that is looked at again after a while.
        """
        patience = _milliseconds(COPYING) if time.monotonic() > self._alone_until else 1
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.eval(*script)
            pipe.execute_command("WAIT", 1, patience)
            reply, copies = await pipe.execute()
        if copies:
            self._alone_until = 0.0
        elif patience > 1:
            self._alone_until = time.monotonic() + ALONE
        return reply


def lane_name(conversation: Conversation) -> str:
    """A conversation, as part of a key."""
    return _joined(conversation.platform, conversation.workspace, conversation.channel, conversation.thread)


def channel_name(conversation: Conversation) -> str:
    """Where a conversation takes place: its messages have ids that are unique there."""
    return _joined(conversation.platform, conversation.workspace, conversation.channel)


def person_name(person: Person) -> str:
    """A person, as part of a key."""
    return _joined(person.platform, person.workspace, person.user)


def _joined(*parts: str) -> str:
    """Quoted, so that a ':' inside an id cannot make two names one."""
    return ":".join(quote(part, safe="") for part in parts)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _claim(token: str, found: Sequence[Any]) -> Claim:
    body, attempts, deaths, ended, stopped, shown = found
    return Claim(
        event=_EVENT.validate_json(body),
        token=token,
        attempt=attempts,
        deaths=deaths,
        shown=tuple(message.decode("utf-8", "replace") for message in shown),
        ended=bool(ended),
        stopped=bool(stopped),
    )


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is written off, as a script writes it."""

    reason: str
    attempts: int
    at: datetime  # in milliseconds since 1970
    body: str = ""


_LETTER = RecordForm(_Letter)


def _letter(stored: bytes) -> DeadLetter:
    letter = _LETTER.validate_json(stored)
    return DeadLetter(_EVENT.validate_json(letter.body), letter.reason, letter.attempts, letter.at)


def _aside(key: str, stored: bytes, *, dead: bool) -> UnreadableItem | None:
    """What can be said of something written off; None of a dead letter that can be read."""
    kind = DEAD_LETTER if dead else EVENT
    try:
        if dead:
            _letter(stored)
            return None
        letter = _LETTER.validate_json(stored)
    except UnreadableRecordError as error:
        return UnreadableItem(kind, key, str(error), None)
    return UnreadableItem(kind, key, letter.reason, letter.at)


def _may_be_of(person: Person, stored: bytes) -> bool:
    """Whether what is written off is this person's: as the script noted it, or as it stands in the event."""
    named = _NAMED.search(stored)
    return named[1] == person_name(person).encode() if named else may_be_of(person, stored.replace(rb"\"", b'"'))


def _signals(heard: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """What XREAD gives: a list of streams, or a mapping of them as newer protocols have it."""
    streams = heard.values() if isinstance(heard, dict) else [entries for _, entries in heard or []]
    return [entry for entries in streams for entry in entries]
