"""A model file as its makers publish it → a model in memory, by way of a converted copy that loads in seconds.

A GGUF file or a folder of safetensors is read tensor by tensor, so that the whole is never in memory in floating
point, and saved once in the form this machine runs: int8 on a CPU (see `int8.py`), bfloat16 on a GPU. An adapter is
merged on the way (see `lora.py`). Knows nothing of downloads, prompts or decoding.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from core.adapters.local_model.gguf_weights import CHUNK_ROWS, open_gguf, read_gguf
from core.adapters.local_model.int8 import prepare_layers, quantize_modules
from core.adapters.local_model.int8_kernels import LARGE, SPEAKING, quantize_rows
from core.adapters.local_model.kernel_records import RECORDS, recorded_kernel
from core.adapters.local_model.lora import LowRankAdapter
from core.errors import CorruptModelError, ModelError
from core.models.files import DownloadProgress, sync

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Form = Literal["int8", "bfloat16"]
SAMPLES, SAMPLE_BYTES = 256, 4096
CONVERTER_VERSION = 1  # part of the copy's name: raise it when what is written changes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model with its tokenizer, and what still prepares its matrices."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    packing: ThreadPoolExecutor | None = None

    def stop_packing(self) -> None:
        """Let the matrices that are being prepared end, and begin no more: the model is not needed any longer."""
        if self.packing:
            self.packing.shutdown(cancel_futures=True)


def convert(source: Path, form: Form, folder: Path, progress: DownloadProgress, adapter: Path | None = None) -> Path:
    """The converted copy of `source` (a GGUF file or a folder) with `adapter` merged, made unless it is in `folder`.

    The copy appears whole or not at all. A second process waits for the first.

    Raises:
        ModelError: the architecture is not supported, the adapter does not fit, or the disk is full.
        CorruptModelError: the file cannot be read.
    """
    lora = LowRankAdapter(adapter) if adapter else None
    merged = f"-{lora.fingerprint}" if lora else ""
    with _readable(source):
        name = f"{source.name}-{fingerprint(source)}{merged}-{form}-v{CONVERTER_VERSION}"
        return made_once(folder, name, lambda target: _write(source, form, target, progress, lora))


def made_once(folder: Path, name: str, write: Callable[[Path], None]) -> Path:
    """The folder `name` in `folder`, filled by `write` unless it is there: whole or not at all.

    A second process waits for the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        target = folder / name
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            building = folder / "building"
            shutil.rmtree(building, ignore_errors=True)  # what a killed process left
            building.mkdir()
            try:
                write(building)
                for file in [file for file in building.rglob("*") if file.is_file()]:
                    sync(file)  # a power cut must not leave a copy that is there and cannot be read
                building.rename(target)
            finally:
                shutil.rmtree(building, ignore_errors=True)
    return target


def fingerprint(source: Path) -> str:
    """Changes when the model does, and not with the path that leads to it.

    Size and time alone may be another model's: two that were trained from one are of one size, and copies keep times.
    """
    files = [source] if source.is_file() else [file for file in sorted(source.glob("*")) if file.is_file()]
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns, _sample(file)) for file in files]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


def _sample(file: Path) -> str:
    """A hash of pieces from all over a file: training moves every tensor, and reading it all would take seconds."""
    digest, size = hashlib.sha256(), file.stat().st_size
    with file.open("rb") as stream:
        for number in range(SAMPLES):
            stream.seek(max(0, size - SAMPLE_BYTES) * number // max(1, SAMPLES - 1))
            digest.update(stream.read(SAMPLE_BYTES))
    return digest.hexdigest()


def load(folder: Path, form: Form, device: torch.device) -> Checkpoint:
    """Load a converted copy. Its matrices are prepared by other threads, which the first step waits for."""
    packing: ThreadPoolExecutor | None = None
    with _readable(folder):
        config = AutoConfig.from_pretrained(folder)
        model = _empty_model(config, form)
        tensors = load_file(folder / "model.safetensors", device=str(device))
        model.load_state_dict(tensors, strict=False, assign=True)
        if config.tie_word_embeddings:
            _tie(model)
        _materialize(model, device)
        if form == "int8":
            size = sum(tensor.numel() for tensor in tensors.values())
            kernel = recorded_kernel(folder.parent / RECORDS, SPEAKING, narrow=size >= LARGE)
            packing = ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="packing")
            prepare_layers(model, kernel, packing)
            packing.shutdown(wait=False)  # its threads end with their work
        tokenizer = AutoTokenizer.from_pretrained(folder)
    model.train(mode=False)
    return Checkpoint(model.requires_grad_(requires_grad=False), tokenizer, packing)


def _write(source: Path, form: Form, target: Path, progress: DownloadProgress, lora: LowRankAdapter | None) -> None:
    if source.is_file():
        open_gguf(source)  # first of all: transformers takes some architectures that cannot be read here
    where: dict[str, Any] = (
        {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
        if source.is_file()
        else {"pretrained_model_name_or_path": source}
    )
    config = AutoConfig.from_pretrained(**where)
    AutoTokenizer.from_pretrained(**where).save_pretrained(target)
    config.save_pretrained(target)
    sizes = {name: tensor.numel() for name, tensor in _empty_model(config, form).state_dict().items()}
    if lora:
        lora.check_fits(sizes)
    tensors: dict[str, Tensor] = {}
    progress.start(f"Preparing {source.stem}, once", sum(sizes.values()))
    for name, chunks in _read(source, config):
        if name in sizes:
            whole = lora.merged(name, chunks) if lora else chunks
            tensors |= _stored(name, whole, quantized=f"{name.removesuffix('.weight')}.scale" in sizes, form=form)
            progress.advance(sizes[name])
    progress.finish()
    _check_complete(tensors, set(sizes), tied=config.tie_word_embeddings)
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
    except (ValueError, LookupError, RuntimeError, struct.error, SafetensorError) as error:
        reason = str(error).rstrip(".")
        raise CorruptModelError(
            f"{source} is not a model that can be loaded here: {reason}. Pull it again, or choose another model."
        ) from error


def _read(source: Path, config: PretrainedConfig) -> Iterator[tuple[str, Iterator[Tensor]]]:
    """Every tensor of a checkpoint by transformers' name, as chunks of rows."""
    return read_gguf(source, _empty_model(config).state_dict(), config) if source.is_file() else _read_folder(source)


def _read_folder(folder: Path) -> Iterator[tuple[str, Iterator[Tensor]]]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(f"{folder} holds no .safetensors file. Choose a model that is published in that format.")
    for file in files:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a dict
                yield name, iter(tensors.get_tensor(name).float().split(CHUNK_ROWS))
