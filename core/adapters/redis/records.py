"""The records of memory and usage as they are read: one that cannot be is left out and noted, and the others go on.

It stays where it is, since another version of Attune may read it, until its person is forgotten. Notes name a record
and say nothing of what is in it; `attune inbox` shows them (`UnreadableNotes.all`). Knows nothing of how the server is
reached.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from redis.asyncio import Redis

from core.adapters.redis.keys import convert_errors
from core.documents.gaps import Gap
from core.domain import Turn
from core.inbox import UnreadableItem
from core.learning.study import Study
from core.notices.history import DocumentHistory
from core.notices.schedule import Subscription
from core.people.access import Pairing
from core.people.clients import ApiClient
from core.people.interests import LearnedProfile, Signal
from core.people.preferences import PreferenceSet
from core.people.team import Contribution
from core.people.traces import Trace
from core.storage.stored import RecordForm, UnreadableRecordError
from core.threads.chats import ChatPost

NOTES = "attune:unreadable"
KEPT_NOTES = 1000

TURN, TRACE, SIGNAL, LEARNED = RecordForm(Turn), RecordForm(Trace), RecordForm(Signal), RecordForm(LearnedProfile)
CONTRIBUTION, GAP, PAIRING, WISHES, STUDY, CHAT_POST = (
    RecordForm(Contribution),
    RecordForm(Gap),
    RecordForm(Pairing),
    RecordForm(PreferenceSet),
    RecordForm(Study),
    RecordForm(ChatPost),
)
SUBSCRIPTION, HISTORY, CLIENT = RecordForm(Subscription), RecordForm(DocumentHistory), RecordForm(ApiClient)
FORMS: Mapping[str, RecordForm[Any]] = {
    "turn": TURN,
    "trace": TRACE,
    "signal": SIGNAL,
    "learned": LEARNED,
    "contribution": CONTRIBUTION,
    "gap": GAP,
    "pairing": PAIRING,
    "wishes": WISHES,
    "study": STUDY,
    "digest": SUBSCRIPTION,
    "history": HISTORY,
    "chat post": CHAT_POST,
    "client": CLIENT,
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Note:
    """Why a record cannot be read, and since when that is known."""

    reason: str
    at: datetime


_NOTE = RecordForm(_Note)


class UnreadableNotes:
    """Notes of what could not be read, over a client of redis-py."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def read(
        self, form: RecordForm[T], key: str | bytes, name: str | bytes, stored: bytes | str | None
    ) -> T | None:
        """One record, by its name in `key`; None where there is none that can be read."""
        return next((value for _, value in await self.read_all(form, key, [(name, stored)])), None)

    async def read_all(
        self, form: RecordForm[T], key: str | bytes, stored: Iterable[tuple[str | bytes, bytes | str | None]]
    ) -> list[tuple[bytes, T]]:
        """Those records of `key` that can be read, each with what is stored; `stored` has their names."""
        found: list[tuple[bytes, T]] = []
        for name, kept in stored:
            if kept is not None:
                value = cast("bytes", kept)  # as long as the client decodes nothing
                try:
                    found.append((value, form.validate_json(value)))
                except UnreadableRecordError as error:
                    await self.note(form, key, name or digest(value), error)
        return found

    async def note(
        self, form: RecordForm[Any], key: str | bytes, name: str | bytes, error: UnreadableRecordError
    ) -> None:
        """Note a record, once."""
        kind = next(kind for kind, known in FORMS.items() if known is form)
        with convert_errors():
            if await self._client.hlen(NOTES) < KEPT_NOTES:
                about = _NOTE.dump_json(_Note(str(error), datetime.now(UTC))).decode()
                await cast("Awaitable[bool]", self._client.hsetnx(NOTES, _field(kind, key, name), about))

    async def all(self) -> list[UnreadableItem]:
        """What cannot be read now; a note of what is gone, or can be read again, goes."""
        with convert_errors():
            notes = cast("dict[bytes, bytes]", await cast("Awaitable[Any]", self._client.hgetall(NOTES)))
            found = []
            for field, about in notes.items():
                kind, _, place = field.decode("utf-8", "replace").partition("\n")
                key, _, name = place.partition("\n")
                if kind not in FORMS:  # a note of another version
                    continue
                if await self._holds(kind, key, name):
                    found.append(_set_aside(kind, key, name, about))
                else:
                    await self._client.hdel(NOTES, cast("str", field))
        return found

    async def count(self) -> int:
        """How many there are, those included that are gone since."""
        with convert_errors():
            return await self._client.hlen(NOTES)

    async def _holds(self, kind: str, key: str, name: str) -> bool:
        """Whether an unreadable record of that name is still there."""
        match await self._client.type(key):
            case b"string":
                values = [await self._client.get(key)]
            case b"hash":
                values = [await cast("Awaitable[Any]", self._client.hget(key, name))]
            case b"list":
                listed = await cast("Awaitable[Any]", self._client.lrange(key, 0, -1))
                values = [value for value in listed if digest(value) == name]
            case _:
                values = []
        return any(value is not None and read(FORMS[kind], value) is None for value in values)


def read(form: RecordForm[T], stored: bytes | str) -> T | None:
    """A record, where it can be read."""
    try:
        return form.validate_json(stored)
    except UnreadableRecordError:
        return None


def digest(value: bytes) -> str:
    """The name of a record in a list."""
    return hashlib.sha256(value).hexdigest()[:16]


def _field(kind: str, key: str | bytes, name: str | bytes) -> bytes:
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in (kind, key, name))


def _set_aside(kind: str, key: str, name: str, about: bytes) -> UnreadableItem:
    said = read(_NOTE, about)
    where = f"{key} {name}".strip()
    return UnreadableItem(kind, where, said.reason, said.at) if said else UnreadableItem(kind, where, "", None)
