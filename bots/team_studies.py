"""Courses of the team in a conversation: which there are, how one begins, and whether somebody's steps are counted.

What follows a beginning is a course like any other (`studies.py`). Knows nothing of platforms, or of files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bots import study_texts, texts
from bots import team_texts as say
from bots.language import translated
from bots.replies import Final, Notice
from bots.study_requests import COUNT
from core.domain import Message
from core.engine import Engine
from core.learning.course_files import TeamCourse
from core.learning.study import Course

_TEAM = re.compile(r"team=(?P<id>\S+)", re.IGNORECASE)  # as buttons say it


@dataclass(frozen=True, slots=True)
class CourseOpening:
    """A course of the team that can go on at once, with what stands above its first step."""

    course: Course
    head: str


class TeamStudies:
    """What is said of courses of the team before their first step."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def count(self, message: Message, rest: str) -> Final | Notice | None:
        """Change whether somebody's steps are counted, if `rest` says so."""
        asked = COUNT.fullmatch(rest.strip())
        if asked is None:
            return None
        if not message.private:
            return Notice(translated(say.IN_PRIVATE))
        on = (asked["on"] or asked["an"]).lower() in {"on", "an"}
        await self._engine.team_courses.count(message.person, on=on)
        course = await self._engine.tutor.course(message)
        waiting = course if course and course.team and course.at + 1 < len(course.steps) else None
        return Final(translated(say.COUNTED if on else say.UNCOUNTED), choices=say.to_go_on(waiting))

    async def begin(self, message: Message, name: str) -> CourseOpening | Final | Notice | None:
        """Begin the course of that name; None where none of the team's is called so."""
        named = _TEAM.fullmatch(name)
        team = await self._engine.team_courses.find(message, named["id"] if named else name)
        if team is None:
            return Notice(translated(study_texts.COURSE_GONE)) if named else None
        start = await self._engine.team_courses.begin(message, team)
        if start.course is None:
            return Notice(translated(say.NONE_READABLE, title=texts.escaped(team.title)))
        head = "\n\n".join(filter(None, [study_texts.plan(start.course), say.left_out(start.left_out)]))
        if message.private and await self._engine.team_courses.ask_once(message.person):
            return Final(f"{head}\n\n{say.may_count()}", choices=say.whether_to_count(start.course))
        return CourseOpening(start.course, head)

    async def beside(self, message: Message, reply: Final | Notice) -> Final | Notice:
        """`reply` with the courses that somebody may take; in private with how far they are in each."""
        courses = await self._engine.team_courses.offered(message)
        if not (courses and self._engine.tutor.able):
            return reply
        choices = reply.choices if isinstance(reply, Final) else ()
        return Final(
            f"{reply.markdown}\n\n{await self._offer(message, courses)}", choices=choices + say.to_begin(courses)
        )

    async def _offer(self, message: Message, courses: list[TeamCourse]) -> str:
        if not message.private:
            return say.offered(courses)
        study = await self._engine.people.study(message.person)
        counted = [] if study.counted is None else [say.status(on=study.counted)]
        return "\n\n".join([say.offered(courses, study.records), *counted])
