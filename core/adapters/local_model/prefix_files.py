"""Keys and values of passages on disk, behind those in memory: they outlast a restart.

One file a segment, written whole or not at all. Several processes share the folder and its budget: each looks at what
is there before it writes, and writes while it holds the folder's lock. What has gone unused for longest goes when the
budget is spent. Knows nothing of models or of what a segment says.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from core.storage.folder_lock import locked

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Owner = tuple[str, str]
"""Source and version of the document that a passage is from."""

_WHOLE, _PART = ".safetensors", ".part"


@dataclass(frozen=True, slots=True)
class _File:
    bytes: int
    used: float  # when last, seconds since 1970
    owner: Owner | None


class PrefixFiles:
    """A byte-budgeted folder of segments. A file that cannot be read or written counts as not there."""

    def __init__(self, folder: Path, budget: int) -> None:
        self._folder = folder
        self._budget = budget
        self._files: dict[str, _File] = {}
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # what it holds can be turned back into text
        with suppress(OSError), locked(self._folder):
            self._look()

    @property
    def bytes(self) -> int:
        """What all of them take on the disk, when last looked at."""
        return sum(file.bytes for file in self._files.values())

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
        return found

    def write(self, key: str, keys: Tensor, values: Tensor, owner: Owner | None) -> None:
        """Keep a segment; the longest unused leave for it. A full disk costs the copy, never the answer."""
        from safetensors.torch import save  # noqa: PLC0415 - `attune remove` only looks at files, without torch

        if key in self._files:
            return
        facts = {"source": owner[0], "version": owner[1]} if owner else None
        try:
            data = save({"keys": keys.contiguous(), "values": values.contiguous()}, metadata=facts)
            with locked(self._folder):
                self._look()
                if len(data) <= self._budget and key not in self._files:
                    self._make_room(len(data))
                    _write(self._path(key), data)
                    self._files[key] = _File(len(data), self._path(key).stat().st_mtime, owner)
        except (OSError, SafetensorError):
            return

    def retain(self, owners: Collection[Owner]) -> None:
        """Remove what belongs to other documents than `owners`, or to other versions of them, whoever wrote it."""
        with suppress(OSError), locked(self._folder):
            self._look()
        for key, file in list(self._files.items()):
            if file.owner is not None and file.owner not in owners:
                self._remove(key)

    def _look(self) -> None:
        """What is there now; locked only. A part has no writer any more, since writers hold the lock."""
        found: dict[str, _File] = {}
        for entry in os.scandir(self._folder):
            if entry.name.endswith(_PART):
                Path(entry.path).unlink(missing_ok=True)
            elif entry.name.endswith(_WHOLE):
                key = entry.name.removesuffix(_WHOLE)
                with suppress(FileNotFoundError):  # removed meanwhile
                    found[key] = _facts(entry, self._files.get(key))
        self._files = found

    def _make_room(self, size: int) -> None:
        held = self.bytes
        for key, file in sorted(self._files.items(), key=lambda item: item[1].used):
            if held + size <= self._budget:
                return
            self._remove(key)
            held -= file.bytes

    def _remove(self, key: str) -> None:
        self._files.pop(key, None)
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_WHOLE}"


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing."""
    partial = path.with_suffix(f".{os.getpid()}{_PART}")
    try:
        partial.write_bytes(data)
        partial.rename(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


def forget_others(folder: Path, owners: Collection[Owner]) -> None:
    """Remove what any model, each with a folder below `folder`, has read of other documents than `owners`."""
    for models in folder.glob("*/"):
        PrefixFiles(models, 0).retain(owners)


def _facts(entry: os.DirEntry[str], known: _File | None) -> _File:
    status = entry.stat()
    owner = known.owner if known and known.bytes == status.st_size else _owner_of(Path(entry.path))
    return _File(status.st_size, status.st_mtime, owner)


def _owner_of(file: Path) -> Owner | None:
    try:
        with safe_open(file, framework="numpy") as tensors:
            facts = tensors.metadata() or {}
        return (facts["source"], facts["version"]) if "source" in facts else None
    except (OSError, SafetensorError):
        return "", ""  # belongs to nobody: it goes at the next `retain`
