"""Matrices of 8-bit integers: the form the language model has on a CPU.

A weight matrix keeps one scale for each output channel, an activation one for each row (token), both symmetric:
    y[t, o] = Σ_i q(x)[t, i] · q(W)[o, i] · s_x[t] · s_W[o],   q(v) = round(v / s),   s = max|v| / 127
How the sum is computed is a kernel's business (`int8_kernels.py`). Layers that read the same input (queries, keys and
values; gate and up) go through one matrix. Knows nothing of models or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import torch
from torch import Tensor, nn

from core.adapters.local_model.int8_kernels import IntMM, Kernel, Product, quantize_rows

MANY_TOKENS = 100_000  # of a vocabulary whose table is most of a small model
_ROWS = 16_384  # of a table at once
_SAME_INPUT = (  # names in transformers' decoder models, and in its BERT
    ("q_proj", "k_proj", "v_proj"),
    ("gate_proj", "up_proj"),
    ("query", "key", "value"),
)


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
        self._shared: _SharedInput | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, in_features) to (…, out_features)."""
        if self._shared is None:
            self._shared = _SharedInput([self], IntMM)
        return self._shared.output(self, x)

    @property
    def kernel(self) -> str:
        """The name of the kernel that computes it, as far as that was chosen."""
        return self._shared.kernel if self._shared else ""

    def prepare(self, shared: _SharedInput) -> None:
        """Compute by `shared` from now on, which has its own copy of the weights."""
        self._shared = shared
        self.weight = torch.empty(0, dtype=torch.int8)


class _SharedInput:
    """Layers that read the same input, as one matrix: computed for all at the first one's call."""

    def __init__(self, layers: Sequence[Int8Linear], kernel: type[Kernel], pool: Executor | None = None) -> None:
        """The matrix is prepared by a thread of `pool`, where there is one; the first call waits for it."""
        self.kernel = kernel.name
        weights, scales = [layer.weight for layer in layers], [layer.scale for layer in layers]
        self._product = _begun(lambda: _product(weights, scales, kernel), pool)
        biases = [torch.zeros_like(layer.scale) if layer.bias is None else layer.bias for layer in layers]
        self._bias = torch.cat(biases) if any(layer.bias is not None for layer in layers) else None
        self._sizes = [layer.out_features for layer in layers]
        self._places = {id(layer): place for place, layer in enumerate(layers)}
        self._input: Tensor | None = None
        self._outputs: dict[int, Tensor] = {}  # of the layers that have not been called yet

    def output(self, layer: Int8Linear, x: Tensor) -> Tensor:
        """The output of one of the layers for `x` (…, in_features)."""
        place = self._places[id(layer)]
        if x is not self._input or place not in self._outputs:
            y = self._product()(x.reshape(-1, x.shape[-1]).float())  # (rows, out of all layers)
            if self._bias is not None:
                y.add_(self._bias)
            parts = torch.split(y.to(x.dtype).view(*x.shape[:-1], -1), self._sizes, dim=-1)
            self._input, self._outputs = x, dict(enumerate(parts))
        mine = self._outputs.pop(place)
        if not self._outputs:
            self._input = None  # activations are large: nothing is kept beyond the last call
        return mine


def _begun(prepare: Callable[[], Product], pool: Executor | None) -> Callable[[], Product]:
    if pool:
        return pool.submit(prepare).result
    product = prepare()
    return lambda: product


def _product(weights: Sequence[Tensor], scales: Sequence[Tensor], kernel: type[Kernel]) -> Product:
    return kernel(
        *(weights[0], scales[0]) if len(weights) == 1 else (torch.cat(list(weights)), torch.cat(list(scales)))
    )


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
            _put(model, name, twin)


def convert_layers(model: nn.Module, kernel: type[Kernel]) -> None:
    """Put int8 layers in the place of the linear layers of a model whose values are loaded, and prepare them."""
    for name, module in list(model.named_modules()):
        if type(module) is nn.Linear:  # not a kind of it, whose owner may read its weights
            _put(model, name, as_int8(module))
    prepare_layers(model, kernel)


def shrink_tables(model: nn.Module) -> None:
    """Put int8 in the place of the large tables of token vectors in a model whose values are loaded."""
    for name, module in list(model.named_modules()):
        if type(module) is nn.Embedding and module.num_embeddings >= MANY_TOKENS:
            table = Int8Embedding(module.num_embeddings, module.embedding_dim)
            parts = [quantize_rows(rows) for rows in torch.split(module.weight.detach(), _ROWS)]
            table.weight = torch.cat([weight for weight, _ in parts])
            table.scale = torch.cat([scale for _, scale in parts]).squeeze(1)
            _put(model, name, table)


def as_int8(linear: nn.Linear) -> Int8Linear:
    """The int8 twin of `linear`, with its values."""
    twin = _empty_twin(linear)
    twin.weight, scale = quantize_rows(linear.weight.detach())
    twin.scale = scale.squeeze(1)
    twin.bias = None if linear.bias is None else linear.bias.detach()
    return twin


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put `module` in the place `name` of `model`."""
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, module)


def prepare_layers(model: nn.Module, kernel: type[Kernel], pool: Executor | None = None) -> None:
    """Hand the loaded weights of all int8 layers to `kernel`, those that read the same input together.

    With a `pool` its threads do so, meanwhile and afterwards. The layers lose their own copy, and in the end no tensor
    of the model rests on the file it was read from any more.
    """
    for parent in list(model.modules()):
        together = [[getattr(parent, name, None) for name in names] for names in _SAME_INPUT]
        groups = [[one for one in group if isinstance(one, Int8Linear)] for group in together]
        groups = [group for group in groups if sum(layer.out_features for layer in group) <= kernel.most]
        groups += [[child] for child in parent.children() if isinstance(child, Int8Linear)]
        for layers in groups:
            fresh = [layer for layer in layers if layer.weight.numel()]
            if fresh:
                shared = _SharedInput(fresh, kernel, pool)
                for layer in fresh:
                    layer.prepare(shared)
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()
    for parent in model.modules():
        for name, buffer in list(parent.named_buffers(recurse=False)):
            setattr(parent, name, buffer.clone())  # not `.data`: a view of the file keeps its base


def kernel_of(model: nn.Module) -> str:
    """The name of the kernel that multiplies its int8 matrices; empty where it has none."""
    return next((module.kernel for module in model.modules() if isinstance(module, Int8Linear)), "")


def _empty_twin(linear: nn.Linear) -> Int8Linear:
    return Int8Linear(linear.in_features, linear.out_features, bias=linear.bias is not None)


def _int8_twin(module: nn.Module) -> nn.Module | None:
    if isinstance(module, nn.Linear):
        return _empty_twin(module)
    if isinstance(module, nn.Embedding):
        return Int8Embedding(module.num_embeddings, module.embedding_dim)
    return None
