"""What people teach in a conversation: a file, a thread, an answer that was missing.

Each lesson is a folder of its own with one document in it, ingested like any other, so a lesson outlives a change of
embedder and can be looked at: `<folder>/<id>/<name>`, who may see it in `.attune.toml`, whose it is in `.lesson.json`.
That folder comes and goes in one step, and its passages with it: it is written, and removed, in `.drafts/<id>`. A
forgotten lesson waits in `.forgotten`, sealed (`sealing.py`): its id, which is the key, stands nowhere any more but on
the button that brings it back. Knows nothing of platforms.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

import structlog

from core.documents.archives import is_readable
from core.documents.folder_settings import FILE_NAME
from core.documents.ingest import Ingester
from core.documents.lessons import DRAFTS, LESSON_ID, LessonFolder, remove_folder
from core.domain import Document, Person
from core.errors import DocumentError, LessonError, StoreError
from core.inbox import UnreadableItem
from core.ports import PassageIndex
from core.readers import Readers
from core.storage.durable import sync_folder, write_new, write_whole
from core.storage.sealing import opened, place_of, seal, unpack
from core.storage.stored import RecordForm, UnreadableRecordError
from core.together import to_the_end
from core.upkeep import Leftovers

log = structlog.get_logger(__name__)

KEPT_FORGOTTEN = 1000  # lessons that can be brought back
_NAME_CHARACTERS = 80
_RECORD = ".lesson.json"
_FORGOTTEN = ".forgotten"
_STALE = 3600.0  # seconds: a draft as old as that was left by a process that was killed
_UNSAFE = re.compile(r"[^\w.()+@ -]+")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A document that somebody taught: its author, and who may see it."""

    id: str
    name: str
    author: Person
    readers: Readers
    taught_at: datetime


_LESSON = RecordForm(Lesson)


