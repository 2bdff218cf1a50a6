"""Who may see each file of one ingestion: what its folder says, what was named, what held so far, or its neighbours.

Knows nothing of what is in a file or of what readers mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath

from core.documents.folder_settings import FILE_NAME, FolderSettings
from core.documents.walk import Found, printable
from core.domain import Document
from core.errors import DocumentError
from core.readers import GUIDES, Readers, inherited


class Assignment:
    """Finds the readers of files; made anew for every ingestion. `named` are those of the command line."""

    def __init__(self, found: Found, named: Readers | None, held: Iterable[Document]) -> None:
        self._found = found
        self._named = named
        self._folders = FolderSettings()
        self._beside: dict[PurePath, set[Readers]] = {}  # by folder, of documents whose readers were named
        for document in held:
            if GUIDES not in document.readers and not self._folders.governs(Path(document.source)):
                self._beside.setdefault(PurePath(document.source).parent, set()).add(document.readers)

    def readers(self, file: Path, held: Iterable[Document]) -> Readers:
        """The readers of `file`, of which the index holds the documents `held`.

        Raises:
            DocumentError: nobody said, and its neighbours have different ones; or its `.attune.toml` is broken.
        """
        known = self._folders.readers(file) or self._named or next((document.readers for document in held), None)
        readers = known or inherited(file, self._found.root(file), self._beside)
        if readers is None:
            raise DocumentError(
                f"Who may see {printable(file.name)} is not clear, as documents around it have different readers. "
                f"Name them with --readers, or in a {FILE_NAME} in its folder."
            )
        return readers
