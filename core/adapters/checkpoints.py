"""A model file as its makers publish it → a model in memory, by way of a converted copy that loads in seconds.

A GGUF file or a folder of safetensors is read tensor by tensor, so that the whole is never in memory in floating
point, and saved once in the form this machine runs: int8 on a CPU (see `int8.py`), bfloat16 on a GPU. Knows
nothing of downloads, prompts or decoding.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from core.adapters.int8 import quantize_modules, quantize_rows
from core.errors import CorruptModelError, ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Form = Literal["int8", "bfloat16"]
CONVERTER_VERSION = 1  # part of the copy's name: raise it when what is written changes
_GGUF_ARCHITECTURES = (
    "llama",
    "qwen2",
)  # those whose tensors are known to mean the same here as in transformers
_CHUNK_ROWS = 16_384  # rows of a matrix in floating point at once; bounds the peak memory of a conversion


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model with its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


def converted_folder(source: Path, form: Form) -> Path:
    """Where the converted copy of `source` lies: beside it."""
    return source.with_name(f"{source.name}.{form}-v{CONVERTER_VERSION}")


def convert(source: Path, form: Form) -> Path:
    """Convert `source` (a GGUF file or a folder) unless that was done before; returns the copy's folder.

    The copy appears whole or not at all.

    Raises:
        ModelError: the architecture is not supported.
        CorruptModelError: the file cannot be read.
    """
    target = converted_folder(source, form)
    if target.is_dir():
        return target
    building = target.with_name(target.name + ".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        with _readable(source):
            _write(source, form, building)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def load(folder: Path, form: Form, device: torch.device) -> Checkpoint:
    """Load a converted copy."""
    with _readable(folder):
        config = AutoConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = _empty_model(config, form)
        tensors = load_file(folder / "model.safetensors", device=str(device))
        model.load_state_dict(tensors, strict=False, assign=True)
        if config.tie_word_embeddings:
            _tie(model)
        _materialize(model, device)
    model.train(mode=False)
    return Checkpoint(model.requires_grad_(requires_grad=False), tokenizer)


def _write(source: Path, form: Form, target: Path) -> None:
    where: dict[str, Any] = (
        {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
        if source.is_file()
        else {"pretrained_model_name_or_path": source}
    )
    config = AutoConfig.from_pretrained(**where)
    AutoTokenizer.from_pretrained(**where).save_pretrained(target)
    config.save_pretrained(target)
    model = _empty_model(config, form)
    wanted = set(model.state_dict())
    tensors: dict[str, Tensor] = {}
    for name, chunks in _read(source, config):
        if name in wanted:
            tensors |= _stored(name, chunks, quantized=f"{name.removesuffix('.weight')}.scale" in wanted, form=form)
    _check_complete(tensors, wanted, tied=config.tie_word_embeddings)
    save_file(tensors, target / "model.safetensors")


def _stored(name: str, chunks: Iterator[Tensor], *, quantized: bool, form: Form) -> dict[str, Tensor]:
    if not quantized:
        dtype = torch.float32 if form == "int8" else torch.bfloat16
        return {name: torch.cat([chunk.to(dtype) for chunk in chunks])}
    pairs = [quantize_rows(chunk) for chunk in chunks]
    weight, scale = torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs])
    return {name: weight, f"{name.removesuffix('.weight')}.scale": scale.squeeze(1)}


def _check_complete(tensors: dict[str, Tensor], wanted: set[str], *, tied: bool) -> None:
    missing = {name for name in wanted - set(tensors) if not (tied and name.startswith("lm_head."))}
    if missing:
        raise CorruptModelError(
            f"The model file lacks {len(missing)} tensors, {min(missing)} among them. Pull it again."
        )


def _empty_model(config: PretrainedConfig, form: Form | None = None) -> PreTrainedModel:
    """The model's modules without values, in the given form or as transformers makes them."""
    with torch.device("meta"):
        dtype = torch.bfloat16 if form == "bfloat16" else torch.float32
        model = cast("PreTrainedModel", AutoModelForCausalLM.from_config(config, dtype=dtype))  # type: ignore[no-untyped-call]
        if form == "int8":
            quantize_modules(model)
    return model


