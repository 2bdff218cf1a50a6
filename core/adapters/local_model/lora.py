"""A LoRA in PEFT's layout, merged into a model's weights tensor by tensor: W + alpha / rank · B · A.

Low-rank adaptation (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021). Merged before the weights
are rounded to 8 bits, it costs nothing when the model runs. Knows nothing of where adapters come from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import CorruptModelError, ModelError
from core.models.layouts import CONFIG, WEIGHTS

_PREFIX = "base_model.model."  # PEFT's wrapper around the model that it adapts
_A, _B = "lora_A.weight", "lora_B.weight"
# what changes the sum in a way that is not built here
_UNSUPPORTED = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "lora_bias")


class LowRankAdapter:
    """The pairs (A, B) of one adapter, by the names of the weights that they are added to.

    Raises:
        ModelError: it is no LoRA, or one with parts that cannot be merged here.
        CorruptModelError: a file is missing or cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        config = _read_config(folder)
        self.base = str(config.get("base_model_name_or_path") or "")
        self._rank = int(config["r"])
        alpha = float(config.get("lora_alpha") or self._rank)
        self._scale = alpha / (self._rank**0.5 if config.get("use_rslora") else self._rank)
        self._pairs = _read_pairs(folder)
        for name, (a, b) in self._pairs.items():
            if a.shape[:-1] != (self._rank,) or b.shape[1:] != (self._rank,):
                raise CorruptModelError(
                    f"{folder / WEIGHTS} does not have the rank {self._rank} that {CONFIG} states: {name} has "
                    f"{tuple(a.shape)} and {tuple(b.shape)}. Export the adapter again."
                )

    @property
    def fingerprint(self) -> str:
        """Twelve characters of the hash of its files: part of a merged copy's name."""
        digest = hashlib.sha256()
        for name in (CONFIG, WEIGHTS):
            digest.update((self._folder / name).read_bytes())
        return digest.hexdigest()[:12]

    @property
    def names(self) -> list[str]:
        """The weights that it is added to."""
        return list(self._pairs)

    @property
    def alpha(self) -> float:
        """What the sum is weighed by, times the rank."""
        return self._scale * self._rank

    def pair(self, name: str, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """A and B of the weight `name`, which has the `shape` (rows, columns).

        Raises:
            ModelError: it was trained for another model.
        """
        a, b = self._pairs[name]
        if (b.shape[0], a.shape[1]) != shape:
            raise self._misfit(f"{name} has another shape there")
        return a, b

    def check_fits(self, names: Collection[str]) -> None:
        """See that every pair has a weight among the model's `names`.

        Raises:
            ModelError: it was trained for another model.
        """
        strange = sorted(set(self._pairs) - set(names))
        if strange:
            raise self._misfit(f"the model has no {strange[0]} ({len(strange)} of {len(self._pairs)} do not fit)")

    def merged(self, name: str, chunks: Iterator[Tensor]) -> Iterator[Tensor]:
        """The weight `name`, as chunks of rows in float32, with the adapter's part added.

        Raises:
            ModelError: it was trained for another model.
        """
        if name not in self._pairs:
            yield from chunks
            return
        a, b = self._pairs[name]  # (rank, columns), (rows, rank)
        start = 0
        for chunk in chunks:
            end = start + chunk.shape[0]
            if chunk.shape[1:] != a.shape[1:] or end > b.shape[0]:
                raise self._misfit(f"{name} has another shape there")
            yield chunk + self._scale * (b[start:end] @ a)
            start = end
        if start != b.shape[0]:
            raise self._misfit(f"{name} has another shape there")

    def _misfit(self, reason: str) -> ModelError:
        made_for = f" It was trained for {self.base}." if self.base else ""
        return ModelError(
            f"The adapter {self._folder} does not fit this model: {reason}.{made_for} Set ATTUNE_MODEL to the model "
            "that it was trained for, or ATTUNE_ADAPTER to another adapter."
        )


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptModelError(f"{folder / CONFIG} cannot be read: {error}. Export the adapter again.") from error
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA" or not isinstance(config.get("r"), int) or config["r"] < 1:
        raise ModelError(
            f"{folder} is not a LoRA (its peft_type is {kind}). Choose an adapter that PEFT saved as a LoRA."
        )
    extras = [key for key in _UNSUPPORTED if config.get(key)]
    if extras or config.get("bias", "none") != "none":
        raise ModelError(
            f"The adapter {folder} uses {extras[0] if extras else 'biases'}, which cannot be merged here. "
            "Train a plain LoRA."
        )
    return dict(config)


def _read_pairs(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    parts: dict[str, Tensor] = {}
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as tensors:
            for key in tensors.keys():  # noqa: SIM118  # not a dict
                parts[key.removeprefix(_PREFIX)] = tensors.get_tensor(key).float()
    except (OSError, SafetensorError) as error:
        raise CorruptModelError(f"{folder / WEIGHTS} cannot be read: {error}. Export the adapter again.") from error
    names = {key.rsplit(".", 2)[0] for key in parts if key.endswith((_A, _B))}
    if not names or len(parts) != 2 * len(names):
        raise CorruptModelError(f"{folder / WEIGHTS} holds more than pairs of A and B. Export the adapter again.")
    try:
        return {f"{name}.weight": (parts[f"{name}.{_A}"], parts[f"{name}.{_B}"]) for name in names}
    except KeyError as error:
        raise CorruptModelError(f"{folder / WEIGHTS} lacks {error}. Export the adapter again.") from None
