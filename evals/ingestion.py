"""How fast documents come in: `python -m evals.ingestion` over pages of the handbook, three ways side by side.

Passages a second of the whole ingestion (reading, splitting, embedding, storing, into an empty index), of the product's
embedder alone on the same texts, and of sentence-transformers' own `encode` on them, as it comes. The three
take turns in every round, and the ratios are of medians over rounds; nothing else should run on the machine.
`--limit` pages.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from sentence_transformers import SentenceTransformer

from core.adapters.local_model import on_torch_thread
from core.bootstrap import Library
from core.documents.embedding import BATCH
from core.documents.reading import FileReader
from core.documents.splitting import embedding_text
from core.domain import EVERYONE
from core.models.store import ModelStore
from core.ports import Embedder
from core.settings import Settings
from evals.common import Options, Record, options, sample, write_result
from evals.product import open_search

ROUNDS = 3


def main(chosen: Options) -> None:
    """Measure, print, write."""
    files = sorted((chosen.data / "handbook" / "pages").rglob("*.md"))
    asyncio.run(run(sample(files, chosen.limit, chosen.seed)))


async def run(files: Sequence[Path]) -> None:
    """All three, round by round."""
    settings = Settings.from_env(os.environ)
    plain = await on_torch_thread(_plain, settings)
    rounds: list[dict[str, float]] = []
    for _ in track(range(ROUNDS), description="rounds"):
        async with open_search() as library:
            texts = _texts(files, library, settings)
            rates = {"ingestion": len(texts) / await _timed_ingestion(library, files)}
            rates["embedder alone"] = len(texts) / await _timed_embedder(library.embedder, texts)
            started = time.perf_counter()
            await on_torch_thread(plain.encode, texts)
            rates["sentence-transformers"] = len(texts) / (time.perf_counter() - started)
            rounds.append(rates)
    report({name: [one[name] for one in rounds] for name in rounds[0]}, files=len(files), passages=len(texts))


def _plain(settings: Settings) -> SentenceTransformer:
    model = ModelStore(settings.models_folder).resolve(settings.embedder)
    return SentenceTransformer(str(model.path), local_files_only=True)


def _texts(files: Sequence[Path], library: Library, settings: Settings) -> list[str]:
    """What is embedded of the files, in their order."""
    reader = FileReader(library.embedder, settings.passage_tokens, settings.embedder)
    read = [document for file in files for document in reader.read(file.absolute(), {}, (EVERYONE,)).documents]
    reader.close()
    return [embedding_text(passage) for document in read for passage in document.passages or []]


async def _timed_ingestion(library: Library, files: Sequence[Path]) -> float:
    started = time.perf_counter()
    await library.ingester.ingest(files)
    return time.perf_counter() - started


async def _timed_embedder(embedder: Embedder, texts: Sequence[str]) -> float:
    ordered = sorted(texts, key=len)
    started = time.perf_counter()
    for start in range(0, len(ordered), BATCH):
        await embedder.embed(ordered[start : start + BATCH])
    return time.perf_counter() - started


def report(rates: dict[str, list[float]], *, files: int, passages: int) -> None:
    """Print and write rates and their ratios."""
    medians = {name: statistics.median(some) for name, some in rates.items()}
    own = medians["embedder alone"]
    ratios = {
        "ingestion / embedder alone": medians["ingestion"] / own,
        "embedder alone / sentence-transformers": own / medians["sentence-transformers"],
    }
    table = Table("", "passages / s, median", "least", "most", title=f"{passages} passages of {files} files")
    for name, some in rates.items():
        table.add_row(name, *[f"{value:.1f}" for value in (medians[name], min(some), max(some))])
    Console().print(table)
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    result: Record = {"files": files, "passages": passages, "passages a second": rates, "ratios": ratios}
    write_result("ingestion", result)


if __name__ == "__main__":
    main(options(__doc__ or ""))
