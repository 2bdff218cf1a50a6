"""A RAG checkpoint's folder → its generator in memory, with both tokenizers.

Of the three parts of a RAG model (Lewis et al., 2020) only the generator, p(y | x, d), is loaded: the tensors named
`rag.generator.…`. Our embedder and index take the place of the question encoder and the retriever; of the encoder its
tokenizer alone is kept, since the generator learnt from questions that had been through it. Knows nothing of prompts
or decoding.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig, RagConfig

from core.errors import CorruptModelError, ModelError
from core.models.layouts import GENERATOR_TOKENIZER, QUESTION_TOKENIZER, weight_files

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_PREFIX = "rag.generator."
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")


@dataclass(frozen=True, slots=True)
class RagCheckpoint:
    """What of a RAG model answers questions. `generation` is how its makers mean it to decode."""

    config: RagConfig
    generation: GenerationConfig
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    question_tokenizer: PreTrainedTokenizerBase


def load(folder: Path, device: torch.device) -> RagCheckpoint:
    """Load the generator: float32 on a CPU, bfloat16 on a GPU.

    Raises:
        ModelError: a part of the checkpoint is not there.
        CorruptModelError: a file cannot be read, or is not what the configuration says.
    """
    with _readable(folder):
        config = RagConfig.from_pretrained(folder)
        generator = cast("PretrainedConfig", config.generator)
        generator.return_dict = True  # those of 2020 say false, and transformers' own layers cannot bear it now
        tokenizer = _tokenizer(folder, GENERATOR_TOKENIZER, generator)
        question_tokenizer = _tokenizer(folder, QUESTION_TOKENIZER, cast("PretrainedConfig", config.question_encoder))
        dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
        tensors = {name: tensor.to(device, dtype) for name, tensor in _read(folder)}
        model = _build(generator, dtype, tensors, folder)
        return RagCheckpoint(config, _generation(folder, generator), model, tokenizer, question_tokenizer)


def _tokenizer(folder: Path, name: str, config: PretrainedConfig) -> PreTrainedTokenizerBase:
    if not any((folder / name / file).is_file() for file in _VOCABULARIES):  # transformers would make an empty one
        raise ModelError(
            f"{folder} lacks the tokenizer in {name}, which a RAG checkpoint has next to its weights. "
            "Pull the model again, or copy that folder from where the checkpoint was published."
        )
    try:
        return cast("PreTrainedTokenizerBase", AutoTokenizer.from_pretrained(folder / name, config=config))
    except Exception as error:  # tokenizers raises nothing more special
        raise CorruptModelError(
            f"The tokenizer in {folder / name} is broken: {error}. Pull the model again."
        ) from error


def _read(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """The generator's tensors by the names they have in it."""
    files = weight_files(file.name for file in folder.iterdir())
    if not files:
        raise ModelError(
            f"{folder} holds no weights: neither model.safetensors nor pytorch_model.bin. Pull the model again."
        )
    for file in files:
        for name, tensor in _read_file(folder / file):
            if name.startswith(_PREFIX):
                yield name.removeprefix(_PREFIX), tensor


def _read_file(file: Path) -> Iterator[tuple[str, Tensor]]:
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118  # not a dict
                if name.startswith(_PREFIX):
                    yield name, tensors.get_tensor(name)
    else:  # weights_only: tensors and plain containers, so that no code of the pickle runs
        yield from torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file)).items()


def _build(config: PretrainedConfig, dtype: torch.dtype, tensors: dict[str, Tensor], folder: Path) -> PreTrainedModel:
    with torch.device("meta"):
        model = cast("PreTrainedModel", AutoModelForSeq2SeqLM.from_config(config, dtype=dtype))  # type: ignore[no-untyped-call]
    missing = set(model.load_state_dict(tensors, strict=False, assign=True).missing_keys)
    model.tie_weights(missing_keys=missing)  # takes out of `missing` what another tensor stands for
    if missing:
        raise CorruptModelError(
            f"{folder} lacks {len(missing)} tensors of the generator, {_PREFIX}{min(missing)} among them. "
            "Pull the model again, or choose a checkpoint of a complete RAG model."
        )
    model.train(mode=False)
    return model.requires_grad_(requires_grad=False)


def _generation(folder: Path, generator: PretrainedConfig) -> GenerationConfig:
    """What generation_config.json says, or else config.json: old checkpoints keep it there, in the generator's part."""
    if (folder / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(folder)
    raw: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return GenerationConfig.from_model_config({**raw, "generator": generator.to_dict() | raw.get("generator", {})})


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Translate what the libraries raise on a checkpoint they cannot read."""
    try:
        yield
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{folder} cannot be read as a RAG checkpoint: {error}. Pull the model again.") from error
    except (ValueError, LookupError, TypeError, RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise CorruptModelError(
            f"{folder} is not a RAG checkpoint that can be loaded here: {reason}. Pull it again, or choose "
            "another model."
        ) from error
