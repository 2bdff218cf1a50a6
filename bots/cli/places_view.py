"""What `attune sources` says of where documents come from: each address with its schedule, and how it went last.

Knows nothing of how a source is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.render import one_line, short_path
from core.documents.remote.records import SourceRecord, SourceRecords
from core.domain import EVERYONE
from core.settings import Settings

ADDRESS_CHARS = 90


def show_places(settings: Settings, console: Console) -> None:
    """The sources that lie elsewhere or have a schedule, then what failed, since when and why."""
    records = SourceRecords(settings.data_folder).read()
    if not records:
        return
    console.print()
    console.print(_table(records, datetime.now(UTC)))
    for record in records:
        if record.failing:
            since = record.failing.astimezone().strftime("%Y-%m-%d %H:%M")
            sentence = operator_texts.failing_since(record.address, since, record.failure)
            console.print(Text(f"✗ {one_line(sentence, 1000)}", style="red"), soft_wrap=True)


def _table(records: Sequence[SourceRecord], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(operator_texts.PLACE, overflow="fold")
    for name in operator_texts.PLACE_TIMES:
        table.add_column(name, justify="right", no_wrap=True)
    restricted = any(record.readers not in {None, (EVERYONE,)} for record in records)
    if restricted:
        table.add_column("seen by")
    home, here = Path.home(), Path.cwd()
    for record in records:
        place = one_line(short_path(record.address, home=home, here=here), ADDRESS_CHARS)
        cells = [
            f"{place} {operator_texts.WHOLE_SITE}" if record.site else place,
            operator_texts.ago(record.read, now),
            operator_texts.every(record.every),
            operator_texts.until(record.next, now),
        ]
        table.add_row(*map(Text, [*cells, ", ".join(record.readers or ())] if restricted else cells))
    return table
