"""How many quiz questions stand their examination, and why the others fall: `python -m evals.quiz --limit 100`.

The reader writes a question on each of so many passages of the handbook, drawn with the seed. What it wrote, how each
stood and what is kept goes to results/quiz.json, for whoever judges by hand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from core.answering.sources import whole
from core.domain import Passage
from core.learning.course import LEAST_TEXT
from core.learning.examiner import Examination, Examiner
from core.learning.study import QuizQuestion
from core.people.preferences import Level
from evals.common import Options, Record, options, sample, write_result
from evals.product import Product, open_product

QUESTIONS = 100
AT_ONCE = 4  # questions that are written in one batch


async def main(chosen: Options) -> None:
    """Ingest the handbook, have questions written and examined, write what came."""
    async with open_product() as product:
        await product.ingester.ingest([chosen.data / "handbook"])
        passages = sample(await _passages(product), chosen.limit or QUESTIONS, chosen.seed)
        examiner, room = Examiner(product.generator), asyncio.Semaphore(AT_ONCE)

        async def one(passage: Passage) -> Record:
            async with room:
                question, examination = await examiner.attempt(passage, Level.PRACTITIONER)
            record = _record(passage, question, examination)
            print(record, flush=True)
            return record

        rows = await asyncio.gather(*map(one, passages))
    write_result("quiz", {"seed": chosen.seed, **summary(rows), "questions": rows})


async def _passages(product: Product) -> list[Passage]:
    """All passages that are worth a question, in order."""
    documents = sorted(await product.index.documents(), key=lambda document: document.source)
    found = [passage for document in documents for passage in await whole(document, product.index)]
    return [passage for passage in found if len(passage.text) >= LEAST_TEXT]


def _record(passage: Passage, question: QuizQuestion | None, examination: Examination) -> Record:
    asked = asdict(question) if question else {}
    return {"source": Path(passage.source).name, "place": passage.heading_path, **asked, **asdict(examination)}


def summary(rows: list[Record]) -> Record:
    """How many were kept, why the others fell, and how often the right option is the longest of those kept."""
    kept = [row for row in rows if not row["fault"]]
    longest = [len(row["options"][row["right"]]) >= max(map(len, row["options"])) for row in kept]
    return {
        "written": len(rows),
        "kept": len(kept),
        "faults": dict(Counter(row["fault"] for row in rows if row["fault"]).most_common()),
        "longest_is_right": sum(longest) / max(len(kept), 1),
    }


if __name__ == "__main__":
    asyncio.run(main(options(__doc__ or "")))
