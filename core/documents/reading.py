"""One file → its passages, unless the index has them already.

Blocking: it reads, parses and counts tokens, so it is called in a thread. Knows nothing of vectors or stores.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.documents.parsing import PARSER_VERSION, check_size, parse
from core.documents.splitting import SPLITTER_VERSION, split
from core.documents.walk import printable
from core.domain import Document, Passage
from core.errors import DocumentError
from core.ports import Embedder
from core.readers import Readers
from core.terms import TERMS_VERSION

_SPECIAL_TOKENS = 2  # that a model adds around a text, at most


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was read: `passages` is None where the index has this version already."""

    version: str
    passages: list[Passage] | None
    notes: tuple[str, ...] = ()


class FileReader:
    """Reads files for one embedder and passage size, which both are part of a document's version."""

    def __init__(self, embedder: Embedder, passage_tokens: int, model: str) -> None:
        self._count_tokens = embedder.count_tokens
        self._budget = min(passage_tokens, embedder.max_tokens - _SPECIAL_TOKENS)
        self._settings = f"\0{PARSER_VERSION}.{SPLITTER_VERSION}.{TERMS_VERSION}.{self._budget}.{model}".encode()
        self._namespace = uuid.uuid5(uuid.NAMESPACE_URL, model)

    def read(self, file: Path, held: Sequence[Document], readers: Readers) -> FileContent:
        """Read `file` for `readers`, of which the index holds the versions `held`.

        Raises:
            DocumentError: the file cannot be read.
        """
        source = _source(file)
        data = _bytes_of(file)
        version = hashlib.sha256(data + self._settings + "\0".join(readers).encode()).hexdigest()
        if [document.version for document in held] == [version] and held[0].complete:
            return FileContent(version, None)
        document = parse(data, file)
        passages = split(
            document,
            source=source,
            version=version,
            readers=readers,
            budget=self._budget,
            count_tokens=self._count_tokens,
            namespace=self._namespace,
        )
        return FileContent(version, passages, tuple(f"{source}: {note}" for note in document.notes))


def _source(file: Path) -> str:
    source = file.as_posix()
    if printable(source) != source:
        raise DocumentError(f"{printable(file.name)} has a name or a folder that is not UTF-8. Rename it.")
    return source


def _bytes_of(file: Path) -> bytes:
    try:
        check_size(file.stat().st_size, file)
        if not file.is_file():
            raise DocumentError(f"{file.name} is not a regular file. Leave it out.")
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DocumentError(f"{file.name} cannot be read: {reason}. Change its permissions or leave it out.") from None
