"""The weights in a GGUF file, by the names and in the layout that transformers has for them.

Reads tensor by tensor and a chunk of rows at a time. Knows nothing of where the weights go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from gguf import MODEL_ARCH_NAMES, GGUFReader, dequantize, get_tensor_name_map
from torch import Tensor

from core.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

CHUNK_ROWS = 16_384  # rows of a matrix in floating point at once; bounds the peak memory of a conversion
_ARCHITECTURES = ("llama", "qwen2")  # those whose tensors are known to mean the same here as in transformers


def read_gguf(file: Path, names: Iterable[str], config: PretrainedConfig) -> Iterator[tuple[str, Iterator[Tensor]]]:
    """The tensors of `file` that are among transformers' `names`, each as float32 chunks of rows.

    Raises:
        ModelError: the architecture is not supported.
    """
    reader, architecture = open_gguf(file)
    wanted = gguf_names(architecture, names, config.num_hidden_layers)
    for tensor in reader.tensors:
        if tensor.name in wanted:
            name = wanted[tensor.name]
            yield name, _dequantized(tensor, _rotary_heads(name, config) if architecture == "llama" else None)


def open_gguf(file: Path) -> tuple[GGUFReader, str]:
    """Open `file`; also returns its architecture.

    Raises:
        ModelError: the architecture is not supported.
    """
    reader = GGUFReader(file)
    architecture = reader.fields["general.architecture"].contents()
    if architecture not in _ARCHITECTURES:
        raise ModelError(
            f"{file.name} is a {architecture} model; GGUF is supported for: {', '.join(_ARCHITECTURES)}. "
            "Use the model's safetensors format instead, as hf:org/name."
        )
    return reader, architecture


def gguf_names(architecture: str, names: Iterable[str], layers: int) -> dict[str, str]:
    """GGUF's tensor names → transformers' names."""
    arch = next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == architecture)
    table = get_tensor_name_map(arch, layers)
    found = {}
    for name in names:
        base, _, suffix = name.rpartition(".")
        gguf_name = table.get_name(base)
        if gguf_name:
            found[f"{gguf_name}.{suffix}"] = name
    return found


def _rotary_heads(name: str, config: PretrainedConfig) -> int | None:
    """How many heads a projection has whose rows GGUF's llama converter has permuted, else None."""
    if ".q_proj." in name:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".k_proj." in name else None


def _dequantized(tensor: Any, permuted_heads: int | None) -> Iterator[Tensor]:
    if permuted_heads:
        yield _unpermute(torch.tensor(dequantize(tensor.data, tensor.tensor_type)), permuted_heads)
        return
    for start in range(0, len(tensor.data), CHUNK_ROWS):
        rows = dequantize(tensor.data[start : start + CHUNK_ROWS], tensor.tensor_type)
        yield torch.tensor(rows)


def permuted(weight: Tensor, heads: int) -> Tensor:
    """The rows of each rotary head as GGUF has them: what `_unpermute` undoes."""
    rows = weight.shape[0]
    return weight.view(heads, 2, rows // heads // 2, -1).transpose(1, 2).reshape(weight.shape).contiguous()


def _unpermute(weight: Tensor, heads: int) -> Tensor:
    """GGUF interleaves the two halves of each rotary head, (heads, half, 2); transformers keeps them apart."""
    rows = weight.shape[0]
    return weight.view(heads, rows // heads // 2, 2, -1).transpose(1, 2).reshape(weight.shape).contiguous()
