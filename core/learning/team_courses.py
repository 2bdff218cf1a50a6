"""Courses that an operator laid out: who may take which, how one is begun, and how many got how far in it.

What may be read is decided by the tutor, for whoever begins, where they do. Of how far people got only those count who
agreed to it, and no number is told that is small enough to point at somebody. Knows nothing of platforms or sentences.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from core.domain import Document, Message, Passage, Person
from core.learning.course import parts_of
from core.learning.course_files import CourseFiles, CourseFolder, TeamCourse, TeamStep
from core.learning.study import Course, CourseRecord, CourseStep, Study
from core.learning.tutor import ID_BYTES, Tutor, place_of
from core.people.people import People
from core.people.team import FLOOR
from core.ports import PassageIndex
from core.readers import audience, may_see, names_with

LEAST = FLOOR + 1  # people of whom a number is told: nobody can tell what one other did who knows of themselves
MOST_PARTS = 12  # of one step
_ABOVE = re.compile(r"^(?:(?:\.{1,2}|…|~)/)+")  # how a path is shortened, or begins from here

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CourseStart:
    """A course as it is begun; None where none of it may be read here. `left_out` counts steps that may not."""

    course: Course | None
    left_out: int


@dataclass(frozen=True, slots=True)
class CourseCounts:
    """How many take a course, and began and finished each step; None where that is fewer than `LEAST`."""

    people: int | None
    steps: tuple[tuple[int | None, int | None], ...]


class TeamCourses:
    """The courses of the team."""

    def __init__(self, people: People, index: PassageIndex, tutor: Tutor, folder: CourseFolder | None) -> None:
        self._people = people
        self._index = index
        self._tutor = tutor
        self._folder = folder
        self._faults: set[str] = set()

    async def offered(self, message: Message) -> list[TeamCourse]:
        """Those that are for whoever reads where `message` is, by title."""
        files = await asyncio.to_thread(self._folder.read) if self._folder else CourseFiles()
        for fault in set(files.faults) - self._faults:
            log.warning("course_unusable", reason=fault)
        self._faults = set(files.faults)
        return [course for course in files.courses if not audience(message).isdisjoint(course.who)]

    async def find(self, message: Message, name: str) -> TeamCourse | None:
        """The course of that title or id, if it is for whoever reads here."""
        wanted = " ".join(name.split()).casefold()
        return next((one for one in await self.offered(message) if wanted in {one.title.casefold(), one.id}), None)

    async def begin(self, message: Message, team: TeamCourse) -> CourseStart:
        """Have somebody take `team`, from the first step that they did not finish; all of it, where they did.

        In a shared place only what they finished there counts: how far they are in private is told in private.
        """
        study = await self._tutor.begun(message.person)
        documents = await self._index.documents()
        steps: list[CourseStep] = []
        left_out = 0
        for step in team.steps:
            parts = await self._parts(step, documents, message)
            steps += parts
            left_out += not parts
        if not steps:
            return CourseStart(None, left_out)
        place = place_of(message)
        mine = next((one for one in study.courses if (one.team, one.place) == (team.id, place)), None)
        known = study.record(team.id) if message.private else mine.stages if mine else CourseRecord(team.id)
        finished = tuple(number for number, step in enumerate(steps) if step.stage in known.finished)
        at = next((number for number in range(len(steps)) if number not in finished), None)
        id_ = mine.id if mine else secrets.token_hex(ID_BYTES)
        course = Course(id_, team.title, tuple(steps), team=team.id)
        resumed = replace(course, finished=finished, at=at - 1) if at is not None else course
        return CourseStart(await self._tutor.take(message, resumed, study.token), left_out)

    async def _parts(self, step: TeamStep, documents: Sequence[Document], message: Message) -> tuple[CourseStep, ...]:
        """The parts of a step that may be read here; none where its document is not there, or not the only one."""
        sources = sources_named(step.document, documents)
        passages = under(step.heading, await self._tutor.document(sources[0], message)) if len(sources) == 1 else []
        return parts_of_step(step, passages)

    async def ask_once(self, person: Person) -> bool:
        """Whether somebody is still to be told that their steps can be counted; from now on they were."""
        first = False

        def told(old: Study) -> Study:
            nonlocal first
            first = old.counted is None
            return replace(old, counted=False) if first else old

        await self._people.change_study(person, told)
        return first

    async def count(self, person: Person, *, on: bool) -> None:
        """Whether an operator may count somebody's steps: what they said last, for all they did and will do."""
        await self._people.change_study(person, lambda old: replace(old, counted=on))


def sources_named(name: str, documents: Iterable[Document]) -> list[str]:
    """The documents that `name` stands for: that source, or those whose path ends with it."""
    sources = list(dict.fromkeys(document.source for document in documents))
    if name in sources:
        return [name]
    end = f"/{_ABOVE.sub('', name)}"
    return [source for source in sources if source.endswith(end)]


def under(heading: str, passages: Sequence[Passage]) -> list[Passage]:
    """Those of `passages` that stand under `heading`; all where it is empty."""
    wanted = _plain(heading)
    return [one for one in passages if not wanted or wanted in map(_plain, (one.title, *one.headings))]


def _plain(heading: str) -> str:
    return " ".join(heading.split()).casefold()


def parts_of_step(step: TeamStep, passages: Sequence[Passage]) -> tuple[CourseStep, ...]:
    """A step as it is taught, in parts where it is long."""
    if not passages:
        return ()
    return parts_of(passages, step.title or step.heading or passages[0].title, step.stage)[:MOST_PARTS]


def missing_for(who: Collection[str], document: Document) -> list[str]:
    """Those of `who` of whom it is not sure that they may see `document`."""
    return [name for name in who if not may_see(document.readers, names_with(name))]


def counts(team: TeamCourse, records: Iterable[CourseRecord]) -> CourseCounts:
    """How far people got, of whom `records` are; only numbers that point at nobody."""
    listed = [one for one in records if one.id == team.id]
    begun = [_told(sum(step.stage in one.begun for one in listed)) for step in team.steps]
    finished = [_told(sum(step.stage in one.finished for one in listed)) for step in team.steps]
    return CourseCounts(_told(len(listed)), tuple(zip(begun, finished, strict=True)))


def _told(count: int) -> int | None:
    return count if count >= LEAST else None
