"""`attune courses`: the courses of the team, how many got how far in each, and what is to be corrected.

Knows nothing of stores, or of what is counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import course_texts
from bots.study_requests import is_word_of_a_course
from core.bootstrap import course_folder, open_records, open_stored_index
from core.errors import ConfigurationError
from core.learning.course_checks import CourseProblem, problems
from core.learning.course_files import TeamCourse, TeamStep, course_of
from core.learning.team_courses import CourseCounts, counts
from core.settings import Settings

CORRECT = 2  # the exit code where an operator has something to correct


async def courses(settings: Settings, *, as_json: bool) -> int:
    """List the courses with their counts and flaws. Returns the exit code."""
    console = Console()
    files = course_folder(settings).read()
    async with open_records(settings) as records, open_stored_index(settings) as index:
        told = await records.memory.course_records()
        flaws = [await problems(course, index) for course in files.courses]
    listed = [(course, counts(course, told)) for course in files.courses]
    if as_json:
        sys.stdout.write(json.dumps([_plain(course, counted) for course, counted in listed], indent=1) + "\n")
    else:
        for (course, counted), found in zip(listed, flaws, strict=True):
            _show(course, counted, console)
            _show_title(course, console)
            _show_problems(found, console)
        last = course_texts.WHO_COUNTS if listed else course_texts.no_courses(settings.courses_folder)
        console.print(Text(last, style="dim"), soft_wrap=True)
    _show_faults(files.faults, Console(stderr=True) if as_json else console)
    wrong = any(problem.flaw.is_error for found in flaws for problem in found)
    return CORRECT if files.faults or wrong else 0


async def check(settings: Settings, files: Sequence[Path]) -> int:
    """Say what is to be corrected in `files`. Returns the exit code."""
    console, code = Console(), 0
    async with open_stored_index(settings) as index:
        for file in files:
            try:
                course = course_of(file)
            except ConfigurationError as error:
                _show_faults([str(error)], console)
                code = CORRECT
                continue
            found = await problems(course, index)
            console.print(Text(f"{course.title} ({file})", style="bold"), soft_wrap=True)
            _show_title(course, console)
            _show_problems(found, console)
            if not (found or is_word_of_a_course(course.title)):
                console.print(Text(f"✓ {course_texts.fits(len(course.steps))}", style="green"))
            code = CORRECT if any(problem.flaw.is_error for problem in found) else code
    return code


def _show(course: TeamCourse, counted: CourseCounts, console: Console) -> None:
    console.print(Text(course.title, style="bold"))
    about = course_texts.course(course.id, course.who, counted.people)
    console.print(Text(about, style="dim"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, head in enumerate(course_texts.HEAD):
        table.add_column(head, justify="left" if place == 1 else "right", overflow="fold")
    for number, (step, numbers) in enumerate(zip(course.steps, counted.steps, strict=True), start=1):
        table.add_row(str(number), Text(_name(step)), *map(course_texts.number, numbers))
    console.print(table)


def _name(step: TeamStep) -> str:
    place = f"{step.document}: {step.heading}" if step.heading else step.document
    return f"{step.title} ({place})" if step.title else place


def _show_title(course: TeamCourse, console: Console) -> None:
    if is_word_of_a_course(course.title):
        console.print(Text(f"! {course_texts.title_is_taken(course.title, course.id)}", style="yellow"), soft_wrap=True)


def _show_problems(found: Sequence[CourseProblem], console: Console) -> None:
    for problem in found:
        sign, style = ("✗", "red") if problem.flaw.is_error else ("!", "yellow")
        console.print(Text(f"{sign} {course_texts.problem(problem)}", style=style), soft_wrap=True)
    console.print()


def _show_faults(faults: Sequence[str], console: Console) -> None:
    for line in "\n".join(faults).splitlines():
        console.print(Text(f"✗ {line}", style="red"), soft_wrap=True)


def _plain(course: TeamCourse, counted: CourseCounts) -> dict[str, object]:
    """For programs: null where a number is too small to be told."""
    steps = [
        {"document": step.document, "heading": step.heading, "title": step.title, "began": began, "finished": finished}
        for step, (began, finished) in zip(course.steps, counted.steps, strict=True)
    ]
    return {"id": course.id, "title": course.title, "who": course.who, "began": counted.people, "steps": steps}
