"""The hash of a model, of whatever name: of those of its files that say what it computes.

Blocking where a model was put on the disk by the operator and is read whole. Knows nothing of what is in the files.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import ModelError
from core.models.files import RECORD, read_record
from core.models.specs import LocalModel

_COUNTED = {".safetensors", ".bin", ".gguf", ".json", ".txt", ".model"}  # no README, no picture


def digest_of(model: LocalModel) -> str:
    """Changes when the model does, and neither with its name nor with the path that leads to it.

    Raises:
        ModelError: a file cannot be read.
    """
    folder = model.path if model.path.is_dir() else model.path.parent
    record = read_record(folder)
    if record is not None and record.is_fresh(folder):
        hashes = {path: file.sha256 for path, file in record.files.items()}
    else:
        hashes = _hashed(model.path)
    counted = sorted((path, sha256) for path, sha256 in hashes.items() if Path(path).suffix in _COUNTED)
    return hashlib.sha256(repr(counted).encode()).hexdigest()


def _hashed(place: Path) -> dict[str, str]:
    files = [place] if place.is_file() else sorted(file for file in place.rglob("*") if file.suffix in _COUNTED)
    base = place.parent if place.is_file() else place
    try:
        return {
            file.relative_to(base).as_posix(): _hash(file)
            for file in files
            if file.is_file() and file.name != RECORD and not file.relative_to(base).parts[0].startswith(".")
        }
    except OSError as error:
        raise ModelError(f"{place} cannot be read: {error}. Check its permissions.") from error


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
