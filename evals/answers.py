"""How good answers are, end to end: `python -m evals.answers` runs SQuAD through ingestion, search and decoding.

Every passage is a document of its own, and half of the questions have no answer in any. The person who asks has set
`/prefs length short`, since SQuAD's answers are phrases. The arms share models, index and passages: the three ways in
which passages meet, the first passage only, and no passage at all (what the model knows by heart).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core import prompt
from core.domain import (
    Answer,
    Conversation,
    Decoding,
    Length,
    Message,
    Mode,
    Outcome,
    Person,
    Piece,
    Preferences,
    Prompt,
    Reading,
)
from core.engine import Engine
from evals.common import Record, exact_match, f1, normalised, paired_bootstrap, parser, records, sample, write_result
from evals.product import Product, open_product

PERSON = Person("evals", "squad", "reader")
WISHES = Preferences(length=Length.SHORT)
ARMS: dict[str, dict[str, Any]] = {
    "sequence": {"decoding": Decoding(mode=Mode.SEQUENCE)},
    "token": {"decoding": Decoding(mode=Mode.TOKEN)},
    "stuffed": {"decoding": Decoding(mode=Mode.STUFFED)},
    "first": {"decoding": Decoding(mode=Mode.SEQUENCE), "passages": 1},
    "none": {},
}
TOGETHER = 4  # questions asked at once


@dataclass(frozen=True, slots=True)
class Asked:
    """What one arm made of one question. `found` and `cited` are names of SQuAD's passages."""

    question: str
    passage: str
    answerable: bool
    text: str
    refused: bool
    exact: float
    f1: float
    contained: float
    found: tuple[str, ...]
    cited: tuple[str, ...]
    dense: float
    log_likelihood: float
    pieces: int


def main() -> None:
    """Read the options, run, print, write."""
    read = parser(__doc__ or "")
    read.add_argument("--arms", default=",".join(ARMS), help="default: %(default)s")
    asyncio.run(_run(read.parse_args()))


async def _run(chosen: argparse.Namespace) -> None:
    squad: Path = chosen.data / "squad"
    questions = draw(list(records(squad / "questions.jsonl.gz")), chosen.limit, chosen.seed)
    results: dict[str, list[Asked]] = {}
    async with open_product() as product:
        await ingest_passages(product, list(records(squad / "passages.jsonl.gz")))
        await product.memory.save_preferences(PERSON, WISHES)
        with Progress() as bar:
            for arm in chosen.arms.split(","):
                task = bar.add_task(arm, total=len(questions))
                results[arm] = await _ask_all(arm, product, questions, partial(bar.advance, task))
                write_result("answers", _summary(results, chosen))
    _print(results, chosen.seed)


