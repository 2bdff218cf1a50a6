"""Whether what is forgotten is gone: every file under a home is searched, raw, for words that were said or taught.

Two people ask, wish, judge, open and are not answered, over the real stores, each as the product starts it; one of
their messages is given up. A lesson is taught and unlearned, a document removed, a person forgotten. Words that stand
in names, titles, texts, questions and wishes are counted in the bytes of all files before and after. Only the two
models are stand-ins; what a model has read is kept by the product's own cache, with the names of what it read.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import torch

from bots.dialogue import Dialogue
from core.adapters.local_model.prefix_files import PrefixFiles
from core.bootstrap import forget_reading, open_inbox, open_index, open_records
from core.documents.ingest import Ingester
from core.documents.removing import Remover
from core.documents.teaching import Lesson, Teacher
from core.domain import EVERYONE, Conversation, Message, Person, Prompt
from core.engine import AnswerLimits, Engine
from core.inbox import Event
from core.notices.watch import DocumentWatch
from core.ports import Inbox, PassageIndex
from core.settings import Settings
from core.upkeep import Leftovers
from evals.common import Options, Record
from evals.product import temporary_folder
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("eval", "w", "annika"), Person("eval", "w", "benedikt")
OF_ANN = ("quaggaquestion", "dodowish", "aurochsletter", "thylacinegap", "moarephrased")
OF_LESSON = ("mammothtitle", "stellerscow")
OF_DOCUMENT = ("tarpanfile", "greataukheading", "passengerpigeon")
KEPT = ("benasked", "plaindocument")
START = datetime.now(UTC) - timedelta(hours=2)
TRAVEL, GARAGE = "Booking of travel goes through", "Bicycles of the garage stand"


@dataclass(slots=True)
class House:
    """The product over one home, as far as it takes to forget in it."""

    home: Path
    engine: Engine
    teacher: Teacher
    remover: Remover
    index: PassageIndex
    inbox: Inbox
    files: PrefixFiles
    watch: DocumentWatch
    asked: int = 0

    async def say(self, person: Person, text: str) -> None:
        """A message, to the end of what the bot says."""
        self.asked += 1
        place, at = Conversation("eval", "w", person.user), START + timedelta(minutes=self.asked)
        message = Message(f"m{self.asked}", place, person, text, at, private=True)
        async for _ in Dialogue(self.engine).respond(message):
            pass

    def found(self, words: Collection[str]) -> dict[str, list[str]]:
        """The files that hold each word, in their bytes or in their names; words in none are left out."""
        return found(self.home, words)


async def run(_: Options) -> Record:
    """Live, forget, and look each time."""
    with temporary_folder() as home:
        async with lived_in(home) as (house, lesson):
            every = (*OF_ANN, *OF_LESSON, *OF_DOCUMENT, *KEPT)
            before = house.found(every)
            await house.say(ANN, "/forget everything")
            after_forget = house.found(OF_ANN)
            await house.teacher.forget(lesson.id, ANN)
            after_unlearn = house.found(OF_LESSON)
            await removed(house)
            after_remove = house.found((*OF_ANN, *OF_LESSON, *OF_DOCUMENT))
            kept = house.found(KEPT)
        ended = found(home, (*OF_ANN, *OF_LESSON, *OF_DOCUMENT))
        files, size = _size(home)
    return {
        "words": len(every),
        "words found before": len(before),
        "places of them before": sum(map(len, before.values())),
        "files looked at": files,
        "bytes looked at": size,
        "words of a person left after /forget everything": len(after_forget),
        "words of a lesson left after it was unlearned": len(after_unlearn),
        "words of all left after a document was removed": len(after_remove),
        "words of all left after the end": len(ended),
        "words of others still there": len(kept),
    }


async def removed(house: House) -> None:
    """As `attune remove FILE` does."""
    await house.remover.remove(await house.remover.find([f"{house.home}/documents/{OF_DOCUMENT[0]}.md"]))


@asynccontextmanager
async def lived_in(home: Path) -> AsyncIterator[tuple[House, Lesson]]:
    """A house in which all words were said; the second is what was taught."""
    async with opened(home) as house:
        await _write_documents(house)
        title = f"{OF_LESSON[0]} of the kitchen"
        text = f"The coffee of the kitchen comes from {OF_LESSON[1]}."
        lesson = await house.teacher.learn_text(title, text, ANN, (EVERYONE,), START)
        await house.watch.look()
        for person, own in ((ANN, OF_ANN[0]), (BEN, KEPT[0])):
            await _talk(house, person, own)
        await house.say(ANN, f"/prefs like {OF_ANN[1]}")
        await house.say(ANN, f"zzz {OF_ANN[3]} qqq")
        await house.say(ANN, f"Where do bicycles of the garage stand {OF_ANN[4]}")
        await house.say(ANN, "/forget nothing")
        await _give_up(house, OF_ANN[2])
        await _read(house)
        yield house, lesson


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[House]:
    """The stores as the product opens them, with stand-ins for the models."""
    settings, embedder = Settings.from_env({"ATTUNE_HOME": str(home)}), HashingEmbedder()
    async with AsyncExitStack() as stack:
        records = await stack.enter_async_context(open_records(settings))
        inbox = await stack.enter_async_context(open_inbox(settings))
        index = await stack.enter_async_context(open_index(settings, embedder.dimension))
        ingester = Ingester(embedder, index, passage_tokens=80)
        memory, usage, reading = records.memory, records.usage, partial(forget_reading, settings)
        leftovers = Leftovers(index, usage, memory, reading)
        teacher = Teacher(settings.learned_folder, ingester, index, leftovers)
        engine = Engine(
            embedder=embedder,
            index=index,
            memory=memory,
            usage=usage,
            generator=ScriptedGenerator(_first_text),
            limits=AnswerLimits(relevance=0.2),
            inbox=inbox,
            histories=records.histories,
        )
        remover = Remover(index, usage, memory, Teacher(settings.learned_folder, ingester, index), reading)
        files = PrefixFiles(settings.read_folder / "model", 1 << 20)
        watch = DocumentWatch(index, records.histories)
        yield House(home, engine, teacher, remover, index, inbox, files, watch)


def _first_text(prompt: Prompt) -> str:
    return prompt.passages[0].text


async def _write_documents(house: House) -> None:
    folder = house.home / "documents"
    secret, plain = folder / f"{OF_DOCUMENT[0]}.md", folder / "garage.md"
    folder.mkdir()
    secret.write_text(f"# Travel\n\n## On {OF_DOCUMENT[1]}\n\n{TRAVEL} {OF_DOCUMENT[2]}.\n", encoding="utf-8")
    plain.write_text(f"# Garage\n\n{GARAGE} behind the {KEPT[1]}.\n", encoding="utf-8")
    ingester = Ingester(HashingEmbedder(), house.index, passage_tokens=80)
    await ingester.ingest([folder])
    await house.watch.look()
    secret.unlink()  # what is searched is what Attune keeps, not what it was given


async def _talk(house: House, person: Person, own: str) -> None:
    for question in (
        f"Booking of travel goes through whom {own}",
        f"The coffee of the kitchen comes from where {own}",
        f"Bicycles of the garage stand where {own}",
    ):
        await house.say(person, question)
        await house.say(person, "/open 1")
        await house.say(person, "👍")
    await house.say(person, f"travel {own}")  # perhaps too little to find anything
    await house.say(person, "👎 not in the documents")
    await house.say(person, "/digest daily 8:30 berlin")
    await house.say(person, "/digest")


async def _give_up(house: House, word: str) -> None:
    event = Event("eval:1", Conversation("eval", "w", "dm"), ANN, "ask", f'{{"text": "{word}"}}', datetime.now(UTC))
    await house.inbox.put(event)
    while claim := await house.inbox.claim("worker"):
        await house.inbox.bury(claim.token, "three workers ended over it")


async def _read(house: House) -> None:
    for document in await house.index.documents():
        owner = document.source, document.version
        house.files.write(f"{abs(hash(owner)):x}", torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), owner)


def found(folder: Path, words: Collection[str]) -> dict[str, list[str]]:
    """The files below `folder` that hold each word, in their bytes or names, in whatever case."""
    held: dict[str, list[str]] = {}
    for file in _files(folder):
        with suppress(FileNotFoundError):
            text = str(file.relative_to(folder)).lower().encode() + file.read_bytes().lower()
            for word in words:
                if any(form in text for form in _forms(word)):
                    held.setdefault(word, []).append(str(file.relative_to(folder)))
    return held


def _forms(word: str) -> Sequence[bytes]:
    return word.encode(), word.encode("utf-16-le")


def _files(folder: Path) -> list[Path]:
    places = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return [place for place in places if place.is_file()]


def _size(folder: Path) -> tuple[int, int]:
    files = _files(folder)
    return len(files), sum(file.stat().st_size for file in files)


def told(held: Mapping[str, Sequence[str]]) -> str:
    """What was found, for whoever reads a failed test."""
    return "\n".join(f"{word}: {', '.join(files)}" for word, files in held.items())


if __name__ == "__main__":
    import asyncio

    from evals.common import options, write_result

    print(write_result("forgetting", asyncio.run(run(options(__doc__ or "")))).read_text())
