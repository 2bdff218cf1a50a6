"""`attune sources` and `attune gaps`: which documents there are and what they were good for, and what they lack.

Knows nothing of stores or of how questions are compared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.operations import opened
from bots.render import one_line, short_path
from core.bootstrap import Library, open_library, open_records
from core.documents.gaps import Gap, GapGroup, grouped
from core.domain import EVERYONE, Document, Use
from core.embedder_choice import FOREIGN_SHARE, knows
from core.readers import GUIDES
from core.settings import Settings

GAPS_SHOWN = 30
ALSO_SHOWN = 3  # other wordings of a question
PATH_CHARS = 70


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One document as `attune sources` shows it."""

    source: str
    title: str
    passages: int
    readers: tuple[str, ...]
    changed: datetime | None  # of the file, where it is still there
    answers: int
    last: datetime | None


async def sources(settings: Settings, *, as_json: bool) -> int:
    """List the documents, those that answered most first. Returns the exit code."""
    console = Console()
    async with open_records(settings) as records, opened(open_library, settings, Console(stderr=True)) as library:
        rows = source_rows(await library.index.documents(), await records.usage.uses())
    if as_json:
        sys.stdout.write(json.dumps([_plain(row) for row in rows], indent=1) + "\n")
    else:
        _show_sources(rows, console)
    return 0


def _show_sources(rows: Sequence[SourceRow], console: Console) -> None:
    """The team's documents one by one; Attune's own guides in one line."""
    own = [row for row in rows if row.readers != (GUIDES,)]
    if own:
        console.print(_sources_table(own))
    else:
        console.print(Text(operator_texts.FIX_EMPTY))
    if guides := len(rows) - len(own):
        console.print(Text(operator_texts.guides_beside(guides), style="dim"), soft_wrap=True)


def source_rows(documents: Sequence[Document], uses: Mapping[str, Use]) -> list[SourceRow]:
    """One row a source; of one that is changing just now, the version with the most passages."""
    held: dict[str, Document] = {}
    for document in sorted(documents, key=lambda document: document.passages):
        held[document.source] = document
    rows = [_row(document, uses.get(document.source)) for document in held.values()]
    return sorted(rows, key=lambda row: (-row.answers, row.source))


def _row(document: Document, use: Use | None) -> SourceRow:
    answers, last = (use.answers, use.last) if use else (0, None)
    return SourceRow(
        document.source,
        document.title,
        document.passages,
        document.readers,
        _changed(document.source),
        answers,
        last,
    )


def _changed(source: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(Path(source).stat().st_mtime, UTC)
    except (OSError, ValueError):
        return None


def _plain(row: SourceRow) -> dict[str, object]:
    return {
        "source": row.source,
        "title": row.title,
        "passages": row.passages,
        "readers": row.readers,
        "changed": row.changed.isoformat() if row.changed else None,
        "answers": row.answers,
        "last answer": row.last.isoformat() if row.last else None,
    }


def _sources_table(rows: Sequence[SourceRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("document")
    for name in ("passages", "changed", "answers", "last"):
        table.add_column(name, justify="right")
    restricted = any(row.readers != (EVERYONE,) for row in rows)
    if restricted:
        table.add_column("seen by")
    now, home, here = datetime.now(UTC), Path.home(), Path.cwd()
    for row in rows:
        cells = [
            one_line(short_path(row.source, home=home, here=here), PATH_CHARS),
            f"{row.passages:,}",
            operator_texts.ago(row.changed, now),
            f"{row.answers:,}" if row.answers else "",
            operator_texts.ago(row.last, now) if row.last else "",
        ]
        table.add_row(*map(Text, [*cells, ", ".join(row.readers)] if restricted else cells))
    return table


async def gaps(settings: Settings, *, as_json: bool) -> int:
    """List what was asked and not found, grouped by meaning. Returns the exit code."""
    console = Console()
    async with open_records(settings) as records, opened(open_library, settings, Console(stderr=True)) as library:
        groups = await gap_groups(library, await records.usage.gaps())
    if as_json:
        sys.stdout.write(json.dumps([_plain_group(group) for group in groups], indent=1) + "\n")
    elif not groups:
        console.print(Text(operator_texts.NO_GAPS))
    for group in [] if as_json else groups[:GAPS_SHOWN]:
        _show_group(group, console)
    if len(groups) > GAPS_SHOWN and not as_json:
        console.print(Text(operator_texts.more_gaps(len(groups) - GAPS_SHOWN), style="dim"))
    asked = [gap.question for group in groups for gap in group.gaps]
    if not as_json and not knows(settings.embedder, asked, FOREIGN_SHARE):
        console.print(Text(operator_texts.foreign_questions(settings.embedder)), soft_wrap=True)
    return 0


async def gap_groups(library: Library, unanswered: Sequence[Gap]) -> list[GapGroup]:
    """The groups of the questions that went unanswered."""
    if not unanswered:
        return []
    return grouped(unanswered, await library.embedder.embed_questions([gap.question for gap in unanswered]))


def _show_group(group: GapGroup, console: Console) -> None:
    first, *others = group.gaps
    console.print(
        Text(one_line(first.question)), Text(operator_texts.gap_counts(len(group.gaps), group.people), style="dim")
    )
    wordings = dict.fromkeys(gap.question for gap in others if gap.question != first.question)
    for question in list(wordings)[:ALSO_SHOWN]:
        console.print(Text(f"    {one_line(question)}", style="dim"), soft_wrap=True)
    if first.nearest:
        console.print(Text(f"    {operator_texts.gap_nearest(first.nearest)}", style="dim"), soft_wrap=True)


def _plain_group(group: GapGroup) -> dict[str, object]:
    return {
        "people": group.people,
        "questions": [{"question": gap.question, "asked": gap.asked_at.isoformat()} for gap in group.gaps],
        "nearest": group.gaps[0].nearest,
    }
