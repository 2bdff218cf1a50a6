"""What was removed from the embedded index leaves its files: raw bytes are looked at."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import qdrant_edge as edge

from core.adapters.index import clearing as clearing_module
from core.adapters.index import edge_shard, points, rewriting
from core.adapters.index.edge_index import EdgeIndex
from core.adapters.index.shared_index import SharedIndex
from core.domain import EVERYONE, Passage
from core.errors import IndexUnavailableError
from core.ports import PassageIndex
from tests.conftest import wait_until
from tests.fakes import HashingEmbedder

WORD = "xylozebra"
EMBEDDER = HashingEmbedder()


def passages(count: int = 20) -> list[Passage]:
    """The third is about the word, and so are its name and its title."""

    def one(number: int) -> Passage:
        word = WORD if number == 3 else f"plain{number}"
        id_ = f"00000000-0000-0000-0000-{number:012}"
        return Passage(id_, f"/{word}.md", f"On {word}", (word,), f"A text about {word}.", 1, 0, 1, "v", (EVERYONE,))

    return [one(number) for number in range(count)]


def holding(folder: Path, word: str = WORD) -> list[str]:
    """The files with the word in them or in their names, those that go meanwhile aside."""
    found = []
    for place, _, names in os.walk(folder):
        for file in (Path(place) / name for name in names):
            with suppress(FileNotFoundError):
                if word in file.name or (file.is_file() and word.encode() in file.read_bytes()):
                    found.append(str(file))
    return found


def drafts(data: Path) -> list[Path]:
    return list(data.glob("index.next-*"))


def has_eight_bits(data: Path) -> bool:
    try:
        return any(data.glob("index/**/*quantized*"))
    except FileNotFoundError:  # the index is exchanged in this very moment
        return False


async def until(true: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, true)


async def filled(index: PassageIndex) -> None:
    some = passages()
    await index.upsert(some, await EMBEDDER.embed([one.text for one in some]))


async def found(index: PassageIndex, text: str) -> Sequence[str]:
    (row,) = await EMBEDDER.embed([text])
    return [hit.passage.source for hit in await index.search(text, row, audience={EVERYONE}, limit=3)]


async def test_a_removed_document_leaves_the_files_and_the_others_stay(data: Path) -> None:
    async with SharedIndex(data, EMBEDDER.dimension) as index:
        await filled(index)
        assert holding(data)
        await index.remove(f"/{WORD}.md")
        await index.clear_away()
        assert holding(data) == []
        assert await index.count() == 19
        assert "/plain5.md" in await found(index, "plain5")
    assert holding(data) == []
    async with SharedIndex(data, EMBEDDER.dimension) as index:
        assert await index.count() == 19


async def test_what_a_rebuilding_that_was_cut_off_put_aside_goes_too(data: Path) -> None:
    """Nobody reads it any more, and the removed document still stands in it."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.reset(EMBEDDER.dimension, None)
        await filled(index)
        await index.remove(f"/{WORD}.md")
        await index.clear_away()
        assert holding(data) == []


async def test_searches_and_writes_meanwhile_wait_and_lose_nothing(data: Path) -> None:
    """Also where whoever asked for it is cancelled."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove(f"/{WORD}.md")
        clearing = asyncio.create_task(index.clear_away())
        searches = [asyncio.create_task(found(index, f"plain{number}")) for number in range(6, 12)]
        extra = Passage("00000000-0000-0000-0000-000000000099", "/late.md", "Late", (), "late words", 1, 0, 1, "v")
        late = asyncio.create_task(index.upsert([extra], await EMBEDDER.embed(["late words"])))
        await asyncio.sleep(0.01)
        clearing.cancel()
        for number, search in enumerate(searches, start=6):
            assert f"/plain{number}.md" in await search
        await late
        assert "/late.md" in await found(index, "late words")
        await index.clear_away()
        assert holding(data) == []


async def test_it_rests_between_two(data: Path) -> None:
    """So that people can search meanwhile; all who ask for it in that time wait for one, which clears for all."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        began = time.monotonic()
        await index.remove("/plain1.md")
        await index.clear_away()
        took = time.monotonic() - began
        for source in (f"/{WORD}.md", "/plain4.md"):
            await index.remove(source)
        clearing = [asyncio.create_task(index.clear_away()) for _ in range(3)]
        searches, asked = 0, time.monotonic()
        while time.monotonic() - asked < took:
            assert "/plain5.md" in await found(index, "plain5")
            assert not any(one.done() for one in clearing)
            searches += 1
        assert searches
        await asyncio.gather(*clearing)
        assert holding(data) == []
        assert await index.count() == 17


