"""The folder of lessons: which documents are lessons, and how one goes for good.

What `attune remove` needs, without what it takes to learn a lesson (`teaching.py`). Knows nothing of what is in one.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePath

from core.domain import Document
from core.errors import DocumentError, LessonError
from core.ports import PassageIndex
from core.storage.durable import sync_folder
from core.storage.folder_lock import FolderLock
from core.together import to_the_end

DRAFTS = ".drafts"
LESSON_ID = re.compile(r"[0-9a-f]{32}")


class LessonFolder:
    """Lessons under `folder`, whose passages are in `index`."""

    def __init__(self, folder: Path, index: PassageIndex) -> None:
        self._folder = folder
        self._index = index
        self._lock = FolderLock(folder)  # other processes learn and forget, too

    def lesson_of(self, source: str) -> str | None:
        """The id of the lesson that a document belongs to; None where nobody taught it."""
        place, folder = PurePath(source), self._folder.resolve()
        id_ = place.relative_to(folder).parts[0] if place.is_relative_to(folder) and place != folder else ""
        return id_ if LESSON_ID.fullmatch(id_) else None

    async def erase(self, id_: str) -> None:
        """Remove a lesson with its file and its record: nobody can bring it back.

        Raises:
            DocumentError: its folder cannot be removed; it is still known.
        """
        await to_the_end(self.take_away(self.place(id_)))

    async def take_away(self, place: Path) -> list[Document]:
        """Remove a folder, and the passages of the lesson in it: these documents."""
        try:
            draft = await asyncio.to_thread(self.withdraw, place)
            try:
                async with self._lock.held():
                    return await self.take_out(place.name)
            finally:
                await asyncio.to_thread(remove_folder, draft)
        except OSError as error:
            raise DocumentError(
                f"{place} cannot be removed: {error.strerror}. Change its permissions, then try again."
            ) from error

    async def take_out(self, id_: str | None = None) -> list[Document]:
        """The passages of a lesson leave the index; or of all those that have no folder any more: these documents."""
        gone = []
        for document in await self._index.documents():
            lesson = self.lesson_of(document.source)
            if lesson and (lesson == id_ if id_ else not self.place(lesson).is_dir()):
                await self._index.remove(document.source)
                gone.append(document)
        return gone

    def withdraw(self, place: Path) -> Path:
        """Move a folder to where no lessons are: half a lesson, without the note of its readers, is never learned."""
        draft = self._folder / DRAFTS / place.name
        draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # never written, or somebody else was faster
            place.rename(draft)
        sync_folder(self._folder)
        return draft

    def place(self, id_: str) -> Path:
        """The folder of a lesson, whether or not it is there."""
        if not LESSON_ID.fullmatch(id_):
            raise LessonError("I don't have that lesson.")
        return self._folder / id_


def remove_folder(folder: Path) -> None:
    """Remove it, if it is still there."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
