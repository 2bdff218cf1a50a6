"""Keys and values of passages on disk, behind those in memory: they outlast a restart.

One file a segment, written whole or not at all, so that several processes may share the folder; the oldest in use go
when the budget is spent. Knows nothing of models or of what a segment says.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Owner = tuple[str, str]
"""Source and version of the document that a passage is from."""


@dataclass(frozen=True, slots=True)
class _File:
    bytes: int
    owner: Owner | None


class PrefixFiles:
    """A byte-budgeted folder of segments. A file that cannot be read or written counts as not there."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder = folder
        self._budget = budget
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # what it holds can be turned back into text
        found = sorted(folder.glob("*.safetensors"), key=_age)
        self._files: OrderedDict[str, _File] = OrderedDict((file.stem, _read_facts(file)) for file in found)
        self.bytes = sum(file.bytes for file in self._files.values())

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def read(self, key: str, device: torch.device) -> tuple[Tensor, Tensor] | None:
        """Keys and values of a segment, (layers, kv_heads, tokens, head_dim) each; None where it is not there."""
        if key not in self._files:
            return None
        try:
            with safe_open(self._path(key), framework="pt", device=str(device)) as tensors:
                found = tensors.get_tensor("keys").clone(), tensors.get_tensor("values").clone()
            os.utime(self._path(key))
        except (OSError, SafetensorError):
            self._remove(key)
            return None
        self._files.move_to_end(key)
        return found

    def write(self, key: str, keys: Tensor, values: Tensor, owner: Owner | None) -> None:
        """Keep a segment; the oldest leave for it."""
        size = keys.nbytes + values.nbytes
        if key in self._files or size > self._budget:
            return
        while self._files and self.bytes + size > self._budget:
            self._remove(next(iter(self._files)))
        partial = self._folder / f"{key}.{os.getpid()}.part"
        facts = {"source": owner[0], "version": owner[1]} if owner else None
        try:
            save_file({"keys": keys.contiguous(), "values": values.contiguous()}, partial, metadata=facts)
            partial.rename(self._path(key))
        except (OSError, SafetensorError):  # a full disk costs the copy, never the answer
            with suppress(OSError):
                partial.unlink()
            return
        self._files[key] = _File(size, owner)
        self.bytes += size

    def retain(self, owners: Collection[Owner]) -> None:
        """Remove what belongs to other documents than `owners`, or to other versions of them."""
        for key, file in list(self._files.items()):
            if file.owner is not None and file.owner not in owners:
                self._remove(key)

    def _remove(self, key: str) -> None:
        self.bytes -= self._files.pop(key).bytes
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.safetensors"


def forget_others(folder: Path, owners: Collection[Owner]) -> None:
    """Remove what any model, each with a folder below `folder`, has read of other documents than `owners`."""
    for models in folder.glob("*/"):
        PrefixFiles(models, 0).retain(owners)


def _age(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return 0.0


def _read_facts(file: Path) -> _File:
    try:
        with safe_open(file, framework="pt") as tensors:
            facts = tensors.metadata() or {}
        owner = (facts["source"], facts["version"]) if "source" in facts else None
        return _File(file.stat().st_size, owner)
    except (OSError, SafetensorError):
        return _File(0, ("", ""))  # belongs to nobody: it goes at the next `retain`