async def test_what_rests_is_cleared_when_the_index_is_closed(data: Path) -> None:
    """And who waited for it is told."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove("/plain1.md")
        await index.clear_away()
        await index.remove(f"/{WORD}.md")
        clearing = asyncio.create_task(index.clear_away())
        await asyncio.sleep(0.01)
        assert holding(data)
    await asyncio.wait_for(clearing, 1)
    assert holding(data) == []


async def test_a_long_clearing_away_waits_for_the_next_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever ends slowly is killed, and then the whole index has to be read at the start."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove("/plain1.md")
        await index.clear_away()
        monkeypatch.setattr(clearing_module, "LONGEST", 0.0)
        await index.remove(f"/{WORD}.md")
    assert holding(data)
    assert (data / "index" / "sealed.json").exists()
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await until(lambda: not holding(data))
        assert await index.count() == 18


async def test_a_first_clearing_away_does_not_hold_up_the_end(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows how long it takes."""

    async def endless(_: Path) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rewriting, "rewrite", endless)
    monkeypatch.setattr(clearing_module, "LONGEST", 0.1)
    async with asyncio.timeout(20), EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove(f"/{WORD}.md")
    assert (data / "index" / "sealed.json").exists()
    assert (data / "index.removed").exists()
    assert not drafts(data)


KILLED = """
import asyncio, sys
from pathlib import Path
from core.adapters.index.edge_index import EdgeIndex
from tests.core.adapters.test_clearing_away import EMBEDDER, WORD, filled
async def main():
    async with EdgeIndex(Path(sys.argv[1]) / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove(f"/{WORD}.md")
        print("removed", flush=True)
        await index.clear_away()
        await asyncio.sleep(60)
asyncio.run(main())
"""


def killed(data: Path, pause: float) -> None:
    """A process that removes the word's document and is killed so long after it."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(data)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "removed\n"
    time.sleep(pause)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("pause", [0.0, 0.3])
async def test_a_kill_at_any_moment_leaves_an_index_that_opens_and_is_cleared_then(data: Path, pause: float) -> None:
    await asyncio.to_thread(killed, data, pause)
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        assert await index.count() == 19
        await until(lambda: not holding(data))
        assert "/plain5.md" in await found(index, "plain5")


LONG = 60.0  # seconds, after which nothing is cleared away when an index is closed


def logged(dimension: int) -> edge.EdgeConfig:
    """As indexes were made once: with a log, and clearing away seldom."""
    return edge.EdgeConfig(
        vectors={points.DENSE: edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine)},
        sparse_vectors={points.SPARSE: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=10**9),
    )


async def test_an_index_of_an_earlier_version_is_cleared_of_what_was_removed_then(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log goes; what it holds stays, and can be removed and replaced as before."""
    folder = data / "index"
    with monkeypatch.context() as before:
        before.setattr(edge_shard, "_config", logged)
        before.setattr(edge_shard, "_has_log", lambda _: False)
        before.setattr(edge_shard, "_LEFT", ())
        async with EdgeIndex(folder, EMBEDDER.dimension) as index:
            for one in passages():  # many entries in the log
                await index.upsert([one], await EMBEDDER.embed([one.text]))
            await index.remove(f"/{WORD}.md")
            (data / "index.removed").unlink()
            index._clearing._took = LONG
    assert (folder / "wal").exists()
    assert holding(data)
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        await until(lambda: not holding(data))
        assert await index.count() == 19
        await index.remove("/plain7.md")
        assert await index.count() == 18
        other = replace(passages()[8], readers=("person:t/w/ben",))
        await index.upsert([other], await EMBEDDER.embed([other.text]))
        assert other.source not in await found(index, "plain8")
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        assert await index.count() == 18
        assert "/plain8.md" not in await found(index, "plain8")
        await index.remove("/plain9.md")
        assert await index.count() == 17
    assert not (folder / "wal").exists()


async def test_what_is_removed_or_closed_after_a_clearing_is_so(data: Path) -> None:
    """However many times: no later change is taken for one that was made already."""
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        for one in passages():
            await index.upsert([one], await EMBEDDER.embed([one.text]))
        for number, source in enumerate([f"/{WORD}.md", "/plain4.md", "/plain5.md"], start=1):
            await index.remove(source)
            await index.clear_away()
            assert await index.count() == 20 - number
            closed = replace(passages()[10 + number], readers=("person:t/w/ben",))
            await index.upsert([closed], await EMBEDDER.embed([closed.text]))
            assert closed.source not in await found(index, f"plain{10 + number}")
        assert holding(data, "plain4.md") == holding(data) == []


