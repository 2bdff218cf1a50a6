"""The page Quality: what became of questions by week, and an operator's own questions, asked and scored.

The same as `attune eval` does. Knows nothing of how a question is scored.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots import eval_texts
from bots.web.console import texts
from bots.web.console.desk import Desk, failure_of
from bots.web.console.gate import Doorkeeper, form_of
from bots.web.console.view import View
from core.domain import Outcome
from core.errors import AttuneError, PersonError
from core.evaluation.evaluator import ENOUGH, Evaluator, Result, absent, ask_all, figures, spread, visiting
from core.evaluation.questions import OwnQuestion, read_questions
from core.people.feedback import WARNED, Verdict
from core.text.words import whole_number
from core.together import ended

HERE = "/quality"
WEEKS = 26  # that the chart shows
TOGETHER = 4  # answers made at once
MOST = 10_000  # questions
COUNTED = {
    Outcome.ANSWERED.value: "answered",
    Outcome.NOT_FOUND.value: "not found",
    Verdict.UP.value: "👍",
    Verdict.DOWN.value: "👎",
    WARNED: "a part left out",
}


@dataclass(slots=True, eq=False)
class EvaluationRun:
    """Questions that are being asked, and what became of them."""

    questions: Sequence[OwnQuestion]
    answers: bool
    asked: int = 0
    results: Sequence[Result] = field(default=())
    note: str = ""
    failure: str = ""
    done: bool = False

    def heard(self) -> None:
        """One more was asked."""
        self.asked += 1

    @property
    def misses(self) -> list[Result]:
        """Those that are worth a look."""
        return [result for result in self.results if result.missed]


class QualityPages:
    """The page Quality and its parts."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view
        self._run: EvaluationRun | None = None
        self._task: asyncio.Task[None] | None = None

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route(HERE, keeper.guarded(self._page), methods=["GET"]),
            Route(f"{HERE}/run", keeper.guarded(self._begin), methods=["POST"]),
            Route(f"{HERE}/run", keeper.guarded(self._progress), methods=["GET"]),
            Route(f"{HERE}/stop", keeper.guarded(self._stop), methods=["POST"]),
        ]

    async def close(self) -> None:
        """Stop asking."""
        if self._task:
            await ended(self._task)

    async def _page(self, request: Request) -> Response:
        weeks = await self._desk.attune.records.usage.weeks()
        shown = [(week, _counts(weeks[week])) for week in list(weeks)[-WEEKS:]]
        kept = self._desk.settings.usage
        return await self._view.page(
            request, "quality.html", weeks=shown, kinds=list(COUNTED.values()), kept=kept, **self._shown()
        )

    def _shown(self) -> dict[str, Any]:
        run = self._run
        rows = eval_texts.rows(figures(run.results)) if run and run.results else []
        return {"run": run, "rows": rows, "words": eval_texts, "enough": ENOUGH}

    async def _progress(self, request: Request) -> Response:
        return await self._view.page(request, "_evaluation.html", **self._shown())

    async def _begin(self, request: Request) -> Response:
        if self._run and not self._run.done:
            raise PersonError(texts.EVALUATING)
        file, pasted = form_of(request, "file"), form_of(request, "lines")
        questions = await asyncio.to_thread(_questions, file, pasted)
        limit = whole_number(form_of(request, "limit"), MOST)
        self._run = EvaluationRun(spread(questions, limit), bool(form_of(request, "answers")))
        self._task = asyncio.create_task(self._work(self._run))
        return RedirectResponse(f"{HERE}#evaluation", 303)

    async def _stop(self, _: Request) -> Response:
        await self.close()
        return RedirectResponse(f"{HERE}#evaluation", 303)

    async def _work(self, run: EvaluationRun) -> None:
        try:
            async with self._evaluator(answers=run.answers) as evaluator:
                together = TOGETHER if run.answers else 1
                run.results = await ask_all(evaluator, run.questions, together=together, heard=run.heard)
            documents = await self._desk.attune.library.index.documents()
            missing = absent(run.questions, [document.source for document in documents])
            run.note = eval_texts.absent(missing) if missing else ""
        except AttuneError as error:
            run.failure = str(error)
        except Exception as error:  # noqa: BLE001 - the last place where an error can become a sentence
            run.failure = failure_of(error, "console_evaluation_failed")
        finally:
            if len(run.results) < len(run.questions) and not run.failure:
                run.note = eval_texts.stopped(len(run.results), len(run.questions))
            run.done = True

    @asynccontextmanager
    async def _evaluator(self, *, answers: bool) -> AsyncIterator[Evaluator]:
        """What asks: without answers only the search. Nobody is counted as having asked."""
        attune, relevance = self._desk.attune, self._desk.settings.relevance
        embedder, index = attune.library.embedder, attune.library.index
        if not answers:
            yield Evaluator(embedder, index, relevance=relevance)
            return
        async with visiting(attune.unrecorded) as person:
            yield Evaluator(embedder, index, relevance=relevance, engine=attune.unrecorded, person=person)


def _questions(file: str, pasted: str) -> list[OwnQuestion]:
    """The questions of a file on this machine, or those that somebody pasted.

    Raises:
        QuestionFileError: there are none, or lines that are no questions.
    """
    if file:
        return read_questions(Path(file))
    with tempfile.TemporaryDirectory(prefix="attune-") as folder:
        written = Path(folder, "questions.jsonl")
        written.write_text(pasted, encoding="utf-8")
        return read_questions(written)


def _counts(week: Mapping[str, int]) -> list[int]:
    return [week.get(kind, 0) for kind in COUNTED]
