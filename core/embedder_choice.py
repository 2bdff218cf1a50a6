"""Which embedder is used where the settings name none: the one that the index was made with, else what suits.

What suits the first documents is told by the language of some of them, read as plain text. Reads files, and nothing
else; knows nothing of formats, of models' files, or of what an index holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from core.models.specs import BUILT_IN
from core.settings import Settings
from core.storage.origin import stored_origin
from core.text.languages import ENGLISH, language_of, segmented

MULTILINGUAL = "multilingual-e5-small"
FOREIGN_SHARE = 0.2  # of texts, from which an embedder of English alone is not enough
_PLAIN = frozenset((".md", ".markdown", ".mdx", ".txt", ".rst", ".html", ".htm", ".adoc", ".org"))
_SAMPLE = 40  # texts
_MOST = 4_000  # files that are looked through for them
_CHARS = 4_000  # of each text
_MARKUP = re.compile(r"<[^>]*>|https?://\S+|`[^`\n]*`")


def with_embedder(settings: Settings, paths: Iterable[Path] = ()) -> Settings:
    """`settings` with the embedder to use; `paths` are the documents that a new index is to begin with."""
    if "embedder" in settings.model_fields_set or settings.qdrant_url:
        return settings
    folder = settings.data_folder / "index"
    origin = stored_origin(folder)
    if origin:
        return settings.model_copy(update={"embedder": origin.embedder})
    if folder.exists() or knows(settings.embedder, texts_in(paths)):
        return settings
    return settings.model_copy(update={"embedder": MULTILINGUAL})


def knows(embedder: str, texts: Iterable[str], share: float = 0.5) -> bool:
    """Whether `embedder` was made for the languages of all but a `share` of `texts`; others may know any language."""
    foreign = [is_foreign(text) for text in texts]
    return embedder not in BUILT_IN or embedder == MULTILINGUAL or sum(foreign) <= share * len(foreign)


def is_foreign(text: str) -> bool:
    """Whether `text` is in another language than English."""
    plain = _MARKUP.sub(" ", text)
    return language_of(plain) != ENGLISH or len(segmented(plain)) > 1.5 * len(plain)


def texts_in(paths: Iterable[Path]) -> Sequence[str]:
    """How some of the plain files in `paths` begin, from all over them."""
    files = list(islice((file for path in paths for file in _files(path)), _MOST))
    return [text for file in files[:: 1 + len(files) // _SAMPLE] if (text := _beginning(file))]


def _files(path: Path) -> Iterable[Path]:
    with suppress(OSError):
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.suffix.lower() in _PLAIN and file.is_file())


def _beginning(file: Path) -> str:
    with suppress(OSError), file.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(_CHARS)
    return ""
