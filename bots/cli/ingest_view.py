"""What `attune ingest` shows: a bar while it reads, then what became of each file, or would become of it.

Knows nothing of how documents are read or where passages are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.language import plural
from bots.render import clean, one_line, short_path
from core.documents.ingest import IngestProgress as Ingestion
from core.documents.ingest import ReportProgress
from core.documents.tally import IngestReport

NOTES_SHOWN = 10  # the summary should stay on the screen
NAME_CHARS = 40
NAME_WIDTH = 11  # of what becomes of a file, in a dry run


@contextmanager
def ingestion_bar(console: Console) -> Iterator[ReportProgress]:
    """A bar over the files; elsewhere than on a terminal, nothing."""
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[held]}", style="dim", markup=False),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(operator_texts.LOOKING, total=None, held="")

        def report(now: Ingestion) -> None:
            name, held = one_line(now.name, NAME_CHARS), plural(now.passages, "passage")
            progress.update(task, total=now.files, completed=now.number, description=name, held=held)

        yield report


def show_report(report: IngestReport, console: Console) -> None:
    """The summary table, then every refusal with its reason."""
    _show_counts(report, console)
    console.print(Text(operator_texts.ingested_passages(report), style="dim"), soft_wrap=True)
    _show_troubles(report, console)


def show_plan(report: IngestReport, console: Console) -> None:
    """What a dry run found: each file and what would become of it, then the summary."""
    home, here = Path.home(), Path.cwd()
    for name, files in operator_texts.planned(report):
        for file in files:
            reason = operator_texts.skipped(link=Path(file).is_symlink()) if name == operator_texts.SKIPPED else ""
            place = one_line(short_path(file, home=home, here=here), 1000)
            console.print(Text(f"{name:{NAME_WIDTH}}{place}{reason}"), soft_wrap=True)
    _show_counts(report, console)
    console.print(Text(operator_texts.planned_passages(report), style="dim"), soft_wrap=True)
    _show_troubles(report, console)


def _show_counts(report: IngestReport, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in operator_texts.ingested(report):
        table.add_row(name, Text(f"{count:,}", style="red" if name == operator_texts.REFUSED and count else ""))
    console.print(table)


def show_watched(report: IngestReport, console: Console) -> None:
    """One line about a change of the files, then what is wrong with them."""
    console.print(Text(f"{datetime.now():%H:%M:%S}  {operator_texts.watched(report)}"), soft_wrap=True)  # noqa: DTZ005  # the reader's
    _show_troubles(report, console)


def _show_troubles(report: IngestReport, console: Console) -> None:
    home, here = Path.home(), Path.cwd()
    for refusal in report.refused:
        place = one_line(short_path(refusal.path, home=home, here=here), 1000)
        where = "" if refusal.reason.startswith(f"{place} ") else f"{place}: "
        console.print(Text(f"✗ {where}{clean(refusal.reason)}"), soft_wrap=True)
    for note in report.notes[:NOTES_SHOWN]:
        console.print(Text(f"! {clean(note)}", style="dim"), soft_wrap=True)
    if len(report.notes) > NOTES_SHOWN:
        console.print(Text(operator_texts.more_notes(len(report.notes) - NOTES_SHOWN), style="dim"))
