"""How good answers are, end to end: `python -m evals.answers` runs SQuAD through ingestion, search and decoding.

Every passage is a document of its own, and half of the questions have no answer in any. The person who asks has set
`/prefs length short`, since SQuAD's answers are phrases. The arms share models, index and passages: the three ways in
which passages meet, the first passage only, and no passage at all (what the model knows by heart). Whether to answer
is decided before decoding and alike for all arms, so only the first arm is asked the questions without an answer.

Every second article (by title) is for tuning; `--split tune` asks about those, the default about the others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from rich.progress import Progress

from core.answering import prompt
from core.domain import Answer, Conversation, Decoding, Message, Mode, Outcome, Person, Piece, Prompt, ReadingStarted
from core.engine import Engine
from core.evaluation.scoring import exact_match, f1, normalised
from core.people.preferences import PLAIN, Length, Preferences
from evals.answer_scores import Asked, print_arms, summary
from evals.common import Record, parser, records, sample, write_result
from evals.product import Product, open_product

Result = TypeVar("Result")

PERSON = Person("evals", "squad", "reader")
WISHES = Preferences(length=Length.SHORT)
ALWAYS = 1e-12  # a certainty that asks and never refuses: refusals are counted afterwards
SHORT = Decoding(max_tokens=60)
ARMS: dict[str, dict[str, Any]] = {
    "sequence": {"decoding": replace(SHORT, mode=Mode.SEQUENCE)},
    "token": {"decoding": replace(SHORT, mode=Mode.TOKEN)},
    "stuffed": {"decoding": replace(SHORT, mode=Mode.STUFFED)},
    "first": {"decoding": replace(SHORT, mode=Mode.SEQUENCE), "passages": 1},
    "none": {},
}
TOGETHER = 8  # questions asked at once


def main() -> None:
    """Ask, print, write."""
    options = parser(__doc__ or "")
    options.add_argument("--arms", default=",".join(ARMS), help="default: %(default)s; the first one asks everything")
    options.add_argument("--split", choices=["tune", "report", "all"], default="report", help="default: %(default)s")
    options.add_argument("--keep", type=Path, metavar="FILE", help="also write every answer, which the result may not")
    asyncio.run(run(options.parse_args()))


async def run(chosen: argparse.Namespace) -> None:
    """Ask all questions of each arm."""
    squad = chosen.data / "squad"
    passages = list(records(squad / "passages.jsonl.gz"))
    asked = list(records(squad / "questions.jsonl.gz"))
    questions = draw(split(asked, passages, chosen.split), chosen.limit, chosen.seed)
    results: dict[str, list[Asked]] = {}
    async with open_product() as product:
        await ingest_passages(product, passages)
        await product.records.memory.change_wishes(PERSON, lambda _: replace(PLAIN, preferences=WISHES))
        with Progress() as bar:
            for arm in chosen.arms.split(","):
                mine = [q for q in questions if q["answerable"]] if results else questions
                results[arm] = await _ask_all(
                    arm, product, mine, partial(bar.advance, bar.add_task(arm, total=len(mine)))
                )
                certainty = product.settings.certainty
                write_result("answers", summary(results, certainty, chosen.seed) | {"split": chosen.split})
                if chosen.keep:
                    chosen.keep.write_text(json.dumps({a: [asdict(one) for one in r] for a, r in results.items()}))
    print_arms(results, certainty, chosen.seed)


def split(questions: Sequence[Record], passages: Sequence[Record], part: str) -> list[Record]:
    """The questions about every second article, or about the others."""
    titles = {passage["id"]: passage["title"] for passage in passages}
    articles = sorted({titles[question["passage"]] for question in questions})
    wanted = {"tune": articles[::2], "report": articles[1::2], "all": articles}[part]
    return [question for question in questions if titles[question["passage"]] in wanted]


def draw(questions: Sequence[Record], limit: int | None, seed: int) -> list[Record]:
    """As many answerable questions as impossible ones, `limit` in all, those about one passage together."""
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
    engine = product.engine(certainty=ALWAYS, relevance=-1.0, **ARMS[arm])

    async def ask(question: Record) -> Asked:
        if arm == "none":
            return await _by_heart(product, question)
        reading, answer = await asked_alone(engine, question["question"])
        return _scored(question, answer, reading)

    return await some_at_once(ask, questions, advance)


async def some_at_once(
    ask: Callable[[Record], Awaitable[Result]], questions: Sequence[Record], advance: Callable[[], None]
) -> list[Result]:
    """What `ask` makes of each question, `TOGETHER` at a time; `advance` hears of each."""
    room = asyncio.Semaphore(TOGETHER)

    async def one(question: Record) -> Result:
        async with room:
            result = await ask(question)
        advance()
        return result

    return await asyncio.gather(*[one(question) for question in questions])


async def asked_alone(engine: Engine, question: str) -> tuple[ReadingStarted, Answer]:
    """What was read and answered, in a conversation of its own: arms must not read each other's answers."""
    message = Message("", Conversation("evals", "", uuid4().hex), PERSON, question, datetime.now(UTC))
    reading, answer = ReadingStarted(()), Answer("", Outcome.NOT_FOUND)
    async for event in engine.answer(message):
        match event:
            case ReadingStarted():
                reading = event
            case Answer():
                answer = event
    return reading, answer


async def _by_heart(product: Product, question: Record) -> Asked:
    asking = Prompt("Answer the question.", (), (), (), prompt.person_block(WISHES), question["question"])
    said = [event async for event in product.generator.generate(asking, SHORT)]
    text = "".join(piece.text for piece in said if isinstance(piece, Piece))
    return _scored(question, Answer(text, Outcome.ANSWERED), ReadingStarted(()))


def _scored(question: Record, answer: Answer, reading: ReadingStarted) -> Asked:
    truths, text = question["answers"], "" if answer.outcome is Outcome.NOT_FOUND else answer.text
    return Asked(
        question=question["question"],
        passage=question["passage"],
        answerable=question["answerable"],
        text=text,
        held=answer.held,
        exact=exact_match(text, truths),
        f1=f1(text, truths),
        contained=float(any(normalised(truth) in normalised(text) for truth in truths)),
        found=tuple(Path(ranked.passage.source).stem for ranked in reading.passages),
        cited=tuple(Path(source.passage.source).stem for source in answer.sources),
        left_out=answer.left_out,
        log_odds=answer.log_odds,
    )


if __name__ == "__main__":
    main()
