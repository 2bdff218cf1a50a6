"""What everything but the model costs: `python -m evals.load`.

    overhead     200 people ask at once and again and again; what each message takes beyond the model's own time
    put          milliseconds to keep a message, meanwhile
    saturated    the same, while the tiny real model answers eight people in this very process
    teaching     seconds to answer a question alone, and while eight people teach one document after the other
    throughput   messages a second with a model that takes no time
    memory       of this process and of Valkey over 20,000 messages
    programs     with `--programs`, and nothing else then: the overhead of 50 people, alone and while eight programs ask
                 over OpenAI's API without a pause and an operator uses the console

The platform is a list in memory; inbox, workers, dialogue, engine, memory and index are the product's.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import structlog

from bots.dialogue import Dialogue
from bots.language import Voice
from bots.platform import Delivery
from bots.replies import Final, Status
from bots.service.metrics import Metrics
from bots.service.observing import WatchedDialogue
from bots.service.slots import ClientLanes, Pace
from bots.service.workers import Workers
from bots.watching import Watcher
from bots.web.app import program_app
from bots.web.console.desk import Desk
from bots.web.console.session import links_of
from bots.web.console.site import open_console
from bots.web.console.texts import PAGES
from bots.web.programs import Programs
from bots.web.server import served
from core.bootstrap import Attune, Library, forget_reading, open_generator, open_inbox, open_index, open_records
from core.documents.ingest import Ingester
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Conversation, Decoding, Message, Person, Prompt
from core.inbox import Event
from core.ports import Generator, Inbox
from core.settings import Settings
from evals.common import RESULTS, Record, parser
from evals.scripted import (
    DIMENSION,
    MOON,
    TOPIC,
    PacedGenerator,
    WordEmbedder,
    know_the_moon,
    scripted_engine,
    tag_of,
)

NAME = "load"
PEOPLE = 200
LESSON = "lesson"
TINY = "smollm2-135m-instruct"
LIMITS = {"ATTUNE_PERSON_MINUTE": "100000", "ATTUNE_WORKSPACE_MINUTE": "1000000", "ATTUNE_WAITING": "100000"}


@dataclass
class Silent:
    """A platform that shows everything at once, to nobody: when each message had its end."""

    dialogue: Dialogue
    teacher: Teacher
    ended: dict[str, asyncio.Event] = field(default_factory=dict)

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Nothing to hold."""
        yield

    async def handle(self, event: Event, delivery: Delivery) -> None:
        """Go through the answer, and note one message for it; or learn what somebody teaches."""
        if event.kind == LESSON:
            async with delivery.learning():
                text = event.body.encode()
                await self.teacher.learn_file(f"{event.key}.md", text, event.person, (EVERYONE,), event.received_at)
            self.ended.pop(event.key).set()
            await delivery.ended()
            return
        message = Message(event.key, event.conversation, event.person, event.body, event.received_at, private=True)
        async with aclosing(self.dialogue.respond(message)) as replies:
            async for reply in replies:
                if isinstance(reply, Status) and not delivery.shown:
                    await delivery.note(f"shown-{event.key}")
                if isinstance(reply, Final):
                    self.ended.pop(event.key).set()
                    await delivery.ended(reply.answer)

    async def waiting(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """Nobody reads it."""

    async def voice(self, event: Event) -> Voice:
        """In English."""
        return Voice(event.language)

    async def apologise(self, event: Event, delivery: Delivery, sentence: str) -> None:
        """It must not come to this."""
        raise AssertionError(f"{event.key}, attempt {delivery.attempt}: {sentence}")


@dataclass
class Times:
    """Of each message, in seconds."""

    whole: list[float] = field(default_factory=list)
    put: list[float] = field(default_factory=list)


@asynccontextmanager
async def service(generator: PacedGenerator, at_once: int) -> AsyncIterator[tuple[Inbox, Silent]]:
    """The product over stores of its own."""
    async with looked_after(generator, at_once) as (desk, silent):
        yield desk.inbox, silent


@asynccontextmanager
async def looked_after(generator: PacedGenerator, at_once: int) -> AsyncIterator[tuple[Desk, Silent]]:
    """The same, with what a console works with."""
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        settings = Settings.from_env({"ATTUNE_HOME": folder, **LIMITS})
        async with (
            open_inbox(settings) as inbox,
            open_index(settings, DIMENSION) as index,
            open_records(settings) as records,
            scripted_engine(settings, generator) as engine,
        ):
            await know_the_moon(index)
            ingester = Ingester(WordEmbedder(), index, passage_tokens=200)
            teacher = Teacher(Path(folder, "learned"), ingester, index)
            silent = Silent(WatchedDialogue(engine, Watcher()), teacher)
            library = Library(WordEmbedder(), index, ingester)
            attune = Attune(engine, library, records, teacher, engine, partial(forget_reading, settings), dict)
            async with Workers(inbox, {NAME: silent}, Pace(at_once)).working():
                yield Desk(settings, attune, inbox, Metrics()), silent


async def converse(
    inbox: Inbox, silent: Silent, person: int, times: Times, *, messages: int, think: float, seed: int
) -> None:
    """One person: asks, waits for the answer, thinks, asks again."""
    chance = random.Random(f"{seed} {person}")  # noqa: S311 - no secrets
    await asyncio.sleep(chance.uniform(0, think))
    for number in range(messages):
        event = _event(person, number)
        ended = silent.ended[event.key] = asyncio.Event()
        start = time.perf_counter()
        await inbox.put(event)
        times.put.append(time.perf_counter() - start)
        await ended.wait()
        times.whole.append(time.perf_counter() - start)
        await asyncio.sleep(chance.uniform(0.5, 1.5) * think)


def _event(person: int, number: int) -> Event:
    who, place = Person(NAME, "w", str(person)), Conversation(NAME, "w", str(person))
    text = f"{TOPIC} {tag_of(person, number)}"
    return Event(f"{NAME}:{person}-{number}", place, who, "message", text, datetime.now(UTC))


async def overhead(rounds: int, words: int, pace: float, think: float, seed: int) -> Record:
    """What each of 200 people's messages takes beyond the model's time."""
    generator, times = PacedGenerator(words, pace), Times()
    async with service(generator, at_once=PEOPLE) as (inbox, silent):
        start = time.perf_counter()
        await asyncio.gather(
            *[
                converse(inbox, silent, person, times, messages=rounds, think=think, seed=seed)
                for person in range(PEOPLE)
            ]
        )
        seconds = time.perf_counter() - start
    return {
        "people": PEOPLE,
        "messages": len(times.whole),
        "messages a second": round(len(times.whole) / seconds, 1),
        "model, seconds an answer": generator.seconds,
        "overhead, ms": shares([whole - generator.seconds for whole in times.whole]),
        "put, ms": shares(times.put),
    }


async def programs(rounds: int, clients: int = 8, people: int = 50) -> Record:
    """What people's messages take beyond the model's time, alone and beside programs and a console in use."""
    generator = PacedGenerator(40, 0.05)
    found: Record = {"people": people, "programs": clients, "model, seconds an answer": generator.seconds}
    async with looked_after(generator, at_once=people) as (desk, silent):
        found["alone, ms"] = shares(await _beside(desk.inbox, silent, generator, rounds, range(people)))
        answers, pages = list[float](), list[float]()
        async with _doors(desk) as (api, console):
            add, now = desk.attune.records.clients.add, datetime.now(UTC)
            keys = [await add(f"p{number}", (EVERYONE,), now) for number in range(clients)]
            using = [asyncio.create_task(_ask_api(api, key, answers)) for key in keys]
            using.append(asyncio.create_task(_use_console(console, links_of(desk.settings).new(), pages)))
            later = range(1000, 1000 + people)
            found["beside, ms"] = shares(await _beside(desk.inbox, silent, generator, rounds, later))
            for task in using:
                task.cancel()
            ends = await asyncio.gather(*using, return_exceptions=True)
            if broken := [end for end in ends if not isinstance(end, asyncio.CancelledError)]:
                raise AssertionError(broken)
    found["a program's answer, seconds"] = {"answers": len(answers), "p50": round(statistics.median(answers), 2)}
    return {**found, "a page of the console, ms": {"pages": len(pages), **shares(pages)}}


async def _beside(
    inbox: Inbox, silent: Silent, generator: PacedGenerator, rounds: int, people: Sequence[int]
) -> list[float]:
    times = Times()
    await asyncio.gather(
        *[converse(inbox, silent, person, times, messages=rounds, think=4.0, seed=0) for person in people]
    )
    return [whole - generator.seconds for whole in times.whole]


@asynccontextmanager
async def _doors(desk: Desk) -> AsyncIterator[tuple[str, str]]:
    """The addresses of OpenAI's API and of the console."""
    served_programs = Programs(desk.attune.engine, ClientLanes(minute=100_000))
    async with (
        program_app(served_programs, desk.attune.records.clients, "0") as app,
        served(app, "127.0.0.1:0", "ATTUNE_API") as api,
        open_console(desk, "127.0.0.1:0") as console,
    ):
        yield f"http://{api}", console


async def _ask_api(address: str, key: str, answers: list[float]) -> None:
    """One question after the other, each to the end of its stream."""
    asked = {"model": "attune", "stream": True, "messages": [{"role": "user", "content": TOPIC}]}
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        while True:
            start = time.perf_counter()
            said = await client.post("/v1/chat/completions", json=asked)
            if said.status_code != 200 or not said.text.endswith("data: [DONE]\n\n"):
                raise AssertionError(said.text)
            answers.append(time.perf_counter() - start)


async def _use_console(address: str, key: str, pages: list[float]) -> None:
    """An operator who looks at a page every half second, and asks every now and then."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as browser:

        async def look(path: str, **form: str) -> str:
            start = time.perf_counter()
            got = await (browser.post(path, data=form) if form else browser.get(path))
            pages.append(time.perf_counter() - start)
            if got.status_code not in {200, 303}:
                raise AssertionError(got.text)
            return str(got.text)

        await look("/enter", csrf=_token(await look("/enter")), key=key)
        for path in itertools.cycle([page for page, _ in PAGES]):
            page = await look(path)
            if path == "/ask":
                await look(path, csrf=_token(page), question=TOPIC)
            await asyncio.sleep(0.5)


def _token(page: str) -> str:
    return page.partition('name="csrf" value="')[2].partition('"')[0]


async def teaching(questions: int, teachers: int = 8, lesson: int = 200_000) -> Record:
    """Seconds to an answer with nothing else to do, then while so many people teach; as many are answered at once."""
    generator = PacedGenerator(20, 0.1)
    found: dict[str, Any] = {"model, seconds an answer": generator.seconds}
    async with service(generator, at_once=8) as (inbox, silent):
        found["alone, ms"] = shares(await _asked(inbox, silent, questions, first=0))
        busy = [asyncio.create_task(_teach(inbox, silent, person, lesson)) for person in range(teachers)]
        await asyncio.sleep(2.0)
        found["while others teach, ms"] = shares(await _asked(inbox, silent, questions, first=1000))
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        found["lessons learned meanwhile"] = len(await silent.teacher.lessons({EVERYONE}))
    return found


async def _asked(inbox: Inbox, silent: Silent, questions: int, *, first: int) -> list[float]:
    """Four people at a time ask one question after the other."""
    times = Times()
    people = [
        converse(inbox, silent, first + person, times, messages=questions // 4, think=0.2, seed=0)
        for person in range(4)
    ]
    await asyncio.gather(*people)
    return times.whole


async def _teach(inbox: Inbox, silent: Silent, person: int, size: int) -> None:
    """Teach one document after the other."""
    for number in itertools.count():
        who, place = Person(NAME, "w", f"teacher{person}"), Conversation(NAME, "w", f"teacher{person}")
        text = "\n\n".join(f"# Part {part}\n\n{'Words of a lesson. ' * 20}" for part in range(size // 400))
        event = Event(f"{NAME}:l{person}-{number}", place, who, LESSON, text, datetime.now(UTC))
        ended = silent.ended[event.key] = asyncio.Event()
        await inbox.put(event)
        await ended.wait()


async def saturated(models: Path, seconds: float) -> Record:
    """Milliseconds to keep a message while the tiny model answers as many people as it can, in this process."""
    put: list[float] = []
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder:
        await asyncio.to_thread(Path(folder, "models").symlink_to, models)
        settings = Settings.from_env({"ATTUNE_HOME": folder, "ATTUNE_MODEL": TINY, "ATTUNE_DEVICE": "cpu", **LIMITS})
        async with open_generator(settings) as generator, open_inbox(settings) as inbox:
            prompt = Prompt("", (MOON,), (1.0,), (), "", "Write a long story about the moon.")
            talkers = [asyncio.create_task(_talk(generator, prompt)) for _ in range(8)]
            await asyncio.sleep(3.0)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                event = _event(len(put), 0)
                start = time.perf_counter()
                await inbox.put(event)
                put.append(time.perf_counter() - start)
                await asyncio.sleep(0.05)
            for talker in talkers:
                talker.cancel()
            await asyncio.gather(*talkers, return_exceptions=True)
    return {"messages": len(put), "put, ms": shares(put)}


async def _talk(generator: Generator, prompt: Prompt) -> None:
    while True:
        async with aclosing(generator.generate(prompt, Decoding(max_tokens=200))) as pieces:
            async for _ in pieces:
                pass


async def endurance(messages: int) -> Record:
    """As many messages as fast as they go, with the memory they take."""
    times, samples = Times(), []
    async with service(PacedGenerator(8, 0.0), at_once=16) as (inbox, silent):
        people = 50
        start = time.perf_counter()
        talking = asyncio.gather(
            *[
                converse(inbox, silent, person, times, messages=messages // people, think=0.0, seed=0)
                for person in range(people)
            ]
        )
        while not talking.done():
            samples.append({"messages": len(times.whole), "process, MB": resident(), "Valkey, MB": await held(inbox)})
            await asyncio.wait({talking}, timeout=2.0)
        seconds = time.perf_counter() - start
        samples.append({"messages": len(times.whole), "process, MB": resident(), "Valkey, MB": await held(inbox)})
    return {"messages": len(times.whole), "messages a second": round(len(times.whole) / seconds, 1), "memory": samples}


async def held(inbox: Any) -> float:
    """What Valkey holds, in MB."""
    memory = await inbox._client.info("memory")  # noqa: SLF001 - to look inside
    return round(float(memory["used_memory"]) / 1e6, 1)


def resident() -> float:
    """What this process holds, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1e3, 1)


