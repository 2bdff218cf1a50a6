"""What operators may see in a chat: unanswered questions, what documents are used for, what was given up.

Knows no platform.
"""

from __future__ import annotations

from dataclasses import dataclass

from bots import texts
from bots.command_table import OPERATORS
from bots.language import grouped, translated
from bots.texts import escaped
from core.domain import Person
from core.people.access import Access
from core.ports import Inbox, Usage

LISTED = 20


@dataclass(frozen=True, slots=True)
class OperatorLists:
    """The lists, what is latest or most used first."""

    usage: Usage
    inbox: Inbox
    access: Access

    async def reply(self, name: str, person: Person, *, private: bool) -> str:
        """What the command `name` says to somebody, in Markdown."""
        if not await self.access.is_operator(person):
            return translated(texts.OPERATORS_ONLY)
        if not private:
            return translated(texts.ONLY_IN_PRIVATE)
        title, empty = map(translated, texts.OPERATOR_LISTS[name])
        lines = await {"gaps": self._gaps, "usage": self._uses, "inbox": self._dead}[name]()
        if not lines:
            return empty
        more = len(lines) - LISTED
        rest = [translated(texts.AND_MORE, count=grouped(more))] if more > 0 else []
        return "\n".join([f"**{title}**", "", *(f"- {line}" for line in lines[:LISTED]), *rest])

    async def is_theirs(self, name: str, person: Person) -> bool:
        """Whether a word is one of these commands, and somebody's who may give it."""
        return name in {one.name for one in OPERATORS} and await self.access.is_operator(person)

    async def _gaps(self) -> list[str]:
        return [escaped(gap.question) for gap in reversed(await self.usage.gaps())]

    async def _uses(self) -> list[str]:
        ranked = sorted((await self.usage.uses()).items(), key=lambda item: -item[1].answers)
        return [f"{escaped(source.rpartition('/')[2])}: {grouped(use.answers)}" for source, use in ranked]

    async def _dead(self) -> list[str]:
        letters = reversed(await self.inbox.dead())
        return [f"{letter.at:%Y-%m-%d %H:%M} UTC: {escaped(letter.reason)}" for letter in letters]
