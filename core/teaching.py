"""What people teach in a conversation: a file, a thread, an answer that was missing.

Each lesson is a folder of its own with one document in it, ingested like any other, so a lesson outlives a change of
embedder and can be looked at: `<folder>/<id>/<name>`, who may see it in `.attune.toml`, whose it is in `.lesson.json`.
A forgotten lesson waits in `.forgotten/<id>`, from where it can be brought back. Knows nothing of platforms.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePath

from core.documents.archives import is_readable
from core.documents.folder_settings import FILE_NAME
from core.domain import Person
from core.errors import DocumentError, LessonError
from core.inbox import SetAside
from core.ingest import Ingester
from core.ports import PassageIndex, Usage
from core.readers import Readers
from core.stored import Form, UnreadableError

KEPT_FORGOTTEN = 1000  # lessons that can be brought back
_NAME_CHARACTERS = 80
_RECORD = ".lesson.json"
_FORGOTTEN = ".forgotten"
_ID = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^\w.()+@ -]+")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A document that somebody taught: its author, and who may see it."""

    id: str
    name: str
    author: Person
    readers: Readers
    taught_at: datetime


_LESSON = Form(Lesson)


class Teacher:
    """Keeps lessons under one folder, and the index in step with them."""

    def __init__(self, folder: Path, ingester: Ingester, index: PassageIndex, usage: Usage) -> None:
        self._folder = folder
        self._ingester = ingester
        self._index = index
        self._usage = usage

    async def learn_file(self, name: str, data: bytes, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a document of that name.

        Raises:
            LessonError: its format is not known, it cannot be read or holds no text; nothing was learned.
        """
        safe = _safe(name)
        if not is_readable(PurePath(safe)):
            raise LessonError(f"I cannot read {safe}: its format is not one that I know. Save it as PDF, DOCX or text.")
        lesson = Lesson(uuid.uuid4().hex, safe, author, readers, at)
        await asyncio.to_thread(_write, self._folder / lesson.id, lesson, data)
        try:
            await self._ingest(lesson)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, self._folder / lesson.id, ignore_errors=True)
            raise
        return lesson

    async def learn_text(self, title: str, text: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn a message or a thread.

        Raises:
            LessonError: there is no text.
        """
        document = f"# {' '.join(title.split())}\n\n{text.strip()}\n" if text.strip() else ""
        return await self.learn_file(f"{title.strip() or 'Note'}.md", document.encode(), author, readers, at)

    async def learn_answer(self, question: str, answer: str, author: Person, readers: Readers, at: datetime) -> Lesson:
        """Learn the answer to a question that went unanswered, which is then no gap any more.

        Raises:
            LessonError: there is no text.
        """
        lesson = await self.learn_text(question, answer, author, readers, at)
        await self._usage.close_gaps([question])
        return lesson

    async def forget(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Forget a lesson, which its author may, and an operator. It can be brought back.

        Raises:
            LessonError: there is no such lesson, or it is somebody else's.
        """
        lesson = await asyncio.to_thread(_read, self._place(id_))
        _permitted(lesson, person, operator=operator)
        await asyncio.to_thread(self._put_away, id_)
        await self._take_out(id_)
        return lesson

    async def bring_back(self, id_: str, person: Person, *, operator: bool = False) -> Lesson:
        """Learn a forgotten lesson again.

        Raises:
            LessonError: it was not forgotten, or is somebody else's.
        """
        lesson = await asyncio.to_thread(_read, self._place(id_, forgotten=True))
        _permitted(lesson, person, operator=operator)
        await asyncio.to_thread(self._place(id_, forgotten=True).rename, self._place(id_))
        await self._ingest(lesson)
        return lesson

    def lesson_of(self, source: str) -> str | None:
        """The id of the lesson that a document belongs to; None where nobody taught it."""
        place, folder = PurePath(source), self._folder.resolve()
        id_ = place.relative_to(folder).parts[0] if place.is_relative_to(folder) and place != folder else ""
        return id_ if _ID.fullmatch(id_) else None

    async def erase(self, id_: str) -> None:
        """Remove a lesson with its file and its record: nobody can bring it back.

        Raises:
            DocumentError: its folder cannot be removed; it is still known.
        """
        try:
            await asyncio.to_thread(shutil.rmtree, self._place(id_))
        except FileNotFoundError:
            pass  # somebody else was faster
        except OSError as error:
            raise DocumentError(
                f"{self._place(id_)} cannot be removed: {error.strerror}. Change its permissions, then try again."
            ) from error
        await self._take_out(id_)

    async def lessons(self, audience: Collection[str]) -> list[Lesson]:
        """The lessons that `audience` may see, the newest first."""
        found = await asyncio.to_thread(self._all)
        seen = [lesson for lesson in found if set(audience) & set(lesson.readers)]
        return sorted(seen, key=lambda lesson: lesson.taught_at, reverse=True)

    async def refresh(self) -> None:
        """Bring the index in step with all lessons, such as after a change of embedder or a crash."""
        if self._folder.is_dir():
            await self._ingester.ingest([self._folder])

    async def _ingest(self, lesson: Lesson) -> None:
        report = await self._ingester.ingest([self._folder / lesson.id])
        if not (report.new or report.changed or report.unchanged):
            nothing = f"{lesson.name} holds no text that I could learn."
            raise LessonError(report.refused[0].reason if report.refused else nothing)

    async def _take_out(self, id_: str) -> None:
        """Its passages leave the index."""
        for document in await self._index.documents():
            if self.lesson_of(document.source) == id_:
                await self._index.remove(document.source)

    def _all(self) -> list[Lesson]:
        if not self._folder.is_dir():
            return []
        return [_read(place) for place in self._folder.iterdir() if (place / _RECORD).is_file()]

    def _put_away(self, id_: str) -> None:
        away = self._folder / _FORGOTTEN
        away.mkdir(exist_ok=True)
        self._place(id_).rename(away / id_)
        for old in sorted(away.iterdir(), key=lambda place: place.stat().st_ctime)[:-KEPT_FORGOTTEN]:
            shutil.rmtree(old)

    def _place(self, id_: str, *, forgotten: bool = False) -> Path:
        if not _ID.fullmatch(id_):
            raise LessonError("There is no such lesson.")
        return self._folder / _FORGOTTEN / id_ if forgotten else self._folder / id_


def _write(place: Path, lesson: Lesson, data: bytes) -> None:
    """The document last, and nothing of it where somebody else could read it."""
    try:
        place.mkdir(mode=0o700, parents=True)
        (place / FILE_NAME).write_text(f"readers = {json.dumps(lesson.readers)}\n", encoding="utf-8")
        (place / _RECORD).write_bytes(_LESSON.dump_json(lesson))
        (place / lesson.name).write_bytes(data)
    except OSError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise DocumentError(f"{place} cannot be written: {error.strerror}. See that the disk has room.") from error


def _read(place: Path) -> Lesson:
    try:
        return _LESSON.validate_json((place / _RECORD).read_bytes())
    except (OSError, UnreadableError):
        raise LessonError("There is no such lesson.") from None


def _permitted(lesson: Lesson, person: Person, *, operator: bool) -> None:
    if lesson.author != person and not operator:
        raise LessonError("Only whoever taught it, or an operator, can change that.")


def _safe(name: str) -> str:
    """A file's name without folders, hidden beginnings or characters that mean something elsewhere."""
    last = PurePath(name.replace("\\", "/").replace("\0", "")).name
    stem, suffix = (_UNSAFE.sub(" ", part).strip(" .") for part in (PurePath(last).stem, PurePath(last).suffix))
    short = " ".join(stem.split())[:_NAME_CHARACTERS].strip() or "document"
    return f"{short}.{suffix.lower()}" if suffix else short


def unreadable_lessons(folder: Path) -> list[SetAside]:
    """The lessons under `folder` whose record cannot be read here: nobody is shown them, or can take them back."""
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _ID.fullmatch(place.name) and (place / _RECORD).is_file():
            try:
                _LESSON.validate_json((place / _RECORD).read_bytes())
            except UnreadableError as error:
                found.append(SetAside("lesson", place.name, str(error), None))
    return found
