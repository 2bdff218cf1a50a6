"""`attune index move`, as it is run by a person: killed in the middle, begun again, and refused where it has to be."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.index.shared_index import SharedIndex
from core.domain import VectorOrigin
from core.storage.moving import BATCH
from tests.contracts.test_passage_index import EMBEDDER, document, put
from tests.doubles.qdrant_server import qdrant_served
from tests.e2e.home import Home, ended, is_plain, opened_home

ORIGIN = VectorOrigin("hashing", "of-the-tests")
MANY = 600  # passages: three batches
CLOSED = "http://127.0.0.1:1"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    (tmp_path / "models").mkdir()
    with opened_home(tmp_path / "models") as opened:
        yield opened


async def filled(home: Home) -> None:
    async with SharedIndex(home.data, EMBEDDER.dimension) as index:
        await index.reset(EMBEDDER.dimension, ORIGIN)
        await put(index, document([f"passage number{number} of many" for number in range(MANY)]))


async def test_a_move_that_is_killed_goes_on_and_ends(home: Home) -> None:
    """Killed between two batches (kill -9): the new index is refused until the next move has copied the rest of it."""
    await filled(home)
    async with qdrant_served(holds=2 * BATCH) as double:
        killed = home.start("index", "move", double.url)
        await asyncio.wait_for(double.held.wait(), 120)
        killed.send_signal(signal.SIGKILL)
        await asyncio.to_thread(killed.communicate)
        double.released.set()
        there = {"QDRANT_URL": double.url, "ATTUNE_EMBEDDER": "hashing"}
        refused = await asyncio.to_thread(home.run, "index", "move", "embedded", **there)
        assert (refused.returncode, "Finish that first" in refused.stderr) == (2, True), refused.stderr
        assert double.upserted == 2 * BATCH
        done = await asyncio.to_thread(home.run, "index", "move", double.url)
        assert (done.returncode, is_plain(done)) == (0, True), done.stderr
        assert double.upserted == MANY
        assert f"Moved {MANY} passages ({2 * BATCH} were there from before)." in done.stdout
        assert f"QDRANT_URL={double.url}" in done.stdout
        assert "ATTUNE_EMBEDDER=hashing" in done.stdout
        again = await asyncio.to_thread(home.run, "index", "move", double.url)
        assert (again.returncode, "passages there already" in again.stderr) == (2, True), again.stderr
        back = await asyncio.to_thread(home.run, "index", "move", "embedded", "--replace", **there)
        assert (back.returncode, "unset QDRANT_URL" in back.stdout) == (0, True), back.stderr
    async with SharedIndex(home.data, EMBEDDER.dimension, ORIGIN) as index:
        assert (await index.count(), await index.origin()) == (MANY, ORIGIN)


def test_a_new_home_has_nothing_to_move_and_stays_new(home: Home) -> None:
    """No index is made by asking: its first documents still choose the embedder."""
    done = ended(home.start("index", "move", CLOSED))
    assert (done.returncode, "nothing to move" in done.stderr, is_plain(done)) == (2, True, True), done.stderr
    assert not (home.data / "index").exists()


def test_what_cannot_be_moved_is_said(home: Home) -> None:
    """A server that is away, an address that is none, and the place where the index is already."""
    asyncio.run(filled(home))
    for words, said in (
        ((CLOSED,), "Check that it is running, and check QDRANT_URL"),
        (("elsewhere",), "must begin with http"),
        (("", "--replace"), "The address is empty"),
        (("embedded",), "where the index is already"),
        (("embedded", "--collection", "x"), "leave --collection out"),
    ):
        done = ended(home.start("index", "move", *words))
        assert (done.returncode, said in done.stderr, is_plain(done)) == (2, True, True), done.stderr