async def test_what_is_written_meanwhile_is_there_afterwards(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And found at once; what is removed meanwhile leaves the files, too."""
    rewritten, go_on, rewrite = asyncio.Event(), asyncio.Event(), rewriting.rewrite

    async def slow(draft: Path) -> None:
        await rewrite(draft)
        rewritten.set()
        await go_on.wait()

    monkeypatch.setattr(rewriting, "rewrite", slow)
    extra = Passage("00000000-0000-0000-0000-000000000099", "/late.md", "Late", (), "late words", 1, 0, 1, "v")
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove("/plain1.md")
        clearing = asyncio.create_task(index.clear_away())
        await rewritten.wait()
        await index.upsert([extra], await EMBEDDER.embed([extra.text]))
        await index.remove(f"/{WORD}.md")
        assert "/late.md" in await found(index, "late words")
        assert f"/{WORD}.md" not in await found(index, WORD)
        go_on.set()
        await clearing
        assert await index.count() == 19
        assert "/late.md" in await found(index, "late words")
        assert holding(data) == []


async def test_a_rewriting_that_fails_leaves_the_index_as_it_was(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one clears away what this one did not."""

    def failing(_: Path) -> None:
        raise OSError("No space left on device")

    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove(f"/{WORD}.md")
        with monkeypatch.context() as full:
            full.setattr(rewriting, "settle", failing)
            with pytest.raises(IndexUnavailableError, match="No space left"):
                await index.clear_away()
        assert await index.count() == 19
        assert "/plain5.md" in await found(index, "plain5")
        await index.remove("/plain6.md")
        await index.clear_away()
        assert await index.count() == 18
        assert holding(data) == []


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_copying_that_does_not_end_leaves_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch, *, cancelled: bool
) -> None:
    """Neither files nor a list of what is written, which would grow for ever."""
    copying, go_on, copy = threading.Event(), threading.Event(), rewriting.copy

    def slow(folder: Path, draft: Path) -> None:
        copy(folder, draft)
        copying.set()
        go_on.wait()
        if not cancelled:
            raise OSError("No space left on device")

    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove("/plain1.md")
        with monkeypatch.context() as failing:
            failing.setattr(rewriting, "copy", slow)
            clearing = asyncio.create_task(index.clear_away())
            await asyncio.to_thread(copying.wait)
            assert index._clearing._round is not None
            if cancelled:
                index._clearing._round.cancel()
            go_on.set()
            with nullcontext() if cancelled else pytest.raises(IndexUnavailableError, match="No space left"):
                await clearing
        assert index._meanwhile is None
        assert not drafts(data)


async def test_an_index_begun_anew_meanwhile_stays_new(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of the old one is not put in its place."""
    rewritten, go_on, rewrite = asyncio.Event(), asyncio.Event(), rewriting.rewrite

    async def slow(draft: Path) -> None:
        await rewrite(draft)
        rewritten.set()
        await go_on.wait()

    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await index.remove("/plain1.md")
        with monkeypatch.context() as slowly:
            slowly.setattr(rewriting, "rewrite", slow)
            clearing = asyncio.create_task(index.clear_away())
            await rewritten.wait()
        async with index._clearing.using():
            reset = asyncio.create_task(index.reset(EMBEDDER.dimension, None))
            await asyncio.wait([reset], timeout=0.2)
            assert not reset.done()
        await reset
        assert drafts(data)
        go_on.set()
        await clearing
        assert await index.count() == 0


async def test_a_copy_is_on_the_disk_before_it_takes_the_place_of_the_index(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it: the old index goes then."""
    folder, synced, sync = data / "index", set(), os.fsync

    def noted(descriptor: int) -> None:
        sync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        await filled(index)
    draft = rewriting.draft_beside(folder)
    rewriting.copy(folder, draft)
    monkeypatch.setattr(os, "nice", lambda _: None)
    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(rewriting, "end_with", lambda _: None)
    rewriting.main(str(draft), "0")
    for place, _, names in os.walk(draft):
        assert {Path(place, name).stat().st_ino for name in (*names, ".")} <= synced  # noqa: ASYNC240


async def test_an_exchange_that_was_cut_off_is_undone(data: Path) -> None:
    """The old index has all that was written; the new one perhaps not."""
    folder = data / "index"
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        await filled(index)
    draft = rewriting.draft_beside(folder)
    rewriting.copy(folder, draft)
    rewriting.exchange(folder, draft)
    next(folder.rglob("segments")).rename(folder / "cut off")
    async with EdgeIndex(folder, EMBEDDER.dimension) as index:
        assert await index.count() == 20
    assert [name for name in os.listdir(data) if name.startswith("index")] == ["index"]  # noqa: PTH208


async def test_many_passages_get_eight_bits_without_being_asked_for(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_shard, "MANY", 10)
    async with EdgeIndex(data / "index", EMBEDDER.dimension) as index:
        await filled(index)
        await until(lambda: has_eight_bits(data))
        assert "/plain5.md" in await found(index, "plain5")
        assert await index.count() == 20
