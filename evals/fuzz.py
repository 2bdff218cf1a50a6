"""Malformed and forged deliveries through every receiver: `python -m evals.fuzz`. Does any stop one, or hold it up?

Telegram by polling and by webhook, Slack by Socket Mode and by HTTP, each before the real inbox, workers and senders
and a scripted model. A delivery is a real shape with fields removed, retyped, over-long or in odd Unicode, or no JSON.
After each hundred somebody new asks a good question, which has to be answered. `--limit` is how many go through each.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from socket import socket

import structlog

from bots.platform import PlatformServices
from bots.reception import Reception
from bots.service.observing import WatchedDialogue, WatchedInlet
from bots.service.slots import Pace
from bots.service.workers import Workers
from bots.watching import Watcher
from core.bootstrap import open_inbox, open_index, open_records
from core.errors import ReceiverError
from core.inbox import Event, Receipt
from core.settings import Settings
from evals.common import Record, options, progress, write_result
from evals.fuzz_routes import Route, SlackRoute, TelegramRoute
from evals.scripted import DIMENSION, PacedGenerator, know_the_moon, scripted_engine

DELIVERIES = 20_000
EACH = 100  # deliveries, after which somebody asks
SIDE_BY_SIDE = 2  # routes at a time
AT_ONCE = 256  # events in work: one that waits for something holds up no good question
LIMITS = {"ATTUNE_PERSON_MINUTE": "100000", "ATTUNE_WORKSPACE_MINUTE": "1000000", "ATTUNE_WAITING": "100000"}


@dataclass
class Counted(Watcher):
    """What happened."""

    unread: int = 0
    restarts: int = 0
    receipts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def received(self, platform: str, receipt: Receipt, seconds: float) -> None:  # noqa: ARG002
        """Count."""
        self.receipts[receipt.value] += 1

    def not_understood(self, platform: str) -> None:  # noqa: ARG002
        """Count."""
        self.unread += 1

    def receiver_ended(self, platform: str) -> None:  # noqa: ARG002
        """Count."""
        self.restarts += 1

    def finished(self, event: Event, outcome: str) -> None:  # noqa: ARG002
        """Count."""
        self.outcomes[outcome] += 1


@dataclass
class Found:
    """What came of it on one route."""

    deliveries: int = 0
    asked: int = 0
    answered: int = 0
    stuck: int = 0  # hundreds that were not dealt with in time
    unready: int = 0  # looks that found the receiver not receiving
    slowest: float = 0.0  # seconds until a good question was answered
    blocked: float = 0.0  # seconds, the longest that nothing else could run
    seconds: float = 0.0


async def fuzzed(route: Route, deliveries: int, seed: int, each: int = EACH) -> Record:
    """Send so many through one route. What came of it."""
    found, counted, chance = Found(), Counted(), random.Random(f"{seed} {route.name}")  # noqa: S311 - no secrets
    async with _service(route, counted) as reception:
        watching = asyncio.create_task(_blocked(found))
        start = time.monotonic()
        for number in progress(range(deliveries // each), route.name):
            found.stuck += not await route.send(each, chance)
            found.deliveries += each
            before = time.monotonic()
            found.answered += await route.ask(number)
            found.asked += 1
            found.slowest = max(found.slowest, time.monotonic() - before)
            found.unready += not await _receives(reception)
        found.seconds = time.monotonic() - start
        watching.cancel()
    return _record(route, found, counted)


def _record(route: Route, found: Found, counted: Counted) -> Record:
    return {
        "deliveries": found.deliveries,
        "stops": found.stuck + counted.restarts + found.unready + (found.asked - found.answered),
        "good questions": found.asked,
        "answered": found.answered,
        "not understood": counted.unread,
        "kept": counted.receipts[Receipt.ACCEPTED.value],
        "given up by the platform": route.unconfirmed,
        "sent again": route.repeated,
        "ended in": dict(counted.outcomes),
        "slowest good answer, s": round(found.slowest, 2),
        "longest block of the loop, s": round(found.blocked, 2),
        "seconds": round(found.seconds),
    }


async def _receives(reception: Reception) -> bool:
    try:
        await reception.check()
    except ReceiverError:
        return False
    return True


async def _blocked(found: Found) -> None:
    """Look a hundred times a second how late it is."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.01)
        found.blocked = max(found.blocked, time.monotonic() - before - 0.01)


@asynccontextmanager
async def _service(route: Route, counted: Counted) -> AsyncIterator[Reception]:
    """The product over stores of its own, at this end of the route."""
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        async with route.running():
            settings = Settings.from_env({"ATTUNE_HOME": folder, **LIMITS, **route.environ})
            async with (
                open_inbox(settings) as inbox,
                open_records(settings) as records,
                open_index(settings, DIMENSION) as index,
                scripted_engine(settings, PacedGenerator(3, 0.0)) as engine,
            ):
                await know_the_moon(index)
                means = PlatformServices(records.access, records.usage, inbox, records.chats, watcher=counted)
                receiver, sender = route.halves(settings, WatchedDialogue(engine, counted), means)
                name = next(iter(means.receptions))
                workers = Workers(inbox, {name: sender}, Pace(AT_ONCE, grace=1.0), counted)
                async with sender.sending(), workers.working(), receiver.receiving(WatchedInlet(inbox, counted)):
                    yield means.reception(name)


def routes() -> list[Route]:
    """The four ways in."""
    return [TelegramRoute(), TelegramRoute(_free_port()), SlackRoute(), SlackRoute(_free_port())]


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def one(number: int, deliveries: int, seed: int) -> tuple[str, Record]:
    """One route, in a process of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL + 1)  # the doubles stumble over some mutants, too
    route = routes()[number]
    return route.name, asyncio.run(fuzzed(route, deliveries, seed))


def _show(name: str, record: Record) -> None:
    print(name)
    for figure, value in record.items():
        print(f"    {figure:32} {value}")


def main() -> None:
    """Send, print the table, and write it to `results/fuzz.json`; fails where anything stopped a receiver."""
    asked = options(__doc__ or "")
    with ProcessPoolExecutor(SIDE_BY_SIDE, get_context("spawn")) as pool:
        numbers = range(len(routes()))
        running = [pool.submit(one, number, asked.limit or DELIVERIES, asked.seed) for number in numbers]
        found = dict(each.result() for each in running)
    for name, record in found.items():
        _show(name, record)
    write_result("fuzz", {"seed": asked.seed, **found})
    sys.exit(1 if any(record["stops"] for record in found.values()) else 0)


if __name__ == "__main__":
    main()
