"""The model on a Ray cluster, here two replicas of the tiny one on this machine: `python -m evals.ray_serve`.

    beside      the answers of the cluster, event for event and in seconds, beside those of the model in this process
    documents   questions by Zipf's law over topics: answers a minute, first word, and what the caches held, with the
                router by documents; caches too small for all topics
    power_of_two  the same with Ray's own router
    killed      a replica is killed with SIGKILL while it answers: which answers still come whole, and when
    update      another adapter is rolled out while people ask: refusals, and the longest time without a finished answer
    cancelled   seconds until a replica is idle after its asker went
    busy        more questions than replicas and queues take: who is told, and who is answered in the end

Needs `attune[ray]`. `--limit` is the number of questions of each part (48).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from ray import serve
from ray.serve.config import RequestRouterConfig
from rich.console import Console
from rich.table import Table

from core.adapters.remote_model.lines import STATISTICS
from core.adapters.remote_model.ray_generator import RayGenerator
from core.bootstrap import open_generator
from core.domain import Decoding, Mode, Piece, Prompt, QueuePosition
from core.errors import AttuneError
from core.ports import Generator
from core.settings import Settings
from deploy.ray_serve import APPLICATION, cluster_here, deployed
from evals.common import RESULTS, Record, parser, write_result
from evals.ray_material import Material, random_adapter

MODEL = "smollm2-135m-instruct"
PORT = 8765
URL = f"http://127.0.0.1:{PORT}/{APPLICATION}"
REPLICAS = 2
ASKERS = 4
TOKENS = 8  # of an answer
QUESTIONS = 48
PARTS = ("beside", "documents", "killed", "cancelled", "update", "power_of_two", "busy")
BESIDE = 4  # questions to both sides
FAILING = 12  # questions while a replica is killed
BUSY = 8  # askers at once, of two replicas that take one and an entrance that queues two
CACHE_MB = 112  # of a replica: about half of what all topics take
VALUES = {"ATTUNE_MODEL": MODEL, "ATTUNE_CACHE_MB": str(CACHE_MB), "ATTUNE_THREADS": "1"}
DECODING = Decoding(Mode.SEQUENCE, TOKENS)


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: its events, when its first word came and when it was whole, in seconds from the start."""

    events: list[Any]
    begun: float
    first: float
    ended: float

    @property
    def text(self) -> str:
        """What was said."""
        return "".join(event.text for event in self.events if isinstance(event, Piece))


def main() -> None:
    """Measure, print, write."""
    options = parser(__doc__ or "")
    options.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="only these; the others stay as noted"
    )
    chosen = options.parse_args()
    material = Material(chosen.seed, chosen.limit or QUESTIONS)
    with tempfile.TemporaryDirectory() as folder, cluster_here(cpus=REPLICAS, port=PORT):
        result = asyncio.run(measure(material, Path(folder), chosen.parts))
    print_result(result)


async def measure(material: Material, folder: Path, chosen: Sequence[str]) -> Record:
    """Every part that was chosen, one after the other."""
    file = RESULTS / "ray_serve.json"
    result: Record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    result |= {"askers": ASKERS, "cache_mb": CACHE_MB, "questions": len(material.questions), "tokens": TOKENS}
    parts = {
        "beside": partial(beside_one_process, material),
        "documents": partial(affinity, material),
        "killed": partial(killed, material),
        "cancelled": partial(cancelled, material),
        "update": partial(update, material, random_adapter(folder / "adapter")),
    }
    await deploy()
    for name, part in parts.items():
        if name in chosen:
            await note(result, name, part)
    if "power_of_two" in chosen:
        await asyncio.to_thread(serve.delete, APPLICATION)
        await deploy(request_router_config=RequestRouterConfig())
        await note(result, "power_of_two", partial(affinity, material))
    if "busy" in chosen:
        await asyncio.to_thread(serve.delete, APPLICATION)
        await deploy(max_ongoing_requests=1, max_queued_requests=2)
        await note(result, "busy", partial(busy, material))
    return result


