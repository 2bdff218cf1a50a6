"""Kill, repeat, re-order, restart: `python -m evals.chaos`. Is every message answered, once, and in order?

People write in many conversations of a platform's double while processes that serve it die by `kill -9`, deliveries
come twice and out of order, Redis (the embedded Valkey) is killed, the machine's clock is set ten minutes back and
forward, and the power fails: of Redis' file some bytes at the end are lost. What was in them the platform sends again;
that may be answered twice. Everything else is the product: inbox, workers, dialogue, engine, memory and index; only
the model is scripted. Afterwards every message the platform ever showed is looked at. `--platform MODULE:CLASS` puts
another platform in; see `tests.doubles.chat:ChaosChat` for what it has to be.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from core.bootstrap import open_inbox, open_index
from core.ports import Inbox
from core.settings import Settings
from evals.chaos_checks import Findings, examined
from evals.chaos_harm import Clock, cut
from evals.chaos_process import plug
from evals.common import RESULTS, parser
from evals.scripted import DIMENSION, TAG, TOPIC, know_the_moon, tag_of
from evals.valkeys import ValkeyGroup, cluster, guarded

PLATFORM = "tests.doubles.chat:ChaosChat"
LIMITS = {
    "ATTUNE_METRICS": "off",
    "ATTUNE_PERSON_MINUTE": "100000",
    "ATTUNE_WORKSPACE_MINUTE": "1000000",
    "ATTUNE_WAITING": "100000",
}
STEPS = (-600.0, 600.0)  # seconds
OUTAGE = 6.0  # seconds of a server that another one takes over from
GROUPS = {"cluster": partial(cluster, copies=1), "sentinel": guarded}
FOREIGN = ("ATTUNE_", "REDIS_", "QDRANT_")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to the service. Times are in seconds."""

    seed: int = 0
    messages: int = 1000
    conversations: int = 50
    roles: tuple[str, ...] = ("both", "both", "work", "work")
    kill_every: tuple[float, float] = (3.0, 6.0)
    restarts: int = 2  # of Redis
    steps: int = 4  # of the clock
    cuts: int = 2  # of Redis' file
    think: float = 5.0  # mean time between two messages of a person
    words: int = 20
    pace: float = 0.05
    repeated: float = 0.25  # share of deliveries that come again
    swapped: float = 0.15  # share of messages that overtake the one before
    patience: float = 300.0  # until everything has to have its end
    platform: str = PLATFORM
    servers: str = ""  # of the store: the embedded one, or those of `GROUPS`


@dataclass
class Troubles:
    """What was done."""

    sent: int = 0
    kills: int = 0
    redis_kills: int = 0
    steps: list[float] = field(default_factory=list)  # seconds
    cuts: list[int] = field(default_factory=list)  # bytes
    touched: set[str] = field(default_factory=set)  # tags of what a cut took something of
    sent_again: list[asyncio.Task[None]] = field(default_factory=list)
    repeats: int = 0
    swaps: int = 0
    redis_pids: list[int] = field(default_factory=list)


class Processes:
    """The processes that serve, each started again when it was killed."""

    def __init__(self, plan: Plan, environ: dict[str, str]) -> None:
        self._plan = plan
        self._environ = environ
        self._running = [self._start(role) for role in plan.roles]

    def _start(self, role: str) -> subprocess.Popen[bytes]:
        words = [self._plan.platform, role, str(self._plan.words), str(self._plan.pace)]
        return subprocess.Popen([sys.executable, "-m", "evals.chaos_process", *words], env=self._environ)

    def kill(self, which: int) -> None:
        """Kill one, as the kernel does, and start it again."""
        self._running[which].kill()
        self._running[which].wait()
        self._running[which] = self._start(self._plan.roles[which])

    def signal(self, number: signal.Signals) -> None:
        """Send all a signal."""
        for process in self._running:
            process.send_signal(number)

    def end(self) -> list[int]:
        """Ask all to end, as an operator does; how they ended."""
        self.signal(signal.SIGTERM)
        try:
            return [process.wait(60) for process in self._running]
        finally:
            for process in self._running:
                process.kill()


