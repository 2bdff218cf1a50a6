"""What `attune sources` says of where documents come from: each address with its schedule, and how it went last.

Knows nothing of how a source is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.cli.places import LONGEST, Places
from bots.operating import ago, every, until
from bots.render import one_line
from core.documents.remote.records import SourceRecord, SourceRecords
from core.domain import EVERYONE
from core.settings import Settings

ADDRESS_COLUMNS = 24  # of an address, at least
LINE = 2000  # columns where no terminal has an end


def show_places(settings: Settings, console: Console) -> None:
    """The sources that lie elsewhere or have a schedule, then what failed, since when and why."""
    records = SourceRecords(settings.data_folder).read()
    if not records:
        return
    console.print()
    wide = console if console.is_terminal else Console(file=console.file, width=LINE)
    wide.print(_table(records, datetime.now(UTC), console))
    for record in records:
        if record.failing:
            since = record.failing.astimezone().strftime("%Y-%m-%d %H:%M")
            sentence = operator_texts.failing_since(record.address, since, record.failure)
            console.print(Text(f"✗ {one_line(sentence, LONGEST)}", style="red"), soft_wrap=True)


def plain_places(settings: Settings) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "source": record.address,
            "site": record.site,
            "readers": record.readers,
            "every": record.every,
            "read": record.read.isoformat() if record.read else None,
            "next": record.next.isoformat() if record.next and record.tried else None,
            "failing since": record.failing.isoformat() if record.failing else None,
            "failure": record.failure,
        }
        for record in SourceRecords(settings.data_folder).read()
    ]


def _table(records: Sequence[SourceRecord], now: datetime, console: Console) -> Table:
    restricted = any(record.readers not in {None, (EVERYONE,)} for record in records)
    rows = [_cells(record, now, restricted=restricted) for record in records]
    head = [*operator_texts.PLACE_TIMES, *([operator_texts.PLACE_READERS] if restricted else [])]
    widths = [max(map(cell_len, column)) + 2 for column in zip(head, *rows, strict=True)]
    room = max(console.width - sum(widths), ADDRESS_COLUMNS)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(operator_texts.PLACE, no_wrap=True)
    for name in head:
        table.add_column(
            name, justify="right" if name in operator_texts.PLACE_TIMES else "left", no_wrap=name != head[-1]
        )
    places = Places((), console)
    for record, cells in zip(records, rows, strict=True):
        site = f" {operator_texts.WHOLE_SITE}" if record.site else ""
        table.add_row(*map(Text, [places.name(record.address, room - cell_len(site)) + site, *cells]))
    return table


def _cells(record: SourceRecord, now: datetime, *, restricted: bool) -> list[str]:
    """How it went, and who may see it."""
    times = [
        ago(record.read, now),
        every(record.every),
        until(record.next, now),
    ]
    return [*times, ", ".join(record.readers or ())] if restricted else times