async def note(result: Record, name: str, part: Callable[[], Awaitable[Record]]) -> None:
    """Measure a part; what was measured before it is kept, whatever happens."""
    result[name] = await part()
    print(name, result[name], flush=True)
    write_result("ray_serve", result)


async def deploy(**options: Any) -> None:
    """Have two replicas, or change them."""
    await asyncio.to_thread(deployed, VALUES, num_replicas=REPLICAS, **options)


@asynccontextmanager
async def cluster() -> AsyncIterator[RayGenerator]:
    """A worker's view of the cluster."""
    async with RayGenerator(URL, None, silence=60) as model:
        yield model


async def figures() -> dict[str, dict[str, float]]:
    """Of each replica's cache."""
    async with aiohttp.ClientSession() as http, http.get(f"{URL}/statistics") as response:
        return STATISTICS.validate_json(await response.read())


async def ask(model: Generator, prompt: Prompt, decoding: Decoding = DECODING) -> Timed:
    """One answer."""
    begun, first, events = time.monotonic(), 0.0, list[Any]()
    async with aclosing(model.generate(prompt, decoding)) as stream:
        async for event in stream:
            first = first or (time.monotonic() if isinstance(event, Piece) else 0.0)
            events.append(event)
    return Timed(events, begun, first or time.monotonic(), time.monotonic())


async def ask_all(model: Generator, prompts: Sequence[Prompt], askers: int = ASKERS) -> list[Timed]:
    """All answers, `askers` at a time, in the order of the questions."""
    answers: dict[int, Timed] = {}
    waiting = iter(enumerate(prompts))

    async def asker() -> None:
        for number, prompt in waiting:
            answers[number] = await ask(model, prompt)

    await asyncio.gather(*[asyncio.create_task(asker()) for _ in range(askers)])
    return [answers[number] for number in range(len(prompts))]


async def beside_one_process(material: Material) -> Record:
    """The same questions, to the model here and to the cluster."""
    prompts = material.questions[:BESIDE]
    settings = Settings.from_env(VALUES | {"ATTUNE_CACHE_DISK_MB": "0"})
    async with cluster() as there, open_generator(settings) as here:
        times: dict[str, list[float]] = {"here": [], "cluster": []}
        equal = 0
        for prompt in prompts:
            local, remote = await ask(here, prompt), await ask(there, prompt)
            equal += local.events == remote.events
            again = await ask(here, prompt), await ask(there, prompt)
            for side, one in zip(times, again, strict=True):
                times[side].append(one.ended - one.begun)
    seconds = {f"seconds_{side}": statistics.median(taken) for side, taken in times.items()}
    return {"answers": len(prompts), "equal": equal, **seconds}


async def affinity(material: Material) -> Record:
    """All questions, of caches that hold nothing yet."""
    async with cluster() as model:
        await model.retain(())
        before, begun = await figures(), time.monotonic()
        answers = await ask_all(model, material.questions)
        seconds, after = time.monotonic() - begun, await figures()
    replicas = [
        {key: after[name][key] - before[name][key] for key in ("hits", "misses", "evictions")} for name in sorted(after)
    ]
    hits, misses = (sum(one[key] for one in replicas) for key in ("hits", "misses"))
    return {
        "answers_a_minute": 60 * len(answers) / seconds,
        "first_word": statistics.median(one.first - one.begun for one in answers),
        "held": hits / (hits + misses),
        "replicas": replicas,
    }