def _tie(model: PreTrainedModel) -> None:
    """Let the output layer share the embedding's tensors."""
    table = model.get_input_embeddings()
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    for name, tensor in (*table.named_parameters(), *table.named_buffers()):
        setattr(head, name, tensor)


def _materialize(model: nn.Module, device: torch.device) -> None:
    """Compute what no file holds: the rotary embeddings' frequencies."""
    for name, module in list(model.named_modules()):
        if any(buffer.is_meta for buffer in module.buffers(recurse=False)):
            parent, _, leaf = name.rpartition(".")
            with device:
                setattr(model.get_submodule(parent), leaf, type(module)(config=model.config))


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    """Translate what the libraries raise on a file they cannot read."""
    try:
        yield
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{source} cannot be read or converted: {error}.") from error
    except (ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise CorruptModelError(
            f"{source} is no model that can be loaded here: {error}. Remove it and pull it again, or name another model."
        ) from error


def _read(source: Path, config: PretrainedConfig) -> Iterator[tuple[str, Iterator[Tensor]]]:
    """Every tensor of a checkpoint by transformers' name, as chunks of rows."""
    return _read_gguf(source, config) if source.is_file() else _read_folder(source)


def _read_folder(folder: Path) -> Iterator[tuple[str, Iterator[Tensor]]]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} holds no .safetensors file. Name a model that publishes its weights in that form.")
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a dict
                yield name, iter(tensors.get_tensor(name).float().split(_CHUNK_ROWS))


def _read_gguf(file: Path, config: PretrainedConfig) -> Iterator[tuple[str, Iterator[Tensor]]]:
    from gguf import GGUFReader  # noqa: PLC0415  # only GGUF files need it

    reader = GGUFReader(file)
    architecture = reader.fields["general.architecture"].contents()
    if architecture not in _GGUF_ARCHITECTURES:
        raise ModelError(
            f"{file.name} is a {architecture} model; GGUF files can be read of: {', '.join(_GGUF_ARCHITECTURES)}. "
            "Name the model's safetensors form instead, as hf:org/name."
        )
    names = _gguf_names(architecture, config)
    for tensor in reader.tensors:
        if tensor.name in names:
            name = names[tensor.name]
            yield name, _dequantized(tensor, _rotary_heads(name, config) if architecture == "llama" else None)


def _gguf_names(architecture: str, config: PretrainedConfig) -> dict[str, str]:
    """GGUF's tensor names → transformers' names."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map  # noqa: PLC0415

    arch = next(arch for arch, name in MODEL_ARCH_NAMES.items() if name == architecture)
    table = get_tensor_name_map(arch, config.num_hidden_layers)
    names = {}
    for name in _empty_model(config).state_dict():
        base, _, suffix = name.rpartition(".")
        gguf_name = table.get_name(base)
        if gguf_name:
            names[f"{gguf_name}.{suffix}"] = name
    return names


def _rotary_heads(name: str, config: PretrainedConfig) -> int | None:
    """How many heads a projection has whose rows GGUF's llama converter has permuted, else None."""
    if ".q_proj." in name:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".k_proj." in name else None


def _dequantized(tensor: Any, permuted_heads: int | None) -> Iterator[Tensor]:
    from gguf import dequantize  # noqa: PLC0415

    if permuted_heads:
        yield _unpermute(torch.tensor(dequantize(tensor.data, tensor.tensor_type)), permuted_heads)
        return
    for start in range(0, len(tensor.data), _CHUNK_ROWS):
        rows = dequantize(tensor.data[start : start + _CHUNK_ROWS], tensor.tensor_type)
        yield torch.tensor(rows)


def _unpermute(weight: Tensor, heads: int) -> Tensor:
    """GGUF interleaves the two halves of each rotary head, (heads, half, 2); transformers keeps them apart."""
    rows = weight.shape[0]
    return weight.view(heads, rows // heads // 2, 2, -1).transpose(1, 2).reshape(weight.shape).contiguous()
