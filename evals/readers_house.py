"""What `evals.readers` walks through: the whole product over stores of its own, with stand-ins for the two models.

The model repeats every word of a document that it is given, be it in a passage or in an earlier answer: what a person
is not shown, it was not given. Documents have words of their own (`Words`) that no question holds. Knows nothing of who
may see what.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from bots.dialogue import Dialogue
from core.adapters.index import wire as index_wire
from core.answering.prompt import everything
from core.bootstrap import Attune, forget_reading, open_attune
from core.documents.removing import Remover
from core.domain import Prompt
from core.settings import Settings
from tests.fakes import HashingEmbedder, ScriptedGenerator

MARK = "zq"  # how each of the words begins
WORD = re.compile(rf"{MARK}[a-z]+", re.IGNORECASE)
TOPICS = ("badge", "garage", "laptop", "leave", "travel")
POLL = 0.05  # seconds
OPENS = 120.0  # seconds that another process may take
_LETTERS = "bcdfghjklmnprstvwx"  # no digits: a number that a model says has to stand in what it read


@dataclass
class Words:
    """Words that no document has yet."""

    numbers: Iterator[int] = field(default_factory=itertools.count)

    def new(self) -> str:
        """One more."""
        number, base = next(self.numbers), len(_LETTERS)
        digits = (number // base**place % base for place in range(4))
        return MARK + "".join(_LETTERS[digit] for digit in digits)


def words_in(shown: object) -> frozenset[str]:
    """The words of documents that stand in something, whatever it is."""
    return frozenset(word.lower() for word in WORD.findall(repr(shown)))


def repeated(prompt: Prompt) -> str:
    """What the model says: all of these words that it was given."""
    return " ".join(["The rule is", *sorted(words_in(everything(prompt)))]) + "."


def settings_of(home: Path) -> Settings:
    """Everything counts as found, and nothing of this machine's settings acts."""
    return Settings.from_env({"ATTUNE_HOME": str(home), "ATTUNE_RELEVANCE": "-1", "ATTUNE_CACHE_DISK_MB": "0"})


@asynccontextmanager
async def _embedder(*_: object) -> AsyncIterator[HashingEmbedder]:
    yield HashingEmbedder()


@asynccontextmanager
async def _generator(*_: object) -> AsyncIterator[ScriptedGenerator]:
    yield ScriptedGenerator(repeated)


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[Attune]:
    """The product as `attune serve` opens it, but for its models."""
    with (
        patch.multiple("core.bootstrap", open_embedder=_embedder, open_generator=_generator),
        patch("core.adapters.redis.companion.PATIENCE", OPENS),  # a killed store starts again, also on a busy machine
    ):
        async with open_attune(settings_of(home)) as attune:
            yield attune


@dataclass(frozen=True, slots=True)
class Taught:
    """A lesson that somebody gives, and the words in it."""

    user: str
    readers: tuple[str, ...]
    name: str
    data: bytes
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Another:
    """Another process, until it is killed."""

    process: asyncio.subprocess.Process

    async def opened(self) -> None:
        """Return when it is open, and teaches."""
        assert self.process.stdout is not None  # noqa: S101 - a pipe
        line = await asyncio.wait_for(self.process.stdout.readline(), OPENS)
        if not line:
            raise RuntimeError("The other process did not open.")

    async def kill(self) -> None:
        """End it as the kernel does."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class House:
    """The product, open, which may be closed, killed and opened again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "documents"
        self.learned = settings_of(home).learned_folder
        self._stack = AsyncExitStack()
        self.attune: Attune
        self.dialogue: Dialogue

    async def open(self) -> None:
        """Open it, as at a start."""
        self.attune = await self._stack.enter_async_context(opened(self.home))
        self.dialogue = Dialogue(self.attune.engine)

    async def close(self) -> None:
        """Close it, as at an end."""
        await self._stack.aclose()

    async def rebuild(self) -> None:
        """Lose the index, as where it was moved away; what it held has to be ingested again."""
        await self.close()
        while _processes(str(self.home)):  # noqa: ASYNC110 - what served it ends a moment after its last client
            await asyncio.sleep(POLL)
        for place in settings_of(self.home).data_folder.glob(f"{index_wire.NAME}*"):
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink()
        await self.open()

    async def remove(self, name: str) -> None:
        """What `attune remove` does."""
        attune, reading = self.attune, partial(forget_reading, settings_of(self.home))
        library, records = attune.library, attune.records
        remover = Remover(library.index, records.usage, records.memory, attune.teacher, reading)
        await remover.remove(await remover.find([name]))

    async def another(self, taught: Taught) -> Another:
        """Another process of the product over the same stores, which teaches as soon as it is open."""
        words = [sys.executable, "-m", "evals.readers_child", str(self.home), taught.user, *taught.readers]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, env=dict(os.environ))
        assert process.stdin is not None  # noqa: S101 - a pipe
        process.stdin.write(f"{taught.name}\n".encode() + taught.data)
        process.stdin.write_eof()
        return Another(process)

    def kill_stores(self) -> int:
        """End the processes of the stores as the kernel does; how many."""
        killed = [pid for pid in _processes(str(self.home)) if pid != os.getpid()]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        return len(killed)


def _processes(folder: str) -> list[int]:
    """The servers over `folder`, not what looks after them."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
            here = [*words, str((place / "cwd").readlink())]
        except OSError:  # it ended meanwhile, or is somebody else's
            continue
        if _is_store(words) and any(word.startswith(folder) for word in here):
            found.append(int(place.name))
    return found


def _is_store(words: list[str]) -> bool:
    """A Valkey server writes its own name over its command line."""
    keeper = any(word.endswith("keeper.py") for word in words)
    return not keeper and ("core.adapters.index.service" in words or "valkey-server" in words[0])
