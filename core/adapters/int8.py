"""Matrices of 8-bit integers: the form the language model has on a CPU.

A weight matrix keeps one scale for each output channel, an activation one for each row (token), both symmetric:
    y[t, o] = Σ_i q(x)[t, i] · q(W)[o, i] · s_x[t] · s_W[o],   q(v) = round(v / s),   s = max|v| / 127
The sum is exact in int32 (`torch._int_mm`, which uses VNNI where the CPU has it). Knows nothing of models or files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_TINY = 1e-12  # keeps a row of zeros from dividing by zero


def quantize_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """Quantize each row of `x` (rows, features) by its own scale: int8 (rows, features), float32 (rows, 1)."""
    scale = x.abs().amax(dim=1, keepdim=True).float().clamp_(min=_TINY).div_(127.0)
    return torch.round(x / scale).to(torch.int8), scale


class Int8Linear(nn.Module):
    """A linear layer over int8 weights. Takes and returns floating point, as `nn.Linear` does."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, *, bias: bool) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.register_buffer("weight", torch.empty(out_features, in_features, dtype=torch.int8))
        self.register_buffer("scale", torch.empty(out_features))
        self.register_buffer("bias", torch.empty(out_features) if bias else None)

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, in_features) to (…, out_features)."""
        rows, row_scale = quantize_rows(x.reshape(-1, self.in_features))  # (rows, in), (rows, 1)
        product = torch._int_mm(rows, self.weight.t())  # noqa: SLF001  # (rows, out) int32; torch has no public name
        y = product.float().mul_(self.scale).mul_(row_scale)
        if self.bias is not None:
            y.add_(self.bias)
        return y.to(x.dtype).view(*x.shape[:-1], self.out_features)


class Int8Embedding(nn.Module):
    """A table of token vectors in int8, one scale a row."""

    weight: Tensor
    scale: Tensor

    def __init__(self, rows: int, features: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.empty(rows, features, dtype=torch.int8))
        self.register_buffer("scale", torch.empty(rows))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up ids (…) as float32 (…, features)."""
        return self.weight[ids].float() * self.scale[ids].unsqueeze(-1)


def quantize_modules(model: nn.Module) -> None:
    """Put int8 modules in the place of every linear layer and embedding of `model`, values still to be loaded."""
    for name, module in list(model.named_modules()):
        twin = _int8_twin(module)
        if twin is not None:
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, twin)


def _int8_twin(module: nn.Module) -> nn.Module | None:
    if isinstance(module, nn.Linear):
        return Int8Linear(module.in_features, module.out_features, bias=module.bias is not None)
    if isinstance(module, nn.Embedding):
        return Int8Embedding(module.num_embeddings, module.embedding_dim)
    return None