def draw(questions: Sequence[Record], limit: int | None, seed: int) -> list[Record]:
    """As many answerable questions as impossible ones, `limit` in all, in the order of the file."""
    if limit is None:
        return list(questions)
    halves = [[q for q in questions if q["answerable"] is kind] for kind in (True, False)]
    drawn = [question for half in halves for question in sample(half, limit // 2, seed)]
    return sorted(drawn, key=lambda question: str(question["passage"]))


async def ingest_passages(product: Product, passages: Sequence[Record]) -> None:
    """Ingest each passage as a Markdown file named after its id."""
    with tempfile.TemporaryDirectory() as folder:
        for passage in passages:
            file = Path(folder) / f"{passage['id']}.md"
            file.write_text(f"# {passage['title']}\n\n{passage['text']}\n", encoding="utf-8")
        await product.ingester.ingest([Path(folder)])


async def _ask_all(arm: str, product: Product, questions: Sequence[Record], advance: Callable[[], None]) -> list[Asked]:
    room = asyncio.Semaphore(TOGETHER)
    engine = product.engine(**ARMS[arm])

    async def ask(question: Record) -> Asked:
        async with room:
            asked = await (_by_heart(product, question) if arm == "none" else _ask(engine, question))
        advance()
        return asked

    return await asyncio.gather(*[ask(question) for question in questions])


async def _ask(engine: Engine, question: Record) -> Asked:
    place = Conversation("evals", "squad", question["question"])
    message = Message("", place, PERSON, question["question"], datetime.now(UTC))
    reading, said, answer = Reading(()), [Piece("")], Answer("", Outcome.NOT_FOUND)
    async for event in engine.answer(message):
        match event:
            case Reading():
                reading = event
            case Piece():
                said.append(event)
            case Answer():
                answer = event
    return _scored(question, answer, reading, said)


async def _by_heart(product: Product, question: Record) -> Asked:
    asking = Prompt("Answer the question.", (), (), (), prompt.person_block(WISHES), question["question"])
    said = [event async for event in product.generator.generate(asking, Decoding(max_tokens=60))]
    pieces = [piece for piece in said if isinstance(piece, Piece)]
    text = "".join(piece.text for piece in pieces)
    return _scored(question, Answer(text, Outcome.ANSWERED), Reading(()), pieces)


def _scored(question: Record, answer: Answer, reading: Reading, said: Sequence[Piece]) -> Asked:
    truths, refused = question["answers"], answer.outcome is Outcome.NOT_FOUND
    text = "" if refused else answer.text
    contained = any(normalised(truth) in normalised(text) for truth in truths)
    return Asked(
        question=question["question"],
        passage=question["passage"],
        answerable=question["answerable"],
        text=text,
        refused=refused,
        exact=exact_match(text, truths),
        f1=f1(text, truths),
        contained=float(contained),
        found=tuple(Path(ranked.passage.source).stem for ranked in reading.passages),
        cited=tuple(Path(source.passage.source).stem for source in answer.sources),
        dense=max((ranked.dense for ranked in reading.passages), default=-1.0),
        log_likelihood=said[-1].log_likelihood,
        pieces=len(said),
    )


def measures(asked: Sequence[Asked]) -> dict[str, float]:
    """What is said of one arm. Scores are over answerable questions; a refusal scores 0."""
    able = [one for one in asked if one.answerable]
    unable = [one for one in asked if not one.answerable]
    cited = [passage == one.passage for one in able for passage in one.cited]
    return {
        "F1": _mean([one.f1 for one in able]),
        "exact": _mean([one.exact for one in able]),
        "contained": _mean([one.contained for one in able]),
        "refused, rightly": _mean([one.refused for one in unable]),
        "refused, wrongly": _mean([one.refused for one in able]),
        "found": _mean([one.passage in one.found for one in able]),
        "citation precision": _mean(cited),
        "citation recall": _mean([one.passage in one.cited for one in able if not one.refused]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _summary(results: dict[str, list[Asked]], chosen: argparse.Namespace) -> Record:
    """Figures only: SQuAD's texts are not ours to publish."""
    return {
        "seed": chosen.seed,
        "questions": len(next(iter(results.values()))),
        "arms": {arm: measures(asked) for arm, asked in results.items()},
        "F1 against sequence": {
            arm: asdict(_difference(results["sequence"], asked, chosen.seed))
            for arm, asked in results.items()
            if arm != "sequence" and "sequence" in results
        },
    }


def _difference(first: Sequence[Asked], second: Sequence[Asked], seed: int) -> Any:
    pairs = [(a.f1, b.f1) for a, b in zip(first, second, strict=True) if a.answerable]
    return paired_bootstrap([a for a, _ in pairs], [b for _, b in pairs], seed=seed)


def _print(results: dict[str, list[Asked]], seed: int) -> None:
    table = Table("arm", *measures(next(iter(results.values()))), "F1 of sequence − arm, 95 %")
    for arm, asked in results.items():
        versus = ""
        if arm != "sequence" and "sequence" in results:
            interval = _difference(results["sequence"], asked, seed)
            versus = f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
        table.add_row(arm, *[f"{value:.3f}" for value in measures(asked).values()], versus)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
