"""The `attune` command as people use it: read documents, ask through a pipe, talk at a terminal, be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bots.console_bot import console_message
from core.adapters.index.shared_index import SharedIndex
from core.adapters.redis import valkey
from core.adapters.redis.memory import RedisMemory
from core.answering.prompt import NOT_FOUND
from core.domain import Document, Turn
from tests.conftest import wait_until
from tests.core.adapters.test_companion import servers
from tests.e2e.home import Home, Terminal, ended, is_plain

pytestmark = pytest.mark.model

OFFICE = """\
# Office handbook

## Wifi

The password of the guest wifi is tulip-42. It changes on the first Monday of each month.
"""
TRAVEL = """\
# Travel

Book trains at least two weeks ahead with the travel desk, whose number is 5512.
"""
WIFI = "guest wifi password?"
OPERA = "Who composed the opera Carmen?"
FOLLOW_UP = "And how often does it change?"
ANSWERED = "Sources|The closest I could find"  # at a terminal; what the tiny model makes of a question there is its own
DIMENSION = 384  # of the built-in embedder
PAGES, SEEN = 300, 20  # a page is written in about 20 ms; so many are in when the kill comes


@pytest.fixture(scope="module")
def documents(shared_home: Home) -> Home:
    """A home whose two documents are ingested."""
    shared_home.write("pages/office.md", OFFICE)
    shared_home.write("pages/travel.md", TRAVEL)
    done = shared_home.run("ingest", "pages")
    assert done.returncode == 0, done.stderr
    assert "2 passages embedded" in done.stdout
    assert is_plain(done)
    return shared_home


@pytest.fixture(scope="module")
def talk(documents: Home) -> subprocess.CompletedProcess[str]:
    """Four questions through a pipe: a follow-up without anything before it, WIFI, the same follow-up, OPERA."""
    return documents.run("chat", said=f"{FOLLOW_UP}\n{WIFI}\n{FOLLOW_UP}\n{OPERA}\n")


def answers(talk: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said to each question."""
    ends = talk.stdout.replace("\n\nSources\n", "\0").replace("\n\nThe closest I could find:\n", "\0")
    assert ends.count("\0") == 4, talk.stdout
    return [part.rpartition("\n\n")[2] for part in f"\n\n{ends}".split("\0")[:-1]]


def footers(talk: subprocess.CompletedProcess[str]) -> list[str]:
    """What stands under each answer."""
    blocks = f"{talk.stdout}\n".split("\n\n")
    return [block for block in blocks if block.startswith(("Sources\n", "The closest I could find:\n"))]


def test_a_question_is_answered_in_plain_text_with_its_sources(talk: subprocess.CompletedProcess[str]) -> None:
    """A pipe gets the answer and where it stands, nothing else, and exit code 0."""
    assert talk.returncode == 0
    assert is_plain(talk)
    assert answers(talk)[1]
    assert footers(talk)[1] == "Sources\n1. Office handbook › Wifi — pages/office.md:5"


def test_what_no_document_says_is_not_answered(talk: subprocess.CompletedProcess[str]) -> None:
    """A question that nothing relevant exists for gets the sentence for that, and the nearest sections."""
    assert answers(talk)[3] == NOT_FOUND
    closest, *titles = footers(talk)[3].splitlines()
    assert closest == "The closest I could find:"
    assert [title[3:] for title in sorted(titles, key=lambda title: title[3:])] == [
        "Office handbook › Wifi — pages/office.md:5",
        "Travel — pages/travel.md:3",
    ]


def test_a_second_line_is_asked_in_the_light_of_the_first(talk: subprocess.CompletedProcess[str]) -> None:
    """What means nothing by itself is a question about what was asked before it."""
    assert answers(talk)[0] == NOT_FOUND
    assert footers(talk)[2] == footers(talk)[1]


async def test_what_was_said_is_there_when_all_processes_have_ended(
    documents: Home, talk: subprocess.CompletedProcess[str]
) -> None:
    """The turns of a run that is over are in the memory, in order, each with its answer."""
    async with valkey.embedded(documents.data) as client:
        (key,) = [key async for key in client.scan_iter(match="*turns*")]
        conversation = console_message("", key.decode().rpartition(":")[2].strip("}")).conversation
        turns = await RedisMemory(client).turns(conversation, limit=10)
    assert [turn.question for turn in turns] == [FOLLOW_UP, WIFI, FOLLOW_UP, OPERA]
    assert [turn.answer for turn in turns] == answers(talk)


