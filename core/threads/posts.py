"""A discussion as somebody reads it: who wrote what, when; and in parts that a model can read.

Kept nowhere: what is made of it is shown, and forgotten. Pure; knows nothing of platforms, of requests or of models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

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


_T = TypeVar("_T")


def parts_of(posts: Sequence[Post], count_tokens: Callable[[str], int]) -> list[list[Post]]:
    """`posts`, each as far as it fits, in parts of at most `PART_TOKENS`; of too many the first and the last ones."""
    parts = packed([_fitting(post, count_tokens) for post in posts], lambda post: count_tokens(post.line))
    return parts if len(parts) <= MOST_PARTS else [parts[0], *parts[1 - MOST_PARTS :]]


def packed(things: Sequence[_T], tokens: Callable[[_T], int]) -> list[list[_T]]:
    """`things` in their order, in parts of at most `PART_TOKENS`, or of one thing."""
    parts: list[list[_T]] = [[]]
    room = PART_TOKENS
    for thing in things:
        needed = tokens(thing)
        if parts[-1] and needed > room:
            parts.append([])
            room = PART_TOKENS
        parts[-1].append(thing)
        room -= needed
    return parts


def _fitting(post: Post, count_tokens: Callable[[str], int]) -> Post:
    while (over := count_tokens(post.line) - PART_TOKENS) > 0 and post.text:
        text = " ".join(post.text.split())[:POST_CHARACTERS]
        post = replace(post, text=text[: len(text) * PART_TOKENS // (PART_TOKENS + over + 1)])
    return post
