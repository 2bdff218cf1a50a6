"""A discussion as somebody reads it: who wrote what, when; and in parts that a model can read.

Kept nowhere: what is made of it is shown, and forgotten. Pure; knows nothing of platforms, of requests or of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

PART_TOKENS = 700  # that a model reads of a discussion at once
MOST_PARTS = 12  # of a longer one the beginning and the end are read
POST_CHARACTERS = 2_000  # of one message that are read


@dataclass(frozen=True, slots=True)
class Post:
    """A message that somebody wrote; `author` as others see them, `link` to open it, or empty.

    `origin` is whose words it forwards: then they are not its author's.
    """

    id: str
    author: str
    text: str
    at: datetime
    link: str = ""
    origin: str = ""

    @property
    def line(self) -> str:
        """As it is read."""
        said = " ".join(self.text.split())
        author = f"{self.author}, forwarded from {self.origin}" if self.origin else self.author
        return f"{author}: {said[:POST_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class Discussion:
    """Posts in their order; `own` and `empty` count messages that were left out: the bot's, and those without words.

    `unread` counts those in the middle that were too many to be kept, or None where later ones were not reached.
    """

    title: str
    posts: tuple[Post, ...]
    own: int = 0
    empty: int = 0
    unread: int | None = 0

    @property
    def authors(self) -> tuple[str, ...]:
        """Whoever wrote in it, each once."""
        return tuple(dict.fromkeys(post.author for post in self.posts))


def parts_of(posts: Sequence[Post], count_tokens: Callable[[str], int]) -> list[list[Post]]:
    """`posts` in parts of at most `PART_TOKENS`, or of one post; of too many the first and the last ones."""
    parts: list[list[Post]] = [[]]
    room = PART_TOKENS
    for post in posts:
        tokens = count_tokens(post.line)
        if parts[-1] and tokens > room:
            parts.append([])
            room = PART_TOKENS
        parts[-1].append(post)
        room -= tokens
    return parts if len(parts) <= MOST_PARTS else [parts[0], *parts[1 - MOST_PARTS :]]
