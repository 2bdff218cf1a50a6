"""When not to answer: fits what the verdicts are worth, and checks it elsewhere: `python -m evals.abstention`.

The coefficients, which stand beside the model's words in `core/answering/prompt.py`, are fitted by logistic regression
on SQuAD's articles for tuning (see `evals.answers`), on every third question of the handbook (handbook.jsonl) and on
every second about Attune's own guides (guides.jsonl); the three sets, and questions with and without an answer, have
equal weight. They are checked on SQuAD's other articles, on the other questions of the handbook and the guides, and on
conversations (LoCoMo) of which half of the questions ask for what was never said. Each question goes through search,
every passage is judged, and nothing is decoded. `--limit` questions a set of SQuAD or LoCoMo, half of them with an
answer; `--sets` names some sets.
"""

from __future__ import annotations

import asyncio
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bots.own_guides import own_documents
from core.answering.verdict import Calibration
from core.domain import Decoding, Mode
from core.evaluation.questions import read_questions
from evals.answer_scores import auroc
from evals.answers import ALWAYS, asked_alone, draw, ingest_passages, some_at_once, split
from evals.common import Record, parser, records, write_result
from evals.handbook import QUESTIONS
from evals.product import Product, open_product

SINGLE_HOP, NEVER_SAID = 4, 5  # LoCoMo's categories
LIMIT = 240  # questions of a set
READ_ALL = 2.0  # no verdict is as clear as this
SQUAD_TUNING, HANDBOOK_TUNING, GUIDES_TUNING = "squad, tuning", "handbook, tuning", "guides, tuning"
FITTED_ON = (SQUAD_TUNING, HANDBOOK_TUNING, GUIDES_TUNING)
GUIDES = Path(__file__).with_name("guides.jsonl")

