"""The drill: back up while others serve, lose the machine, restore on another; with the real `attune` command.

The models are fakes and the stores real, so that the drill takes seconds; nothing of it depends on a model.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
import subprocess
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.bootstrap import folder_records, open_inbox, open_index, open_records
from core.documents.folder_records import FolderRecords
from core.documents.ingest import Ingester
from core.documents.reading import share_of_others
from core.documents.teaching import Teacher
from core.domain import EVERYONE, Answer, Conversation, Message, Person, VectorOrigin
from core.engine import AnswerLimits, Engine
from core.inbox import Event
from core.people.access import Access
from core.people.feedback import Feedback, Verdict
from core.people.preferences import Length, Polarity, Preferences, with_stated
from core.ports import Inbox, Memory, PassageIndex, Usage
from core.settings import Settings
from tests.conftest import wait_until
from tests.e2e.home import Home, is_plain, opened_home
from tests.fakes import HashingEmbedder, ScriptedGenerator

ANN, BEN = Person("slack", "T1", "ann"), Person("slack", "T1", "ben")
HR, ALL = ("channel:slack/T1/HR",), (EVERYONE,)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = VectorOrigin("hashing", "of-the-tests")
QUESTIONS = ("Where do cars stand?", "What is the bonus?", "Who repairs the lift?", "wifi code")
TOKEN = "xoxb-1-very-secret"  # noqa: S105 - a test's own


@dataclass
class World:
    """What serves over one home."""

    settings: Settings
    memory: Memory
    usage: Usage
    access: Access
    index: PassageIndex
    inbox: Inbox
    engine: Engine
    teacher: Teacher
    ingester: Ingester
    embedder: HashingEmbedder
    folders: FolderRecords

    async def ask(self, text: str, person: Person, *channels: str) -> Answer:
        place = Conversation("slack", "T1", f"D-{person.user}")
        asked = Message(f"m-{text}", place, person, text, NOW, private=True, channels=frozenset(channels))
        *_, answer = [event async for event in self.engine.answer(asked)]
        assert isinstance(answer, Answer)
        return answer

    async def seen(self, *audience: str) -> dict[str, list[str]]:
        """What a search shows to whom."""
        found = {}
        for question in QUESTIONS:
            (row,) = await self.embedder.embed([question])
            hits = await self.index.search(question, row, audience=audience, limit=9)
            found[question] = sorted(f"{hit.passage.source}: {hit.passage.text} {hit.dense:.4f}" for hit in hits)
        return found

    async def snapshot(self) -> dict[str, object]:
        """Readers, people and history."""
        people = self.engine.people
        place = Conversation("slack", "T1", "D-ann")
        documents = await self.index.documents()
        return {
            "documents": [(one.source, one.title, one.version, one.passages, one.readers) for one in documents],
            "seen": {"all": await self.seen(*ALL), "hr": await self.seen(*ALL, *HR), "none": await self.seen()},
            "people": {who.user: json.loads(await people.export(who)) for who in (ANN, BEN)},
            "traces": {who.user: await people.recent(who, 50) for who in (ANN, BEN)},
            "turns": await self.memory.turns(place, limit=50),
            "lessons": await self.teacher.lessons((*ALL, *HR)),
            "gaps": [gap for gap in await self.usage.gaps() if gap.person in {ANN, BEN}],
            "uses": await self.usage.uses(),
            "pairings": await self.access.pairings(),
            "dead": await self.inbox.dead(),
            "depth": (await self.inbox.depth()).waiting,
            "folders": self.folders.read(),
            "origin": await self.index.origin(),
        }


@asynccontextmanager
async def serving(home: Home) -> AsyncIterator[World]:
    """The stores of a home, opened as the product does, with an engine over them."""
    settings, embedder = Settings(home=home.folder / "home"), HashingEmbedder()
    async with (
        open_records(settings) as records,
        open_inbox(settings) as inbox,
        open_index(settings, embedder.dimension, ORIGIN) as index,
    ):
        folders = folder_records(settings)
        ingester = Ingester(embedder, index, passage_tokens=80, model="hashing", records=folders)
        engine = Engine(
            embedder=embedder,
            index=index,
            memory=records.memory,
            usage=records.usage,
            generator=ScriptedGenerator(),
            limits=AnswerLimits(passages=2, relevance=0.15),
        )
        teacher = Teacher(settings.learned_folder, ingester, index)
        made = (records.memory, records.usage, records.access, index, inbox, engine, teacher, ingester, embedder)
        yield World(settings, *made, folders)


async def live(world: World, docs: Path) -> None:
    """Some weeks of a team, in short."""
    await world.ingester.ingest([docs / "open"], watch=True)
    await world.ingester.ingest([docs / "closed"], readers=HR)
    await world.teacher.learn_text("Wifi code", "The wifi code is 4711.", ANN, HR, NOW)
    forgotten = await world.teacher.learn_text("Old", "The old wifi code is 1.", ANN, ALL, NOW)
    await world.teacher.forget(forgotten.id, ANN)
    people = world.engine.people
    await world.engine.people.choose(ANN, Preferences(length=Length.SHORT))
    await people.change(BEN, lambda wishes: with_stated(wishes, "worked examples", Polarity.LIKE, NOW))
    for question in QUESTIONS:
        answer = await world.ask(question, ANN, "HR")
        await world.ask(question, BEN)
        if answer.id:
            await people.hear(Feedback(ANN, answer.id, Verdict.UP, NOW))
    await world.access.pair(ANN, await world.access.new_code(operator=True), NOW)
    for number in range(3):
        place = Conversation("slack", "T1", f"C{number}")
        await world.inbox.put(Event(f"slack:{number}", place, BEN, "message", "{}", NOW))
    claim = await world.inbox.claim("token")
    assert claim
    await world.inbox.bury("token", "because")


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[tuple[Home, Home]]:
    (tmp_path / "models").mkdir()
    with opened_home(tmp_path / "models") as first, opened_home(tmp_path / "models") as second:
        yield first, second


async def run(home: Home, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(home.run, *words, **environ)


async def test_a_lost_machine_is_restored_whole(homes: tuple[Home, Home], tmp_path: Path) -> None:
    """Backed up while it serves and people go on; on the new machine readers, people and history are the same."""
    lost, new = homes
    docs, file = tmp_path / "docs", tmp_path / "backups" / "attune.zip"
    file.parent.mkdir()
    for name, text in (("open/parking.md", "Cars stand behind the mill."), ("closed/bonus.md", "The bonus is 9 %.")):
        (docs / name).parent.mkdir(parents=True)
        (docs / name).write_text(f"# {Path(name).stem}\n\n{text}\n")
    async with serving(lost) as world:
        await live(world, docs)
        stop = asyncio.Event()
        other = asyncio.create_task(go_on(world, stop))
        done = await run(lost, "backup", str(file), ATTUNE_SLACK_BOT_TOKEN=TOKEN, ATTUNE_PASSAGES="3")
        stop.set()
        await other
        await world.engine.people.forget(Person("slack", "T1", "cora"))
        assert (done.returncode, is_plain(done)) == (0, True), done.stderr
        assert "1 lesson" in done.stdout
        before = await world.snapshot()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert holds_no_secret(file)
    wait_until(lambda: not lost.serves())
    shutil.rmtree(lost.folder / "home" / "data")
    done = await run(new, "restore", str(file))
    assert (done.returncode, is_plain(done)) == (0, True), done.stderr
    assert "ATTUNE_PASSAGES = 3" in (new.data / "settings-of-backup.toml").read_text()
    async with serving(new) as world:
        after = await world.snapshot()
        assert after.keys() == before.keys()
        for part, what in before.items():
            assert str(after[part]) == str(what).replace(str(lost.data), str(new.data)), part
        await says_the_same(world, docs)
        await keeps_what_was_taught(world)


async def go_on(world: World, stop: asyncio.Event) -> None:
    """Somebody of whom nothing is compared asks in vain, sets things and is forgotten, again and again."""
    person = Person("slack", "T1", "cora")
    while not stop.is_set():
        await world.ask("Zebra?", person)
        await world.engine.people.choose(person, Preferences(length=Length.DETAILED))
        await world.engine.people.forget(person)
        await asyncio.sleep(0.1)  # the command should get its turn where there is one processor


def holds_no_secret(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        held = b"".join(archive.read(name) for name in archive.namelist())
    return TOKEN.encode() not in held and b"ATTUNE_SLACK_BOT_TOKEN was set" in held


async def says_the_same(world: World, docs: Path) -> None:
    """The restored bot answers as before, whoever may see it, and an ingestion embeds and opens nothing."""
    assert "9 %" in (await world.ask("What is the bonus?", ANN, "HR")).text
    assert "9 %" not in str(await world.ask("What is the bonus?", BEN))
    world.embedder.embedded.clear()
    report = await world.ingester.ingest(world.folders.read().places())
    assert (len(report.unchanged), report.new, report.changed, report.refused) == (2, (), (), ())
    assert world.embedder.embedded == []
    (docs / "closed" / "new.md").write_text("The bonus of the boss is 12 %.")
    await world.ingester.ingest([docs / "closed"])
    assert {one.readers for one in await world.index.documents() if "closed" in one.source} == {HR}


async def keeps_what_was_taught(world: World) -> None:
    """A lesson is that of its author at its new place, too: read again it changes nothing, and unlearned it is gone."""
    (lesson,) = await world.teacher.lessons(HR)
    world.embedder.embedded.clear()
    await world.teacher.refresh()
    assert world.embedder.embedded == []
    assert await share_of_others(world.index, "hashing") == 0
    await world.teacher.forget(lesson.id, ANN)
    assert "4711" not in str(await world.seen(*ALL, *HR))


async def test_without_the_index_it_is_made_anew_for_the_same_readers(homes: tuple[Home, Home], tmp_path: Path) -> None:
    """From the documents, as they were named; the operator is told how."""
    lost, new = homes
    docs = tmp_path / "docs"
    (docs / "closed").mkdir(parents=True)
    (docs / "closed" / "bonus.md").write_text("The bonus is 9 %.")
    async with serving(lost) as world:
        await world.ingester.ingest([docs], readers=HR)
        assert (await run(lost, "backup", str(tmp_path / "a.zip"), "--without-index")).returncode == 0
    done = await run(new, "restore", str(tmp_path / "a.zip"))
    assert done.returncode == 0, done.stderr
    assert "attune ingest --rebuild" in done.stdout
    async with serving(new) as world:
        assert await world.index.documents() == []
        await world.ingester.ingest(world.folders.read().places())
        assert [one.readers for one in await world.index.documents()] == [HR]


async def test_what_is_there_is_replaced_only_when_somebody_says_so(homes: tuple[Home, Home], tmp_path: Path) -> None:
    """Not while it is in use, not in a home that holds something, and never by what is no backup."""
    lost, used = homes
    file = tmp_path / "a.zip"
    async with serving(lost) as world:
        await world.engine.people.choose(ANN, Preferences(length=Length.SHORT))
        assert (await run(lost, "backup", str(file))).returncode == 0
        done = await run(lost, "restore", str(file), "--force")
        assert (done.returncode, "Stop it first" in done.stderr) == (2, True)
    async with serving(used) as world:
        await world.engine.people.choose(BEN, Preferences(length=Length.DETAILED))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(file.read_bytes()[:-50])
    for words, said in (
        ((str(file),), "--force"),
        ((str(broken), "--force"), "not an Attune backup"),
        ((str(tmp_path / "none.zip"), "--force"), "no file"),
    ):
        done = await run(used, "restore", *words)
        assert (done.returncode, said in done.stderr, is_plain(done)) == (2, True, True), done.stderr
    done = await run(used, "backup", str(file))
    assert (done.returncode, "exists" in done.stderr) == (2, True)
    async with serving(used) as world:
        assert (await world.engine.people.wishes(BEN)).preferences.length is Length.DETAILED
    done = await run(used, "restore", str(file), "--force")
    assert done.returncode == 0, done.stderr
    async with serving(used) as world:
        assert (await world.engine.people.wishes(BEN)).preferences.length is not Length.DETAILED
        assert (await world.engine.people.wishes(ANN)).preferences.length is Length.SHORT
