"""What models have read, on disk: forgotten for documents that were removed, by a process that runs no model."""

from __future__ import annotations

from pathlib import Path

import torch

from core.adapters.prefix_files import PrefixFiles
from core.bootstrap import forget_reading
from core.settings import Settings


def write(folder: Path, *owners: tuple[str, str]) -> None:
    files = PrefixFiles(folder, 1 << 20)
    files.write("instructions", torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), None)
    for owner in owners:
        files.write("-".join(owner), torch.zeros(1, 1, 2, 4), torch.ones(1, 1, 2, 4), owner)


def names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.safetensors"))


async def test_what_models_read_of_removed_documents_is_forgotten(tmp_path: Path) -> None:
    """Of every model that ever read here; other documents and the instructions stay."""
    settings = Settings(home=tmp_path)
    await forget_reading(settings, {("a", "1")})  # where no model ever read
    one, other = (settings.read_folder / name for name in ("one", "other"))
    write(one, ("a", "1"), ("a", "2"), ("b", "1"))
    write(other, ("b", "1"))
    await forget_reading(settings, {("a", "1")})
    assert names(one) == ["a-1", "instructions"]
    assert names(other) == ["instructions"]
