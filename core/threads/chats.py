"""What is written in a chat whose platform keeps no history for bots: kept for a while where the chat wants it.

So that somebody can be told what they missed, and for nothing else. Knows no platform and no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Protocol

from core.domain import Conversation, Person

KEPT_POSTS = 1_000  # of one chat
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ChatPost:
    """A message in a chat, by `number` in the platform's order; nobody's where it was posted as the chat itself.

    `origin` is who wrote it where it was forwarded.
    """

    number: int
    person: Person | None
    author: str
    text: str
    at: datetime
    topic: int = 0
    origin: str = ""


class ChatLog(Protocol):
    """The last messages of chats that want them kept. A chat is a `Conversation` without a thread."""

    async def begin(self, chat: Conversation) -> None:
        """Keep what is written there from now on."""
        ...

    async def end(self, chat: Conversation) -> None:
        """Keep nothing more, and drop what was kept, in the store's files, too."""
        ...

    async def keeps(self, chat: Conversation) -> bool:
        """Whether what is written there is kept."""
        ...

    async def add(self, chat: Conversation, post: ChatPost) -> None:
        """Keep a message in place of one with its number; the oldest go. Nothing where nothing is to be kept."""
        ...

    async def posts(self, chat: Conversation) -> list[ChatPost]:
        """What is kept, oldest first."""
        ...

    async def arrived(self, chat: Conversation, person: Person, at: datetime) -> None:
        """Note that a person came into the chat, as long as messages are kept. Nothing where nothing is to be kept."""
        ...

    async def arrival(self, chat: Conversation, person: Person) -> datetime | None:
        """When they came; where nobody saw it, when the last one came who had that forgotten, or None."""
        ...


def missed_by(person: Person, posts: Sequence[ChatPost]) -> list[ChatPost]:
    """What was written since the person last wrote; all of it where they did not."""
    return [*takewhile(lambda post: post.person != person, reversed(posts))][::-1]
