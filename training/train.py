"""Trains the reader: a LoRA on the base model's own weights, saved in PEFT's layout.

    python -m training.train examples.npz --out my-reader

The loss is the mean over all tokens that are to be said, each with its weight. Runs on one GPU. On a CPU it is for
trying the code: `--layers 2 --steps 3`. Knows nothing of items, passages or prompts.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from core.answering.verdict import PROTOCOLS, Calibration
from core.errors import OperatorError
from core.models.layouts import OURS, READER
from training.base import load, resolve, told
from training.batches import collated, planned
from training.examples import Example, Examples, read_examples
from training.measure import Judged, calibrated, judge, report, say_logits

RANK, ALPHA = 16, 32
RATE = 2e-4
BETAS = (0.9, 0.98)
TOKENS = 16_384  # of a step, padding included
EPOCHS = 2.0
_WARM_UP = 30  # steps, or a tenth of all where these are few
_LEAST = 0.05  # of the rate, at the end


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast: `steps` and `seconds` end the training earlier than the examples would."""

    rank: int = RANK
    alpha: int = ALPHA
    rate: float = RATE
    tokens: int = TOKENS
    accumulate: int = 1
    epochs: float = EPOCHS
    steps: int | None = None
    seconds: float = math.inf
    seed: int = 1


