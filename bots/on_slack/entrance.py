"""Who is answered in Slack, and in what words somebody else is turned away.

`core.people.access` decides by names; here those names are found: a guest or somebody of another organisation answers
to none but their own. Knows nothing of questions or of how sentences are shown.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

from slack_sdk.web.async_client import AsyncWebClient

from bots import texts
from bots.language import translated
from bots.on_slack import texts as slack_texts
from bots.on_slack.events import PLATFORM, SlackMessage, question
from bots.on_slack.members import Members
from core.domain import Person
from core.errors import PersonError
from core.people.access import Access
from core.readers import channel_reader

_PAIR = re.compile(r"[/!]?pair\s+(\S.*)", re.IGNORECASE)


class SlackEntrance:
    """Lets people in."""

    def __init__(self, access: Access, members: Members) -> None:
        self._access = access
        self._members = members

    async def refusal(self, client: AsyncWebClient, said: SlackMessage, bot_user: str) -> str | None:
        """What to say to somebody who is not answered, or who just used a code; None for everybody else."""
        if (typed := _PAIR.fullmatch(question(said.text, bot_user))) is not None:
            return await self._pair(said, typed[1]) if said.private else translated(slack_texts.PAIR_PRIVATELY)
        standing, shared = await asyncio.gather(
            self._members.standing(client, said), self._members.is_shared(client, said)
        )
        names = await self._members.names(client, said, standing)
        if standing.gone:
            return translated(slack_texts.NOT_ADMITTED)
        if not await self._access.admits(said.person, names):
            return translated(slack_texts.NOT_ADMITTED) if standing.member else translated(slack_texts.NOT_GUESTS)
        if shared and not await self._listed(said):
            return translated(slack_texts.NOT_SHARED)
        return None

    async def admits(self, client: AsyncWebClient, team: str, user: str, channel: str = "") -> bool:
        """Whether somebody may use buttons, modals and commands."""
        private = not channel or channel.startswith("D")
        return await self.refusal(client, SlackMessage(team, channel, "", "", user, "", private=private), "") is None

    async def is_operator(self, person: Person) -> bool:
        """Whether somebody may see what operators see."""
        return await self._access.is_operator(person)

    async def _listed(self, said: SlackMessage) -> bool:
        """Whether the operator named this very channel."""
        nobody = Person(PLATFORM, said.team, "nobody")
        return await self._access.admits(nobody, {channel_reader(PLATFORM, said.team, said.channel)})

    async def _pair(self, said: SlackMessage, typed: str) -> str:
        try:
            await self._access.pair(said.person, typed, datetime.now(UTC))
        except PersonError as error:
            return translated(error.sentence, **error.values)
        operator = await self._access.is_operator(said.person)
        return translated(texts.PAIRED_OPERATOR) if operator else translated(texts.PAIRED)
