"""Examples → batches of about so many tokens, of examples that are about as long, in an order drawn once.

Knows nothing of models, losses or what the tokens say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from training.examples import Example

_TOGETHER = 512  # examples, drawn at random, that are sorted by length and cut into batches


class Batch(TypedDict):
    """Some examples. Token i of those to be said is read off row `row[i]` at place `place[i]`."""

    input_ids: Tensor  # (rows, longest), zeros behind the shorter ones
    row: Tensor  # (said,)
    place: Tensor  # (said,)
    said: Tensor  # (said,)
    weight: Tensor  # (said,)


def planned(lengths: Sequence[int], tokens: int, epochs: float, seed: int) -> list[list[int]]:
    """Places of the examples of each batch, for all `epochs`: at most `tokens` each, padding included."""
    drawn = np.random.default_rng(seed)
    batches: list[list[int]] = []
    for epoch in range(math.ceil(epochs)):
        order = drawn.permutation(len(lengths)).tolist()
        chunks = [order[start : start + _TOGETHER] for start in range(0, len(order), _TOGETHER)]
        made = [pack for chunk in chunks for pack in packed(chunk, lengths, tokens)]
        shuffled = [made[place] for place in drawn.permutation(len(made))]
        batches += shuffled[: math.ceil(len(shuffled) * min(1.0, epochs - epoch))]
    return batches


def packed(places: Sequence[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """`places` by length, as many together as have at most `tokens`; one that has more stands alone."""
    batch: list[int] = []
    for place in sorted(places, key=lengths.__getitem__):
        if batch and lengths[place] * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def collated(examples: Sequence[Example]) -> Batch:
    """The examples as tensors. Those of a row see only what stands before them, so zeros behind need no mask."""
    ids = torch.zeros(len(examples), max(len(one.tokens) for one in examples), dtype=torch.long)
    rows, places, said, weights = [], [], [], []
    for row, example in enumerate(examples):
        tokens = torch.tensor(example.tokens)
        ids[row, : len(tokens)] = tokens
        said.append(tokens[example.start :])
        places.append(torch.arange(example.start - 1, len(tokens) - 1))  # a token is read off the one before it
        rows.append(torch.full((len(tokens) - example.start,), row))
        weights.append(torch.from_numpy(example.weights))
    return Batch(
        input_ids=ids, row=torch.cat(rows), place=torch.cat(places), said=torch.cat(said), weight=torch.cat(weights)
    )
