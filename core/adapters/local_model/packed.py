"""A transformers model over many sequences of different length at once, without padding.

The tokens of all sequences stand one after another in a single packed line. Linear layers see only that line;
attention is computed for each sequence alone over its own keys and values, so that every sequence gets the logits
it would get by itself. Works for decoder models whose attention goes through transformers' attention interface.
Knows nothing of passages, prompts or sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from core.adapters.local_model.int8 import Int8Linear

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NAME = "attune_packed"
_BY_ITSELF = 9  # so few tokens attend one by one: a guess is then the same number, bit by bit, as without guessing
_SPARE_TOKENS = 64  # room beyond what is asked for, so that a growing answer seldom moves


class CachedRow:
    """The keys and values of one sequence. The buffer grows as the sequence does."""

    def __init__(self, model: PackedModel, capacity: int) -> None:
        shape = (model.layers, model.kv_heads, capacity, model.head_dim)
        self._keys = torch.empty(shape, dtype=model.dtype, device=model.device)
        self._values = torch.empty_like(self._keys)
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes that the buffer takes."""
        return self._keys.nbytes + self._values.nbytes

    def reserve(self, length: int) -> None:
        """Make room for `length` tokens in all."""
        if length > self._keys.shape[2]:
            self._keys, self._values = (_grown(old, length + _SPARE_TOKENS) for old in (self._keys, self._values))

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write (kv_heads, new, head_dim) behind what is there; returns all of the layer so far."""
        end = self.length + keys.shape[1]
        self._keys[layer, :, self.length : end] = keys
        self._values[layer, :, self.length : end] = values
        return self._keys[layer, :, :end], self._values[layer, :, :end]

    @property
    def device(self) -> torch.device:
        """Where the buffer lies."""
        return self._keys.device

    def copy(self, start: int = 0) -> tuple[Tensor, Tensor]:
        """Keys and values from `start` on, (layers, kv_heads, length - start, head_dim) each."""
        place = slice(start, self.length)
        return self._keys[:, :, place].clone(), self._values[:, :, place].clone()

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Go on with what `copy` gave, which has to be of the same place in the sequence."""
        end = self.length + keys.shape[2]
        self.reserve(end)
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end


def _grown(buffer: Tensor, capacity: int) -> Tensor:
    layers, heads, used, features = buffer.shape
    grown = buffer.new_empty((layers, heads, capacity, features))
    grown[:, :, :used] = buffer
    return grown


@dataclass(frozen=True, slots=True)
class _Span:
    """The place of one sequence's new tokens in the packed line."""

    row: CachedRow
    start: int
    end: int
    mask: Tensor | None  # (new, length + new), None where each token goes by itself and sees all before it


class PackedModel:
    """Runs steps of a causal language model over packed sequences."""

    def __init__(self, model: PreTrainedModel) -> None:
        AttentionInterface.register(_NAME, _attend)
        model.set_attn_implementation(_NAME)
        config = model.config
        self._model = model
        self.layers = int(config.num_hidden_layers)
        self.kv_heads = int(config.num_key_value_heads)
        self.head_dim = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        self.device = model.device
        self.dtype = next(parameter.dtype for parameter in model.parameters())

    @property
    def bytes_per_token(self) -> int:
        """Bytes of keys and values that a token takes in a row."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.dtype.itemsize

    def linear_layers(self) -> list[Int8Linear]:
        """The int8 matrices in the order of the model, the output layer last."""
        return [module for module in self._model.modules() if isinstance(module, Int8Linear)]

    @torch.inference_mode()
    def step(self, work: Sequence[tuple[CachedRow, Sequence[int]]], wanted: Sequence[int] | None = None) -> Tensor:
        """Feed each row its new tokens; logits after the last of them, float32 (wanted, vocab).

        `wanted` says after how many tokens of each row, counted from its end; None means one of each. The output layer
        is a sixth of the 1.5B model, and no row needs it in the middle of its prompt.
        """
        for row, tokens in work:
            row.reserve(row.length + len(tokens))
        spans = _spans(work, self.device)
        counts = [1] * len(work) if wanted is None else wanted
        lasts = [
            place for span, count in zip(spans, counts, strict=True) for place in range(span.end - count, span.end)
        ]
        ids = [token for _, tokens in work for token in tokens]
        positions = [row.length + offset for row, tokens in work for offset in range(len(tokens))]
        output = self._model(
            input_ids=torch.tensor([ids], device=self.device),  # (1, total)
            position_ids=torch.tensor([positions], device=self.device),
            use_cache=False,
            logits_to_keep=torch.tensor(lasts or [0], device=self.device),  # the layer takes no empty line
            spans=spans,
        )
        for row, tokens in work:
            row.length += len(tokens)
        logits: Tensor = output.logits[0, : len(lasts)].float()
        return logits


def _spans(work: Sequence[tuple[CachedRow, Sequence[int]]], device: torch.device) -> list[_Span]:
    spans, start = [], 0
    for row, tokens in work:
        spans.append(_Span(row, start, start + len(tokens), _causal_mask(row.length, len(tokens), device)))
        start += len(tokens)
    return spans


def _causal_mask(old: int, new: int, device: torch.device) -> Tensor | None:
    if new <= _BY_ITSELF:
        return None
    return torch.ones(new, old + new, dtype=torch.bool, device=device).tril(old)


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001  # each span has its own
    *,
    scaling: float,
    spans: list[_Span],
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention of transformers' interface: query (1, heads, total, head_dim) → (1, total, heads, head_dim)."""
    output = torch.empty_like(query)
    for span in spans:
        place = slice(span.start, span.end)
        keys, values = span.row.extend(module.layer_idx, key[0, :, place], value[0, :, place])
        if span.mask is None:
            for token in range(span.start, span.end):
                seen = keys.shape[1] - (span.end - 1 - token)
                output[:, :, token] = _attend_one(query[:, :, token], keys[:, :seen], values[:, :seen], scaling)
        else:
            output[:, :, place] = scaled_dot_product_attention(
                query[:, :, place], keys[None], values[None], attn_mask=span.mask, scale=scaling, enable_gqa=True
            )
    return output.transpose(1, 2), None


def _attend_one(query: Tensor, keys: Tensor, values: Tensor, scaling: float) -> Tensor:
    """One token, (1, heads, head_dim): the heads that share keys go through as rows of one query, without a mask."""
    folded = query.reshape(1, keys.shape[0], -1, query.shape[2])
    return scaled_dot_product_attention(folded, keys[None], values[None], scale=scaling).view(query.shape)
