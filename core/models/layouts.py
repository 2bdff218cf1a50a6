"""What tells a folder of a model: the layouts of two kinds that need more than their weights.

A LoRA has PEFT's two files, and `attune.json` beside them where the model learned to judge first. A RAG checkpoint, as
transformers writes it and the hub publishes it (`facebook/rag-sequence-nq` and its like), has `config.json` of
model_type "rag", the weights, and two tokenizers in folders of their own. Looks at names and small JSON files only;
`core/adapters/local_model` reads the weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.answering.verdict import PROTOCOLS, TOLD_TO_REFUSE, Calibration, Judging, Protocol
from core.errors import CorruptModelError, UnknownModelError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"  # PEFT's layout
OURS = "attune.json"
READER = "attune-reader-1.5b"

QUESTION_TOKENIZER = "question_encoder_tokenizer"
GENERATOR_TOKENIZER = "generator_tokenizer"

_TEXTS = re.compile(rf"(({QUESTION_TOKENIZER}|{GENERATOR_TOKENIZER})/)?[\w.-]+\.(json|txt|model)")
_TENSORS = re.compile(r"model[\w-]*\.safetensors")
_PICKLED_TENSORS = re.compile(r"pytorch_model[\w-]*\.bin")


@dataclass(frozen=True, slots=True)
class ShippedAdapter:
    """A LoRA that comes with Attune: a folder of `core/models/adapters`, and the hash of its weights."""

    name: str
    sha256: str

    @property
    def folder(self) -> Path:
        """Where it lies, also in an installed wheel."""
        return Path(__file__).with_name("adapters") / self.name


def open_adapter(folder: Path) -> Path:
    """The folder of a LoRA as PEFT saves it.

    Raises:
        UnknownModelError: there is none.
    """
    missing = [file for file in (CONFIG, WEIGHTS) if not (folder / file).is_file()]
    if missing:
        raise UnknownModelError(
            f"{folder} is not an adapter: it has no {missing[0]}. Set ATTUNE_ADAPTER to a folder in which PEFT "
            "saved a LoRA, or to hf:org/name."
        )
    return folder


def protocol_of(model: str, base: str, adapter: Path | None) -> Protocol:
    """How the model called `model` is to be asked, with the LoRA in `adapter` where the operator brings one.

    Such an adapter says in `attune.json` that it was trained by the recipe in `training/`; without it, the model is
    asked as `base` is, which it was trained on.

    Raises:
        CorruptModelError: `attune.json` cannot be read, or the adapter was trained for other words.
    """
    if adapter is None:
        return PROTOCOLS.get(model, TOLD_TO_REFUSE)
    if not (adapter / OURS).is_file():
        return PROTOCOLS.get(base, TOLD_TO_REFUSE)
    try:
        told = json.loads((adapter / OURS).read_text(encoding="utf-8"))
        judging, fitted_to = Judging(told["judging"]), str(told["fitted_to"])
        calibration = Calibration(float(told["bias"]), float(told["weight"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptModelError(f"{adapter / OURS} cannot be read: {error!r}. Export the adapter again.") from error
    reader = PROTOCOLS[READER]
    if judging is not Judging.FIRST or fitted_to != reader.fingerprint:
        raise CorruptModelError(
            f"The adapter {adapter} was trained for a different prompt than this version of Attune uses. "
            "Train it again: "
            "training/README.md says how."
        )
    return replace(reader, calibration=calibration)


def is_rag(path: Path) -> bool:
    """Whether a RAG checkpoint is in the folder `path`, whole or not."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "rag"


def weight_files(names: Iterable[str]) -> list[str]:
    """Those of `names` that hold the weights: safetensors, or PyTorch's own files where there are none."""
    listed = sorted(names)
    return [name for name in listed if _TENSORS.fullmatch(name)] or [
        name for name in listed if _PICKLED_TENSORS.fullmatch(name)
    ]


def needed_files(paths: Sequence[str]) -> list[str]:
    """What to fetch of a repository that holds a RAG checkpoint; nothing where it holds none.

    Pickles are fetched from such a repository alone, and `rag_checkpoint.py` reads them as plain tensors.
    """
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    weights = weight_files(paths)
    if not weights or not {QUESTION_TOKENIZER, GENERATOR_TOKENIZER} <= folders:
        return []
    return [path for path in paths if _TEXTS.fullmatch(path)] + weights
