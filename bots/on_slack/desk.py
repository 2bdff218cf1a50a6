"""What operators see in a direct message: questions asked in vain, what documents are used for, what was given up.

Knows nothing of how either is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bots.on_slack import texts as slack_texts
from bots.on_slack.door import Door
from bots.on_slack.events import Said
from bots.render import one_line
from core.domain import Use
from core.gaps import Gap
from core.inbox import DeadLetter

COMMANDS = ("gaps", "usage", "inbox")
LISTED = 20


class CountsUses(Protocol):
    """What is needed of the port `Usage`."""

    async def uses(self) -> Mapping[str, Use]:
        """How often each source was cited."""
        ...

    async def gaps(self) -> list[Gap]:
        """The questions that went unanswered."""
        ...


class KeepsDead(Protocol):
    """What is needed of the port `Inbox`."""

    async def dead(self) -> list[DeadLetter]:
        """What was given up."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Answers an operator."""

    door: Door
    usage: CountsUses
    inbox: KeepsDead

    async def reply(self, said: Said, text: str) -> str | None:
        """What a command for operators says, in Markdown; None where `text` is none."""
        name = text.strip().lower().removeprefix("/")
        if name not in COMMANDS:
            return None
        if not await self.door.is_operator(said.person):
            return slack_texts.OPERATORS_ONLY if text.startswith("/") else None
        if not said.private:
            return slack_texts.ONLY_IN_PRIVATE
        lines = {"gaps": self._gaps, "usage": self._uses, "inbox": self._dead}[name]
        return _listed(slack_texts.DESK_TITLES[name], slack_texts.DESK_EMPTY[name], await lines())

    async def _gaps(self) -> list[str]:
        return [one_line(gap.question) for gap in reversed(await self.usage.gaps())]

    async def _uses(self) -> list[str]:
        ranked = sorted((await self.usage.uses()).items(), key=lambda item: -item[1].answers)
        return [f"{one_line(source.rpartition('/')[2])}: {use.answers:,}" for source, use in ranked]

    async def _dead(self) -> list[str]:
        letters = reversed(await self.inbox.dead())
        return [f"{letter.at:%Y-%m-%d %H:%M} UTC: {one_line(letter.reason)}" for letter in letters]


def _listed(title: str, empty: str, lines: list[str]) -> str:
    if not lines:
        return empty
    more = len(lines) - LISTED
    rest = [slack_texts.and_more(more)] if more > 0 else []
    return "\n".join([f"**{title}**", "", *(f"- {line}" for line in lines[:LISTED]), *rest])
