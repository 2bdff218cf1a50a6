"""What every step shares: the base model by its name, its tokenizer, and how an error ends a program.

Knows nothing of items, examples or training.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from core.adapters.local_model import checkpoints
from core.errors import ModelError, OperatorError
from core.models.files import NoProgress
from core.models.specs import LocalModel
from core.models.store import ModelStore
from core.settings import Settings

DEFAULT_MODEL = "qwen2.5-coder-1.5b-instruct"


@contextmanager
def told() -> Iterator[None]:
    """End the program with a sentence where the operator can put the matter right."""
    try:
        yield
    except OperatorError as error:
        sys.exit(str(error))


def models_folder() -> Path:
    """Where the product keeps its models."""
    return Settings.from_env(os.environ).models_folder


def resolve(name: str) -> LocalModel:
    """The model called `name` as `ATTUNE_MODEL` has it, fetched where it is not on this machine.

    A built-in model with an adapter stands for the plain one: that is what another adapter is trained on.

    Raises:
        ModelError: there is none.
    """
    store = ModelStore(models_folder())
    model = store.resolve(name)
    return store.resolve(model.spec.base) if model.spec and model.spec.base else model


def tokenizer_of(model: LocalModel) -> PreTrainedTokenizerBase:
    """The tokenizer of `model`, whose chat template is the one that the product uses.

    Raises:
        ModelError: it has no chat template, or no token that ends an answer.
    """
    where = {"gguf_file": model.path.name} if model.path.is_file() else {}
    folder = model.path.parent if model.path.is_file() else model.path
    tokenizer = cast("PreTrainedTokenizerBase", AutoTokenizer.from_pretrained(folder, **where))
    if not tokenizer.chat_template or tokenizer.eos_token_id is None:
        raise ModelError(f"{model.name} has no chat template or no end-of-text token. Choose a chat model.")
    return tokenizer


def load(model: LocalModel, device: torch.device, layers: int | None) -> PreTrainedModel:
    """The weights of `model` as the product reads them; with `layers`, only the first so many of its layers.

    In bfloat16 on a GPU. In float32 on a CPU, most of which are slow in bfloat16.

    Raises:
        ModelError: it cannot be read.
    """
    copy = checkpoints.convert(model.path, "bfloat16", models_folder() / "converted", NoProgress())
    loaded: Any = checkpoints.load(copy, "bfloat16", torch.device("cpu")).model
    if layers:
        decoder = loaded.get_decoder()
        decoder.layers = decoder.layers[:layers]
        loaded.config.num_hidden_layers = layers
    return cast("PreTrainedModel", (loaded.float() if device.type == "cpu" else loaded).to(device))
