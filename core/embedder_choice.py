"""Which embedder is used where the settings name none: the one that the index was made with, else what suits.

What suits the first documents is told by the language of some of them, read as plain text; Attune's own guides are none
of them. Reads files, and nothing else; knows nothing of formats, of models' files, or of what an index holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from core.documents.folder_records import FolderRecords
from core.documents.remote.records import SourceRecords
from core.documents.walk import find_files
from core.errors import DocumentError
from core.models.specs import BUILT_IN
from core.settings import Settings
from core.storage.origin import stored_origin
from core.text.foreign import is_foreign

MULTILINGUAL = "multilingual-e5-small"
FOREIGN_SHARE = 0.2  # of texts, from which an embedder of English alone is not enough
_PLAIN = frozenset((".md", ".markdown", ".mdx", ".txt", ".rst", ".html", ".htm", ".adoc", ".org"))
_SAMPLE = 40  # texts
_CHARS = 16_000  # of each text: a page of HTML may begin with as much that nobody sees


def with_embedder(settings: Settings, paths: Iterable[Path] = ()) -> Settings:
    """`settings` with the embedder to use; `paths` are the documents that are to be read.

    It counts as unset still: nobody named it.
    """
    if not is_remembered(settings):
        return settings
    origin = stored_origin(settings.data_folder / "index")
    chosen = origin.embedder if origin else settings.embedder
    if _is_new(settings) and not knows(chosen, texts_in(paths)):
        chosen = MULTILINGUAL
    changed = settings.model_copy(update={"embedder": chosen})
    changed.model_fields_set.discard("embedder")
    return changed


def first_documents(settings: Settings) -> list[str]:
    """What the settings name to be read, as long as nothing was."""
    return [settings.documents] if settings.documents and _is_new(settings) else []


def is_remembered(settings: Settings) -> bool:
    """Whether the index says which embedder is used; not where somebody named one, or it is on a server."""
    return "embedder" not in settings.model_fields_set and not settings.qdrant_url


def knows(embedder: str, texts: Iterable[str], share: float = 0.5) -> bool:
    """Whether `embedder` was made for the languages of all but a `share` of `texts`; others may know any language."""
    if knows_all(embedder):
        return True
    foreign = [is_foreign(text) for text in texts]
    return sum(foreign) <= share * len(foreign)


def knows_all(embedder: str) -> bool:
    """Whether no language is known to be foreign to `embedder`, so that no text need be looked at."""
    return embedder not in BUILT_IN or embedder == MULTILINGUAL


def texts_in(paths: Iterable[Path]) -> Sequence[str]:
    """How some of the plain files in `paths` that would be ingested begin, from all over them."""
    with suppress(DocumentError):  # one that went away meanwhile
        found = find_files([path for path in paths if path.exists()], _is_plain)
        files = [file for file in found.files if _is_plain(file)]
        return [text for file in files[:: 1 + len(files) // _SAMPLE] if (text := _beginning(file))]
    return []


def _is_new(settings: Settings) -> bool:
    """Whether the index holds no documents, as far as records tell: Attune's own guides at most."""
    folders, sources = FolderRecords(settings.data_folder), SourceRecords(settings.data_folder)
    with suppress(DocumentError, OSError):
        if not folders.begun:  # by an Attune of today, nothing is made before they are
            return not (settings.data_folder / "index").exists()
        return folders.empty and not sources.read() and not settings.learned_folder.exists()
    return False


def _is_plain(file: Path) -> bool:
    return file.suffix.lower() in _PLAIN and file.is_file()  # a pipe would never end


def _beginning(file: Path) -> str:
    with suppress(OSError), file.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(_CHARS)
    return ""
