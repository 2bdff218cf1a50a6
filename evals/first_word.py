"""How soon an answer begins: `python -m evals.first_word` asks the trained reader and the plain model side by side.

Questions of handbook.jsonl with an answer over their pages, in turns by both models in one process: first about
passages that are new to the model, then the very same again. The plain model is asked by its check, as it was before
the reader. `--limit` questions (12). Seconds are of this machine, by the clock and of the processor, which other work
disturbs less (let torch have one thread, by OMP_NUM_THREADS=1); only their ratios count.
"""

from __future__ import annotations

import asyncio
import os
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from core.bootstrap import open_generator, open_records
from core.domain import Answer, Conversation, Message, Outcome, Piece
from core.engine import Engine, limits_of
from core.evaluation.questions import OwnQuestion, read_questions
from core.settings import Settings
from evals.answers import PERSON
from evals.common import Record, parser, progress, sample, write_result
from evals.handbook import QUESTIONS
from evals.product import elsewhere, open_search

MODELS = {"reader": "attune-reader-1.5b", "before": "qwen2.5-coder-1.5b-instruct"}
QUESTIONS_ASKED = 12

Taken = dict[str, list[float]]
CLOCKS = {"": time.perf_counter, ", processor": time.process_time}


def main() -> None:
    """Ask both, print, write."""
    asyncio.run(run(parser(__doc__ or "").parse_args()))


async def run(chosen: Namespace) -> None:
    """Ask every question of both models, new and seen."""
    able = [one for one in read_questions(QUESTIONS) if one.answerable]
    asked = sample(able, chosen.limit or QUESTIONS_ASKED, chosen.seed)
    taken: Taken = defaultdict(list)
    refused: dict[str, int] = defaultdict(int)
    async with open_search() as library, AsyncExitStack() as stack:
        await library.ingester.ingest(sorted({chosen.data / "handbook" / page for one in asked for page in one.pages}))
        settings = Settings.from_env(os.environ)
        records = await stack.enter_async_context(open_records(elsewhere(settings, stack)))
        engines: dict[str, Engine] = {}
        for name, model in MODELS.items():
            of_model = settings.model_copy(update={"model": model, "adapter": None, "cache_disk_mb": 0})
            generator = await stack.enter_async_context(open_generator(of_model))
            engines[name] = Engine(
                embedder=library.embedder,
                index=library.index,
                memory=records.memory,
                usage=records.usage,
                generator=generator,
                limits=limits_of(of_model),
            )
        for question in progress(asked, "asking"):
            await _in_turns(question, engines, taken, refused)
    report(taken, refused, len(asked), chosen.seed)


async def _in_turns(question: OwnQuestion, engines: dict[str, Engine], taken: Taken, refused: dict[str, int]) -> None:
    for state in ("new", "seen"):
        for name, engine in engines.items():
            first, whole, answered = await _timed(engine, question.text)
            for place, clock in enumerate(CLOCKS):
                taken[f"{name}, {state}, first word or refusal{clock}"].append(first[place])
                taken[f"{name}, {state}, whole answer{clock}"].append(whole[place])
            if not answered:
                refused[f"{name}, {state}"] += 1


async def _timed(engine: Engine, question: str) -> tuple[list[float], list[float], bool]:
    """Seconds by each clock until the first word (or the refusal) and until the end, and whether it was answered."""
    message = Message(uuid4().hex, Conversation("evals", "", uuid4().hex), PERSON, question, datetime.now(UTC))
    start, first, answered = _now(), list[float](), False
    async with aclosing(engine.answer(message)) as events:
        async for event in events:
            if isinstance(event, Piece | Answer) and not first:
                first = [now - then for now, then in zip(_now(), start, strict=True)]
            if isinstance(event, Answer):
                answered = event.outcome is Outcome.ANSWERED
    return first, [now - then for now, then in zip(_now(), start, strict=True)], answered


def _now() -> list[float]:
    return [clock() for clock in CLOCKS.values()]


def report(taken: Taken, refused: dict[str, int], questions: int, seed: int) -> None:
    """Medians, and the median of the ratios question by question."""
    table = Table("median seconds", *MODELS, "reader / before")
    result: Record = {"seed": seed, "questions": questions, "refused": dict(refused)}
    for state in ("new", "seen"):
        for what in (f"{what}{clock}" for what in ("first word or refusal", "whole answer") for clock in CLOCKS):
            sides = [taken[f"{name}, {state}, {what}"] for name in MODELS]
            ratio = _ratio(*sides)
            table.add_row(f"{state}, {what}", *[f"{median(side):.2f}" for side in sides], f"{ratio:.2f}")
            result[f"{state}, {what}"] = {**dict(zip(MODELS, map(median, sides), strict=True)), "ratio": ratio}
    Console(width=120).print(table)
    print("refused:", dict(refused))
    write_result(Path(__file__).stem, result)


def _ratio(ours: Sequence[float], before: Sequence[float]) -> float:
    return median([one / other for one, other in zip(ours, before, strict=True)])


if __name__ == "__main__":
    main()