def shares(seconds: Sequence[float]) -> Record:
    """Milliseconds: the median and the 99th percentile."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")  # of few nothing beyond the most
    return {"p50": round(1e3 * cuts[49], 1), "p99": round(1e3 * cuts[98], 1), "most": round(1e3 * max(seconds), 1)}


def main() -> None:
    """Measure, print, and keep the figures."""
    read = parser(f"{__doc__}\nReads no data. `--limit`: messages of the last part (20,000).")
    read.add_argument("--rounds", type=int, default=8, help="messages of each of the 200 people")
    read.add_argument("--messages", type=int, default=20_000, help="of the last part, where no limit says so; 0: none")
    read.add_argument("--programs", action="store_true", help="only the part with programs and a console")
    asked = read.parse_args()
    if asked.programs:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
        found = asyncio.run(programs(asked.rounds))
        print(json.dumps(found, indent=2))
        (RESULTS / "load_programs.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return
    messages = asked.limit or asked.messages
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    result = {"at once": asyncio.run(overhead(asked.rounds, words=40, pace=0.12, think=5.0, seed=asked.seed))}
    print(json.dumps(result, indent=2))
    result["teaching"] = asyncio.run(teaching(40))
    print(json.dumps(result["teaching"], indent=2))
    result["saturated"] = asyncio.run(saturated(Settings.from_env(os.environ).models_folder, 20.0))
    print(json.dumps(result["saturated"], indent=2))
    if messages:
        result["endurance"] = asyncio.run(endurance(messages))
        print(json.dumps({**result["endurance"], "memory": result["endurance"]["memory"][::10]}, indent=2))
    (RESULTS / "load.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
