"""A folder that is put away so that nobody can read it on the disk, and brought back by whoever has its name.

All its files become one that is encrypted (Fernet) with a key that is made of the folder's name; what it is called does
not tell that name. Where the name is a random one that stands nowhere else, as that of a lesson does, only who was told
it can bring the folder back. Knows nothing of what is in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.storage.durable import sync_folder, write_new, write_whole

_FILES = TypeAdapter(dict[str, bytes], config={"ser_json_bytes": "base64", "val_json_bytes": "base64"})


def seal(folder: Path, away: Path) -> None:
    """Put the files of `folder`, which stays, into one under `away`; it is on the disk when this returns.

    Raises:
        OSError: the disk is full, or something cannot be read.
    """
    from cryptography.fernet import Fernet  # noqa: PLC0415 - only where something is put away

    away.mkdir(mode=0o700, exist_ok=True)
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    write_whole(place_of(away, folder.name), Fernet(_key(folder.name)).encrypt(_FILES.dump_json(files)))


def opened(away: Path, name: str) -> Mapping[str, bytes] | None:
    """The files of the folder `name` that was put away, by their names; None where it was not, or is broken."""
    from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415

    try:
        return _FILES.validate_json(Fernet(_key(name)).decrypt(place_of(away, name).read_bytes()))
    except (OSError, InvalidToken, ValidationError):
        return None


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write `files` into a new folder, on the disk when this returns.

    Raises:
        OSError: it is there, or the disk is full.
    """
    folder.mkdir(mode=0o700, parents=True)
    for name, data in files.items():
        write_new(folder / Path(name).name, data)
    sync_folder(folder)


def place_of(away: Path, name: str) -> Path:
    """Where the folder `name` is put away."""
    return away / f"{_digest(name, b'place').hex()}.sealed"


def _key(name: str) -> bytes:
    return base64.urlsafe_b64encode(_digest(name, b"key"))


def _digest(name: str, purpose: bytes) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=32, person=purpose).digest()
