"""Who may see each file of one ingestion: what its folder says, what was named, what held so far, or its neighbours.

What held so far is what was recorded (`folder_records.py`), or else what the index has.
Knows nothing of what is in a file or of what readers mean.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from core.documents.folder_records import FolderDecisions
from core.documents.folder_settings import FILE_NAME, FolderSettings
from core.documents.walk import WalkResult, printable
from core.domain import EVERYONE, Document
from core.errors import DocumentError
from core.readers import GUIDES, Readers, inherited


class Assignment:
    """Finds the readers of files; made anew for every ingestion. `named` are those of the command line."""

    def __init__(
        self, found: WalkResult, named: Readers | None, held: Iterable[Document], records: FolderDecisions | None = None
    ) -> None:
        self._found = found
        self._named = named
        self._records = records or FolderDecisions()
        self._folders = FolderSettings()
        self._decided = self._records.named()
        self._beside: dict[PurePath, set[Readers]] = {}  # by folder, of documents whose readers were named
        for path, readers in (*self._recorded(), *self._indexed(held)):
            if not self._folders.governs(path):
                self._beside.setdefault(PurePath(path).parent, set()).add(readers)

    def readers(self, file: Path, held: Iterable[Document]) -> Readers:
        """The readers of `file`, of which the index holds the documents `held`.

        Raises:
            DocumentError: nobody said, and its neighbours have different ones, or what was said is lost; or its
                `.attune.toml` is broken.
        """
        known = self._folders.readers(file) or self._named or self._records.readers(file.as_posix())
        known = known or next((document.readers for document in held), None)
        default = (EVERYONE,) if self._records.complete else None
        readers = known or inherited(file, self._found.root(file), self._beside, self._decided, default)
        if readers is None:
            raise DocumentError(self._unclear(file))
        return readers

    def _unclear(self, file: Path) -> str:
        name = f"The readers of {printable(file.name)} are"
        fix = f"Name them with --readers, or in a {FILE_NAME} in its folder."
        if self._records.complete:
            return f"{name} unclear, because the documents around it have different readers. {fix}"
        return (
            f"{name} no longer known: the index that held them is gone, and there is no other record. {fix} "
            "Or restore a backup: attune restore."
        )

    def _indexed(self, held: Iterable[Document]) -> Iterator[tuple[Path, Readers]]:
        for document in held:
            if GUIDES not in document.readers and document.source not in self._records.files:
                yield Path(document.source), document.readers

    def _recorded(self) -> Iterator[tuple[Path, Readers]]:
        """Recorded files that are there; of a folder without any those that were: they may come back."""
        walked = {file.as_posix() for file in self._found.files}
        roots = tuple({f"{self._found.root(file).as_posix().rstrip('/')}/" for file in self._found.files})
        folders: dict[str, list[tuple[str, Readers]]] = {}
        for path, readers in self._records.files.items():
            if path.startswith(roots):
                folders.setdefault(path.rpartition("/")[0], []).append((path, readers))
        for files in folders.values():
            there = [one for one in files if one[0] in walked or os.path.lexists(one[0])]
            yield from ((Path(path), readers) for path, readers in there or files)
