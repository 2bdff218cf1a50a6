"""Whether a course of the team fits the documents: what an operator has to correct before anybody takes it.

Knows nothing of sentences, or of how a course is taught.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from core.answering.sources import whole
from core.domain import Document, Passage
from core.learning.course_files import TeamCourse, TeamStep
from core.learning.team_courses import MOST_PARTS, missing_for, parts_of_step, sources_named, under
from core.ports import PassageIndex

_NEAR = 3  # names that an unknown one may have been meant to be


class CourseFlaw(StrEnum):
    """What may be wrong with a step."""

    NO_DOCUMENT = "no document"
    SEVERAL = "several documents"
    NO_HEADING = "no heading"
    NOT_FOR_ALL = "not for all"
    LONG = "long"

    @property
    def is_error(self) -> bool:
        """Whether nobody can take the step."""
        return self in {CourseFlaw.NO_DOCUMENT, CourseFlaw.SEVERAL, CourseFlaw.NO_HEADING}


@dataclass(frozen=True, slots=True)
class CourseProblem:
    """A flaw of a step, which counts from 1. `names` are those it may have been meant to name, or whom it leaves out.

    `readers` are those of its document.
    """

    step: int
    flaw: CourseFlaw
    name: str
    names: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()


async def problems(team: TeamCourse, index: PassageIndex) -> list[CourseProblem]:
    """What is wrong with the steps of `team`, in their order."""
    documents = [document for document in await index.documents() if document.complete]
    found: list[CourseProblem] = []
    for number, step in enumerate(team.steps, start=1):
        found += await _problems(number, step, team.who, documents, index)
    return found


async def _problems(
    number: int, step: TeamStep, who: Sequence[str], documents: Sequence[Document], index: PassageIndex
) -> list[CourseProblem]:
    sources = sources_named(step.document, documents)
    if len(sources) != 1:
        flaw, names = (CourseFlaw.SEVERAL, sources) if sources else (CourseFlaw.NO_DOCUMENT, _near(step, documents))
        return [CourseProblem(number, flaw, step.document, tuple(names[:_NEAR]))]
    document = next(one for one in documents if one.source == sources[0])
    passages = await whole(document, index)
    found = []
    if outside := missing_for(who, document):
        found.append(CourseProblem(number, CourseFlaw.NOT_FOR_ALL, step.document, tuple(outside), document.readers))
    if not (meant := under(step.heading, passages)):
        found.append(CourseProblem(number, CourseFlaw.NO_HEADING, step.heading, tuple(_headings(step, passages))))
    elif len(parts_of_step(step, meant)) == MOST_PARTS:
        found.append(CourseProblem(number, CourseFlaw.LONG, step.document))
    return found


def _near(step: TeamStep, documents: Iterable[Document]) -> list[str]:
    known = {PurePath(document.source).name.lower(): document.source for document in documents}
    alike = difflib.get_close_matches(PurePath(step.document).name.lower(), known, n=_NEAR)
    return [known[name] for name in alike]


def _headings(step: TeamStep, passages: Sequence[Passage]) -> list[str]:
    """The nearest headings of a document, or where none is near, its first."""
    known = list(dict.fromkeys(heading for passage in passages for heading in passage.headings))
    return difflib.get_close_matches(step.heading, known, n=_NEAR) or known[:_NEAR]
