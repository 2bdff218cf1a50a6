"""What operators see in a direct message: questions asked in vain, what documents are used for, what was given up.

Knows nothing of how either is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from bots.on_slack import texts as slack_texts
from bots.on_slack.entrance import SlackEntrance
from bots.on_slack.events import SlackMessage
from bots.operator_lists import OperatorLists

COMMANDS = ("gaps", "usage", "inbox")
LISTED = 20


@dataclass(frozen=True, slots=True)
class OperatorCommands:
    """Answers an operator."""

    door: SlackEntrance
    lists: OperatorLists

    async def reply(self, said: SlackMessage, text: str) -> str | None:
        """What a command for operators says, in Markdown; None where `text` is none."""
        name = text.strip().lower().removeprefix("/")
        if name not in COMMANDS:
            return None
        if not await self.door.is_operator(said.person):
            return slack_texts.OPERATORS_ONLY if text.startswith("/") else None
        if not said.private:
            return slack_texts.ONLY_IN_PRIVATE
        lines = {"gaps": self.lists.gaps, "usage": self.lists.uses, "inbox": self.lists.dead}[name]
        return _listed(slack_texts.DESK_TITLES[name], slack_texts.DESK_EMPTY[name], await lines())


def _listed(title: str, empty: str, lines: list[str]) -> str:
    if not lines:
        return empty
    more = len(lines) - LISTED
    rest = [slack_texts.and_more(more)] if more > 0 else []
    return "\n".join([f"**{title}**", "", *(f"- {line}" for line in lines[:LISTED]), *rest])
