"""What `attune eval` shows: a bar while it asks, then a table, or everything as JSON.

Knows nothing of how questions are asked or scored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bots import eval_texts
from bots.render import one_line
from core.domain import Passage, RankedPassage
from core.evaluation.evaluator import EvaluationSummary, Result

MISSES_SHOWN = 10  # the report has all of them


@contextmanager
def asking_bar(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar over the questions; elsewhere than on a terminal, nothing."""
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(eval_texts.ASKING, total=total)
        yield lambda: progress.advance(task)


def show(figures: EvaluationSummary, results: Sequence[Result], passages: int, console: Console) -> None:
    """The figures, and the first misses."""
    console.print(Text(eval_texts.asked(figures, passages), style="dim"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for row in eval_texts.rows(figures):
        table.add_row(row.name, row.value, row.meaning)
    console.print(table)
    missed = [result for result in results if result.missed]
    for result in missed[:MISSES_SHOWN]:
        line = f"✗ {one_line(result.question.text)}: {'; '.join(eval_texts.faults(result))}"
        console.print(Text(line), soft_wrap=True)
    if len(missed) > MISSES_SHOWN:
        console.print(Text(eval_texts.more_misses(len(missed) - MISSES_SHOWN), style="dim"))


def as_json(figures: EvaluationSummary, results: Sequence[Result], notes: Sequence[str]) -> str:
    """Everything, for a program."""
    record = {
        "figures": figures_record(figures),
        "notes": list(notes),
        "questions": [result_record(result) for result in results],
    }
    return json.dumps(record, indent=2)  # in ASCII: no character of a document can command a terminal


def figures_record(figures: EvaluationSummary) -> dict[str, Any]:
    """The figures as plain values; what was not measured is null."""
    return {
        "answerable": figures.answerable,
        "unanswerable": figures.unanswerable,
        **{f"recall@{k}": value for k, value in figures.recall.items()},
        "mrr": figures.mrr,
        "refused_wrongly": figures.refused_wrongly,
        "refused_rightly": figures.refused_rightly,
        "answered": figures.answered,
        "cited": figures.cited,
        "f1": figures.f1,
        "f1_answered": figures.f1_answered,
        "left_out_cited": figures.left_out_cited,
        "left_out_others": figures.left_out_others,
    }


def result_record(result: Result) -> dict[str, Any]:
    """One question with what became of it, as plain values."""
    question, said = result.question, result.said
    return {
        "question": question.text,
        "line": question.line,
        "pages": list(question.pages),
        "answer": question.answer,
        "answerable": question.answerable,
        "rank": result.rank,
        "refused": result.refused,
        "missed": result.missed,
        "found": [_ranked_record(result, ranked) for ranked in result.found],
        "said": said
        and {
            "text": said.text,
            "f1": said.f1,
            "cited": [_passage_record(passage) for passage in said.cited],
            "left_out": list(said.left_out),
        },
    }


def _ranked_record(result: Result, ranked: RankedPassage) -> dict[str, Any]:
    return {
        **_passage_record(ranked.passage),
        "right": result.is_right(ranked.passage),
        "probability": ranked.probability,
        "cosine": ranked.dense,
        "bm25": ranked.sparse,
    }


def _passage_record(passage: Passage) -> dict[str, Any]:
    return {"place": passage.heading_path, "source": passage.source, "line": passage.line}
