"""What the operator of a serving bot looks after: `attune inbox`, `attune pair` and `attune unpair`.

How much waits and what was given up, without anybody's words; codes that let somebody in, and who was let in by one.
Knows nothing of how either is kept, or of platforms.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots.cli import operator_texts
from bots.operating import ago
from bots.render import one_line
from core.bootstrap import open_inbox, open_records
from core.documents.teaching import unreadable_lessons
from core.inbox import DEAD_LETTER, EVENT, DeadLetter, Depth, UnreadableItem
from core.people.access import Pairing
from core.ports import Inbox
from core.settings import Settings

ALL = "all"
CELL = 500  # characters: a key is of use only as a whole


async def show(settings: Settings, *, as_json: bool) -> None:
    """Print the depth, the dead letters, and what was set aside."""
    async with open_inbox(settings) as inbox:
        letters, aside, depth = await inbox.dead(), await inbox.aside(), await inbox.depth()
    aside += unreadable_lessons(settings.learned_folder)
    if as_json:
        print(json.dumps(_as_json(depth, letters, aside), indent=2))  # noqa: T201 - for programs
        return
    console = Console()
    console.print(Text(operator_texts.inbox_depth(depth.waiting, depth.working, depth.oldest)))
    console.print(_table(letters) if letters else Text(operator_texts.NO_DEAD_LETTERS), soft_wrap=True)
    if letters:
        console.print(Text(operator_texts.DEAD_LETTER_HINT, style="dim"), soft_wrap=True)
    if aside:
        console.print(Text(operator_texts.set_aside(len(aside))), _aside_table(aside), soft_wrap=True)
        console.print(Text(operator_texts.ASIDE_HINT, style="dim"), soft_wrap=True)


async def retry(settings: Settings, keys: Sequence[str]) -> int:
    """Put dead letters back. Returns the exit code."""
    return await _each(settings, keys, lambda inbox: inbox.retry, "queued again")


async def drop(settings: Settings, keys: Sequence[str]) -> int:
    """Forget dead letters. Returns the exit code."""
    return await _each(settings, keys, lambda inbox: inbox.drop, "discarded")


async def _each(
    settings: Settings, keys: Sequence[str], way: Callable[[Inbox], Callable[[str], Awaitable[bool]]], verb: str
) -> int:
    async with open_inbox(settings) as inbox:
        named = await _all_keys(inbox) if list(keys) == [ALL] else list(keys)
        missing = [key for key in named if not await way(inbox)(key)]
        unreadable = {one.key for one in await inbox.aside()}
    for key in missing:
        why = operator_texts.unreadable_letter if key in unreadable else operator_texts.no_dead_letter
        Console(stderr=True).print(Text(why(one_line(key)), style="red"), soft_wrap=True)
    Console().print(Text(operator_texts.dead_letters_handled(len(named) - len(missing), verb)))
    return 1 if missing else 0


async def _all_keys(inbox: Inbox) -> list[str]:
    """Dead letters, and events that were set aside; not what is beside the inbox."""
    aside = [one.key for one in await inbox.aside() if one.kind in {EVENT, DEAD_LETTER}]
    return [*(letter.event.key for letter in await inbox.dead()), *aside]


def _aside_table(aside: Sequence[UnreadableItem]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "key", "since", "reason"):
        table.add_column(name, overflow="fold")
    now = datetime.now(UTC)
    for one in aside:
        cells = (one.kind, one.key, ago(one.at, now), one.reason)
        table.add_row(*[Text(one_line(cell, CELL)) for cell in cells])
    return table


def _table(letters: Sequence[DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("key", "from", "kind", "tries", "given up", "reason"):
        table.add_column(name, overflow="fold")
    now = datetime.now(UTC)
    for letter in letters:
        event = letter.event
        cells = (event.key, event.person.user, event.kind, str(letter.attempts))
        ending = (ago(letter.at, now), letter.reason)
        table.add_row(*[Text(one_line(cell, CELL)) for cell in (*cells, *ending)])
    return table


def _as_json(depth: Depth, letters: Sequence[DeadLetter], aside: Sequence[UnreadableItem]) -> dict[str, Any]:
    return {
        "waiting": depth.waiting,
        "working": depth.working,
        "oldest_seconds": depth.oldest,
        "dead": [
            {
                "key": letter.event.key,
                "platform": letter.event.person.platform,
                "workspace": letter.event.person.workspace,
                "user": letter.event.person.user,
                "kind": letter.event.kind,
                "attempts": letter.attempts,
                "reason": letter.reason,
                "at": letter.at.isoformat(),
            }
            for letter in letters
        ],
        "aside": [
            {"kind": one.kind, "key": one.key, "reason": one.reason, "at": one.at.isoformat() if one.at else None}
            for one in aside
        ],
    }


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
    Console().print(_pairings_table(pairings) if pairings else Text(operator_texts.NOBODY_PAIRED))
    return 0


async def unpair(settings: Settings, person: str) -> int:
    """Take back what a code gave. Returns the exit code: 1 where there was nothing."""
    async with open_records(settings) as records:
        known = await records.access.unpair(person)
    said = operator_texts.unpaired(person) if known else operator_texts.not_paired(person)
    Console(soft_wrap=True, stderr=not known).print(Text(said))
    return 0 if known else 1


def _pairings_table(pairings: list[Pairing]) -> Table:
    table = Table("who", "operator", "since", box=None)
    for pairing in pairings:
        table.add_row(Text(pairing.person), "yes" if pairing.operator else "", f"{pairing.since:%Y-%m-%d %H:%M}")
    return table
