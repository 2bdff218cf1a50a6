"""The courses of a team as an operator writes them: a `.toml` file for each, read whenever somebody asks.

A file that cannot be used is named with what to correct, and the others go on. Knows nothing of documents, of people
or of how a course is taught.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from core.domain import EVERYONE
from core.errors import ConfigurationError
from core.readers import checked
from core.text.words import clean

MOST_STEPS = 50
_ID = r"^[a-z0-9][a-z0-9-]{0,31}$"
_EXAMPLES = {"title": 'title = "Starting here"', "steps": "[[steps]]", "document": 'document = "leave.md"'}


def _on_one_line(value: object) -> object:
    return " ".join(clean(value).split()) if isinstance(value, str) else value


Line = Annotated[str, BeforeValidator(_on_one_line)]


class TeamStep(BaseModel):
    """A step: a document, or what stands under one heading of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    document: Line = Field(min_length=1, max_length=1000)
    heading: Line = Field("", max_length=300)
    title: Line = Field("", max_length=100)

    @property
    def stage(self) -> str:
        """What it is counted by, wherever it stands in the course: no document is named by it."""
        return hashlib.sha256(f"{self.document}\n{self.heading}".encode()).hexdigest()[:16]


class TeamCourse(BaseModel):
    """A course of the team: which documents, in which order, for whom."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=_ID)
    title: Line = Field(min_length=1, max_length=60)
    description: Line = Field("", max_length=300)
    who: tuple[str, ...] = (EVERYONE,)
    steps: tuple[TeamStep, ...] = Field(min_length=1, max_length=MOST_STEPS)

    @field_validator("who", "steps", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value

    @field_validator("who")
    @classmethod
    def _readers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return checked(value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from None

    @field_validator("steps")
    @classmethod
    def _each_once(cls, value: tuple[TeamStep, ...]) -> tuple[TeamStep, ...]:
        stages = [step.stage for step in value]
        if twice := [number for number, stage in enumerate(stages, start=1) if stage in stages[: number - 1]]:
            raise ValueError(f"step {twice[0]} is there before. Take one of them out.")
        return value


@dataclass(frozen=True, slots=True)
class CourseFiles:
    """The courses that can be taken, and what is to be corrected in the other files, a sentence each."""

    courses: tuple[TeamCourse, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CourseFolder:
    """Where the files are: a folder, or one file. With `expected` it is a fault where there is none."""

    place: Path
    expected: bool = False

    def read(self) -> CourseFiles:
        """All courses, by title. Blocks while files are read."""
        try:
            files = sorted(file for file in self.place.iterdir() if file.suffix == ".toml")
        except NotADirectoryError:
            files = [self.place]
        except OSError as error:
            fault = f"{self.place} cannot be read: {error}. Make that folder, or correct ATTUNE_COURSES."
            return CourseFiles(faults=(fault,) if self.expected else ())
        courses: dict[Path, TeamCourse] = {}
        faults = []
        for file in files:
            try:
                course = course_of(file)
                _check_names(file, course, courses)
            except ConfigurationError as error:
                faults.append(str(error))
            else:
                courses[file] = course
        return CourseFiles(tuple(sorted(courses.values(), key=lambda course: course.title)), tuple(faults))


def course_of(file: Path) -> TeamCourse:
    """The course in `file`, whose name is its id where it says none.

    Raises:
        ConfigurationError: it cannot be read, or a key is missing, unknown or of a wrong value.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}. Correct or remove it.") from None
    try:
        return TeamCourse.model_validate({"id": file.stem, **values})
    except ValidationError as error:
        problems = error.errors()
        inner = {problem["loc"][0] for problem in problems if len(problem["loc"]) > 1}  # which leaves the list short
        told = [one for one in problems if one["loc"][0] not in inner or len(one["loc"]) > 1]
        raise ConfigurationError("\n".join(f"{file}: {_explained(one)}" for one in told)) from None


def _check_names(file: Path, course: TeamCourse, others: dict[Path, TeamCourse]) -> None:
    for other, there in others.items():
        for key, ours, theirs in (("id", course.id, there.id), ("title", course.title, there.title)):
            if ours.casefold() == theirs.casefold():
                raise ConfigurationError(f"{file}: {key} {ours!r} is that of {other}, too. Give one of them another.")


def _explained(problem: Any) -> str:
    """The key, what is wrong with it, and what to write."""
    *above, last = problem["loc"]
    place = f"step {above[1] + 1}, " if len(above) > 1 else f"step {last + 1}" if above else ""
    key = place if isinstance(last, int) else f"{place}{last}"
    match problem["type"]:
        case "missing":
            return f"{key} is missing. Write it, such as {_EXAMPLES.get(str(last), last)}."
        case "extra_forbidden":
            known = _keys(TeamStep if above else TeamCourse)
            near = difflib.get_close_matches(str(last), known, n=1)
            return f"{key} is no key. " + (f"Did you mean {near[0]}?" if near else f"The keys are: {', '.join(known)}.")
        case "string_pattern_mismatch":
            return f"{key} {problem['input']!r} is none: write up to 32 small letters, digits and hyphens."
        case "too_short" | "string_too_short":
            return f"{key} is empty. Write it, such as {_EXAMPLES.get(str(last), last)}."
        case "value_error":
            return f"{key}: {problem['msg'].removeprefix('Value error, ')}"
    return f"{key}: {problem['msg']}. It is {str(problem['input'])[:80]!r}."


def _keys(model: type[BaseModel]) -> Sequence[str]:
    return list(model.model_fields)
