"""What `attune eval` does: read questions, ask them of the person's own documents, show figures, write a report.

Knows nothing of the command line's grammar, of stores or of models; `core.bootstrap` puts those together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots import eval_texts
from bots.cli.bars import opened
from bots.cli.eval_report import Report, page
from bots.cli.eval_view import as_json, asking_bar, show
from bots.render import clean
from core.bootstrap import open_attune, open_library
from core.errors import OperatorError
from core.evaluation.evaluator import Evaluator, Result, absent, ask_all, figures, spread, visiting
from core.evaluation.questions import OwnQuestion, read_questions
from core.ports import PassageIndex
from core.settings import Settings

REPORT = Path("attune-eval.html")  # where the person stands, as other tools' reports do
TOGETHER = 4  # answers made at once: the model reads several rows hardly slower than one
STOPPED = 130  # the exit code of whatever Ctrl-C ended


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """What the person wants to know, and how to be told."""

    file: Path
    report: Path = REPORT
    answers: bool = False
    limit: int | None = None
    json: bool = False


async def evaluate(settings: Settings, wishes: EvaluationOptions) -> int:
    """Ask, show, write. Returns the exit code: 1 where there are no documents, 130 where Ctrl-C came first."""
    questions = spread(read_questions(wishes.file), wishes.limit)
    _check_place(wishes.report)
    errors = Console(stderr=True)
    async with _evaluator(settings, wishes, errors) as (evaluator, index):
        sources = [document.source for document in await index.documents()]
        if not sources:
            errors.print(Text(eval_texts.NO_DOCUMENTS, style="red"), soft_wrap=True)
            return 1
        passages = await index.count()
        with asking_bar(errors, len(questions)) as heard:
            together = TOGETHER if wishes.answers else 1
            results = await ask_all(evaluator, questions, together=together, heard=heard)
    if results:
        notes = _notes(questions, results, sources)
        _show(wishes, results, passages, notes, errors)
        _write(page(_report(settings, wishes, results, passages, notes)), wishes.report)
        errors.print(Text(eval_texts.report_written(str(wishes.report)), style="dim"), soft_wrap=True)
    return STOPPED if len(results) < len(questions) else 0


@asynccontextmanager
async def _evaluator(
    settings: Settings, wishes: EvaluationOptions, errors: Console
) -> AsyncIterator[tuple[Evaluator, PassageIndex]]:
    """What asks. Without answers the language model is not loaded, and memory is not opened."""
    if not wishes.answers:
        async with opened(open_library, settings, errors) as library:
            yield Evaluator(library.embedder, library.index, relevance=settings.relevance), library.index
        return
    unrecorded = settings.model_copy(update={"usage": False})  # nobody asked these questions
    async with opened(open_attune, unrecorded, errors) as attune, visiting(attune.engine) as person:
        embedder, index = attune.library.embedder, attune.library.index
        yield Evaluator(embedder, index, relevance=settings.relevance, engine=attune.engine, person=person), index


def _notes(questions: Sequence[OwnQuestion], results: Sequence[Result], sources: Sequence[str]) -> list[str]:
    missing = absent([result.question for result in results], sources)
    notes = [eval_texts.absent(missing)] if missing else []
    return notes if len(results) == len(questions) else [*notes, eval_texts.stopped(len(results), len(questions))]


def _report(
    settings: Settings, wishes: EvaluationOptions, results: Sequence[Result], passages: int, notes: Sequence[str]
) -> Report:
    models = f"{settings.embedder}, {settings.model}" if wishes.answers else settings.embedder
    made_at = datetime.now().astimezone()
    return Report(wishes.file.name, models, made_at, passages, figures(results), results, notes)


def _show(
    wishes: EvaluationOptions, results: Sequence[Result], passages: int, notes: Sequence[str], errors: Console
) -> None:
    if wishes.json:
        print(as_json(figures(results), results, notes))  # noqa: T201  # rich would wrap it
    else:
        show(figures(results), results, passages, Console())
    for note in notes:
        errors.print(Text(f"! {clean(note)}"), soft_wrap=True)


def _check_place(report: Path) -> None:
    """Complain of the report's place now rather than after an hour of answers."""
    if not report.absolute().parent.is_dir():
        raise OperatorError(eval_texts.no_folder(str(report.parent)))
    if report.is_dir():
        raise OperatorError(eval_texts.not_written(str(report), eval_texts.A_FOLDER))


def _write(text: str, file: Path) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OperatorError(eval_texts.not_written(str(file), reason)) from None
