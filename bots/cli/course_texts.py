"""Every sentence of `attune courses`. Knows nothing of how one is laid out, or of when it is said."""

from __future__ import annotations

from pathlib import Path

from bots.language import plural
from core.learning.course_checks import CourseFlaw, CourseProblem
from core.learning.team_courses import LEAST, MOST_PARTS

HEAD = ("", "step", "began", "finished")
WHO_COUNTS = "Counted are only those who agreed to it."


def no_courses(place: Path) -> str:
    """Nobody made any."""
    return f"There are no courses. Write one into {place}, as docs/learning.md shows."


def number(count: int | None) -> str:
    """A count of people, if it may be told."""
    return f"{count:,}" if count is not None else f"fewer than {LEAST}"


def course(id_: str, who: tuple[str, ...], people: int | None) -> str:
    """What a course is called in files, whom it is for, and how many take it."""
    return f"{id_} · for {', '.join(who)} · begun by {number(people)}"


def fits(steps: int) -> str:
    """A course without a flaw."""
    return f"{plural(steps, 'step')}, nothing to correct"


def title_is_taken(title: str, id_: str) -> str:
    """A title that means something else where people write it."""
    return f"`/teach {title}` says something else, so only its button, or `/teach {id_}`, begins this course."


def problem(found: CourseProblem) -> str:
    """A flaw, and what to do."""
    names = ", ".join(found.names)
    meant = f" Did you mean {' or '.join(found.names)}?" if names else ""
    match found.flaw:
        case CourseFlaw.NO_DOCUMENT:
            said = f"there is no document {found.name}.{meant} `attune sources` lists the documents."
        case CourseFlaw.SEVERAL:
            said = f"{found.name} stands for several documents. Write more of the path of one of them: {names}"
        case CourseFlaw.NO_HEADING:
            said = f"there is no heading “{found.name}”. The document has: {names or 'none'}"
        case CourseFlaw.NOT_FOR_ALL:
            said = (
                f"{found.name} is for {', '.join(found.readers)}, so {names} may not see it. Whoever may not goes on "
                "without this step. Change `who`, or the document's readers: attune ingest FILE --readers …"
            )
        case CourseFlaw.LONG:
            said = f"{found.name} is long. Of its sections only the first {MOST_PARTS} are taught: write headings."
    return f"step {found.step}: {said}"
