"""How well a reader does on held-out examples: what their tokens cost it, and how well its verdicts tell yes from no.

Knows nothing of how it is trained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.batches import Batch, collated, packed
from training.examples import Examples

_TOKENS = 8_192  # that are measured together


def say_logits(model: Any, batch: Batch) -> Tensor:
    """The logits of what is to be said alone, (said, vocabulary): those of all tokens would not fit."""
    inner = model.get_base_model()
    on_gpu = batch["input_ids"].device.type == "cuda"
    with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=on_gpu):
        states = inner.get_decoder()(input_ids=batch["input_ids"], use_cache=False).last_hidden_state
        logits: Tensor = inner.get_output_embeddings()(states[batch["row"], batch["place"]])
    return logits.float()


@torch.no_grad()
def measure(model: Any, examples: Examples) -> Iterator[str]:
    """A line a kind of held-out example: mean cost in nats of a token and, of verdicts, how many are right.

    AUROC: how likely an example of this kind has lower log-odds of yes than one whose verdict is yes.
    """
    costs, odds = _judged(model, examples)
    for kind, values in sorted(costs.items()):
        line = f"{kind}: {len(values)}, {sum(values) / len(values):.3f} nats a token"
        asked = "check: " if kind.startswith("check: ") else ""
        if kind.startswith(f"{asked}no"):
            yes = [value for other, scores in odds.items() if _says_yes(other, asked) for value in scores]
            line += f", {sum(value < 0 for value in odds[kind]) / len(odds[kind]):.0%} refused"
            if yes:
                truths = [1] * len(yes) + [0] * len(odds[kind])
                line += f", AUROC {roc_auc_score(truths, [*yes, *odds[kind]]):.3f}"
        yield line


def _says_yes(kind: str, asked: str) -> bool:
    """Whether `kind` begins with yes, and is asked in the same way."""
    return kind == "check: yes" if asked else not kind.startswith(("no: ", "plain ", "check: "))


def _judged(model: Any, examples: Examples) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The mean cost of a token of each example, and its log-odds of yes against no, by kind."""
    costs, odds = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    rows = examples.held_out
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
    return dict(costs), dict(odds)
