"""What `attune inbox` shows and does: how much waits, and what was given up, without anybody's words.

Knows nothing of how the inbox is kept, or of platforms.
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
from bots.render import one_line
from core.bootstrap import open_inbox
from core.inbox import DeadLetter, Depth
from core.ports import Inbox
from core.settings import Settings

ALL = "all"
CELL = 500  # characters: a key is of use only as a whole


async def show(settings: Settings, *, as_json: bool) -> None:
    """Print the depth and the dead letters."""
    async with open_inbox(settings) as inbox:
        depth, letters = await inbox.depth(), await inbox.dead()
    if as_json:
        print(json.dumps(_as_json(depth, letters), indent=2))  # noqa: T201 - for programs
        return
    console = Console()
    console.print(Text(operator_texts.inbox_depth(depth.waiting, depth.working, depth.oldest)))
    console.print(_table(letters) if letters else Text(operator_texts.NO_DEAD_LETTERS), soft_wrap=True)
    if letters:
        console.print(Text(operator_texts.DEAD_LETTER_HINT, style="dim"), soft_wrap=True)


async def retry(settings: Settings, keys: Sequence[str]) -> int:
    """Put dead letters back. Returns the exit code."""
    return await _each(settings, keys, lambda inbox: inbox.retry, "put back")


async def drop(settings: Settings, keys: Sequence[str]) -> int:
    """Forget dead letters. Returns the exit code."""
    return await _each(settings, keys, lambda inbox: inbox.drop, "dropped")


async def _each(
    settings: Settings, keys: Sequence[str], way: Callable[[Inbox], Callable[[str], Awaitable[bool]]], verb: str
) -> int:
    async with open_inbox(settings) as inbox:
        named = [letter.event.key for letter in await inbox.dead()] if list(keys) == [ALL] else list(keys)
        missing = [key for key in named if not await way(inbox)(key)]
    for key in missing:
        Console(stderr=True).print(Text(operator_texts.no_dead_letter(one_line(key)), style="red"), soft_wrap=True)
    Console().print(Text(operator_texts.dead_letters_handled(len(named) - len(missing), verb)))
    return 1 if missing else 0


def _table(letters: Sequence[DeadLetter]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("key", "from", "kind", "tries", "given up", "reason"):
        table.add_column(name, overflow="fold")
    now = datetime.now(UTC)
    for letter in letters:
        event = letter.event
        cells = (event.key, event.person.user, event.kind, str(letter.attempts))
        ending = (operator_texts.ago(letter.at, now), letter.reason)
        table.add_row(*[Text(one_line(cell, CELL)) for cell in (*cells, *ending)])
    return table


def _as_json(depth: Depth, letters: Sequence[DeadLetter]) -> dict[str, Any]:
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
    }
