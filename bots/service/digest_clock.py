"""Hands each digest that is due into the inbox, once, and from there on it is an event like any other.

Its key names the person and the moment that it was due: however many processes do this, and wherever one of them dies,
the inbox takes it once. One is begun at a time, at the pace that platforms allow, and only while nobody waits for an
answer. Knows nothing of what a digest says, or of how it is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from bots.platform import Platform
from core.domain import Person
from core.errors import StoreError
from core.inbox import Event, Receipt
from core.notices.schedule import Subscription
from core.people.people import People
from core.ports import Inbox
from core.together import ended

log = structlog.get_logger(__name__)

PACE = 2.0  # seconds between two digests, of all processes together
LATE = 20.0  # seconds between two looks where nothing is due

DigestEvent = Callable[[Subscription, str, str], Event]


class DigestClock:
    """Looks whose digest is due. `people` know it, `inbox` takes it."""

    def __init__(self, people: People, inbox: Inbox, platforms: Sequence[Platform]) -> None:
        self._people = people
        self._inbox = inbox
        self._events: Mapping[str, DigestEvent] = {one.name: one.digest for one in platforms if one.digest}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look now and then while open."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await ended(task)

    async def _run(self) -> None:
        while True:
            left = 0
            try:
                left = await self.look(datetime.now(UTC))
            except StoreError as error:
                log.warning("store_unavailable", error=type(error).__name__, work="digests")
            except Exception:
                log.exception("digests_failed")
            await asyncio.sleep(PACE if left else LATE)

    async def look(self, now: datetime) -> int:
        """Begin the digest that is longest overdue, if there is room; how many are due."""
        due = [(person, at) for person, at in await self._people.due(now) if person.platform in self._events]
        if due and (await self._inbox.depth()).waiting == 0 and await self._people.may_begin_digest(PACE):
            await self._try(*due[0], now)
        return len(due)

    async def _try(self, person: Person, at: datetime, now: datetime) -> None:
        try:
            await self._begin(person, at, now)
        except StoreError:
            raise
        except Exception:  # a mistake of ours must not end the digests of all others
            log.exception("digest_failed")
            await self._people.digest_failed(person, at, now)

    async def _begin(self, person: Person, at: datetime, now: datetime) -> None:
        """Put it into the inbox first: who dies before the next hour is noted leaves the same event to the next."""
        if kept := await self._people.subscription(person):
            name = at.isoformat()
            key = f"{person.platform}:digest:{person.workspace}:{person.user}:{name}"
            receipt = await self._inbox.put(self._events[person.platform](kept, key, name))
            if receipt not in {Receipt.ACCEPTED, Receipt.KNOWN}:  # too many wait: later
                return
        await self._people.digest_begun(person, at, now)
