"""How well a reader does on held-out examples: what their tokens cost it, and how well its verdicts tell yes from no.

Knows nothing of how it is trained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.answering.verdict import Calibration
from training.batches import Batch, collated, packed
from training.examples import Example, Examples

AS_THEY_ARE = Calibration(0.0, 1.0)
ENOUGH = 20  # verdicts of yes, and of no, that coefficients can be fitted to
_TOKENS = 8_192  # that are measured together


def say_logits(model: Any, batch: Batch) -> Tensor:
    """The logits of what is to be said alone, (said, vocabulary): those of all tokens would not fit."""
    inner = model.get_base_model()
    on_gpu = batch["input_ids"].device.type == "cuda"
    with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=on_gpu):
        states = inner.get_decoder()(input_ids=batch["input_ids"], use_cache=False).last_hidden_state
        logits: Tensor = inner.get_output_embeddings()(states[batch["row"], batch["place"]])
    return logits.float()


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each example, by kind: the mean cost of a token, and the log-odds of yes against no."""

    costs: Mapping[str, Sequence[float]]
    odds: Mapping[str, Sequence[float]]


def calibrated(judged: Judged) -> Calibration:
    """What the verdicts are worth, by logistic regression: yes and no weigh alike, however many there are of each.

    With too few of either, or where yes is no likelier for what holds the answer, log-odds count as they are.
    """
    held = [value for kind, values in judged.odds.items() if _says_yes(kind) for value in values]
    lacking = [value for kind, values in judged.odds.items() if kind.startswith("no: ") for value in values]
    if min(len(held), len(lacking)) < ENOUGH:
        return AS_THEY_ARE
    odds = np.array([*held, *lacking])[:, None]  # (examples, 1)
    fit = LogisticRegression(class_weight="balanced").fit(odds, [1] * len(held) + [0] * len(lacking))
    bias, weight = float(fit.intercept_[0]), float(fit.coef_[0, 0])
    return Calibration(round(bias, 3), round(weight, 3)) if weight > 0 else AS_THEY_ARE


def report(judged: Judged) -> Iterator[str]:
    """A line a kind of example: mean cost in nats of a token and, where it is refused, how many are.

    AUROC: how likely an example of this kind has lower log-odds of yes than one whose verdict is yes.
    """
    for kind, costs in sorted(judged.costs.items()):
        line = f"{kind}: {len(costs)}, {sum(costs) / len(costs):.3f} nats a token"
        if kind.startswith("no: ") or kind == "check: no":
            odds = judged.odds[kind]
            yes = [value for other, values in judged.odds.items() if _answers(other, kind) for value in values]
            line += f", {sum(value < 0 for value in odds) / len(odds):.0%} refused"
            if yes:
                line += f", AUROC {roc_auc_score([1] * len(yes) + [0] * len(odds), [*yes, *odds]):.3f}"
        yield line


def _answers(kind: str, refused: str) -> bool:
    """Whether examples of `kind` are asked as those of the kind `refused` are, and hold the answer."""
    return kind == "check: yes" if refused == "check: no" else _says_yes(kind)


def _says_yes(kind: str) -> bool:
    return not kind.startswith(("no: ", "plain ", "check: "))


@torch.no_grad()
def judge(model: Any, rows: Sequence[Example], examples: Examples) -> Judged:
    """What each of `rows` costs `model`, and how it judges."""
    costs, odds = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    device = next(model.parameters()).device
    model.eval()
    for places in packed(range(len(rows)), [len(row.tokens) for row in rows], _TOKENS):
        some = [rows[place] for place in places]
        parts: dict[str, Any] = {**collated(some)}
        batch: Any = {name: tensor.to(device) for name, tensor in parts.items()}
        logits = say_logits(model, batch)
        each = cross_entropy(logits, batch["said"], reduction="none")
        for row, example in enumerate(some):
            mine = batch["row"] == row
            first = logits[mine][0]
            costs[example.kind].append(float(each[mine].mean()))
            odds[example.kind].append(float(first[examples.yes] - first[examples.no]))
    model.train()
    return Judged(dict(costs), dict(odds))
