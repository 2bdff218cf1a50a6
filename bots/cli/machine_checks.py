"""What `attune doctor` looks at on this machine: memory, cores, disk, folders, and what the model runs on.

Loads torch only where there may be a GPU. Changes nothing: what it writes to try a folder has no name and is gone.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bots.cli import doctor_texts as say
from bots.cli import models_texts
from bots.cli.machine import Machine
from bots.cli.models_view import megabytes, needed_memory
from bots.platform import Check, CheckStatus
from core.models.specs import BUILT_IN
from core.models.store import ModelStore
from core.settings import Settings

FREE_BYTES = 500_000_000  # beside what is still to be fetched
CONVERTED = 1.6  # size of a model's converted copy, by that of its file
_BLOCK = bytes(4096)
_FULL = {errno.ENOSPC, errno.EDQUOT}


def machine_check(settings: Settings, machine: Machine) -> Check:
    """Whether the language model has room, where it runs here."""
    found, spec = models_texts.machine_parts(machine), BUILT_IN.get(settings.model.lower())
    need = needed_memory(settings, spec) if spec and not settings.model_url else 0
    if machine.memory and machine.memory < need:
        return Check(CheckStatus.BAD, "machine", models_texts.short_of_memory(found, need), models_texts.FIX_MEMORY)
    return Check(CheckStatus.GOOD, "machine", found)


def folder_checks(settings: Settings) -> Iterator[Check]:
    """Whether both folders can be written to, and have room for what is still to come."""
    to_fetch = _bytes_to_fetch(settings)
    for name, folder, more in (
        ("models folder", settings.models_folder, to_fetch),
        ("data folder", settings.data_folder, 0),
    ):
        yield _folder(name, folder, more)


def is_writable(folder: Path) -> bool:
    """Whether something can be kept in `folder`, which need not be there yet."""
    return _refusal(_existing(folder)) is None


def _folder(name: str, folder: Path, more: int) -> Check:
    existing = _existing(folder)
    if not existing.is_dir():
        return Check(CheckStatus.BAD, name, f"{folder}: {existing} {say.NO_FOLDER}", say.FIX_FOLDER)
    if (refused := _refusal(existing)) is not None:
        fix = say.FIX_DISK if refused.errno in _FULL else say.FIX_FOLDER
        return Check(CheckStatus.BAD, name, f"{folder}: {say.unwritable(refused.strerror or str(refused))}", fix)
    free, need = shutil.disk_usage(existing).free, FREE_BYTES + more
    if free < need:
        short = say.short_of_disk(megabytes(free), megabytes(need), downloads=bool(more))
        return Check(CheckStatus.BAD, name, f"{folder}, {short}", say.FIX_DISK)
    return Check(CheckStatus.GOOD, name, f"{folder}, {megabytes(free)} free")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if os.path.lexists(place))


def _refusal(folder: Path) -> OSError | None:
    """Why nothing can be written to a folder that is there; None where it can."""
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(_BLOCK)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        return error
    return None


def _bytes_to_fetch(settings: Settings) -> int:
    """Of the built-in models that are not here yet, with what is made of them."""
    store, missing = ModelStore(settings.models_folder), 0
    for name in (*([] if settings.model_url else [settings.model]), settings.embedder):
        spec = BUILT_IN.get(name.lower())
        if spec and not store.is_installed(spec.base or spec.name):
            missing += int((1 + CONVERTED) * spec.size)
    return missing


def device_checks(settings: Settings, machine: Machine) -> Iterator[Check]:
    """What models run on, and whether it multiplies int8 quickly."""
    wanted, found = settings.device, "cpu"
    if machine.gpu or wanted not in ("auto", "cpu"):
        found = _torch_device(wanted)
        if not found:
            yield Check(CheckStatus.BAD, "device", f"{wanted}: {say.NOT_THERE}", say.FIX_DEVICE)
            return
    yield Check(CheckStatus.GOOD, "device", f"torch {version('torch')} on {found}")
    if found == "cpu" and machine.instructions:
        if machine.is_fast:
            yield Check(CheckStatus.GOOD, "int8", f"{machine.instructions}, made for int8")
        else:
            yield Check(CheckStatus.CARE, "int8", f"{machine.instructions} {say.SLOW_INT8}")


def _torch_device(wanted: str) -> str:
    """What torch would compute on; empty where it has not what is wanted."""
    import torch  # noqa: PLC0415 - takes a second, which only this check should cost

    gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else ""
    if wanted not in ("auto", "cpu", gpu):
        return ""
    device = (gpu or "cpu") if wanted == "auto" else wanted
    return str(torch.cuda.get_device_name()) if device == "cuda" else device
