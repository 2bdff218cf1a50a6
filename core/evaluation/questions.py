"""A file of somebody's own questions → `OwnQuestion`s, or every line that is none with what is wrong with it.

JSON Lines, an object a line:

    {"question": "How long is leave?", "page": "hr/leave.md", "answer": "20 weeks"}     "pages": [...] for several
    {"question": "Is there a canteen?", "answerable": false}

Other keys are left alone, so that notes can stand beside. Knows nothing of what is made of the questions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import QuestionFileError
from core.text.words import clean

SHOWN = 10  # lines that are complained of: whoever has more of them has one mistake in all
EXAMPLE = '{"question": "How long is leave?", "page": "hr/leave.md", "answer": "20 weeks"}'


class _LineError(ValueError):
    """What is wrong with a line."""


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question, the pages of which any answers it, and a short true answer where one was given.

    Where the documents do not answer it there are no pages. `line` is the place in its file.
    """

    text: str
    pages: tuple[str, ...]
    answer: str = ""
    line: int = 0

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it."""
        return bool(self.pages)


def is_page(source: str, page: str) -> bool:
    """Whether the path `source` ends with the path `page`; `leave.md` is no `sick-leave.md`."""
    ends = _parts(page)
    return bool(ends) and _parts(source)[-len(ends) :] == ends


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path.replace("\\", "/")).parts if part != "/")


def read_questions(file: Path) -> list[OwnQuestion]:
    """The questions of `file`, in order.

    Raises:
        QuestionFileError: it cannot be read, has no questions, or has lines that are none.
    """
    questions: list[OwnQuestion] = []
    wrong: list[str] = []
    for number, line in enumerate(_text(file).split("\n"), start=1):  # splitlines would also split at U+2028
        if line.strip():
            try:
                questions.append(_question(line, number))
            except _LineError as error:
                wrong.append(f"line {number}: {error}")
    if wrong:
        raise QuestionFileError(_complaint(file, wrong))
    if not questions:
        raise QuestionFileError(f"{file} has no questions. Write one a line, such as {EXAMPLE}")
    return questions


def _text(file: Path) -> str:
    try:
        return file.expanduser().read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise QuestionFileError(f"There is no file {file}. Name a file with one question a line.") from None
    except UnicodeDecodeError as error:
        raise QuestionFileError(f"{file} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except (OSError, ValueError, RuntimeError) as error:  # also what is no path, or in the home of nobody
        reason = getattr(error, "strerror", None) or str(error)
        raise QuestionFileError(f"{file} cannot be read ({reason}). Name a file with one question a line.") from None


def _complaint(file: Path, wrong: Sequence[str]) -> str:
    count = "1 line that is not a question" if len(wrong) == 1 else f"{len(wrong)} lines that are not questions"
    more = [f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return "\n".join([f"{file} has {count}. Correct it and run again; nothing was asked.", *wrong[:SHOWN], *more])


def _question(line: str, number: int) -> OwnQuestion:
    record = _record(line)
    text, answer = _string(record, "question"), _string(record, "answer")
    pages = _pages(record)
    answerable = record.get("answerable", True)  # said, not guessed: a key may be misspelt
    if not text:
        raise _LineError(f'it has no "question". A line looks like {EXAMPLE}')
    if not isinstance(answerable, bool):
        raise _LineError('"answerable" is neither true nor false.')
    if answerable and not pages:
        raise _LineError('it names no "page". Name the page that answers it, or write "answerable": false.')
    if pages and not answerable:
        raise _LineError('it names a page and is "answerable": false. Remove one of the two.')
    return OwnQuestion(text, pages, answer, number)


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise _LineError(f"it is not JSON ({error.msg} at character {error.colno}).") from None
    except RecursionError:
        raise _LineError("it is JSON that is nested too deeply to read.") from None
    if not isinstance(record, dict):
        raise _LineError(f"it is not a JSON object. A line looks like {EXAMPLE}")
    return record


def _string(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _LineError(f'"{key}" is not a string.')
    return clean(value)


def _pages(record: dict[str, Any]) -> tuple[str, ...]:
    """The pages of "page" and of "pages", each once."""
    several = record.get("pages") or []
    if not isinstance(several, list) or not all(isinstance(page, str) for page in several):
        raise _LineError('"pages" is not a list of strings.')
    named = (_string(record, "page"), *(clean(page) for page in several))
    return tuple(dict.fromkeys(page for page in named if _parts(page)))
