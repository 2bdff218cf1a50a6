"""`.attune.toml` in a folder: what holds for the files in it and below.

    readers = ["channel:slack/T012/C345"]

The nearest one above a file counts, also above the folder that is ingested. Knows nothing of what readers mean.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from core.errors import ConfigurationError, DocumentError
from core.readers import Readers, checked

FILE_NAME = ".attune.toml"


class FolderSettings:
    """Looks each folder up once; made anew for every ingestion."""

    def __init__(self) -> None:
        self._readers = cache(_readers)

    def readers(self, file: Path) -> Readers | None:
        """The readers that the nearest `.attune.toml` above `file` names, or in it where it is a folder; None for none.

        Raises:
            DocumentError: it cannot be understood; what is below it must not be shown to anybody new.
        """
        return next((found for folder in (file, *file.parents) if (found := self._readers(folder))), None)

    def governs(self, file: Path) -> bool:
        """Whether a `.attune.toml`, good or bad, says who may see `file`."""
        try:
            return self.readers(file) is not None
        except DocumentError:
            return True


def _readers(folder: Path) -> Readers | None:
    file = folder / FILE_NAME
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise DocumentError(f"{file} cannot be read: {error}. Correct it, then ingest again.") from None
    names = written.get("readers")
    if written.keys() != {"readers"} or not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise DocumentError(f'{file} must hold exactly one line, such as readers = ["channel:slack/T012/C345"].')
    try:
        return checked(names)
    except ConfigurationError as error:
        raise DocumentError(f"{file}: {error}") from None
