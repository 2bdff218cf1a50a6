"""What 8 bits cost: `python -m evals.quantisation` asks the default model the same in int8 and in bfloat16.

Answerable SQuAD questions with the passage that answers them, one row, greedy, nothing cached; the same prompt as the
product's. The gate: F1 of int8 within .02 of bfloat16's. `--limit` questions (200).

`--split report --forms int8` asks the very questions of `evals.answers`: how good the model is where nothing is left to
find, to rank or to refuse.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from rich.progress import Progress

from core.adapters.local_model import checkpoints, wait_on_torch_thread
from core.adapters.local_model.prefix_cache import PrefixCache
from core.adapters.local_model.torch_generator import TorchGenerator
from core.answering import prompt
from core.bootstrap import find_model
from core.domain import Passage, Piece, Prompt
from core.evaluation.scoring import exact_match, f1
from core.models.files import NoProgress
from core.models.store import protocol_for
from core.settings import Settings
from evals.answers import SHORT, WISHES, some_at_once, split
from evals.common import Record, paired_bootstrap, parser, records, sample, write_result

FORMS: tuple[checkpoints.Form, ...] = ("int8", "bfloat16")
GATE = 0.02


def main() -> None:
    """Ask in each form, print, write."""
    read = parser(__doc__ or "")
    read.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    read.add_argument("--split", choices=["tune", "report", "all"], default="all", help="as in evals.answers")
    chosen = read.parse_args()
    settings = Settings.from_env(os.environ)
    squad = chosen.data / "squad"
    passages = {record["id"]: record for record in records(squad / "passages.jsonl.gz")}
    questions = split(list(records(squad / "questions.jsonl.gz")), list(passages.values()), chosen.split)
    able = [record for record in questions if record["answerable"]]
    asked = sample(able, chosen.limit or 200, chosen.seed)
    said = {form: asyncio.run(ask_all(settings, form, asked, passages)) for form in chosen.forms}
    report("quantisation" if chosen.split == "all" else f"quantisation_{chosen.split}", asked, said, chosen.seed)


async def ask_all(
    settings: Settings, form: checkpoints.Form, asked: Sequence[Record], passages: dict[str, Record]
) -> list[str]:
    """What the model in `form` says to each question."""
    model = find_model(settings, NoProgress())
    if settings.threads:
        torch.set_num_threads(settings.threads)
    folder = checkpoints.convert(model.path, form, settings.models_folder / "converted", NoProgress(), model.adapter)
    checkpoint = wait_on_torch_thread(checkpoints.load, folder, form, torch.device("cpu"))
    protocol = protocol_for(model, settings)
    generator = wait_on_torch_thread(
        TorchGenerator, form, checkpoint, PrefixCache(0), batch_bytes=1 << 30, protocol=protocol
    )

    async def ask(question: Record) -> str:
        events = generator.generate(asking(protocol.system, question, passages[question["passage"]]), SHORT)
        return "".join([event.text async for event in events if isinstance(event, Piece)])

    with Progress() as bar:
        said = await some_at_once(ask, asked, partial(bar.advance, bar.add_task(form, total=len(asked))))
    await generator.close()
    return said


def asking(system: str, question: Record, passage: Record) -> Prompt:
    """The question with the passage that answers it, as the product would put it."""
    read = Passage(passage["id"], passage["id"], passage["title"], (), passage["text"], 1, 0, 1, "v")
    return Prompt(system, (read,), (1.0,), (), prompt.person_block(WISHES), question["question"])


def report(name: str, asked: Sequence[Record], said: dict[checkpoints.Form, list[str]], seed: int) -> None:
    """Print and write the scores of each form, and the difference of both."""
    scores = {form: _scores(f1, texts, asked) for form, texts in said.items()}
    exact = {form: float(np.mean(_scores(exact_match, texts, asked))) for form, texts in said.items()}
    means = {form: float(np.mean(each)) for form, each in scores.items()}
    result: Record = {"questions": len(asked), "seed": seed, "F1": means, "exact": exact}
    for form in said:
        print(f"{form}: F1 {means[form]:.3f}, exact {exact[form]:.3f}")
    if len(said) == len(FORMS):
        result |= _compared(said, scores, seed)
    write_result(name, result)


def _compared(
    said: dict[checkpoints.Form, list[str]], scores: dict[checkpoints.Form, list[float]], seed: int
) -> Record:
    lost = paired_bootstrap(scores["int8"], scores["bfloat16"], seed=seed)
    same = float(np.mean([a == b for a, b in zip(said["int8"], said["bfloat16"], strict=True)]))
    print(f"F1 of int8 − bfloat16: {lost.mean:+.3f} [{lost.low:+.3f}, {lost.high:+.3f}], 95 %")
    print(f"the same words: {same:.3f}; gate: no more than {GATE} lost: {'met' if lost.mean >= -GATE else 'missed'}")
    return {"F1 of int8 - bfloat16": [lost.mean, lost.low, lost.high], "same words": same}


def _scores(score: Callable[[str, list[str]], float], texts: Sequence[str], asked: Sequence[Record]) -> list[float]:
    return [float(score(text, one["answers"])) for text, one in zip(texts, asked, strict=True)]


if __name__ == "__main__":
    main()
