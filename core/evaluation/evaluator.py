"""Somebody's own questions, asked of their own index and models: what was found and said, and the figures of all.

Asks as the engine does, and scores with `scoring.py`. Knows nothing of files, of a terminal or of a report.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from core.answering import retrieval
from core.domain import EVERYONE, Answer, Conversation, Message, Outcome, Passage, Person, RankedPassage
from core.engine import Engine
from core.errors import QuestionTooLongError
from core.evaluation.questions import OwnQuestion, is_page
from core.evaluation.scoring import f1, first_rank, mean, mean_reciprocal_rank, recall
from core.people.preferences import PLAIN, Length, Preferences
from core.ports import Embedder, PassageIndex

CUTOFFS = (1, 5, 10)  # passages among which the right page is looked for
ENOUGH = 5  # a right page behind so many passages counts as missed
KEPT = 10  # passages of a result


@dataclass(frozen=True, slots=True)
class ProductAnswer:
    """What the product said. `f1` is None where no short answer was given to compare with.

    `left_out` is what the model said and nothing that was read says (`Answer.left_out`).
    """

    text: str
    refused: bool
    cited: tuple[Passage, ...]
    f1: float | None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One question with what became of it.

    `rank` is that of the first passage of a right page among all candidates. `nothing_near`: the search alone
    refuses, since no passage is near enough. `said` is None where no answer was asked for.
    """

    question: OwnQuestion
    found: tuple[RankedPassage, ...]
    rank: int | None
    nothing_near: bool
    said: ProductAnswer | None = None

    @property
    def refused(self) -> bool:
        """Whether a person would be told that the documents do not answer, as far as was asked."""
        return self.said.refused if self.said else self.nothing_near

    @property
    def cites(self) -> bool:
        """Whether the answer cites a right page."""
        return self.said is not None and any(self.is_right(passage) for passage in self.said.cited)

    def is_right(self, passage: Passage) -> bool:
        """Whether `passage` is of a page that answers."""
        return any(is_page(passage.source, page) for page in self.question.pages)

    @property
    def missed(self) -> bool:
        """Whether anything went wrong that is worth a look."""
        if not self.question.answerable:
            return self.said is not None and not self.refused
        late = self.rank is None or self.rank > ENOUGH
        return late or self.refused or (self.said is not None and not self.cites)


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """What is said of all results. Counts are of questions; None where there is nothing to take a mean of.

    `recall` has a share for each of `CUTOFFS`. What follows the refusals is None unless answers were asked for: F1 over
    answerable questions with a short answer (a refusal scores 0), and over those of them that were answered;
    `left_out_cited` counts answers of which a part was left out among those that cite a right page, `left_out_others`
    among all others, which tells whether that discriminates.
    """

    answerable: int
    unanswerable: int
    recall: dict[int, float | None]
    mrr: float | None
    refused_wrongly: int
    refused_rightly: int
    answered: int | None
    cited: int | None
    f1: float | None
    f1_answered: float | None
    left_out_cited: int | None = None
    left_out_others: int | None = None


class Evaluator:
    """Asks questions one by one, of what everyone may see. Without an `engine` it only searches."""

    def __init__(
        self,
        embedder: Embedder,
        index: PassageIndex,
        *,
        relevance: float,
        engine: Engine | None = None,
        person: Person | None = None,
    ) -> None:
        self._embedder = embedder
        self._index = index
        self._relevance = relevance
        self._engine = engine
        self._person = person or guest()

    async def ask(self, question: OwnQuestion) -> Result:
        """What is found for `question`, and what is said to it."""
        ranked = await retrieval.retrieve(question.text, self._embedder, self._index, {EVERYONE})
        right = (any(is_page(candidate.passage.source, page) for page in question.pages) for candidate in ranked)
        return Result(
            question,
            tuple(ranked[:KEPT]),
            first_rank(right),
            not retrieval.is_relevant(question.text, ranked, self._relevance),
            await self._said(self._engine, question) if self._engine else None,
        )

    async def _said(self, engine: Engine, question: OwnQuestion) -> ProductAnswer:
        """The answer in a conversation of its own: no question leans on another."""
        place = Conversation(self._person.platform, self._person.workspace, uuid4().hex)
        message = Message("", place, self._person, question.text, datetime.now(UTC))
        try:
            *_, answer = [event async for event in engine.answer(message)]
        except QuestionTooLongError as error:
            return ProductAnswer(str(error), refused=True, cited=(), f1=_f1("", question))
        assert isinstance(answer, Answer)  # noqa: S101  # the engine's last event
        refused = answer.outcome is Outcome.NOT_FOUND
        cited = tuple(source.passage for source in answer.sources)
        return ProductAnswer(
            answer.text, refused, cited, _f1("" if refused else answer.text, question), answer.left_out
        )


