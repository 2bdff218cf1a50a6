"""A console over real stores and a small handbook; only the two model ports are fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bots.operating import setting_rows
from bots.platform import Check, CheckStatus
from bots.service.metrics import Metrics
from bots.web.console.desk import Desk
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis.usage import NoUsage
from core.answering.prompt import NOT_FOUND
from core.bootstrap import Attune, Library, folder_records, forget_reading, open_inbox, open_records
from core.documents.ingest import Ingester
from core.documents.remote.keeper import SourceKeeper
from core.documents.remote.records import SourceRecords
from core.documents.teaching import Teacher
from core.domain import Prompt
from core.engine import AnswerLimits, Engine
from core.ports import Embedder, Generator
from core.settings import Settings
from core.upkeep import Leftovers
from tests.fakes import HashingEmbedder, ScriptedGenerator

LEADS = "channel:slack/T012/C345"
HANDBOOK = {
    "Parental leave.md": """# Parental leave

## How long it is

Every parent may take twenty weeks of paid parental leave after a birth or an adoption. The weeks may be taken at once
or in three parts, until the child is two years old.

## How to ask for it

Tell your lead eight weeks before the leave begins. Your lead answers within five working days.
""",
    "Travel.md": """# Travel

## Trains and planes

For journeys of less than six hours take the train, second class. Book it in the travel portal; the office pays.

## Hotels

A hotel may cost up to 140 euros a night. Breakfast is paid when it is on the invoice.
""",
    "Laptops.md": """# Laptops

## A new one

Everyone gets a new laptop after four years. Choose it from the list in the service desk.

## A broken one

Bring a broken laptop to the service desk on the second floor. You get another one the same day.
""",
    "leads/Salary bands.md": """# Salary bands

Leads see the salary bands of their team. The bands are reviewed every March, by the leads and the people team.
""",
}
CHECKS = (
    Check(CheckStatus.GOOD, "attune", "0.1.0, Python 3.11.9"),
    Check(CheckStatus.GOOD, "memory", "responding"),
    Check(CheckStatus.CARE, "language model", "attune-reader-1.5b: not downloaded yet", "It is fetched on first use."),
)


def write_handbook(folder: Path) -> None:
    """The handbook as files; what is for leads says so beside it."""
    for name, text in HANDBOOK.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "leads" / ".attune.toml").write_text(f'readers = ["{LEADS}"]\n', encoding="utf-8")


def first_sentences(prompt: Prompt) -> str:
    """What the scripted reader says: the beginning of the likeliest passage, where that has a word of the question."""
    lines = prompt.passages[0].text.splitlines()
    text = " ".join(" ".join(line for line in lines if not line.startswith("#")).split())
    asked, said = ({word.strip(".,?") for word in part.lower().split()} for part in (prompt.question, text))
    if not any(len(word) > 4 for word in asked & said):
        return NOT_FOUND
    return ". ".join(text.split(". ")[:2]).rstrip(".") + "."


@asynccontextmanager
async def open_attune_of(
    settings: Settings, index: SharedIndex, embedder: Embedder, generator: Generator
) -> AsyncIterator[Attune]:
    """What `open_attune` opens, with other models."""
    async with open_records(settings) as records, open_inbox(settings) as inbox:
        folders = folder_records(settings)
        if folders.empty:
            folders.begin(await index.documents(), lived=False)
        ingester = Ingester(embedder, index, passage_tokens=100, records=folders)
        sources = SourceKeeper(SourceRecords(settings.data_folder), ingester, index, folders)
        build = partial(
            Engine,
            embedder=embedder,
            index=index,
            memory=records.memory,
            generator=generator,
            limits=AnswerLimits(passages=3, relevance=0.15),
        )
        engine, unrecorded = build(usage=records.usage, inbox=inbox), build(usage=NoUsage())
        reading = partial(forget_reading, settings)
        teacher = Teacher(
            settings.learned_folder, ingester, index, Leftovers(index, records.usage, records.memory, reading)
        )
        library = Library(embedder, index, ingester, folders, sources)
        figures = {"hits": 12.0, "misses": 3.0}
        yield Attune(engine, library, records, teacher, unrecorded, reading, lambda: figures)


@asynccontextmanager
async def open_desk(
    home: Path, *, script: Callable[[Prompt], str] = first_sentences, pace: float = 0.0, **settings: object
) -> AsyncIterator[Desk]:
    """A desk over a home of its own, beside which lies a handbook that is not read yet."""
    environ = {"ATTUNE_HOME": str(home), **{name: str(value) for name, value in settings.items()}}
    read = Settings.from_env(environ)
    write_handbook(home / "handbook")
    embedder = HashingEmbedder()
    async with (
        SharedIndex(read.data_folder, embedder.dimension) as index,
        open_attune_of(read, index, embedder, ScriptedGenerator(script, pace=pace)) as attune,
        open_inbox(read) as inbox,
    ):

        async def look() -> Sequence[Check]:
            return CHECKS

        rows = setting_rows(read, environ, Path("attune.toml"))
        yield Desk(read, attune, inbox, Metrics(), "0.1.0", look, rows)
