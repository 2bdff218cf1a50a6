"""What 8 bits cost: `python -m evals.quantisation` asks the default model the same in int8 and in bfloat16.

Answerable SQuAD questions with the passage that answers them, one row, greedy, nothing cached; the same prompt as the
product's. The gate: F1 of int8 within .02 of bfloat16's. `--limit` questions (200).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial

import torch
from rich.progress import Progress

from core import prompt
from core.adapters import checkpoints, torch_thread
from core.adapters.prefix_cache import PrefixCache
from core.adapters.torch_generator import TorchGenerator
from core.domain import Passage, Piece, Prompt
from core.model_store import ModelStore
from core.models.files import Silent
from core.scoring import exact_match, f1
from core.settings import Settings
from evals.answers import SHORT, WISHES, some_at_once
from evals.common import Options, Record, options, paired_bootstrap, records, sample, write_result

FORMS: tuple[checkpoints.Form, ...] = ("int8", "bfloat16")
GATE = 0.02


def main(chosen: Options) -> None:
    """Ask in both forms, print, write."""
    settings = Settings.from_env(os.environ)
    passages = {record["id"]: record for record in records(chosen.data / "squad" / "passages.jsonl.gz")}
    able = [record for record in records(chosen.data / "squad" / "questions.jsonl.gz") if record["answerable"]]
    asked = sample(able, chosen.limit or 200, chosen.seed)
    said = {form: asyncio.run(ask_all(settings, form, asked, passages)) for form in FORMS}
    report(asked, said, chosen.seed)


async def ask_all(
    settings: Settings, form: checkpoints.Form, asked: Sequence[Record], passages: dict[str, Record]
) -> list[str]:
    """What the model in `form` says to each question."""
    source = ModelStore(settings.models_folder).resolve(settings.model).path
    if settings.threads:
        torch.set_num_threads(settings.threads)
    folder = checkpoints.convert(source, form, settings.models_folder / "converted", Silent())
    checkpoint = torch_thread.block(checkpoints.load, folder, form, torch.device("cpu"))
    generator = torch_thread.block(TorchGenerator, form, checkpoint, PrefixCache(0), batch_bytes=1 << 30)

    async def ask(question: Record) -> str:
        events = generator.generate(asking(question, passages[question["passage"]]), SHORT)
        return "".join([event.text async for event in events if isinstance(event, Piece)])

    with Progress() as bar:
        said = await some_at_once(ask, asked, partial(bar.advance, bar.add_task(form, total=len(asked))))
    await generator.close()
    return said


def asking(question: Record, passage: Record) -> Prompt:
    """The question with the passage that answers it, as the product would put it."""
    read = Passage(passage["id"], passage["id"], passage["title"], (), passage["text"], 1, 0, 1, "v")
    return Prompt(prompt.SYSTEM, (read,), (1.0,), (), prompt.person_block(WISHES), question["question"])


def report(asked: Sequence[Record], said: dict[checkpoints.Form, list[str]], seed: int) -> None:
    """Print and write both forms' scores and their difference."""
    scores = {
        form: [f1(text, one["answers"]) for text, one in zip(texts, asked, strict=True)] for form, texts in said.items()
    }
    exact = {
        form: sum(exact_match(text, one["answers"]) for text, one in zip(texts, asked, strict=True)) / len(asked)
        for form, texts in said.items()
    }
    difference = paired_bootstrap(scores["int8"], scores["bfloat16"], seed=seed)
    same = sum(a == b for a, b in zip(said["int8"], said["bfloat16"], strict=True)) / len(asked)
    means = {form: sum(each) / len(each) for form, each in scores.items()}
    for form in FORMS:
        print(f"{form}: F1 {means[form]:.3f}, exact {exact[form]:.3f}")
    print(f"F1 of int8 − bfloat16: {difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}], 95 %")
    print(
        f"the same words: {same:.3f}; gate: no more than {GATE} lost: {'met' if difference.mean >= -GATE else 'missed'}"
    )
    write_result(
        "quantisation",
        {
            "questions": len(asked),
            "seed": seed,
            "F1": means,
            "exact": exact,
            "F1 of int8 - bfloat16": [difference.mean, difference.low, difference.high],
            "same words": same,
        },
    )


if __name__ == "__main__":
    main(options(__doc__ or ""))
