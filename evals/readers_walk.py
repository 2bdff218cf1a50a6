"""The steps of `evals.readers`, drawn with a seed: each is done to the product and noted in the ledger.

Knows nothing of how the product is opened or of what is counted at the end.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bots.replies import Final
from core.documents.teaching import Lesson
from core.domain import Conversation, Message, Person
from core.errors import AttuneError
from evals.readers_house import TOPICS, House, Taught, Words, words_in
from evals.readers_ledger import (
    ALL_READERS,
    CHANNELS,
    EVERYONE,
    GUEST,
    PEOPLE,
    Known,
    Ledger,
    Readers,
    Version,
    channel_name,
    person_name,
    together,
)
from tests.files import zipped

START = datetime(2026, 1, 1, tzinfo=UTC)
FOLDERS = ("board", "handbook", "sales")
FEW = 12  # documents of a folder, about
LONGEST_CUT = 3.0  # seconds after which something is cut off
FOLLOWING = (
    "shorter",
    "as a list",
    "tell me more",
    "and for contractors?",
    "what did I ask before?",
    "/plain",
    "/why",
    "/open 1",
    "/open 2",
    "/recommend",
    "/prefs",
    "/prefs learned",
    "👍",
    "👎 wrong",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Words that somebody was shown and that are not for them."""

    step: int
    kind: str
    audience: frozenset[str]
    words: frozenset[str]
    documents: frozenset[str]  # that they stand in, or stood


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody in private (`channel` may be where they whisper from), or in a channel."""

    user: str
    channel: str
    thread: str
    private: bool


class Walk:
    """One walk. `looks` counts how often something was shown, `inside` the words shown to whom they are for."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.ledger = Ledger()
        self.findings: list[Finding] = []
        self.done: Counter[str] = Counter()
        self.looks = self.inside = 0
        self._chance = random.Random(seed)  # noqa: S311 - a walk, not secrets
        self._words = Words()
        self._readers: dict[str, Readers] = {}  # of each folder
        self._cut: set[str] = set()  # folders of which a change of readers was cut off
        self._lessons: dict[str, Lesson] = {}
        self._forgotten: dict[str, tuple[Lesson, Known]] = {}
        self._origin: dict[str, str] = {}  # the document of each word
        self._says: dict[str, frozenset[str]] = {}  # the words of each file as it is
        self._last: dict[Place, Final] = {}
        self._at = START
        self._kind = ""

    async def through(self, steps: int, shown: Callable[[Iterable[int]], Iterable[int]] = iter) -> None:
        """Open the house, take so many steps, and close it."""
        table = self._table()
        await self.house.open()
        try:
            for _ in shown(range(steps)):
                self._kind = self._chance.choices([*table], [weight for weight, _ in table.values()])[0]
                await table[self._kind][1]()
                self.done[self._kind] += 1
        finally:
            await self.house.close()

    def _table(self) -> dict[str, tuple[float, Callable[[], Awaitable[None]]]]:
        """The steps, and how often each is taken."""
        return {
            "ask": (38, self._ask),
            "follow": (32, self._follow),
            "look": (8, self._look),
            "list": (4, self._list),
            "search": (4, self._search),
            "membership": (4, self._membership),
            "ingest": (2.5, self._ingest),
            "replace": (2, self._replace),
            "open to others": (1, self._open_to_others),
            "remove": (1, self._remove),
            "cut ingestion": (0.7, self._cut_ingestion),
            "teach": (2, self._teach),
            "cut lesson": (1, self._cut_lesson),
            "unlearn": (1.5, self._unlearn),
            "bring back": (0.5, self._bring_back),
            "forget": (0.5, self._forget),
            "restart": (0.4, self._restart),
            "kill stores": (0.5, self._kill_stores),
            "kill process": (0.4, self._kill_process),
            "rebuild": (0.3, self._rebuild),
        }

    # What is shown

    async def _ask(self) -> None:
        topic = self._chance.choice(TOPICS)
        await self._said(self._place(), f"What is the {topic} rule?")

    async def _follow(self) -> None:
        """After something that was answered, mostly; commands and follow-ups lean on it."""
        place = self._chance.choice([*self._last, self._place()])
        if not place.private and place.user not in self.ledger.members[place.channel]:
            return  # who left a channel writes nothing there
        await self._said(place, self._chance.choice(FOLLOWING))

    async def _look(self) -> None:
        """Somebody opens a source of somebody's answer, wherever they are."""
        if not self._last:
            return
        answered, looking = self._chance.choice([*self._last]), self._place()
        final, number = self._last[answered], self._chance.randint(1, 3)
        message = self._message(looking, "")
        passage = await self.house.dialogue.look_at_source(
            _person(answered.user), final.answer, number, looking=message
        )
        self._shown(passage, self._audience(looking))

    async def _list(self) -> None:
        """The lessons that somebody could take back, or that a channel may see."""
        audience = self._audience(self._place())
        self._shown(await self.house.attune.teacher.lessons(audience), audience)

    async def _search(self) -> None:
        """The index itself, past the engine."""
        library, audience = self.house.attune.library, self._audience(self._place())
        for topic, vector in zip(TOPICS, await library.embedder.embed(TOPICS), strict=True):
            self._shown(await library.index.search(topic, vector, audience=audience, limit=50), audience)

    async def _said(self, place: Place, text: str) -> None:
        """Say something and look at all that is shown of it."""
        replies = [reply async for reply in self.house.dialogue.respond(self._message(place, text))]
        self._shown(replies, self._audience(place))
        if isinstance(replies[-1], Final):
            self._last[place] = replies[-1]

    def _shown(self, shown: object, audience: frozenset[str]) -> None:
        words, visible = words_in(shown), self.ledger.visible(audience)
        self.looks += 1
        self.inside += len(words & visible)
        if outside := words - visible:
            documents = frozenset(self._origin.get(word, "") for word in outside)
            self.findings.append(Finding(sum(self.done.values()), self._kind, audience, outside, documents))

    def _place(self) -> Place:
        user = self._chance.choice(PEOPLE)
        channels = sorted(self.ledger.channels_of(user))
        kind = self._chance.choice(("direct", "whisper", "channel", "channel"))
        if kind == "direct" or not channels:
            return Place(user, f"D{user}", "1", private=True)
        channel = self._chance.choice(channels)
        if kind == "whisper":
            return Place(user, channel, f"@{user}", private=True)
        return Place(user, channel, self._chance.choice(("1", "2")), private=False)

    def _audience(self, place: Place) -> frozenset[str]:
        return self.ledger.alone(place.user) if place.private else together(place.channel)

    def _message(self, place: Place, text: str) -> Message:
        conversation = Conversation("slack", "T1", place.channel, place.thread)
        channels = self.ledger.channels_of(place.user) if place.private else frozenset()
        insiders = not place.private or place.user != GUEST
        name, at = self._words.new(), self._moment()
        return Message(
            f"m{name[2:]}", conversation, _person(place.user), text, at, place.private, channels, insiders=insiders
        )

    # Files

    async def _ingest(self) -> None:
        """A new file in a folder; its readers are said where the folder is new or empty."""
        folder = self._folder()
        if len(self._files(folder)) < FEW:
            self._write(folder)
        await self._settle(folder)

    async def _replace(self) -> None:
        """A file says something else: what it said is nobody's any more."""
        folder = self._folder()
        if files := self._files(folder):
            self._rewrite(self._chance.choice(files))
        await self._settle(folder)

    async def _open_to_others(self) -> None:
        """A folder gets other readers."""
        folder = self._folder()
        self._readers[folder] = self._chance.choice(ALL_READERS)
        self._cut.add(folder)
        await self._settle(folder)

    async def _remove(self) -> None:
        """A file goes: with `attune remove`, or from its folder."""
        folder = self._folder()
        if not (files := self._files(folder)):
            return
        name = self._chance.choice(files)
        place = self._file(name)
        place.unlink()
        if self._chance.random() < 0.5:
            await self._tried(self.house.remove(str(place.resolve())))
        else:
            await self._settle(folder)
        if not await self.house.attune.library.index.documents(str(place.resolve())):
            self.ledger.documents.pop(name)

    async def _cut_ingestion(self) -> None:
        """A change is cut off in the middle: what was, and what is to be, may be seen until it is done."""
        folder = self._folder()
        files = self._files(folder)
        if not files:
            return
        before = {name: self.ledger.documents[name].versions for name in files}
        self._rewrite(self._chance.choice(files))
        self._readers[folder] = self._chance.choice(ALL_READERS)
        self._cut.add(folder)
        whole = await self._stopped(self._ingestion(folder))
        for name in files:
            now = self._version(name, folder)
            self.ledger.documents[name].becomes(now, *(() if whole else before[name]))

    async def _settle(self, folder: str) -> None:
        """Ingest a folder to the end; then it is as it was decided."""
        await self._ingestion(folder)
        self._cut.discard(folder)
        for name in self._files(folder):
            self.ledger.documents[name].becomes(self._version(name, folder))

    async def _ingestion(self, folder: str) -> None:
        """`attune ingest FOLDER`, with its readers where somebody has to say them."""
        first = folder in self._cut or not await self._is_known(folder)
        readers = self._readers[folder] if first else None
        await self.house.attune.library.ingester.ingest([self.house.folder / folder], readers=readers)

    async def _is_known(self, folder: str) -> bool:
        place = str((self.house.folder / folder).resolve())
        return any(one.source.startswith(f"{place}/") for one in await self.house.attune.library.index.documents())

    def _folder(self) -> str:
        folder = self._chance.choice(FOLDERS)
        self._readers.setdefault(folder, self._chance.choice(ALL_READERS))
        (self.house.folder / folder).mkdir(parents=True, exist_ok=True)
        return folder

    def _files(self, folder: str) -> list[str]:
        return sorted(name for name in self.ledger.documents if name.startswith(f"{folder}/"))

    def _file(self, name: str) -> Path:
        return self.house.folder / name

    def _write(self, folder: str) -> None:
        name = f"{folder}/{self._words.new()}.md"
        self.ledger.documents[name] = Known([])
        self._rewrite(name)

    def _rewrite(self, name: str) -> None:
        text = self._text()
        self._file(name).write_text(text, encoding="utf-8")
        self._says[name] = words_in((name, text))
        self._origin |= dict.fromkeys(self._says[name], name)

    def _version(self, name: str, folder: str) -> Version:
        return Version(self._says[name], self._readers[folder])

    def _text(self) -> str:
        """A document of two sections, each with words of its own."""
        title, *words = (self._words.new() for _ in range(5))
        one, two = self._chance.sample(TOPICS, 2)
        return (
            f"# Rules {title}\n\n## The {one} {words[0]}\n\nThe {one} rule is {words[1]}.\n\n"
            f"## The {two} {words[2]}\n\nThe {two} rule is {words[3]}.\n"
        )

    # Lessons

    async def _teach(self) -> None:
        """Somebody teaches a text, a file or an archive."""
        taught = self._lesson()
        await self._tried(self._learn(taught))

    async def _cut_lesson(self) -> None:
        """One lesson is cut off while another goes on: nothing of the first may be seen by anybody, ever."""
        cut, other = self._lesson(archive=True), self._lesson()
        going_on = asyncio.create_task(self._tried(self._learn(other)))
        await self._stopped(self._learn(cut))
        await going_on

    def _lesson(self, *, archive: bool = False) -> Taught:
        user = self._chance.choice(PEOPLE)
        channels = sorted(self.ledger.channels_of(user))
        readers = [(EVERYONE,), (person_name(user),), *((channel_name(one),) for one in channels)]
        name = self._words.new()
        if archive or self._chance.random() < 0.3:
            members = {f"{self._words.new()}.md": self._text().encode() for _ in range(3)}
            return self._taught(user, self._chance.choice(readers), f"{name}.zip", zipped(members), members)
        text = self._text()
        return self._taught(user, self._chance.choice(readers), f"{name}.md", text.encode(), text)

    def _taught(self, user: str, readers: Readers, name: str, data: bytes, text: object) -> Taught:
        words = words_in((name, text))
        self._origin |= dict.fromkeys(words, f"{self._kind} {name} for {' '.join(readers)}")
        return Taught(user, readers, name, data, words)

    async def _learn(self, taught: Taught) -> None:
        teacher, author = self.house.attune.teacher, _person(taught.user)
        lesson = await teacher.learn_file(taught.name, taught.data, author, taught.readers, self._moment())
        self._lessons[lesson.id] = lesson
        self.ledger.documents[lesson.id] = Known([Version(taught.words, taught.readers)])

    async def _unlearn(self) -> None:
        """Its author, or `attune remove`, takes a lesson back; the latter for good."""
        if not self._lessons:
            return
        lesson = self._lessons.pop(self._chance.choice(sorted(self._lessons)))
        if self._chance.random() < 0.2:
            await self.house.remove(str(self.house.learned / lesson.id))
            self.ledger.documents.pop(lesson.id)
            return
        await self.house.attune.teacher.forget(lesson.id, lesson.author)
        self._forgotten[lesson.id] = (lesson, self.ledger.documents.pop(lesson.id))

    async def _bring_back(self) -> None:
        if self._forgotten:
            id_ = self._chance.choice(sorted(self._forgotten))
            lesson, self.ledger.documents[id_] = self._forgotten.pop(id_)
            self._lessons[id_] = await self.house.attune.teacher.bring_back(id_, lesson.author)

    # People, processes and stores

    async def _membership(self) -> None:
        members = self.ledger.members[self._chance.choice(CHANNELS)]
        members.symmetric_difference_update({self._chance.choice(PEOPLE)})

    async def _forget(self) -> None:
        user = self._chance.choice(PEOPLE)
        await self._said(Place(user, f"D{user}", "1", private=True), "/forget everything")

    async def _restart(self) -> None:
        await self.house.close()
        await self.house.open()

    async def _kill_stores(self) -> None:
        self.house.kill_stores()

    async def _kill_process(self) -> None:
        """Another process opens the same stores, while here a lesson is taken back, and is killed as it teaches."""
        taught = self._lesson()
        child = await self.house.another(taught)
        try:
            await self._unlearn()
            await child.opened()
            self.ledger.documents[taught.name] = Known([Version(taught.words, taught.readers)])  # or not
            await asyncio.sleep(self._chance.uniform(0, LONGEST_CUT))
        finally:
            await child.kill()

    async def _rebuild(self) -> None:
        """The index is lost: the same folders are ingested again, and nobody says for whom."""
        await self.house.rebuild()
        for folder in FOLDERS:
            if (self.house.folder / folder).is_dir() and folder not in self._cut:
                await self.house.attune.library.ingester.ingest([self.house.folder / folder])
        for folder in sorted(self._cut):
            await self._settle(folder)

    async def _stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Cut `work` off after a while; whether it was done before."""
        task = asyncio.create_task(work)
        await asyncio.wait([task], timeout=self._chance.uniform(0, LONGEST_CUT))
        task.cancel()
        with suppress(asyncio.CancelledError, AttuneError):
            await task
            return True
        return False

    async def _tried(self, work: Awaitable[None]) -> None:
        """What is refused is refused."""
        with suppress(AttuneError):
            await work

    def _moment(self) -> datetime:
        self._at += timedelta(minutes=1)
        return self._at


def _person(user: str) -> Person:
    return Person("slack", "T1", user)
