"""How the index grows: `python -m evals.scale` keeps and searches up to 100,000 passages, as the product does.

Passages are generated: two paragraphs of the handbook each, drawn anew for every passage; a passage's vector is that of
its paragraphs, added and normalised, since embedding so many would measure the embedder (`evals.ingestion` does). Half
may be read by everyone, the others by one of ten channels; questions are the handbook's own, asked by somebody of one
channel. At each size: passages kept a second, memory of the index's process, milliseconds of a search by somebody who
may see all, and by a member of one channel, as written, and after the index was rewritten and opened anew; how many of
a member's ten nearest passages are found, of those that comparing every vector finds; how long the rewriting took and
the longest search meanwhile. `--limit` is the largest size; 1000000 for a million.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core.adapters.index.shared_index import SharedIndex
from core.bootstrap import open_embedder
from core.domain import EVERYONE, Passage, Vector, Vectors
from core.ports import Embedder, PassageIndex
from core.settings import Settings
from evals.common import Options, Record, options, sample, write_result

SIZES = (1_000, 10_000, 100_000, 1_000_000)
USUAL = 100_000  # the largest size unless another is asked for
PARAGRAPHS = 1500  # of the handbook, that passages are made of
SEARCHES = 200
BATCH = 1000
CHANNELS = 10
TOP = 10
LIMIT = 50  # candidates of each search, as `core.answering.retrieval` asks
QUESTIONS = Path(__file__).parent / "handbook.jsonl"
GATE = 25.0  # ms, p99 with a reader's filter at 100,000
MEMBER = frozenset({EVERYONE, "workspace:slack/T", "channel:slack/T/C2"})
EVERYBODY = frozenset({EVERYONE, *(f"channel:slack/T/C{number}" for number in range(CHANNELS))})


def main(chosen: Options) -> None:
    """Grow, search, print, write."""
    asyncio.run(run(chosen))


async def run(chosen: Options) -> None:
    """One index that grows from size to size."""
    sizes = [size for size in SIZES if size <= (chosen.limit or USUAL)]
    rng = np.random.default_rng(chosen.seed)
    async with open_embedder(Settings.from_env(os.environ)) as embedder:
        texts = sample(paragraphs(chosen.data / "handbook"), PARAGRAPHS, chosen.seed)
        asked = [json.loads(line)["question"] for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
        rows, questions = await embedder.embed(texts), await embedder.embed_questions(asked)
        result: dict[int, Record] = {}
        async for size, row in _grown(
            embedder, sizes, made_of(texts, rows, rng), list(zip(asked, questions, strict=True))
        ):
            result[size] = row
            write_result("scale", {"seed": chosen.seed, "sizes": result})
    report(result)


def paragraphs(handbook: Path) -> list[str]:
    """The paragraphs of the handbook's pages that say something."""
    pages = (page.read_text(encoding="utf-8") for page in sorted(handbook.rglob("*.md")))
    return [text for page in pages for text in page.split("\n\n") if 100 <= len(text) <= 1000]  # characters


def made_of(texts: Sequence[str], rows: Vectors, rng: np.random.Generator) -> Iterator[tuple[Passage, Vector]]:
    """Passages without end, each of two paragraphs, with its vector."""
    number = 0
    while True:
        first, second = rng.integers(len(texts), size=2)
        readers = (EVERYONE,) if number % 2 else (f"channel:slack/T/C{number % CHANNELS}",)
        text, vector = f"{texts[first]}\n\n{texts[second]}", rows[first] + rows[second]
        page, place = divmod(number, 10)
        passage = Passage(
            str(uuid.uuid4()), f"/d/{page}.md", f"Page {page}", (), text, 1, place, 10, "1", readers=readers
        )
        yield passage, (vector / np.linalg.norm(vector)).astype(np.float32)
        number += 1


async def _grown(
    embedder: Embedder,
    sizes: Sequence[int],
    made: Iterator[tuple[Passage, Vector]],
    asked: Sequence[tuple[str, Vector]],
) -> AsyncIterator[tuple[int, Record]]:
    """One size after the other."""
    nearest, held = _Nearest(asked), 0
    with tempfile.TemporaryDirectory(prefix="attune-", ignore_cleanup_errors=True) as folder, Progress() as bar:
        task = bar.add_task("passages", total=sizes[-1])
        for size in sizes:
            before = held
            async with SharedIndex(Path(folder), embedder.dimension) as index:
                start = time.perf_counter()
                while held < size:
                    batch = [next(made) for _ in range(min(BATCH, size - held))]
                    vectors = np.stack([vector for _, vector in batch])
                    nearest.add([passage for passage, _ in batch], vectors)
                    await index.upsert([passage for passage, _ in batch], vectors)
                    held += len(batch)
                    bar.advance(task, len(batch))
                rate = (size - before) / (time.perf_counter() - start)
                row: Record = {"kept a second": rate, "as written": await searched(index, asked)}
                row |= await _rewritten(index, asked)
            await until(lambda: np.isnan(service_memory(Path(folder))))
            start = time.perf_counter()
            async with SharedIndex(Path(folder), embedder.dimension) as index:
                await index.count()
                row["seconds to open"] = time.perf_counter() - start
                row |= {"opened anew": await searched(index, asked), "memory, MB": service_memory(Path(folder))}
                row["recall@10"] = await nearest.recall(index)
            yield size, row