async def run(plan: Plan) -> tuple[Findings, Troubles, float]:
    """Do all of it. What was found, what was done, and how many seconds it took."""
    chance, troubles = random.Random(plan.seed), Troubles()  # noqa: S311 - chaos, not secrets
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        async with _service(plan, Path(folder)) as service:
            platform, processes, inbox = service.platform, service.processes, service.inbox
            start = time.monotonic()
            trouble = asyncio.create_task(_make_trouble(plan, chance, service, troubles))
            people = [
                _write(plan, random.Random(f"{plan.seed}-{number}"), number, platform, troubles)  # noqa: S311
                for number in range(plan.conversations)
            ]
            sent = dict(enumerate(await asyncio.gather(*people)))
            trouble.cancel()
            await asyncio.gather(*troubles.sent_again)
            await _settled(plan, inbox)
            seconds = time.monotonic() - start
            dead = [letter.event.key for letter in await inbox.dead()]
            codes = await asyncio.to_thread(processes.end)
            seen = examined(sent, platform.visible(), troubles.touched)
            findings = dataclasses.replace(seen, dead=dead, exits=codes)
    return findings, troubles, seconds


@dataclass(frozen=True, slots=True)
class Service:
    """What runs: `platform` is the double, `home` the product's, `clock` that of all but this process."""

    platform: Any
    processes: Processes
    inbox: Inbox
    home: Path
    clock: Clock | None
    group: ValkeyGroup | None = None


@contextmanager
def _clock(plan: Plan, home: Path) -> Iterator[Clock | None]:
    """The clock of all that this process starts, if it is to be set."""
    if not plan.steps:
        yield None
        return
    clock, before = Clock(home), dict(os.environ)
    os.environ.update(clock.environ)
    try:
        yield clock
    finally:
        os.environ.clear()
        os.environ.update(before)


@asynccontextmanager
async def _service(plan: Plan, home: Path) -> AsyncIterator[Service]:
    with _clock(plan, home) as clock:
        async with running(plan, home, clock) as service:
            yield service


