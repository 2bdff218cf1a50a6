"""What operators may see in a chat, as lines: what was asked in vain, what documents are used for, what was given up.

Each platform says who is an operator, how many lines it shows, and how words of people are shown. Knows no platform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.ports import Inbox, Usage


@dataclass(frozen=True, slots=True)
class OperatorLists:
    """The lists, what is latest or most used first. `shown` makes words of people harmless on the platform."""

    usage: Usage
    inbox: Inbox
    shown: Callable[[str], str]

    async def gaps(self) -> list[str]:
        """Questions that went unanswered."""
        return [self.shown(gap.question) for gap in reversed(await self.usage.gaps())]

    async def uses(self) -> list[str]:
        """Documents by the answers that cite them."""
        ranked = sorted((await self.usage.uses()).items(), key=lambda item: -item[1].answers)
        return [f"{self.shown(source.rpartition('/')[2])}: {use.answers:,}" for source, use in ranked]

    async def dead(self) -> list[str]:
        """Messages that were given up, and why."""
        letters = reversed(await self.inbox.dead())
        return [f"{letter.at:%Y-%m-%d %H:%M} UTC: {self.shown(letter.reason)}" for letter in letters]