class _Nearest:
    """The passages nearest to questions, of those that a member may see, by comparing every vector."""

    def __init__(self, asked: Sequence[tuple[str, Vector]]) -> None:
        self._asked = asked
        self._rows = np.stack([vector for _, vector in asked])
        self._best: list[list[tuple[float, str]]] = [[] for _ in asked]

    def add(self, passages: Sequence[Passage], vectors: Vectors) -> None:
        """Take in more passages."""
        seen = [place for place, passage in enumerate(passages) if MEMBER & {*passage.readers}]
        for best, row in zip(self._best, self._rows @ vectors[seen].T, strict=True):
            best += [(float(row[place]), passages[seen[place]].id) for place in np.argsort(-row)[:TOP]]
            best.sort(reverse=True)
            del best[TOP:]

    async def recall(self, index: PassageIndex) -> float:
        """The share of the nearest ten that a search finds."""
        shares = []
        for (text, vector), best in zip(self._asked, self._best, strict=True):
            hits = await index.search(text, vector, audience=MEMBER, limit=LIMIT)
            shares.append(len({hit.passage.id for hit in hits} & {id_ for _, id_ in best}) / len(best))
        return float(np.mean(shares))


async def _rewritten(index: PassageIndex, asked: Sequence[tuple[str, Vector]]) -> Record:
    """How long it takes after something was removed, and the longest search meanwhile."""
    away = Passage(str(uuid.uuid4()), "/away.md", "Away", (), "gone", 1, 0, 1, "1", readers=("person:slack/T/U",))
    await index.upsert([away], -asked[0][1][None, :])
    await index.clear_away()
    await index.remove(away.source)
    start, longest = time.perf_counter(), 0.0
    clearing = asyncio.create_task(index.clear_away())
    while not clearing.done():
        text, vector = asked[0]
        longest = max(longest, await _milliseconds(lambda: index.search(text, vector, audience=MEMBER, limit=LIMIT)))  # noqa: B023  # awaited here
        await asyncio.sleep(0.05)
    await clearing
    return {"seconds to rewrite": time.perf_counter() - start, "longest search meanwhile": longest}


async def searched(index: PassageIndex, asked: Sequence[tuple[str, Vector]]) -> Record:
    """Milliseconds of a search: medians and 99th percentiles, for one channel's member and for nobody in particular."""
    times: Record = {}
    for name, audience in (("a member", MEMBER), ("all readers", EVERYBODY)):
        spent = [
            await _milliseconds(lambda: index.search(text, vector, audience=audience, limit=LIMIT))  # noqa: B023  # awaited here
            for text, vector in (asked[number % len(asked)] for number in range(SEARCHES))
        ]
        times[name] = {"p50": float(np.percentile(spent, 50)), "p99": float(np.percentile(spent, 99))}
    return times


async def _milliseconds(act: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await act()
    return (time.perf_counter() - start) * 1000


async def until(true: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for the index's process, which ends some seconds after its last client, so that the next one opens anew."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("The index's process did not end.")
        await asyncio.sleep(0.1)


def service_memory(folder: Path) -> float:
    """Resident memory in MB of the process that owns the index under `folder`; NaN where there is none."""
    found = [float("nan")]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            words = (status.parent / "cmdline").read_bytes().decode(errors="replace")
            if "core.adapters.index.service" in words and str(folder) in words:
                found.append(int(status.read_text().partition("VmRSS:")[2].split()[0]) / 1024)
        except OSError:  # a process that has just ended
            continue
    return float(np.nanmax(found)) if len(found) > 1 else found[0]  # its keeper names the same command


def report(result: dict[int, Record]) -> None:
    """A table, a row a size."""
    searches = [f"{when}{who}: p50 / p99, ms" for when in ("", "opened anew, ") for who in ("sees all", "sees some")]
    ends = ("recall@10", "rewritten in, s", "longest search meanwhile, ms")
    table = Table("passages", "kept a second", "memory, MB", "opens in, s", *searches, *ends)
    for size, row in result.items():
        cells = [row[when][who] for when in ("as written", "opened anew") for who in ("all readers", "a member")]
        table.add_row(
            f"{size:,}",
            f"{row['kept a second']:,.0f}",
            f"{row['memory, MB']:,.0f}",
            f"{row['seconds to open']:.2f}",
            *[f"{cell['p50']:.1f} / {cell['p99']:.1f}" for cell in cells],
            f"{row['recall@10']:.3f}",
            f"{row['seconds to rewrite']:.1f}",
            f"{row['longest search meanwhile']:.0f}",
        )
    Console(width=200).print(table)
    if USUAL in result:
        p99 = result[USUAL]["opened anew"]["a member"]["p99"]
        print(f"p99 with a reader's filter at {USUAL:,}: {p99:.1f} ms, at most {GATE:g} asked")


if __name__ == "__main__":
    main(options(__doc__ or ""))
