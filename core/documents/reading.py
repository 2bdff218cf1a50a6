"""One file, or one unpacked export → the passages of each document in it, unless the index has them already.

Blocking: it reads, waits for the parser's process and counts tokens, so it is called in a thread. Passages' ids say
which embedder they are for, by which an older index is told. Knows nothing of vectors or of how they are stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from core.answering.terms import TERMS_VERSION
from core.documents.archives import check_file_size, holds_others, is_unpacked_export, packed_export
from core.documents.parsing import PARSER_VERSION
from core.documents.remote.addresses import INSIDE, is_address
from core.documents.sandbox import Sandbox
from core.documents.sandbox_child import ParseReply, ParseState, version_of
from core.documents.splitting import SPLITTER_VERSION, passage_ids, split
from core.documents.walk import Refusal, printable
from core.domain import Document, Passage, Vector, VectorOrigin
from core.errors import DocumentError
from core.ports import Embedder, PassageIndex
from core.readers import GUIDES, Readers
from core.storage.origin import other_name, other_origin

VERSIONS = (PARSER_VERSION, SPLITTER_VERSION, TERMS_VERSION)  # another one makes other passages of the same file
_SPECIAL_TOKENS = 2  # that a model adds around a text, at most
_SAMPLE = 200  # documents of an index that are looked at, at least, where there are so many


@dataclass(frozen=True, slots=True)
class FileTask:
    """A file to be read for `readers`, of which the index holds the versions `held`, by source."""

    file: Path
    source: str
    held: Mapping[str, Sequence[Document]]
    readers: Readers


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """The vectors of a document's passages, by id: those that the index had, and those that were embedded now."""

    known: Mapping[str, Vector]
    fresh: Mapping[str, Vector]


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document as it was read: `passages` is None where the index has this version already.

    `vectors` has all of its passages where whoever read it embedded them, too.
    """

    source: str
    passages: list[Passage] | None
    notes: tuple[str, ...] = ()
    vectors: PassageVectors | None = None


@dataclass(frozen=True, slots=True)
class FileContent:
    """The documents of a file: one, or the members of an archive. `skipped` are members that are not supported.

    Where the file is `complete`, it holds no other documents than these and those refused.
    """

    documents: tuple[DocumentContent, ...]
    refused: tuple[Refusal, ...] = ()
    skipped: tuple[str, ...] = ()
    complete: bool = True


class FileReader:
    """Reads files for one embedder and passage size, which both are part of a document's version.

    For one ingestion, until it is closed. Files for different readers have different processes: what a hostile file
    makes of one must not carry the text of another to those who may not see it. `on_picture` is told each page whose
    text is recognised, in the thread that reads.
    """

    def __init__(self, embedder: Embedder, passage_tokens: int, model: str) -> None:
        self._count_tokens = embedder.count_tokens
        self._budget = min(passage_tokens, embedder.max_tokens - _SPECIAL_TOKENS)
        self._settings = f"\0{'.'.join(map(str, VERSIONS))}.{self._budget}.{model}"
        self._namespace = namespace_of(model)
        self.on_picture: Callable[[int], None] = lambda _: None
        self._sandbox = Sandbox(on_picture=self._begin_picture)
        self._readers: Readers | None = None  # of the file before

    def read(
        self, file: Path, held: Mapping[str, Sequence[Document]], readers: Readers, source: str = ""
    ) -> FileContent:
        """Read `file` for `readers`, of which the index holds the versions `held`, by source; `source` is its own name.

        Raises:
            DocumentError: the file cannot be read, or `stop` was called.
        """
        source = source or _source(file)
        data, path = _content_of(file)
        settings = "\0".join((self._settings, *readers))
        versions = {
            inside_of(source, of): documents[0].version
            for of, documents in held.items()
            if len(documents) == 1 and documents[0].complete
        }
        if not holds_others(path) and versions == {"": version_of(data, path, settings)}:  # without waking the parser
            return FileContent((DocumentContent(source, None),))
        if readers != self._readers:
            self._sandbox.renew()
            self._readers = readers
        replies = self._sandbox.read(data, path, settings, versions)
        refused = [reply for reply in replies if reply.state is ParseState.REFUSED]
        if len(refused) == len(replies) == 1 and not refused[0].inside:
            raise DocumentError(refused[0].reason)
        return FileContent(
            tuple(self._content(source, reply, readers) for reply in replies if reply.version),
            tuple(Refusal(printable(source_of(source, reply.inside)), reply.reason) for reply in refused),
            tuple(source_of(source, reply.inside) for reply in replies if reply.state is ParseState.SKIPPED),
            complete=all(reply.inside for reply in refused),
        )

    @property
    def namespace(self) -> uuid.UUID:
        """What the ids of passages are made from."""
        return self._namespace

    def stop(self) -> None:
        """End the parser's process and, soon, a `read` in another thread. Nothing is read any more."""
        self._sandbox.stop()

    def close(self) -> None:
        """End the parser's process, when nobody reads. Nothing is read any more."""
        self._sandbox.close()

    def _content(self, file: str, reply: ParseReply, readers: Readers) -> DocumentContent:
        source = source_of(file, reply.inside)
        if reply.document is None:
            return DocumentContent(source, None)
        passages = split(
            reply.document,
            source=source,
            version=reply.version,
            readers=readers,
            budget=self._budget,
            count_tokens=self._counted,
            namespace=self._namespace,
        )
        notes = [*reply.document.notes, *([reply.reason] if reply.reason else [])]
        return DocumentContent(source, passages, tuple(f"{source}: {note}" for note in notes))

    def _begin_picture(self, page: int) -> None:
        self.on_picture(page)

    def _counted(self, text: str) -> int:
        self._sandbox.check()
        return self._count_tokens(text)


