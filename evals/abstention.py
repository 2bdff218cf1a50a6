"""When not to answer: fits `core.abstention` and checks it elsewhere: `python -m evals.abstention`.

The coefficients are fitted by logistic regression on SQuAD's articles for tuning (see `evals.answers`), and checked on
its other articles and on a second set: conversations (LoCoMo) of which half of the questions ask for what was never
said. Each question goes through the product's search and the model's check; nothing is decoded. `--limit` questions a
set, half of them with an answer.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from core.abstention import DEFAULT
from core.domain import Decoding, Mode
from evals.answer_scores import auroc
from evals.answers import ALWAYS, asked_alone, draw, ingest_passages, some_at_once, split
from evals.common import Options, Record, options, records, write_result
from evals.product import Product, open_product

SINGLE_HOP, NEVER_SAID = 4, 5  # LoCoMo's categories


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a question before its answer."""

    answerable: bool
    log_odds: float
    dense: float


def main(chosen: Options) -> None:
    """Ask, fit, print, write."""
    asyncio.run(run(chosen))


async def run(chosen: Options) -> None:
    """Gather the evidence of all three sets."""
    limit = chosen.limit or 240
    squad = chosen.data / "squad"
    passages, questions = list(records(squad / "passages.jsonl.gz")), list(records(squad / "questions.jsonl.gz"))
    sets = {name: draw(split(questions, passages, part), limit, chosen.seed) for name, part in PARTS.items()}
    with Progress() as bar:
        advances = {name: partial(bar.advance, bar.add_task(name, total=limit)) for name in (*sets, "locomo")}
        async with open_product() as product:
            await ingest_passages(product, passages)
            found = {name: await ask_all(product, asked, advances[name]) for name, asked in sets.items()}
        async with open_product() as product:
            asked = await ingest_conversations(
                product, list(records(chosen.data / "locomo" / "conversations.jsonl.gz"))
            )
            found["locomo"] = await ask_all(product, draw(asked, limit, chosen.seed), advances["locomo"])
    report(found, chosen.seed)


PARTS = {"squad, tuning": "tune", "squad, others": "report"}


async def ask_all(product: Product, questions: Sequence[Record], advance: Callable[[], None]) -> list[Evidence]:
    """The evidence of each question."""
    engine = product.engine(
        certainty=ALWAYS, calibration=DEFAULT, relevance=-1.0, decoding=Decoding(Mode.SEQUENCE, max_tokens=1)
    )

    async def ask(question: Record) -> Evidence:
        reading, answer = await asked_alone(engine, question["question"])
        return Evidence(question["answerable"], max(answer.log_odds), max(one.dense for one in reading.passages))

    return await some_at_once(ask, questions, advance)


async def ingest_conversations(product: Product, conversations: Sequence[Record]) -> list[Record]:
    """Ingest each session as a file of what was said; the questions about them."""
    asked: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        for conversation in conversations:
            for name, session in sessions(conversation["conversation"]).items():
                said = "\n\n".join(f"{turn['speaker']}: {turn['text']}" for turn in session)
                file = Path(folder) / f"{conversation['sample_id']}-{name}.txt"
                file.write_text(f"{conversation['conversation'][f'{name}_date_time']}\n\n{said}\n", encoding="utf-8")
            asked += [
                {"question": qa["question"], "passage": conversation["sample_id"], "answerable": category == SINGLE_HOP}
                for qa in conversation["qa"]
                if (category := qa["category"]) in (SINGLE_HOP, NEVER_SAID)
            ]
        await product.ingester.ingest([Path(folder)])
    return asked


def sessions(conversation: Record) -> Record:
    """The sessions of a conversation by name."""
    return {name: said for name, said in conversation.items() if name.startswith("session_") and isinstance(said, list)}


def fit(evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    """Bias and weights of log-odds and cosine, by logistic regression."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # comes with sentence-transformers

    model = LogisticRegression(C=10.0).fit(_features(evidence), [one.answerable for one in evidence])
    return np.array([model.intercept_[0], *model.coef_[0]])


def _features(evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    return np.array([[one.log_odds, one.dense] for one in evidence])


def probabilities(weights: NDArray[np.float64], evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    """p(held) of each question."""
    return np.asarray(1 / (1 + np.exp(-(weights[0] + _features(evidence) @ weights[1:]))))


def report(found: dict[str, list[Evidence]], seed: int) -> None:
    """Print and write coefficients, AUROC and the curve of refusals."""
    fitted, used = fit(found["squad, tuning"]), np.array([DEFAULT.bias, DEFAULT.check, DEFAULT.dense])
    print("fitted:", dict(zip(("bias", "check", "dense"), fitted.round(3).tolist(), strict=True)))
    print("in core.abstention:", dict(zip(("bias", "check", "dense"), used.tolist(), strict=True)))
    table = Table("set", "questions", "AUROC", "AUROC, check alone", "AUROC, cosine alone", *map(str, CERTAINTIES))
    result: Record = {"seed": seed, "fitted": fitted, "used": used, "sets": {}}
    for name, evidence in found.items():
        held = probabilities(used, evidence)
        able = np.array([one.answerable for one in evidence])
        scores = [held, np.array([one.log_odds for one in evidence]), np.array([one.dense for one in evidence])]
        areas = [auroc(score[able].tolist(), score[~able].tolist()) for score in scores]
        refused = [(float((held[~able] < c).mean()), float((held[able] < c).mean())) for c in CERTAINTIES]
        cells = [f"{right:.2f} / {wrong:.2f}" for right, wrong in refused]
        table.add_row(name, str(len(evidence)), *[f"{area:.3f}" for area in areas], *cells)
        curve = {str(c): pair for c, pair in zip(CERTAINTIES, refused, strict=True)}
        result["sets"][name] = {"questions": len(evidence), "AUROC": areas, "refused, rightly and wrongly": curve}
    Console(width=200).print(table)
    print("columns of numbers: at that certainty, refused rightly / wrongly")
    write_result("abstention", result)


CERTAINTIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


if __name__ == "__main__":
    main(options(__doc__ or ""))