async def killed(material: Material) -> Record:
    """SIGKILL for the replica that has most to do, when half of the answers have begun."""
    async with cluster() as model:
        prompts = material.questions[:FAILING]
        expected, again = [[one.text for one in await ask_all(model, prompts)] for _ in range(2)]
        asking = asyncio.create_task(ask_all(model, prompts))
        await asyncio.sleep(2.0)
        replicas = await figures()
        busiest = max(replicas, key=lambda name: replicas[name]["misses"] + replicas[name]["hits"])
        os.kill(int(replicas[busiest]["pid"]), signal.SIGKILL)
        at = time.monotonic()
        answers = await asking
        held_up = [one.ended - one.begun for one in answers if one.begun < at < one.ended]
        others = [one.ended - one.begun for one in answers if not one.begun < at < one.ended]
        await until(lambda: figures_of(REPLICAS), 60)
    for one, text in zip(answers, expected, strict=True):
        if one.text != text:
            print("other words:", repr(one.text), "for", repr(text), flush=True)
    return {
        "answers": len(answers),
        "equal_otherwise": sum(text == other for text, other in zip(expected, again, strict=True)),
        "in_progress": len(held_up),
        "equal": sum(one.text == text for one, text in zip(answers, expected, strict=True)),
        "seconds_in_progress": max(held_up, default=0.0),
        "seconds_others": statistics.median(others),
        "seconds_to_two_replicas": time.monotonic() - at,
    }


async def figures_of(count: int) -> bool:
    """Whether so many replicas run."""
    return len(await figures()) == count


async def until(true: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - replicas tell nobody
            await asyncio.sleep(0.1)


async def cancelled(material: Material) -> Record:
    """Ask for long answers, go, and see how long any replica still decodes."""
    long, prompt = Decoding(Mode.SEQUENCE, 400), material.questions[0]
    async with cluster() as model:
        tasks = [asyncio.create_task(ask(model, prompt, long)) for _ in range(ASKERS)]
        await asyncio.sleep(1.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        at = time.monotonic()
        await until(idle, 60)
    return {"answers": ASKERS, "seconds": time.monotonic() - at}


async def idle() -> bool:
    """Whether no replica has an answer in progress."""
    return not any(one["answering"] for one in (await figures()).values())


async def busy(material: Material) -> Record:
    """Four askers for each place that there is, in progress or queued."""
    async with cluster() as model:
        answers = await ask_all(model, material.questions[:BUSY], askers=BUSY)
    told = sum(any(isinstance(event, QueuePosition) for event in one.events) for one in answers)
    return {"answers": len(answers), "askers": BUSY, "told": told}


async def update(material: Material, adapter: Path) -> Record:
    """Roll out `adapter` while people ask, and see that they never wait for it."""
    ended: list[tuple[float, str]] = []
    refused: list[str] = []
    prompts, over = itertools.cycle(material.questions), asyncio.Event()
    first = material.questions[0]
    async with cluster() as model:

        async def asker() -> None:
            while not over.is_set():
                try:
                    one = await ask(model, next(prompts))
                    ended.append((one.ended, one.text))
                except AttuneError as error:
                    refused.append(str(error))

        before = (await ask(model, first)).text
        asking = [asyncio.create_task(asker()) for _ in range(ASKERS)]
        await asyncio.sleep(5)
        begun = time.monotonic()
        await deploy(user_config={"adapter": str(adapter)})
        done = time.monotonic()
        await asyncio.sleep(3)
        over.set()
        await asyncio.gather(*asking)
        after = (await ask(model, first)).text
    times = sorted(at for at, _ in ended)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    during = [later - earlier for earlier, later in itertools.pairwise(times) if begun <= later <= done + 1]
    return {
        "answers": len(ended),
        "refused": len(refused),
        "seconds": done - begun,
        "longest_gap": max(during),
        "longest_gap_otherwise": max(gap for gap in gaps if gap not in during),
        "changed": before != after,
    }


def print_result(result: Record) -> None:
    """The routers side by side."""
    table = Table("router", "answers a minute", "first word, s", "held by the cache", "misses of each replica")
    for name in [name for name in ("documents", "power_of_two") if name in result]:
        one = result[name]
        misses = " + ".join(f"{replica['misses']:.0f}" for replica in one["replicas"])
        table.add_row(name, f"{one['answers_a_minute']:.0f}", f"{one['first_word']:.2f}", f"{one['held']:.0%}", misses)
    Console().print(table)


if __name__ == "__main__":
    main()
