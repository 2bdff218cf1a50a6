"""Which embedder is used where the settings name none: the one that the index was made with, else what suits.

What suits the first documents is told by the language of some of them, read as plain text; Attune's own guides are none
of them. Processes that start in a new home side by side agree on one. Reads files, and nothing else; knows nothing of
formats, of models' files, or of what an index holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

from core.documents.folder_records import FolderRecords
from core.documents.remote.records import SourceRecords
from core.documents.walk import find_files
from core.errors import DocumentError
from core.models.specs import BUILT_IN
from core.settings import Settings
from core.storage.agreement import Agreement
from core.storage.folder_lock import FolderLock, locked
from core.storage.origin import stored_origin
from core.text.foreign import is_foreign

MULTILINGUAL = "multilingual-e5-small"
FOREIGN_SHARE = 0.2  # of texts, from which an embedder of English alone is not enough
_PLAIN = frozenset((".md", ".markdown", ".mdx", ".txt", ".rst", ".html", ".htm", ".adoc", ".org"))
_SAMPLE = 40  # texts
_CHARS = 16_000  # of each text: a page of HTML may begin with as much that nobody sees


def with_embedder(settings: Settings) -> Settings:
    """`settings` with the embedder to use, for whoever has no documents to put into the index.

    It counts as unset still: nobody named it.
    """
    with ExitStack() as stack:
        if _is_open(settings):
            with suppress(OSError):  # there is no folder yet, or it is another user's, as whoever opens it says
                stack.enter_context(locked(settings.data_folder))
        return _chosen(settings)


@contextmanager
def embedder_for(settings: Settings, paths: Iterable[Path]) -> Iterator[Settings]:
    """`settings` with the embedder to use, while documents are put into the index: `paths`, or some from elsewhere.

    Where several processes put the first ones there, one of them chooses for all.
    """
    choose, word = partial(_suitable, settings, paths), None
    with ExitStack() as stack:
        if _is_open(settings):
            with suppress(OSError):
                word = stack.enter_context(_agreement(settings).held(choose))
        yield _with(settings, word or choose())


@asynccontextmanager
async def settled(settings: Settings) -> AsyncIterator[Settings]:
    """`settings` with the embedder to use now, which nobody chooses anew while this is open."""
    async with AsyncExitStack() as stack:
        if await asyncio.to_thread(_is_open, settings):
            await stack.enter_async_context(FolderLock(settings.data_folder).held())
        yield await asyncio.to_thread(_chosen, settings)


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


def _with(settings: Settings, embedder: str) -> Settings:
    if not is_remembered(settings):
        return settings
    changed = settings.model_copy(update={"embedder": embedder})
    changed.model_fields_set.discard("embedder")
    return changed


def _chosen(settings: Settings) -> Settings:
    """What those chose who put the first documents there just now, else what the index was made with."""
    word = None
    if _is_open(settings):
        with suppress(OSError):
            word = _agreement(settings).word()
    return _with(settings, word or _stored(settings))


def _suitable(settings: Settings, paths: Iterable[Path]) -> str:
    """What the index was made with; as long as it holds no documents, what suits those in `paths`."""
    if not is_remembered(settings):
        return settings.embedder
    stored = _stored(settings)
    return MULTILINGUAL if _is_new(settings) and not knows(stored, texts_in(paths)) else stored


def _stored(settings: Settings) -> str:
    origin = stored_origin(settings.data_folder / "index")
    return origin.embedder if origin else settings.embedder


def _agreement(settings: Settings) -> Agreement:
    return Agreement(settings.data_folder, "embedder")


def _is_open(settings: Settings) -> bool:
    """Whether the embedder is still to be chosen, by the first documents; a server's index asks for one by name."""
    return not settings.qdrant_url and _is_new(settings)


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