@asynccontextmanager
async def running(plan: Plan, home: Path, clock: Clock | None) -> AsyncIterator[Service]:
    """The platform, and the processes that serve it."""
    async with plug(plan.platform)().running() as platform:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        ours = {"ATTUNE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parent.parent), **LIMITS}
        async with AsyncExitStack() as stack:
            make = GROUPS.get(plan.servers)
            group = await stack.enter_async_context(make(home / "servers")) if make else None
            ours |= {"REDIS_URL": group.url} if group else {}
            settings = Settings.from_env(ours | platform.environ)
            inbox = await stack.enter_async_context(open_inbox(settings))
            await know_the_moon(await stack.enter_async_context(open_index(settings, DIMENSION)))
            processes = Processes(plan, {**kept, **ours, **platform.environ})
            try:
                yield Service(platform, processes, inbox, settings.data_folder, clock, group)
            finally:
                await asyncio.to_thread(processes.end)


async def _write(plan: Plan, chance: random.Random, conversation: int, platform: Any, troubles: Troubles) -> list[str]:
    """One person's messages, in the order in which the platform got rid of them: their tags."""
    numbers = list(range(plan.messages // plan.conversations))
    for place in range(len(numbers) - 1):
        if chance.random() < plan.swapped:
            numbers[place], numbers[place + 1] = numbers[place + 1], numbers[place]
            troubles.swaps += 1
    tags, repeats = [tag_of(conversation, number) for number in numbers], []
    await asyncio.sleep(chance.uniform(0, plan.think))
    for tag in tags:
        await _send(platform, tag)
        troubles.sent += 1
        if chance.random() < plan.repeated:
            troubles.repeats += 1
            repeats.append(asyncio.create_task(_again(chance.expovariate(0.5), platform, conversation, tag)))
        await asyncio.sleep(chance.expovariate(1 / plan.think) if chance.random() < 0.8 else 0.0)
    await asyncio.gather(*repeats)
    return tags


async def _again(pause: float, platform: Any, conversation: int, tag: str) -> None:
    await asyncio.sleep(pause)
    await platform.send(conversation, tag, f"{TOPIC} {tag}")


async def _make_trouble(plan: Plan, chance: random.Random, service: Service, troubles: Troubles) -> None:
    """Kill processes all the time, and do the rest evenly spread over the messages; one thing at a time."""
    one = asyncio.Lock()
    await asyncio.gather(
        _kill_processes(plan, chance, service, troubles, one), _do_the_rest(plan, chance, service, troubles, one)
    )


async def _kill_processes(
    plan: Plan, chance: random.Random, service: Service, troubles: Troubles, one: asyncio.Lock
) -> None:
    while True:
        await asyncio.sleep(chance.uniform(*plan.kill_every))
        async with one:
            await asyncio.to_thread(service.processes.kill, chance.randrange(len(plan.roles)))
        troubles.kills += 1


async def _do_the_rest(
    plan: Plan, chance: random.Random, service: Service, troubles: Troubles, one: asyncio.Lock
) -> None:
    rest = [_kill_redis] * plan.restarts + [_set_clock] * plan.steps + [_cut_power] * plan.cuts
    chance.shuffle(rest)
    for place, harm in enumerate(rest, start=1):
        while troubles.sent < plan.messages * place / (len(rest) + 1):  # noqa: ASYNC110 - it is people who send
            await asyncio.sleep(0.05)
        async with one:
            await harm(chance, service, troubles)


async def _kill_redis(_: random.Random, service: Service, troubles: Troubles) -> None:
    """The embedded one is started again by whoever needs it; of several another one takes over."""
    if service.group:
        server = await service.group.writer("{attune:inbox}")
        server.kill()
        await asyncio.sleep(OUTAGE)
        server.start()
    else:
        os.kill(await server_pid(service.inbox), signal.SIGKILL)
    troubles.redis_kills += 1


async def _set_clock(_: random.Random, service: Service, troubles: Troubles) -> None:
    if service.clock:
        troubles.steps.append(STEPS[len(troubles.steps) % len(STEPS)])
        service.clock.step(troubles.steps[-1])


async def _cut_power(chance: random.Random, service: Service, troubles: Troubles) -> None:
    """Nobody goes on before the file is cut. The platform sends again whatever was in what is lost."""
    service.processes.signal(signal.SIGSTOP)
    try:
        pid = await server_pid(service.inbox)
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(_gone, pid)
        lost = cut(service.home / "valkey", chance.random())
    finally:
        service.processes.signal(signal.SIGCONT)
    troubles.cuts.append(len(lost))
    tags = sorted(set(TAG.findall(lost.decode("utf-8", "replace"))))
    troubles.touched.update(tags)
    troubles.sent_again += [asyncio.create_task(_send(service.platform, tag)) for tag in tags]


def _gone(pid: int) -> None:
    """Wait until a process is gone, and whoever started it knows."""
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)


async def _send(platform: Any, tag: str) -> None:
    """Send a message until somebody acknowledges it."""
    conversation = int(tag[1:].partition("x")[0])
    while not await platform.send(conversation, tag, f"{TOPIC} {tag}"):  # noqa: ASYNC110 - as platforms do
        await asyncio.sleep(0.1)


async def server_pid(inbox: Any) -> int:
    """The process of the embedded Valkey."""
    return int((await inbox._client.info("server"))["process_id"])  # noqa: SLF001 - to break it on purpose


async def _settled(plan: Plan, inbox: Inbox) -> None:
    deadline = time.monotonic() + plan.patience
    while time.monotonic() < deadline:
        depth = await inbox.depth()
        if depth.waiting == depth.working == 0:
            return
        await asyncio.sleep(0.5)


def _span(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    return float(low), float(high or low)


def main() -> None:
    """Run with the words of the command line, print a table, and keep the figures."""
    read = parser("Is every message answered, once, and in order? Reads no data. `--limit` is `--messages`.")
    for name in ("messages", "conversations", "restarts", "steps", "cuts"):
        read.add_argument(f"--{name}", type=int, default=getattr(Plan(), name))
    read.add_argument("--think", type=float, default=Plan().think)
    read.add_argument("--kill-every", type=_span, default=Plan().kill_every, help="seconds, such as 3,6")
    read.add_argument("--platform", default=PLATFORM)
    read.add_argument("--servers", choices=GROUPS, default="", help="of the store, of which one is killed at a time")
    read.add_argument("--roles", type=lambda text: tuple(text.split(",")), default=Plan().roles)
    given = vars(read.parse_args())
    limit = given.pop("limit")
    del given["data"]
    plan = dataclasses.replace(Plan(), **given | ({"messages": limit} if limit else {}))
    findings, troubles, seconds = asyncio.run(run(plan))
    done = {"kill -9 of processes": troubles.kills, "kill -9 of Redis": troubles.redis_kills}
    done |= {"steps of the clock": len(troubles.steps), "cuts of Redis' file": len(troubles.cuts)}
    done |= {"bytes cut off": sum(troubles.cuts), "messages in what was cut off": len(troubles.touched)}
    done |= {"deliveries repeated": troubles.repeats, "messages overtaken": troubles.swaps}
    table = {
        "seed": plan.seed,
        "conversations": plan.conversations,
        **done,
        "seconds": round(seconds),
        **findings.table(),
    }
    for name, figure in table.items():
        print(f"{name:32} {figure}")
    for complaint in findings.complaints:
        print(complaint)
    kind = [] if plan.platform == PLATFORM else [plan.platform.partition(":")[2].lower()]
    name = "-".join(["chaos", *kind, *filter(None, [plan.servers])])
    (RESULTS / f"{name}.json").write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    counts = Counter(complaint.partition(":")[0] for complaint in findings.complaints)
    sys.exit(1 if counts else 0)


if __name__ == "__main__":
    main()