class Teacher(LessonFolder):
    """Keeps lessons under one folder, and the index in step with them."""

    def __init__(
        self,
        folder: Path,
        ingester: Ingester,
        index: PassageIndex,
        leftovers: Leftovers | None = None,
    ) -> None:
        """`leftovers` clears away what else is kept of a forgotten lesson; who erases lessons does it themselves."""
        super().__init__(folder, index)
        self._leftovers = leftovers
        self._ingester = ingester

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a document of that name. However this ends otherwise, cancelled or not, nothing of it stays.

        Raises:
            LessonError: its format is not known, it cannot be read or holds no text; nothing was learned.
        """
        safe = _safe(name)
        if not is_readable(PurePath(safe)):
            raise LessonError(
                "I can't read {name}, because I don't know its format. Save it as PDF, DOCX or text.", name=safe
            )
        lesson = Lesson(uuid.uuid4().hex, safe, author, readers, at)
        try:
            await to_the_end(asyncio.to_thread(self._write, lesson, data))
            await self._ingest(lesson)
        except BaseException:
            await to_the_end(self._undo(lesson.id))
            raise
        return lesson

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a message or a thread.

        Raises:
            LessonError: there is no text.
        """
        document = f"# {' '.join(title.split())}\n\n{text.strip()}\n" if text.strip() else ""
        return await self.learn_file(f"{title.strip() or 'Note'}.md", document.encode(), author, readers, at)

    async def forget(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Forget a lesson, which its author may, and an operator. Who has its id can have it brought back.

        Raises:
            LessonError: there is no such lesson, or it is somebody else's.
        """
        lesson = await asyncio.to_thread(_read, self.place(id_))
        _permitted(lesson, person, operator=operator)
        await to_the_end(self._put_away(id_))
        return lesson

    async def bring_back(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Learn a forgotten lesson again.

        Raises:
            LessonError: it was not forgotten, or is somebody else's.
        """
        lesson = await asyncio.to_thread(self._read_sealed, self.place(id_).name)
        _permitted(lesson, person, operator=operator)
        await to_the_end(asyncio.to_thread(self._fetch_back, id_))
        try:
            await self._ingest(lesson)
        except BaseException:
            await to_the_end(self._put_away(id_))
            raise
        return lesson

    async def lessons(self, audience: Collection[str]) -> list[Lesson]:
        """The lessons that `audience` may see, the newest first."""
        found = await asyncio.to_thread(self._all)
        seen = [lesson for lesson in found if set(audience) & set(lesson.readers)]
        return sorted(seen, key=lambda lesson: lesson.taught_at, reverse=True)

    async def refresh(self) -> None:
        """Bring the index in step with all lessons, such as after a change of embedder or a crash."""
        if self._folder.is_dir():
            await to_the_end(asyncio.to_thread(self._tidy))
            await self._ingester.ingest([self._folder], lock=self._lock)
            async with self._lock.held():
                gone = await self.take_out()
            await self._clear(gone)

    async def _ingest(self, lesson: Lesson) -> None:
        report = await self._ingester.ingest([self._folder / lesson.id], lock=self._lock)
        if not (report.new or report.changed or report.unchanged):
            if report.refused:
                raise LessonError(report.refused[0].reason)
            raise LessonError("{name} contains no text to learn.", name=lesson.name)

    async def _undo(self, id_: str) -> None:
        """Nothing is left of a lesson that was not learned."""
        try:
            await self._clear(await self.take_away(self.place(id_)))
        except (StoreError, DocumentError):  # of the index: nobody finds it meanwhile, and `refresh` goes on
            log.warning("lesson_rollback_failed", lesson=id_, exc_info=True)

    async def _put_away(self, id_: str) -> None:
        """Its passages leave the index, its folder waits to be brought back, and all else that is kept of it goes.

        Locked, so that no other process that read it before writes it afterwards. It is sealed before anything goes:
        where the disk has no room for that, it is known as before.
        """
        try:
            async with self._lock.held():
                await asyncio.to_thread(self._seal, id_)
                documents = await self.take_out(id_)
                await asyncio.to_thread(self._drop, id_)
        except OSError as error:
            raise DocumentError(
                f"{self.place(id_)} cannot be moved aside: {error.strerror}. Check that the disk has space."
            ) from error
        await self._clear(documents)

    async def _clear(self, documents: Collection[Document]) -> None:
        if self._leftovers:
            await self._leftovers.clear(documents)

    def _all(self) -> list[Lesson]:
        """Those whose record can be read: a broken one costs its own lesson."""
        found = []
        for place in self._folder.iterdir() if self._folder.is_dir() else ():
            if (place / _RECORD).is_file():
                try:
                    found.append(_read(place))
                except LessonError:
                    log.warning("lesson_unreadable", lesson=place.name)
        return found

    def _write(self, lesson: Lesson, data: bytes) -> None:
        """The lesson's folder, whole and on the disk, and nothing of it where somebody else could read it."""
        draft, place = self._folder / DRAFTS / lesson.id, self.place(lesson.id)
        try:
            draft.mkdir(mode=0o700, parents=True)
            write_new(draft / FILE_NAME, _readers_line(lesson))
            write_new(draft / _RECORD, _LESSON.dump_json(lesson))
            write_new(draft / lesson.name, data)
            sync_folder(draft)
            draft.rename(place)
            sync_folder(self._folder)
        except OSError as error:
            raise DocumentError(
                f"{place} cannot be written: {error.strerror}. Check that the disk has space."
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _seal(self, id_: str) -> None:
        away = self._folder / _FORGOTTEN
        with suppress(FileNotFoundError):  # somebody else was faster
            seal(self.place(id_), away)
        kept = sorted(away.glob("*.sealed"), key=lambda place: place.stat().st_ctime)
        for old in kept[:-KEPT_FORGOTTEN]:
            old.unlink(missing_ok=True)

    def _drop(self, id_: str) -> None:
        remove_folder(self.withdraw(self.place(id_)))

    def _read_sealed(self, id_: str) -> Lesson:
        return _lesson((opened(self._folder / _FORGOTTEN, id_) or {}).get(_RECORD, b""))

    def _fetch_back(self, id_: str) -> None:
        away, draft = self._folder / _FORGOTTEN, self._folder / DRAFTS / id_
        files = opened(away, id_)
        if files is None:  # somebody else was faster
            raise LessonError("I don't have that lesson.")
        try:
            unpack(files, draft)
            draft.rename(self.place(id_))
            place_of(away, id_).unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise DocumentError(
                f"{self.place(id_)} cannot be written: {error.strerror}. Check that the disk has space."
            ) from error

    def _seal_old(self) -> None:
        """Lessons that an earlier version put away as they were."""
        away = self._folder / _FORGOTTEN
        for place in away.iterdir() if away.is_dir() else ():
            if LESSON_ID.fullmatch(place.name):
                seal(place, away)
                remove_folder(place)

    def _tidy(self) -> None:
        """Before all lessons are read: what killed processes left goes, and no lesson is without its readers."""
        drafts = self._folder / DRAFTS
        for draft in drafts.iterdir() if drafts.is_dir() else ():
            if draft.stat().st_ctime < time.time() - _STALE:
                shutil.rmtree(draft, ignore_errors=True)
        for place in self._folder.iterdir():
            if LESSON_ID.fullmatch(place.name) and not (place / FILE_NAME).exists():
                self._close(place)
        self._seal_old()

    def _close(self, place: Path) -> None:
        """Who may see it is not written beside it: its record says so, or it is put away, since nobody may."""
        try:
            write_whole(place / FILE_NAME, _readers_line(_read(place)))
        except LessonError:
            log.warning("lesson_without_readers", lesson=place.name)
            self._seal(place.name)
            self._drop(place.name)


def _readers_line(lesson: Lesson) -> bytes:
    return f"readers = {json.dumps(lesson.readers)}\n".encode()


def _read(place: Path) -> Lesson:
    try:
        return _lesson((place / _RECORD).read_bytes())
    except OSError:
        raise LessonError("I don't have that lesson.") from None


def _lesson(record: bytes) -> Lesson:
    try:
        return _LESSON.validate_json(record)
    except UnreadableRecordError:
        raise LessonError("I don't have that lesson.") from None


def _permitted(lesson: Lesson, person: Person, *, operator: bool) -> None:
    if lesson.author != person and not operator:
        raise LessonError("Only the person who taught me this, or an operator, can change it.")


def _safe(name: str) -> str:
    """A file's name without folders, hidden beginnings or characters that mean something elsewhere."""
    last = PurePath(name.replace("\\", "/").replace("\0", "")).name
    stem, suffix = (_UNSAFE.sub(" ", part).strip(" .") for part in (PurePath(last).stem, PurePath(last).suffix))
    short = " ".join(stem.split())[:_NAME_CHARACTERS].strip() or "document"
    return f"{short}.{suffix.lower()}" if suffix else short


def unreadable_lessons(folder: Path) -> list[UnreadableItem]:
    """The lessons under `folder` whose record cannot be read here: nobody is shown them, or can take them back."""
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if LESSON_ID.fullmatch(place.name) and (place / _RECORD).is_file():
            try:
                _LESSON.validate_json((place / _RECORD).read_bytes())
            except UnreadableRecordError as error:
                found.append(UnreadableItem("lesson", place.name, str(error), None))
    return found