def test_commands_work_beside_an_open_conversation(documents: Home) -> None:
    """While one conversation waits, documents are ingested, all is checked, and another conversation is held."""
    talking = documents.start("chat")
    talking.stdin.write(f"{WIFI}\n")
    talking.stdin.flush()
    assert talking.stdout.readline() != ""
    documents.write("more/parking.md", "# Parking\n\nThe garage opens at six in the morning and closes at ten.\n")
    assert documents.run("ingest", "more").returncode == 0
    checked, other = documents.start("doctor"), documents.start("chat")
    asked = ended(other, "When does the garage open?\n")
    assert "Parking — more/parking.md:3" in asked.stdout
    checked = ended(checked)
    assert (checked.returncode, is_plain(checked)) == (0, True), checked.stdout
    assert "3 passages" in checked.stdout
    first = ended(talking, "When does the garage close?\n")
    assert (first.returncode, is_plain(first)) == (0, True)
    assert "Parking — more/parking.md:3" in first.stdout


@asynccontextmanager
async def index_of(home: Home) -> AsyncIterator[SharedIndex]:
    async with SharedIndex(home.data, DIMENSION) as index:
        yield index


async def held(index: SharedIndex) -> dict[str, Document]:
    return {document.source: document for document in await index.documents()}


async def test_a_killed_ingestion_is_completed_by_the_next(home: Home) -> None:
    """Nothing that was in is lost with the killed processes, and then all is as if nothing had happened."""
    for number in range(PAGES):
        home.write(f"pages/{number}.md", f"Rule {number} of the house.")
    async with index_of(home) as index:
        ingestion = home.start("ingest", "pages")
        while await index.count() < SEEN:
            assert ingestion.poll() is None, ingestion.stderr.read()
            await asyncio.sleep(0.05)
        for pid in (ingestion.pid, *servers(home.data, "index.service")):
            os.kill(pid, signal.SIGKILL)
        ingestion.wait()
        before = await held(index)
        assert SEEN <= len(before) < PAGES
        done = home.run("ingest", "pages")
        after = await held(index)
    assert (done.returncode, is_plain(done)) == (0, True), done.stderr
    counts = [int(line.split()[-1]) for line in done.stdout.splitlines()[:3]]
    assert counts == [PAGES - len(before), 0, len(before)]  # new, changed, unchanged
    assert before.items() <= after.items()
    assert [(document.passages, document.complete) for document in after.values()] == [(1, True)] * PAGES


async def turns_of(home: Home) -> list[Turn]:
    """What is remembered of the conversation at the terminal."""
    async with valkey.embedded(home.data) as client:
        return await RedisMemory(client).turns(console_message("").conversation, limit=10)


async def test_a_conversation_at_a_terminal_survives_ctrl_c_and_kill(documents: Home) -> None:
    """Ctrl-C stops an answer and no more; a kill takes the answer it falls into, and neither turns nor the next start.

    Killing leaves no server behind; `/quit` ends with 0.
    """
    long = {"ATTUNE_ANSWER_TOKENS": "100"}
    with Terminal(documents, "chat", **long) as terminal:
        terminal.wait_for("Ask away")
        terminal.type(f"{WIFI}\r")
        terminal.wait_for("Reading 1 passage")
        terminal.type("\x03")
        terminal.wait_for("Stopped")
        terminal.type(f"{OPERA}\r")
        terminal.wait_for(ANSWERED)
        terminal.type(f"{WIFI}\r")
        terminal.wait_for(ANSWERED)
        terminal.type("What is the number of the travel desk?\r")
        terminal.wait_for("Reading 1 passage")
        terminal.process.send_signal(signal.SIGKILL)
        terminal.leave()
    wait_until(lambda: not documents.serves())
    assert [turn.question for turn in await turns_of(documents)] == [OPERA, WIFI]
    with Terminal(documents, "chat") as terminal:
        terminal.wait_for("Ask away")
        terminal.type(f"{FOLLOW_UP}\r")
        terminal.wait_for(ANSWERED)
        terminal.type("/quit\r")
        assert terminal.leave() == 0
    assert [turn.question for turn in await turns_of(documents)] == [OPERA, WIFI, FOLLOW_UP]
