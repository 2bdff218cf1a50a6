"""The answering half: claims events, has their platform handle them, and sees to it that each comes to an end.

Knows nothing of models, of what is in an event, or of how it was received.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager

import structlog

from bots import texts
from bots.language import Voice, speaking, translated
from bots.platform import Sender
from bots.service.deliveries import ClaimedDelivery, insist
from bots.service.slots import Pace, Slots, TimeLimit
from bots.watching import Watcher
from core.errors import StoreError
from core.inbox import Claim, Event, Lease
from core.ports import Inbox
from core.storage.stored import UnreadableRecordError
from core.together import ended

log = structlog.get_logger(__name__)

BEAT = 2.0  # seconds between renewals; a lease ends after three
LISTEN = 1.0  # seconds that a listener waits at most: what dead workers held is looked for as often
IMPATIENCE = 2.0  # seconds of waiting after which a person is told so
LIVES = 3  # workers that an event may end, and failures before the person is told
TRIES = 12  # times that a platform may fail to show anything at all
LONGEST = 900.0  # seconds for one event
SHORT = 30.0  # seconds for one sentence
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds before the next try at a platform that fails


class _Work:
    """One claim in the hands of its platform's sender."""

    def __init__(self, inbox: Inbox, claim: Claim, slots: Slots) -> None:
        self.claim = claim
        self.limit = TimeLimit(LONGEST)
        self.delivery = ClaimedDelivery(inbox, claim, self.cancel, lambda: slots.learning(self.limit))
        self.handling: asyncio.Task[None] | None = None
        self.handed_over = False

    def cancel(self) -> None:
        if self.handling is not None:
            self.handling.cancel()

    def stop(self) -> None:
        if not self.delivery.stopped:
            self.delivery.stopped = True
            self.cancel()

    def hand_over(self) -> None:
        self.handed_over = True
        self.cancel()


