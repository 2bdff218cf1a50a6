"""`attune pair` and `attune unpair`: codes that let somebody in, and who was let in by one.

Knows nothing of stores, or of what a code is.
"""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from core.bootstrap import open_records
from core.people.access import Pairing
from core.settings import Settings


async def pair(settings: Settings, *, operator: bool) -> int:
    """Show a new code. Returns the exit code."""
    async with open_records(settings) as records:
        code = await records.access.new_code(operator=operator)
    Console(soft_wrap=True).print(Text(operator_texts.pair_with(code, operator=operator)))
    return 0


async def show_paired(settings: Settings) -> int:
    """List who was let in by a code. Returns the exit code."""
    async with open_records(settings) as records:
        pairings = await records.access.pairings()
    Console().print(_table(pairings) if pairings else Text(operator_texts.NOBODY_PAIRED))
    return 0


async def unpair(settings: Settings, person: str) -> int:
    """Take back what a code gave. Returns the exit code: 1 where there was nothing."""
    async with open_records(settings) as records:
        known = await records.access.unpair(person)
    said = operator_texts.unpaired(person) if known else operator_texts.not_paired(person)
    Console(soft_wrap=True, stderr=not known).print(Text(said))
    return 0 if known else 1


def _table(pairings: list[Pairing]) -> Table:
    table = Table("who", "operator", "since", box=None)
    for pairing in pairings:
        table.add_row(Text(pairing.person), "yes" if pairing.operator else "", f"{pairing.since:%Y-%m-%d %H:%M}")
    return table
