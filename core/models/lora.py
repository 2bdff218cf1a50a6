"""The folder of a LoRA: PEFT's two files, and `attune.json` beside them where the model learned to judge first.

Looks at names and small JSON files only; `core/adapters/local_model/lora.py` reads the weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from core.answering.abstention import Calibration
from core.answering.prompt import PROTOCOLS, TOLD_TO_REFUSE, Judging, Protocol
from core.errors import CorruptModelError, UnknownModelError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"  # PEFT's layout
OURS = "attune.json"
READER = "attune-reader-1.5b"


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