class Workers:
    """Handles events with the senders of their platforms, which go by the platform's name."""

    def __init__(
        self, inbox: Inbox, senders: Mapping[str, Sender], pace: Pace | None = None, watcher: Watcher | None = None
    ) -> None:
        self._inbox = inbox
        self._senders = senders
        self._pace = pace or Pace()
        self._watcher = watcher or Watcher()
        self._works: dict[str, _Work] = {}  # by token
        self._tasks: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._slots = Slots(self._pace, self._awake.set)
        self._closing = False
        self._token = secrets.token_hex(8)  # of the next claim: kept when no reply came, so that none is lost

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while open. Closing finishes what is in work, as far as the grace goes, and hands over the rest."""
        helpers = [
            asyncio.create_task(self._again(work, pause))
            for work, pause in ((self._listen, 0.0), (self._renew, BEAT), (self._tell_who_waits, IMPATIENCE / 2))
        ]
        claiming = asyncio.create_task(self._again(self._claim_next, 0.0))
        try:
            yield
        finally:
            self._closing = True
            self._awake.set()
            await asyncio.wait({claiming}, timeout=self._pace.grace)
            await self._hand_over()
            await ended(claiming, *helpers)

    async def _again(self, work: Callable[[], Coroutine[None, None, None]], pause: float) -> None:
        """Do `work` again and again, whatever becomes of it."""
        while not (self._closing and work == self._claim_next):
            try:
                await work()
                await asyncio.sleep(pause)
            except StoreError as error:
                log.warning("store_unavailable", error=type(error).__name__, work=work.__name__)
                await asyncio.sleep(LISTEN)
            except Exception:  # a mistake of ours must not end the service
                log.exception("worker_failed", work=work.__name__)
                await asyncio.sleep(LISTEN)

    async def _listen(self) -> None:
        for token in await self._inbox.listen(LISTEN):
            if token in self._works:
                self._works[token].stop()
        self._awake.set()

    async def _claim_next(self) -> None:
        self._awake.clear()
        claim = None if self._slots.full(len(self._tasks)) else await self._inbox.claim(self._token)
        if claim is None:
            if not self._closing:
                await self._awake.wait()
            return
        self._token = secrets.token_hex(8)
        self._works[claim.token] = _Work(self._inbox, claim, self._slots)
        task = asyncio.create_task(self._see_to(self._works[claim.token]))
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._awake.set()

    async def _renew(self) -> None:
        if self._works:
            for token, lease in (await self._inbox.renew(list(self._works))).items():
                if work := self._works.get(token):
                    _heed(work, lease)

    async def _hand_over(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._pace.grace)
        for work in self._works.values():
            work.hand_over()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SHORT)
        await ended(*self._tasks)

    async def _see_to(self, work: _Work) -> None:
        outcome = "failed"
        self._watcher.began(work.claim)
        try:
            with speaking(*await self._voice(work.claim.event)):
                outcome = await self._brought_to_an_end(work)
        except Exception:  # the lease ends, and the event comes again
            log.exception("worker_failed")
        finally:
            del self._works[work.claim.token]
            self._watcher.finished(work.claim.event, outcome)

    async def _voice(self, event: Event) -> Voice:
        """How to speak to whoever sent it; in English where nobody says so in time."""
        sender = self._senders.get(event.person.platform)
        try:
            async with asyncio.timeout(BEAT):
                return await sender.voice(event) if sender else Voice()
        except Exception as error:  # noqa: BLE001 - whatever a platform's library raises
            log.warning("voice_unknown", platform=event.person.platform, error=type(error).__name__)
            return Voice()

    async def _brought_to_an_end(self, work: _Work) -> str:
        claim = work.claim
        if claim.ended:
            return await self._done(work, "done")
        if claim.event.person.platform not in self._senders:
            log.warning("platform_not_configured", platform=claim.event.person.platform)
            return await self._release(work, LONGEST_PAUSE)
        if claim.deaths >= LIVES:
            return await self._bury(work)
        if work.delivery.stopped:
            return await self._told(work, translated(texts.STOPPED_WAITING), "stopped")
        return await self._handled(work)

    async def _handled(self, work: _Work) -> str:
        sender, delivery = self._senders[work.claim.event.person.platform], work.delivery
        work.handling = asyncio.create_task(sender.handle(work.claim.event, delivery))
        try:
            in_time = await work.limit.done_in_time(work.handling)
        finally:
            await ended(work.handling)
        error = None if work.handling.cancelled() else work.handling.exception()
        if delivery.lost:
            return "lost"
        if delivery.over or (in_time and error is None and not work.handling.cancelled()):
            return await self._done(work, "stopped" if delivery.stopped else "done")
        if delivery.stopped:
            return await self._done(work, "stopped")
        if work.handed_over:
            return await self._release(work)
        return await self._failed(work, error, in_time=in_time)

    async def _failed(self, work: _Work, error: BaseException | None, *, in_time: bool) -> str:
        error_id = secrets.token_hex(4)
        log.error("event_failed", error_id=error_id, platform=work.claim.event.person.platform, exc_info=error)
        if in_time and work.claim.attempt < LIVES:
            return await self._release(work, _pause(work))
        if isinstance(error, UnreadableRecordError):
            return await self._set_aside(work, error, error_id)
        return await self._told(
            work, texts.unexpected(error_id) if in_time else texts.took_too_long(error_id), "failed"
        )

    async def _told(self, work: _Work, sentence: str, outcome: str) -> str:
        """Say `sentence` in place of an answer; later, where the platform does not show it."""
        if await self._apologised(work, sentence):
            return await self._done(work, outcome)
        if work.claim.attempt >= TRIES:
            return await self._buried(work, f"the platform accepted nothing in {TRIES} tries")
        return await self._release(work, _pause(work))

    async def _bury(self, work: _Work) -> str:
        error_id, deaths = secrets.token_hex(4), work.claim.deaths
        log.error("event_given_up", error_id=error_id, key=work.claim.event.key, deaths=deaths)
        if deaths == LIVES:  # beyond it, the sentence itself is what ends workers
            await self._apologised(work, texts.given_up(error_id))
        return await self._buried(work, f"{deaths} workers died on it; error id {error_id}")

    async def _set_aside(self, work: _Work, error: UnreadableRecordError, error_id: str) -> str:
        """Nobody here can read it; its person is told where that much of it can be read."""
        await self._apologised(work, texts.unexpected(error_id))
        await insist(lambda: self._inbox.set_aside(work.claim.token, f"{error}; error id {error_id}"))
        return "aside"

    async def _apologised(self, work: _Work, sentence: str) -> bool:
        sender = self._senders[work.claim.event.person.platform]
        try:
            async with asyncio.timeout(SHORT):
                await sender.apologise(work.claim.event, work.delivery, sentence)
        except Exception as error:  # whatever a platform's library raises
            log.warning("failure_notice_failed", platform=work.claim.event.person.platform, exc_info=error)
            return False
        return True

    async def _done(self, work: _Work, outcome: str) -> str:
        await insist(lambda: self._inbox.done(work.claim.token))
        return outcome

    async def _release(self, work: _Work, pause: float = 0.0) -> str:
        await insist(lambda: self._inbox.release(work.claim.token, pause=pause))
        return "released"

    async def _buried(self, work: _Work, reason: str) -> str:
        await insist(lambda: self._inbox.bury(work.claim.token, reason))
        return "buried"

    async def _tell_who_waits(self) -> None:
        """Where all hands are full, tell those who wait how many come before them; one at a time."""
        while not self._closing and self._slots.full(len(self._tasks)):
            held = await self._inbox.waiting(token := secrets.token_hex(8), seconds=IMPATIENCE)
            if held is None:
                return
            try:
                await self._tell(held.claim, held.ahead)
            finally:
                await self._inbox.release(token)

    async def _tell(self, claim: Claim, ahead: int) -> None:
        sender = self._senders.get(claim.event.person.platform)
        if sender is None or claim.stopped or claim.shown:
            return
        try:
            with speaking(*await self._voice(claim.event)):
                async with asyncio.timeout(BEAT):  # less than the lease
                    await sender.waiting(claim.event, ClaimedDelivery(self._inbox, claim), texts.in_line(ahead))
        except Exception as error:  # whatever a platform's library raises
            log.warning("failure_notice_failed", platform=claim.event.person.platform, exc_info=error)


def _pause(work: _Work) -> float:
    return min(SHORTEST_PAUSE * 2.0**work.claim.attempt, LONGEST_PAUSE)


def _heed(work: _Work, lease: Lease) -> None:
    if lease is Lease.STOPPED:
        work.stop()
    elif lease is Lease.LOST:
        work.delivery.lose()
