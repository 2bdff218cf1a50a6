"""What `attune ingest` shows: a bar while it reads, then what became of each file, or would become of it.

Knows nothing of how documents are read or where passages are kept.
"""

from __future__ import annotations

import mimetypes
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from bots.cli import ingest_texts, operator_texts
from bots.cli.places import Places
from bots.render import clean, one_line
from core.documents.ingest import IngestProgress as Ingestion
from core.documents.ingest import ReportProgress
from core.documents.tally import IngestReport

NOTES_SHOWN = 10  # the summary should stay on the screen
NAME_CHARS, BAR_WIDTH = 18, 12
NAME_WIDTH = 11  # of what becomes of a file, in a dry run


@contextmanager
def ingestion_bar(console: Console) -> Iterator[ReportProgress]:
    """A bar over the passages to embed, which is what takes the time; elsewhere than on a terminal, nothing."""
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR_WIDTH),
        TextColumn("{task.fields[done]}", style="dim", markup=False),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task, began = progress.add_task(ingest_texts.LOOKING, total=None, done=""), time.monotonic()

        def report(now: Ingestion) -> None:
            nonlocal began
            began = time.monotonic() if now.passages == 0 else began
            done = ingest_texts.embedded(now.passages, now.known, now.expected, time.monotonic() - began)
            total = now.expected or None
            progress.update(task, total=total, completed=now.passages, description=_named(now), done=done)

        yield report


def _named(now: Ingestion) -> str:
    """What is read while passages are embedded."""
    name = one_line(now.name, NAME_CHARS)
    if now.picture:
        return ingest_texts.recognising(name, now.picture)
    return name if now.number < now.files else ingest_texts.EMBEDDING


def show_report(report: IngestReport, console: Console) -> None:
    """The summary table, then every refusal with its reason."""
    _show_counts(report, console)
    console.print(Text(ingest_texts.ingested_passages(report), style="dim"), soft_wrap=True)
    _show_troubles(report, console)


def show_plan(report: IngestReport, console: Console) -> None:
    """What a dry run found: each file and what would become of it, then the summary."""
    planned = ingest_texts.planned(report)
    places = Places([file for _, files in planned for file in files], console)
    if places.heading:
        console.print(Text(operator_texts.below(places.heading), style="dim"), soft_wrap=True)
    for name, files in planned:
        for file in files:
            reason = ingest_texts.skipped(link=Path(file).is_symlink()) if name == ingest_texts.SKIPPED else ""
            console.print(Text(f"{name:{NAME_WIDTH}}{places.name(file)}{reason}"), soft_wrap=True)
    _show_counts(report, console)
    console.print(Text(ingest_texts.planned_passages(report), style="dim"), soft_wrap=True)
    _show_troubles(report, console)


def _show_counts(report: IngestReport, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in ingest_texts.ingested(report):
        table.add_row(name, Text(f"{count:,}", style="red" if name == ingest_texts.REFUSED and count else ""))
    console.print(table)
    if report.skipped:
        kinds = Counter(_kind(file).partition(" ") for file in report.skipped).most_common()
        console.print(Text(ingest_texts.skipped_kinds(kinds), style="dim"), soft_wrap=True)


def _kind(file: str) -> str:
    family, ending = (mimetypes.guess_type(file)[0] or "").partition("/")[0], Path(file).suffix.lower()
    return ingest_texts.kind_of_file(family, one_line(ending, NAME_CHARS), link=Path(file).is_symlink())


def show_watched(report: IngestReport, console: Console) -> None:
    """One line about a change of the files, then what is wrong with them."""
    console.print(Text(f"{datetime.now():%H:%M:%S}  {ingest_texts.watched(report)}"), soft_wrap=True)  # noqa: DTZ005  # the reader's
    _show_troubles(report, console)


def _show_troubles(report: IngestReport, console: Console) -> None:
    places = Places((), console)
    for refusal in report.refused:
        place = places.name(refusal.path)
        where = "" if refusal.reason.startswith(f"{place} ") else f"{place}: "
        console.print(Text(f"✗ {where}{clean(refusal.reason)}"), soft_wrap=True)
    for note in report.notes[:NOTES_SHOWN]:
        console.print(Text(f"! {clean(note)}", style="dim"), soft_wrap=True)
    if len(report.notes) > NOTES_SHOWN:
        console.print(Text(ingest_texts.more_notes(len(report.notes) - NOTES_SHOWN), style="dim"))
