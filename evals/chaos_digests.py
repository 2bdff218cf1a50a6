"""Does everybody get their digest, once, while everything dies? `python -m evals.chaos_digests`.

People whose digests are due at the same moment, on the platform's double of `evals.chaos`; the processes that send them
die by `kill -9` all the time, between composing, posting, noting, editing and the end, and so does Redis. Then those
who were forgotten meanwhile, who must have none. What can be promised is what the inbox promises: one digest each, and
of a worker that died between posting and noting at most a title that stayed behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bots import digest_texts
from core.bootstrap import Stores, open_records
from core.domain import Person
from core.notices.history import ALWAYS, followed
from core.notices.schedule import DigestSchedule, Frequency, Subscription
from core.settings import Settings
from evals.chaos import LIMITS, Plan, Service, running, server_pid
from evals.common import RESULTS, Record, parser
from evals.scripted import MOON

HOUR = DigestSchedule(Frequency.DAILY, "UTC")


@dataclass(frozen=True, slots=True)
class DigestPlan:
    """Who gets a digest, and how often something dies: at most so soon after something was shown. Times in seconds."""

    people: int = 100
    forgotten: int = 10
    seed: int = 0
    kills: int = 60
    after: float = 1.0
    restarts: int = 3
    patience: float = 900.0


async def run(plan: DigestPlan) -> Record:
    """Do all of it, and count."""
    people = [Person("chat", "w", f"u{number}") for number in range(plan.people)]
    gone = people[len(people) - plan.forgotten :]
    chaos = Plan(steps=0, roles=("both", "both"))
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        settings = Settings.from_env({"ATTUNE_HOME": folder, **LIMITS})
        async with running(chaos, Path(folder), None) as service, open_records(settings) as records:
            await _subscribe(records, people)
            for person in gone:
                await records.memory.forget(person)
            trouble = asyncio.create_task(_make_trouble(plan, service))
            deadline = asyncio.get_running_loop().time() + plan.patience
            while asyncio.get_running_loop().time() < deadline and not await _is_over(service, records):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
            trouble.cancel()
            await asyncio.wait({trouble})
            await asyncio.to_thread(service.processes.end)
            told = _told(service)
            kept = [await records.memory.subscription(person) for person in people]
    return {
        "people": plan.people,
        "kill -9 of processes": plan.kills,
        "kill -9 of Redis": plan.restarts,
        "digests": sum(told[person.user] > 0 for person in people if person not in gone),
        "lost": sum(not told[person.user] for person in people if person not in gone),
        "sent twice": sum(told[person.user] > 1 for person in people),
        "sent to the forgotten": sum(told[person.user] for person in gone),
        "titles left behind": len(service.platform.messages) - sum(told.values()),
        "noted as told": sum(one is not None and one.last != "" for one in kept),
    }


async def _make_trouble(plan: DigestPlan, service: Service) -> None:
    """Kill a process soon after something was shown, and now and then Redis."""
    chance = random.Random(plan.seed)  # noqa: S311 - chaos, not secrets
    for number in range(plan.kills):
        before = _shown(service)
        while _shown(service) == before:  # noqa: ASYNC110 - it is processes that show
            await asyncio.sleep(0.02)
        await asyncio.sleep(chance.uniform(0, plan.after))
        await asyncio.to_thread(service.processes.kill, chance.randrange(2))
        if number < plan.restarts:
            os.kill(await server_pid(service.inbox), signal.SIGKILL)


def _shown(service: Service) -> int:
    return sum(len(shown.versions) for shown in service.platform.messages)


async def _subscribe(records: Stores, people: list[Person]) -> None:
    """The moon came to say something two minutes ago, and everybody's hour is now."""
    now = datetime.now(UTC)
    await records.histories.follow(
        MOON.source, lambda _: followed(None, MOON.source, MOON.version, [MOON], now - timedelta(minutes=2))
    )
    for person in people:
        kept = Subscription(person, HOUR, since=ALWAYS + timedelta(days=1))
        await records.memory.change_subscription(person, partial(_first, kept), now)


def _first(new: Subscription, _old: Subscription | None) -> Subscription:
    return new


async def _is_over(service: Service, records: Stores) -> bool:
    depth = await service.inbox.depth()
    return depth.waiting == depth.working == 0 and not await records.memory.due(datetime.now(UTC))


def _told(service: Service) -> Counter[str]:
    """How many whole digests each person was shown."""
    whole = [shown for shown in service.platform.messages if digest_texts.STOP_HINT.format(cmd="/") in shown.text]
    return Counter(f"u{shown.channel}" for shown in whole)


def main() -> None:
    """Run with the words of the command line, and keep the figures."""
    read = parser("Does everybody get their digest, once? Reads no data. `--limit` is the number of people.")
    given = read.parse_args()
    plan = DigestPlan(people=given.limit or DigestPlan().people, seed=given.seed)
    table = asyncio.run(run(plan))
    print(json.dumps(table, indent=2))
    (RESULTS / "chaos-digests.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