class Pace:
    """The share of the training that is over, by steps or by the clock, and the rate that goes with it."""

    def __init__(self, steps: int, seconds: float) -> None:
        self._steps, self._seconds = steps, seconds
        self._begun: float | None = None

    def done(self, step: int) -> float:
        """From 0 at the first step to 1 and above."""
        self._begun = self._begun or time.monotonic()
        return max(step / self._steps, (time.monotonic() - self._begun) / self._seconds)

    def factor(self, step: int) -> float:
        """What the rate is multiplied by: a short way up, then half a cosine down."""
        up = min(1.0, (step + 1) / max(1, min(_WARM_UP, self._steps // 10)))
        down = 0.5 * (1 + math.cos(math.pi * min(1.0, self.done(step))))
        return up * (_LEAST + (1 - _LEAST) * down)


class _StopsInTime(TrainerCallback):
    def __init__(self, pace: Pace) -> None:
        self._pace = pace

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ARG002
    ) -> None:
        control.should_training_stop |= self._pace.done(state.global_step) >= 1


class ReaderTrainer(Trainer):
    """transformers' trainer over batches of so many tokens, with the weighted loss."""

    def __init__(self, batches: DataLoader[Any], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._batches = batches
        self.model_accepts_loss_kwargs = False  # the loss is a mean, whatever is accumulated

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The batches as they were planned."""
        return self._batches

    def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> torch.Tensor:
        """The mean of what the said tokens cost, each with its weight."""
        costs = cross_entropy(say_logits(model, inputs), inputs["said"], reduction="none")  # (said,)
        mean: torch.Tensor = (costs * inputs["weight"]).sum() / inputs["weight"].sum()
        return mean


def adapted(model: PreTrainedModel, plan: Plan, base: str) -> PeftModel:
    """`model` with a LoRA on all of its linear layers but the last, which alone is trained."""
    torch.manual_seed(plan.seed)  # of the beginning of A; B begins as zeros
    layers: Any = model
    named = layers.get_decoder().named_modules()
    linear = sorted({name.rpartition(".")[2] for name, one in named if isinstance(one, torch.nn.Linear)})
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=0.0,
        target_modules=linear,
    )
    made = get_peft_model(model, config)
    made.peft_config["default"].base_model_name_or_path = base  # by itself it puts a path there
    return made


def train(model: PeftModel, examples: Examples, plan: Plan, out: Path) -> dict[str, Any]:
    """Train the LoRA of `model`, save it in `out`, and return what was done, which is saved beside it."""
    _print_measured("before", judge(model, examples.held_out, examples))
    trainer, used = _trainer(model, examples.trained, plan, out)
    result = trainer.train()
    judged = judge(model, examples.held_out, examples)
    _print_measured("after", judged)
    save(model, out, calibrated(judged))
    done = {
        "examples": len(examples.trained),
        "steps": result.global_step,
        "tokens": sum(used[: result.global_step * plan.accumulate]),
        "seconds": round(result.metrics["train_runtime"], 1),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }
    (out / "training.json").write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    return done


def _print_measured(when: str, judged: Judged) -> None:
    for line in report(judged):
        print(f"{when:6}  {line}")


def _trainer(model: PeftModel, rows: Sequence[Example], plan: Plan, out: Path) -> tuple[ReaderTrainer, list[int]]:
    """What trains `model` on `rows`, and the tokens of each batch."""
    lengths = [len(row.tokens) for row in rows]
    batches = planned(lengths, plan.tokens, plan.epochs, plan.seed)
    steps = math.ceil(len(batches) / plan.accumulate)
    steps = min(plan.steps or steps, steps)
    pace = Pace(steps, plan.seconds)
    optimizer = torch.optim.AdamW(
        [value for value in model.parameters() if value.requires_grad], lr=plan.rate, betas=BETAS, weight_decay=0.0
    )
    trainer = ReaderTrainer(
        DataLoader(cast("Dataset[Any]", rows), batch_sampler=batches, collate_fn=collated),
        model=model,
        args=_arguments(out, plan, steps),
        optimizers=(optimizer, LambdaLR(optimizer, pace.factor)),
        callbacks=[_StopsInTime(pace)],
    )
    return trainer, [sum(lengths[place] for place in batch) for batch in batches]


def _arguments(out: Path, plan: Plan, steps: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(out),
        max_steps=steps,
        gradient_accumulation_steps=plan.accumulate,
        learning_rate=plan.rate,
        max_grad_norm=1.0,
        logging_steps=max(1, min(20, steps // 20)),
        save_strategy="no",
        report_to="none",
        remove_unused_columns=False,
        seed=plan.seed,
        use_cpu=not torch.cuda.is_available(),
    )


def save(model: PeftModel, out: Path, calibration: Calibration) -> None:
    """Save the LoRA as PEFT does, in bfloat16, and beside it how a reader is asked and what its verdict is worth."""
    lora = {name: value.to(torch.bfloat16) for name, value in model.named_parameters() if value.requires_grad}
    model.save_pretrained(str(out), state_dict=lora, save_embedding_layers=False)
    (out / "README.md").unlink(missing_ok=True)  # a form to fill in
    reader = PROTOCOLS[READER]
    told = {
        "judging": reader.judging.value,
        "fitted_to": reader.fingerprint,
        "bias": calibration.bias,
        "weight": calibration.weight,
    }
    (out / OURS).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Load, measure, train, save, measure."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("examples", type=Path, metavar="EXAMPLES", help="what training.examples wrote")
    options.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the adapter is saved")
    options.add_argument("--model", metavar="NAME", help="default: the one that the examples were made for")
    options.add_argument("--layers", type=int, metavar="N", help="only the first N layers, to try the code")
    defaults = Plan()
    for name, kind in (("rank", int), ("alpha", int), ("rate", float), ("tokens", int), ("accumulate", int)):
        options.add_argument(f"--{name}", type=kind, default=getattr(defaults, name), help="default: %(default)s")
    options.add_argument("--epochs", type=float, default=EPOCHS, help="default: %(default)s")
    options.add_argument("--steps", type=int, metavar="N", help="at most so many")
    options.add_argument("--seconds", type=float, default=math.inf, help="at most so long; the rate falls accordingly")
    options.add_argument("--seed", type=int, default=1, metavar="N", help="default: %(default)s")
    chosen = options.parse_args()
    with told():
        _run(chosen, Plan(**{name: getattr(chosen, name) for name in Plan.__slots__}))


def _run(chosen: argparse.Namespace, plan: Plan) -> None:
    if torch.cuda.device_count() > 1:
        raise OperatorError("Several GPUs are visible, but training uses one. Set CUDA_VISIBLE_DEVICES=0.")
    examples = read_examples(chosen.examples)
    if not examples.trained:
        raise OperatorError(f"{chosen.examples} holds nothing to train on. Write more items, or hold out less.")
    base = resolve(chosen.model or examples.model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    done = train(adapted(load(base, device, chosen.layers), plan, base.name), examples, plan, chosen.out)
    print(f"{done['steps']} steps of {done['tokens']:,} tokens in {done['seconds']} s; the adapter is in {chosen.out}.")
    print(f"Use it: ATTUNE_MODEL={base.name} ATTUNE_ADAPTER={chosen.out}")


if __name__ == "__main__":
    main()