def namespace_of(model: str) -> uuid.UUID:
    """What the ids of all passages that the embedder `model` embedded are made from."""
    return uuid.uuid5(uuid.NAMESPACE_URL, model)


def source_of(file: str, name: str) -> str:
    """The source of the document of that name in a file; empty is the file itself."""
    return f"{inside(file)}{name}" if name else file


def inside_of(file: str, source: str) -> str:
    """The name inside the file of a document that stands in it: the other way round."""
    return source.removeprefix(file).removeprefix(inside(file).removeprefix(file))


def inside(file: str) -> str:
    """What the sources of all documents begin with that stand in a file."""
    return f"{file}{INSIDE if is_address(file) else '/'}"


def _source(file: Path) -> str:
    source = file.as_posix()
    if printable(source) != source:
        raise DocumentError(f"{printable(file.name)} has a file or folder name that is not UTF-8. Rename it.")
    return source


def _content_of(file: Path) -> tuple[bytes, PurePath]:
    """The bytes of `file`, and the name that they are read by; a folder that is an export is read as its archive."""
    try:
        if is_unpacked_export(file):
            return packed_export(file), PurePath(f"{file.name}.zip")
        check_file_size(file.stat().st_size, file)
        if not file.is_file():
            raise DocumentError(f"{file.name} is not a regular file. Leave it out.")
        return file.read_bytes(), file
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DocumentError(f"{file.name} cannot be read: {reason}. Change its permissions or leave it out.") from None


async def check_origin(index: PassageIndex, origin: VectorOrigin) -> None:
    """See that the vectors of `index` are those of `origin`, and note it where nothing is noted yet.

    Raises:
        IndexUnavailableError: they are another embedder's.
    """
    stored = await index.origin()
    if stored is None:
        if await share_of_others(index, origin.embedder):
            raise other_name(origin.embedder)
        await index.set_origin(origin)
    elif not stored.compares(origin):
        raise other_origin(stored, origin)


async def share_of_others(index: PassageIndex, model: str) -> float:
    """The share of the documents in `index` that another embedder than `model` embedded."""
    firsts = await first_passages(index)
    theirs = [first for first in firsts if [first.id] != passage_ids([first], first.version, namespace_of(model))]
    return len(theirs) / max(1, len(firsts))


async def first_passages(index: PassageIndex) -> list[Passage]:
    """Of some documents, from all over the index."""
    documents = await index.documents()
    sample = documents[:: 1 + len(documents) // (2 * _SAMPLE)]
    return await index.following([document.before_first for document in sample], count=1)


async def beginnings(index: PassageIndex) -> list[str]:
    """How some documents begin, from all over the index, but for Attune's own guides."""
    return [passage.text for passage in await first_passages(index) if passage.readers != (GUIDES,)]