def _f1(text: str, question: OwnQuestion) -> float | None:
    return f1(text, [question.answer]) if question.answerable and question.answer else None


def guest() -> Person:
    """Somebody who asks for an evaluation, and whom nobody has met."""
    return Person("attune", "eval", uuid4().hex)


@asynccontextmanager
async def visiting(engine: Engine) -> AsyncIterator[Person]:
    """A guest who wants short answers, since they are compared with short ones. Forgotten at the end.

    No question learns from another, or from the team.
    """
    person = guest()
    try:
        short = replace(PLAIN, preferences=Preferences(length=Length.SHORT))
        await engine.people.change(person, lambda _: short)
        yield person
    finally:
        await engine.people.forget(person)


async def ask_all(
    evaluator: Evaluator, questions: Sequence[OwnQuestion], *, together: int, heard: Callable[[], None]
) -> list[Result]:
    """Ask `questions`, `together` at a time; `heard` is told of each. In order, and fewer where it was cancelled.

    Raises:
        OperatorError: a store or a model does not answer.
    """
    room, results = asyncio.Semaphore(together), dict[int, Result]()

    async def ask(number: int, question: OwnQuestion) -> None:
        async with room:
            results[number] = await evaluator.ask(question)
        heard()

    tasks = [asyncio.create_task(ask(number, question)) for number, question in enumerate(questions)]
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:  # Ctrl-C after an hour should not cost the hour
        if task := asyncio.current_task():
            task.uncancel()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [results[number] for number in sorted(results)]


def absent(questions: Iterable[OwnQuestion], sources: Iterable[str]) -> list[str]:
    """The pages that no document of the index is: questions about them cannot be found."""
    held = list(sources)
    pages = dict.fromkeys(page for question in questions for page in question.pages)
    return [page for page in pages if not any(is_page(source, page) for source in held)]


def spread(questions: Sequence[OwnQuestion], limit: int | None) -> list[OwnQuestion]:
    """`limit` of the questions, evenly spread over the file: files are seldom in no order."""
    count = min(limit or len(questions), len(questions))
    return [questions[index * len(questions) // count] for index in range(count)]


def figures(results: Sequence[Result]) -> EvaluationSummary:
    """The figures of `results`."""
    able = [result for result in results if result.question.answerable]
    unable = [result for result in results if not result.question.answerable]
    ranks = [result.rank for result in able]
    asked = any(result.said for result in results)
    answered = [result for result in able if not result.refused]
    cut = [result for result in results if result.said and result.said.left_out and not result.refused]
    return EvaluationSummary(
        answerable=len(able),
        unanswerable=len(unable),
        recall={k: recall(ranks, k) for k in CUTOFFS},
        mrr=mean_reciprocal_rank(ranks),
        refused_wrongly=len(able) - len(answered),
        refused_rightly=sum(result.refused for result in unable),
        answered=len(answered) if asked else None,
        cited=sum(result.cites for result in answered) if asked else None,
        f1=_mean_f1(able),
        f1_answered=_mean_f1(answered),
        left_out_cited=sum(result.cites for result in cut) if asked else None,
        left_out_others=sum(not result.cites for result in cut) if asked else None,
    )


def _mean_f1(results: Iterable[Result]) -> float | None:
    return mean([result.said.f1 for result in results if result.said and result.said.f1 is not None])