Sets = dict[str, list[Record]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a question before its answer."""

    answerable: bool
    log_odds: float
    dense: float


Found = dict[str, list[Evidence]]


def main() -> None:
    """Ask, fit, print, write."""
    chosen = parser(__doc__ or "")
    chosen.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    asyncio.run(run(chosen.parse_args()))


async def run(chosen: Namespace) -> None:
    """Gather the evidence of all sets."""
    found: Found = {}
    calibration = Calibration(0.0, 1.0)
    with Progress() as bar:
        for name in chosen.sets:
            async with open_product() as product:
                calibration = product.generator.protocol.calibration or calibration
                for part, asked in (await GATHERED[name](product, chosen)).items():
                    found[part] = await ask_all(
                        product, asked, partial(bar.advance, bar.add_task(part, total=len(asked)))
                    )
    report(found, calibration, chosen.seed)


async def squad(product: Product, chosen: Namespace) -> Sets:
    """SQuAD's articles for tuning, and the others."""
    folder = chosen.data / "squad"
    passages, questions = list(records(folder / "passages.jsonl.gz")), list(records(folder / "questions.jsonl.gz"))
    await ingest_passages(product, passages)
    return {
        name: draw(split(questions, passages, part), chosen.limit or LIMIT, chosen.seed)
        for name, part in ((SQUAD_TUNING, "tune"), ("squad, others", "report"))
    }


async def handbook(product: Product, chosen: Namespace) -> Sets:
    """A colleague's questions: every third one of those with and of those without an answer, and the others."""
    await product.ingester.ingest([chosen.data / "handbook"])
    tuning, others = _divided(QUESTIONS, 3)
    return {HANDBOOK_TUNING: tuning, "handbook, others": others}


async def guides(product: Product, _: Namespace) -> Sets:
    """What somebody asks of Attune itself in the first conversation: every second question, and the others."""
    await product.ingester.ingest(own_documents())
    tuning, others = _divided(GUIDES, 2)
    return {GUIDES_TUNING: tuning, "guides, others": others}


def _divided(file: Path, every: int) -> tuple[list[Record], list[Record]]:
    """One in `every` of the questions that have an answer, and of those that have none; and the others."""
    read = [{"question": one.text, "answerable": one.answerable} for one in read_questions(file)]
    by_kind = [[one for one in read if one["answerable"] is kind] for kind in (True, False)]
    tuning = [one for kind in by_kind for one in kind[::every]]
    return tuning, [one for kind in by_kind for place, one in enumerate(kind) if place % every]


async def locomo(product: Product, chosen: Namespace) -> Sets:
    """Questions about conversations, half of them about what was never said."""
    conversations = list(records(chosen.data / "locomo" / "conversations.jsonl.gz"))
    return {"locomo": draw(await ingest_conversations(product, conversations), chosen.limit or LIMIT, chosen.seed)}


GATHERED: Mapping[str, Callable[[Product, Namespace], Awaitable[Sets]]] = {
    "squad": squad,
    "handbook": handbook,
    "guides": guides,
    "locomo": locomo,
}
SETS = tuple(GATHERED)


async def ask_all(product: Product, questions: Sequence[Record], advance: Callable[[], None]) -> list[Evidence]:
    """The evidence of each question."""
    engine = product.engine(
        certainty=ALWAYS, relevance=-1.0, decoding=Decoding(Mode.SEQUENCE, max_tokens=1, clear=READ_ALL)
    )

    async def ask(question: Record) -> Evidence:
        reading, answer = await asked_alone(engine, question["question"])
        return Evidence(
            question["answerable"],
            max(odds for odds in answer.log_odds if odds is not None),
            max(one.dense for one in reading.passages),
        )

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


def fit(sets: Sequence[Sequence[Evidence]]) -> NDArray[np.float64]:
    """Bias and weight of the log-odds, by logistic regression; sets and kinds of questions weigh the same."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # comes with sentence-transformers

    evidence = [one for each in sets for one in each]
    weights = [weight for each in sets for weight in _balanced(each)]
    able, log_odds = [one.answerable for one in evidence], [[one.log_odds] for one in evidence]
    model = LogisticRegression(C=10.0).fit(log_odds, able, sample_weight=np.array(weights) * len(evidence))
    return np.array([model.intercept_[0], *model.coef_[0]])


def _balanced(evidence: Sequence[Evidence]) -> list[float]:
    count = Counter(one.answerable for one in evidence)
    return [0.5 / count[one.answerable] for one in evidence]


def report(found: Found, calibration: Calibration, seed: int) -> None:
    """Print and write coefficients (fitted on what was asked of the sets for it), AUROC and the curve of refusals."""
    used = asdict(calibration)
    asked = [name for name in FITTED_ON if name in found]
    fitted = fit([found[name] for name in asked]) if asked else None
    if fitted is not None:
        print(f"fitted on {', '.join(asked)}:", dict(zip(("bias", "weight"), fitted.round(3).tolist(), strict=True)))
    print("in core.answering.prompt:", used)
    table = Table("set", "questions", "AUROC", "AUROC, cosine alone", *map(str, CERTAINTIES))
    result: Record = {"seed": seed, "fitted": fitted, "used": list(used.values()), "sets": {}}
    for name, evidence in found.items():
        held = np.array([calibration.probability_held([one.log_odds]) for one in evidence])
        able = np.array([one.answerable for one in evidence])
        scores = [held, np.array([one.dense for one in evidence])]
        areas = [auroc(score[able].tolist(), score[~able].tolist()) for score in scores]
        refused = [(float((held[~able] < c).mean()), float((held[able] < c).mean())) for c in CERTAINTIES]
        cells = [f"{right:.2f} / {wrong:.2f}" for right, wrong in refused]
        table.add_row(name, str(len(evidence)), *[f"{area:.3f}" for area in areas], *cells)
        curve = {str(c): pair for c, pair in zip(CERTAINTIES, refused, strict=True)}
        result["sets"][name] = {"questions": len(evidence), "AUROC": areas, "refused, rightly and wrongly": curve}
    Console(width=200).print(table)
    print("columns of numbers: at that certainty, refused rightly / wrongly")
    write_result("abstention", result)


CERTAINTIES = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)


if __name__ == "__main__":
    main()
