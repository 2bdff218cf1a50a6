"""Every sentence of `attune eval`: what the terminal and the report say about questions and figures.

Knows nothing of how a sentence is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bots.language import plural
from core.evaluation.evaluator import CUTOFFS, ENOUGH, EvaluationSummary, Result

ASKING = "Asking"
NO_DOCUMENTS = "There are no documents yet, so no question was asked. Add some first: attune ingest FOLDER"
TITLE = "How Attune does on your questions"
FIGURES = "Figures"
MISSES = "Misses"
NO_MISSES = "None: every result matched the file."
QUESTIONS = "All questions"
EXPECTED = "Expected"
FOUND = "Found"
SAID = "Answered"
NO_ANSWER_EXPECTED = "The documents do not answer this."
NOTHING_FOUND = "No passage."
REFUSED = "refused"
PAGE = "page"
RIGHT = "right page"
CITED = "Cited"
A_FOLDER = "it is a folder"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure as a person reads it."""

    name: str
    value: str
    meaning: str


def rows(figures: EvaluationSummary) -> list[FigureRow]:
    """The figures, those of the search first."""
    found = [FigureRow(f"recall@{k}", share(figures.recall[k]), _among_the_first(k)) for k in CUTOFFS]
    mrr = FigureRow("MRR", share(figures.mrr), "mean of one over the rank of the right page's first passage")
    return [*found, mrr, *(_searched(figures) if figures.answered is None else _answered(figures))]


def _among_the_first(k: int) -> str:
    return "the first passage is from the right page" if k == 1 else f"the right page is among the top {k} passages"


def _searched(figures: EvaluationSummary) -> list[FigureRow]:
    return [
        FigureRow(
            "nothing near, wrongly",
            _of(figures.refused_wrongly, figures.answerable),
            "an answer exists, but goes unread",
        ),
        FigureRow(
            "nothing near, rightly",
            _of(figures.refused_rightly, figures.unanswerable),
            "no answer exists, none is read",
        ),
    ]


def _answered(figures: EvaluationSummary) -> list[FigureRow]:
    answered = figures.answered or 0
    others = answered + figures.unanswerable - figures.refused_rightly - (figures.cited or 0)
    return [
        FigureRow("answered", _of(answered, figures.answerable), "of the questions with an answer"),
        FigureRow("refused, wrongly", _of(figures.refused_wrongly, figures.answerable), "the rest of those"),
        FigureRow(
            "refused, rightly", _of(figures.refused_rightly, figures.unanswerable), "of the questions without an answer"
        ),
        FigureRow("right page cited", _of(figures.cited or 0, answered), "of the answered questions with an answer"),
        FigureRow(
            "part left out",
            _of(figures.left_out_cited or 0, figures.cited or 0),
            "of the answers that cite the right page",
        ),
        FigureRow("part left out, others", _of(figures.left_out_others or 0, others), "of all other answers"),
        FigureRow("F1", share(figures.f1), "words shared with your short answer; a refusal scores 0"),
        FigureRow("F1, answered", share(figures.f1_answered), "the same, without refusals"),
    ]


def share(value: float | None) -> str:
    """A share as .85, or a dash where there is nothing to measure."""
    return "–" if value is None else f"{value:.2f}".removeprefix("0")


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,}" if total else "–"


def faults(result: Result) -> list[str]:
    """What went wrong with a question, in a few words each."""
    if not result.question.answerable:
        return ["answered, although the documents hold no answer"] if result.missed else []
    said = result.said
    wrong = []
    if result.rank is None:
        wrong.append("right page not found")
    elif result.rank > ENOUGH:
        wrong.append(f"right page only at rank {result.rank}")
    if result.refused:
        wrong.append("refused" if said else "no passage near enough")
    elif said and not result.cites:
        wrong.append("right page not cited")
    return wrong


def rank(result: Result) -> str:
    """At which rank the right page was."""
    if not result.question.answerable:
        return "no answer expected"
    return "not found" if result.rank is None else f"rank {result.rank}"


def asked(figures: EvaluationSummary, passages: int) -> str:
    """How many questions were asked over how many passages."""
    able, unable = figures.answerable, figures.unanswerable
    held = plural(passages, "passage")
    return f"{plural(able + unable, 'question')}, {unable:,} of them without an answer, over {held}."


def scores(probability: float, dense: float, sparse: float) -> str:
    """The scores that a search gave a passage."""
    return f"p {probability:.2f} · cosine {dense:.2f} · BM25 {sparse:.1f}"


def f1(value: float | None) -> str:
    """The F1 of one answer."""
    return "" if value is None else f"F1 {value:.2f}"


def absent(pages: Sequence[str], shown: int = 5) -> str:
    """Pages that cannot be found, since they are not in the index."""
    names = ", ".join(pages[:shown]) + (", …" if len(pages) > shown else "")
    are, them = ("is", "it") if len(pages) == 1 else ("are", "them")
    return f"{plural(len(pages), 'page')} in the file {are} not in the index, so no search can find {them}: {names}."


def stopped(done: int, total: int) -> str:
    """Ctrl-C came before the end."""
    return f"Stopped early: these figures cover {done:,} of {total:,} questions."


def more_misses(count: int) -> str:
    """Misses that are only in the report."""
    return f"… and {count:,} more in the report"


def report_written(path: str) -> str:
    """Where the report is."""
    return f"Report: {path}"


def no_folder(path: str) -> str:
    """The report has nowhere to go."""
    return f"The report cannot be written: there is no folder {path}. Create it, or choose another place with --report."


def not_written(path: str, reason: str) -> str:
    """The report could not be written."""
    return f"The report cannot be written to {path} ({reason}). Choose another place with --report."
