"""`attune sources` and `attune gaps`: which documents there are and what they were good for, and what they lack.

Knows nothing of stores or of how questions are compared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.bars import opened
from bots.cli.places import Places
from bots.cli.places_view import plain_places, show_places
from bots.operating import SourceRow, ago, gap_groups, source_rows
from bots.render import one_line
from core.bootstrap import open_library, open_records, open_stored_index
from core.documents.gaps import GapGroup
from core.domain import EVERYONE, Vectors
from core.embedder_choice import FOREIGN_SHARE, is_remembered, knows
from core.readers import GUIDES
from core.settings import Settings

GAPS_SHOWN = 30
ALSO_SHOWN = 3  # other wordings of a question
NAME_COLUMNS = 20  # of a path, at least


async def sources(settings: Settings, *, as_json: bool) -> int:
    """List the documents, those that answered most first. Returns the exit code."""
    console = Console()
    async with open_records(settings) as records, open_stored_index(settings) as index:
        rows = source_rows(await index.documents(), await records.usage.uses())
    if as_json:
        said = [*map(_plain, rows), *plain_places(settings)]
        sys.stdout.write(json.dumps(said, indent=1) + "\n")
    else:
        _show_sources(rows, console, settings.learned_folder)
        show_places(settings, console)
    return 0


def _show_sources(rows: Sequence[SourceRow], console: Console, lessons: Path) -> None:
    """The team's documents one by one; Attune's own guides in one line."""
    own = [row for row in rows if row.readers != (GUIDES,)]
    if own:
        places = Places([row.source for row in own], console, lessons)
        if places.heading:
            console.print(Text(operator_texts.below(places.heading), style="dim"), soft_wrap=True)
        console.file.writelines(f"{line}\n" for line in _sources_lines(own, places, console.width))
    else:
        console.print(Text(operator_texts.FIX_EMPTY))
    if guides := len(rows) - len(own):
        console.print(Text(operator_texts.guides_beside(guides), style="dim"), soft_wrap=True)


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


def _sources_lines(rows: Sequence[SourceRow], places: Places, width: int) -> Iterator[str]:
    """A line a document, the numbers in columns; under it who may see it, where that is not everyone."""
    now, head = datetime.now(UTC), operator_texts.SOURCES_HEAD
    cited = any(row.answers for row in rows)
    cells = [_cells(row, now) for row in rows]
    shown = range(len(head) if cited else len(head) - 2)
    widths = [max(len(line[at]) for line in (head, *cells)) for at in shown]
    room = max(width - sum(widths) - 2 * len(widths), NAME_COLUMNS)
    names = [places.name(row.source, room) for row in rows]
    room = max(map(cell_len, names))
    seen_by = [(EVERYONE,), *(row.readers for row in rows)]
    for name, line, readers in zip(("", *names), (head, *cells), seen_by, strict=True):
        padded = name + " " * max(0, room - cell_len(name))
        yield "  ".join((padded, *(f"{line[at]:>{widths[at]}}" for at in shown))).rstrip()
        if readers != (EVERYONE,):
            yield f"    {operator_texts.seen_by(readers)}"


def _cells(row: SourceRow, now: datetime) -> tuple[str, ...]:
    return (
        f"{row.passages:,}",
        ago(row.changed, now),
        f"{row.answers:,}" if row.answers else "",
        ago(row.last, now) if row.last else "",
    )


async def gaps(settings: Settings, *, as_json: bool) -> int:
    """List what was asked and not found, grouped by meaning. Returns the exit code."""
    console = Console()
    async with open_records(settings) as records:
        groups = await gap_groups(records.usage, partial(_embedded, settings))
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
        foreign = operator_texts.foreign_questions(settings.embedder, remembered=is_remembered(settings))
        console.print(Text(foreign), soft_wrap=True)
    return 0


async def _embedded(settings: Settings, questions: Sequence[str]) -> Vectors:
    async with opened(open_library, settings, Console(stderr=True)) as library:
        return await library.embedder.embed_questions(questions)


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
