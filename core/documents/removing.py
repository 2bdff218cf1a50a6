"""Documents leave the index, and with them all that is kept of them: first found by name, then removed.

A name is a file, a folder or a source: all that lies under it goes. Attune's own guides stay. Knows nothing of who asks
for it, or of how the model remembers what it read.
"""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from core.documents.folder_records import FolderDecisions, FolderRecords
from core.documents.lessons import LessonFolder
from core.documents.remote.addresses import checked_address, is_address, within
from core.documents.remote.records import SourceRecord, SourceRecords
from core.domain import Document
from core.errors import DocumentError
from core.ports import Memory, PassageIndex, Usage
from core.readers import GUIDES
from core.upkeep import ForgetReading, Leftovers

_NEAR = 3  # names that an unknown one may have been meant to be


@dataclass(frozen=True, slots=True)
class Removal:
    """What would go: documents, each version by itself, and the lessons that some of them are.

    What is recorded at and under `places` goes, too: there may be records without documents. The sources at `addresses`
    are not read again.
    """

    documents: tuple[Document, ...]
    lessons: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def sources(self) -> dict[str, int]:
        """Passages by source."""
        counted: dict[str, int] = {}
        for document in self.documents:
            counted[document.source] = counted.get(document.source, 0) + document.passages
        return counted


class Remover:
    """Finds and removes documents. `forget_reading` drops what was read of others than the given (source, version)."""

    def __init__(
        self,
        index: PassageIndex,
        usage: Usage,
        memory: Memory,
        lessons: LessonFolder,
        forget_reading: ForgetReading,
        *,
        folders: FolderRecords | None = None,
        sources: SourceRecords | None = None,
    ) -> None:
        self._index = index
        self._lessons = lessons
        self._leftovers = Leftovers(index, usage, memory, forget_reading)
        self._folders = folders
        self._sources = sources

    async def find(self, names: Sequence[str]) -> Removal:
        """What `names` stand for. Of a lesson all goes, since a part of it would be learned again.

        Raises:
            DocumentError: one of them is unknown, or a guide of Attune's own.
        """
        documents = await self._index.documents()
        recorded = await asyncio.to_thread(self._folders.read) if self._folders else FolderDecisions()
        removable = [document for document in documents if GUIDES not in document.readers]
        known = await asyncio.to_thread(self._sources.read) if self._sources else []
        addresses = [one.address for one in known if any(_is_at(one, _places(name)) for name in names)]
        meant = [_meant(name, removable, documents, recorded, known) for name in names]
        chosen = {document.source for each in meant for document in each}
        lessons = {id_ for source in chosen if (id_ := self._lessons.lesson_of(source))}
        whole = [one for one in removable if one.source in chosen or self._lessons.lesson_of(one.source) in lessons]
        places = {place for name in names if recorded.has(_places(name)) for place in _places(name)}
        return Removal(tuple(whole), tuple(sorted(lessons)), tuple(sorted(places)), tuple(addresses))

    async def remove(self, removal: Removal, gone: Callable[[], None] = lambda: None) -> None:
        """Remove what `find` found: passages, lessons, records, and all that is left of them elsewhere.

        `gone` is called for each document. May be repeated after a failure.
        """
        for lesson in removal.lessons:
            await self._lessons.erase(lesson)
        if self._sources and removal.addresses:  # first: it would be read again meanwhile
            await asyncio.to_thread(self._sources.forget, *removal.addresses)
        for source in removal.sources:
            await self._index.remove(source)
            gone()
        if self._folders and removal.places:
            await asyncio.to_thread(self._folders.forget, removal.places)
        await self._leftovers.clear(removal.documents)


def _meant(
    name: str,
    removable: Sequence[Document],
    documents: Sequence[Document],
    recorded: FolderDecisions,
    known: Sequence[SourceRecord],
) -> list[Document]:
    places = _places(name)
    named = [one for one in known if _is_at(one, places)]
    covered = [document for document in removable if any(one.remote and one.covers(document.source) for one in named)]
    if found := [*covered, *(document for document in removable if _is_under(document.source, places))]:
        return found
    if named or recorded.has(places):
        return []
    if any(_is_under(document.source, places) for document in documents):
        raise DocumentError(
            f"{name} holds Attune's own guides, which cannot be removed: they answer only questions about Attune."
        )
    near = _near(name, removable)
    meant = f" Did you mean {_either(near)}?" if near else ""
    raise DocumentError(f"There is no document {name}.{meant} `attune sources` lists the documents.")


def _places(name: str) -> set[str]:
    """The sources that `name` may stand for: itself, or a path from here, be it by way of links."""
    if is_address(name):
        return {name, checked_address(name)}
    if not name.strip() or "\0" in name:
        return {name}
    path = Path(os.path.abspath(os.path.expanduser(name)))  # noqa: PTH100, PTH111 - a link and what is above it stay apart
    paths = (path, path.parent.resolve() / path.name, path.resolve())
    return {name, *(each.as_posix() for each in paths)}


def _is_at(record: SourceRecord, places: Collection[str]) -> bool:
    """Whether a source is meant by one of `places`, be it without its branch, or lies below it."""
    longer = tuple(f"{place}{sign}" for place in places for sign in ("@", "#", "/"))
    return record.address in places or record.address.startswith(longer)


def _is_under(source: str, places: Collection[str]) -> bool:
    if is_address(source):
        return any(within(source, place) for place in places)
    return any(source == place or source.startswith(f"{place.rstrip('/')}/") for place in places if place)


def _near(name: str, documents: Sequence[Document]) -> list[str]:
    """Documents, or folders of some, whose last part is nearly that of `name`."""
    known: dict[str, dict[str, None]] = {}
    for document in documents:
        source = PurePath(document.source)
        for place in (source, source.parent):
            known.setdefault(place.name.lower(), {})[place.as_posix()] = None
    alike = difflib.get_close_matches(PurePath(name).name.lower(), known, n=_NEAR)
    return [place for last in alike for place in known[last]][:_NEAR]


def _either(names: Sequence[str]) -> str:
    return " or ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
