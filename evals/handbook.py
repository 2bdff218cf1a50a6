"""How well a real handbook is searched: `python -m evals.handbook` asks the questions of handbook.jsonl.

They are in a colleague's words rather than in the pages', were written from the pages before anything was searched,
and are asked by the code behind `attune eval`. Retrieval only, unless `--answers` is given; then every answer goes to
the file of `--keep`, outside of this repository.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bots.cli.eval_view import as_json, asking_bar, figures_record, show
from core.evaluation.evaluator import KEPT, Evaluator, Result, absent, ask_all, figures, spread, visiting
from core.evaluation.questions import OwnQuestion, read_questions
from core.ports import PassageIndex
from core.settings import Settings
from evals.common import Record, parser, write_result
from evals.product import open_product, open_search

QUESTIONS = Path(__file__).with_name("handbook.jsonl")
TRANSLATED = Path(__file__).with_name("handbook_translated.jsonl")
TOGETHER = 4


def main() -> None:
    """Ingest, ask, print, write."""
    options = parser(__doc__ or "")
    options.add_argument("--answers", action="store_true", help="also make the answers: slow")
    options.add_argument("--language", choices=("de", "fr", "es"), help="ask the 60 questions that are translated")
    options.add_argument("--keep", type=Path, metavar="FILE", help="also write every passage found and answer made")
    asyncio.run(run(options.parse_args()))


async def run(chosen: Namespace) -> None:
    """Ask all questions of the handbook."""
    handbook, questions = chosen.data / "handbook", spread(_asked(chosen.language), chosen.limit)
    async with _over(handbook, answers=chosen.answers) as (evaluator, index):
        missing = absent(questions, [document.source for document in await index.documents()])
        passages, start = await index.count(), time.perf_counter()
        with asking_bar(Console(stderr=True), len(questions)) as heard:
            together = TOGETHER if chosen.answers else 1
            results = await ask_all(evaluator, questions, together=together, heard=heard)
        seconds = (time.perf_counter() - start) / len(results)
    show(figures(results), results, passages, Console(width=120))
    if chosen.keep:
        chosen.keep.write_text(as_json(figures(results), results, missing), encoding="utf-8")
    name = "handbook_answers" if chosen.answers else "handbook"
    about = {"passages": passages, "seconds a question": seconds, "pages not in the index": missing}
    name += f"_{chosen.language}" if chosen.language else ""
    write_result(name, figures_record(figures(results)) | about | {"misses": _misses(results, handbook)})


def _asked(language: str | None) -> list[OwnQuestion]:
    """The questions, or those that are translated in another language."""
    asked = read_questions(QUESTIONS)
    if language is None:
        return asked
    lines = [json.loads(line) for line in TRANSLATED.read_text(encoding="utf-8").splitlines()]
    said = {line["question"]: line[language] for line in lines}
    return [replace(one, text=said[one.text]) for one in asked if one.text in said]


@asynccontextmanager
async def _over(handbook: Path, *, answers: bool) -> AsyncIterator[tuple[Evaluator, PassageIndex]]:
    """The handbook in an empty index, and what asks it."""
    relevance = Settings.from_env(os.environ).relevance
    if not answers:
        async with open_search() as shelf:
            await shelf.ingester.ingest([handbook])
            yield Evaluator(shelf.embedder, shelf.index, relevance=relevance), shelf.index
        return
    async with open_product() as product:
        await product.ingester.ingest([handbook])
        engine = product.engine()
        async with visiting(engine) as guest:
            asking = Evaluator(product.embedder, product.index, relevance=relevance, engine=engine, person=guest)
            yield asking, product.index


def _misses(results: Sequence[Result], handbook: Path) -> list[Record]:
    """Each miss with the pages that were found instead; the handbook is in the public domain."""
    return [
        {
            "question": result.question.text,
            "pages": list(result.question.pages),
            "rank": result.rank,
            "found": _pages(result, handbook)[:3],
        }
        for result in results
        if result.missed
    ]


def _pages(result: Result, handbook: Path) -> list[str]:
    found = [Path(ranked.passage.source) for ranked in result.found[:KEPT]]
    return list(dict.fromkeys(path.relative_to(handbook.resolve()).as_posix() for path in found))


if __name__ == "__main__":
    main()
