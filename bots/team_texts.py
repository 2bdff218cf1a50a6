"""What is said of courses of the team: which there are, how one begins, and what an operator can see of it.

Replies are Markdown. Knows nothing of platforms, or of how a course comes about.
"""

from __future__ import annotations

from collections.abc import Sequence

from bots.language import counted, translated
from bots.replies import Choice
from bots.study_texts import GO_ON, more
from bots.texts import escaped
from core.learning.course_files import TeamCourse
from core.learning.study import Course, CourseRecord
from core.learning.team_courses import LEAST

OFFERED = "Courses of your team"
HOW_TO_BEGIN = "`{cmd}teach` and a course's name begins it."
NONE_READABLE = "The documents of **{title}** are gone, or you can't see them here, so I can't teach it."
MAY_COUNT = (
    "Whoever runs me can see how many people began and finished each step of a course like this: numbers from {least} "
    "on, no names, and nothing about answers. **You aren't counted unless you say so.** You can change it at any time "
    "with `{cmd}teach count on` or `{cmd}teach count off`. Should your steps count?"
)
COUNT, LEAVE_OUT = "Count my steps", "Begin uncounted"
COUNTED = (
    "Thank you: your steps in courses of the team are counted, without your name and without your answers. "
    "`{cmd}teach count off` ends that."
)
UNCOUNTED = (
    "Your steps in courses of the team aren't counted, and those from before aren't any more. "
    "`{cmd}teach count on` changes that."
)
ARE_COUNTED = "Your steps in them are counted, without your name. `{cmd}teach count off` ends that."
ARE_UNCOUNTED = "Your steps in them aren't counted. `{cmd}teach count on` changes that."
IN_PRIVATE = "That's between you and me: write `{cmd}teach count on` or `{cmd}teach count off` to me in private."

LISTED = 8  # courses, and buttons for them


def offered(courses: Sequence[TeamCourse], records: Sequence[CourseRecord] = ()) -> str:
    """The courses that there are, with how far somebody got."""
    known = {record.id: record for record in records}
    lines = [_line(course, known.get(course.id)) for course in courses[:LISTED]]
    return "\n".join(
        [f"**{translated(OFFERED)}**", "", *lines, *more(len(courses) - LISTED), "", translated(HOW_TO_BEGIN)]
    )


def _line(course: TeamCourse, record: CourseRecord | None) -> str:
    about = f": {escaped(course.description)}" if course.description else ""
    steps = counted(len(course.steps), "{count} step", "{count} steps")
    done = len({step.stage for step in course.steps}.intersection(record.finished)) if record else 0
    far = translated("{done} of {steps} done", done=done, steps=steps) if done else steps
    return f"- **{escaped(course.title)}**{about} ({far})"


def to_begin(courses: Sequence[TeamCourse]) -> tuple[tuple[Choice, ...], ...]:
    """A button for each."""
    return tuple(
        (Choice(course.title, f"teach team={course.id}", f"teach {course.title}"),) for course in courses[:LISTED]
    )


def status(*, on: bool) -> str:
    """Whether somebody's steps are counted."""
    return translated(ARE_COUNTED if on else ARE_UNCOUNTED)


def may_count() -> str:
    """What an operator can see, before anybody is counted."""
    return translated(MAY_COUNT, least=LEAST)


def left_out(count: int) -> str:
    """Steps that are passed over; nothing is said of what they are about."""
    if not count:
        return ""
    return counted(
        count,
        "{count} step is left out: its document is gone, or you can't see it here.",
        "{count} steps are left out: their documents are gone, or you can't see them here.",
    )


def whether_to_count(course: Course) -> tuple[tuple[Choice, ...], ...]:
    """What can be said to that."""
    first = f"teach step {course.id} {course.at + 1}"
    return (
        (Choice(translated(COUNT), "teach count on", "teach count on"),),
        (Choice(translated(LEAVE_OUT), first, "teach next"),),
    )


def to_go_on(course: Course | None) -> tuple[tuple[Choice, ...], ...]:
    """The way on in a course that was begun."""
    if course is None:
        return ()
    return ((Choice(translated(GO_ON), f"teach step {course.id} {course.at + 1}", "teach next"),),)
