"""Chats → blocks: messages with who wrote them and when, a thread kept together.

An export is first taken apart into one `ChannelDay` for each channel and day; that a Talk travels as JSON makes it a
file of its own, which is read anew only when it changes. Knows nothing of how Slack or Telegram write their exports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from core.documents.blocks import BlockKind, Outline, ParsedDocument


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message, its text as Markdown, whom it answers, the replies to it, and the topic of a forum it stands in."""

    who: str
    day: str  # ISO 8601
    time: str  # 14:05
    text: str
    to: str = ""
    replies: tuple[ChatMessage, ...] = ()
    topic: str = ""


@dataclass(frozen=True, slots=True)
class ChannelDay:
    """What was said in a channel on one day; `topic` is what the channel says it is for."""

    channel: str
    day: str
    said: tuple[ChatMessage, ...]
    topic: str = ""


_TALK = TypeAdapter(ChannelDay)
_NAME_CHARACTERS = 100  # a name stands at each message
_TOPIC_CHARACTERS = 300  # … and a topic on each day


def named(name: object) -> str:
    """A name, cut off where it is longer than names are."""
    return _cut(str(name), _NAME_CHARACTERS)


def short(topic: str) -> str:
    """A topic, cut off where it is a text."""
    return _cut(topic, _TOPIC_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def packed(talk: ChannelDay) -> bytes:
    """`talk` as bytes: the same ones for the same talk."""
    return _TALK.dump_json(talk)


def parse_talk(data: bytes) -> ParsedDocument:
    """Parse what `packed` made. A message is a paragraph; one with replies a list, which is cut between messages."""
    talk = _TALK.validate_json(data)
    outline = Outline(f"{talk.channel}, {talk.day}")
    outline.add(BlockKind.PARAGRAPH, talk.topic, 0)
    for message in talk.said:
        if message.replies:
            outline.add(BlockKind.LIST, "\n".join(_items((message, *message.replies), talk.day)), 0)
        else:
            outline.add(BlockKind.PARAGRAPH, _line(message, talk.day), 0)
    document = outline.document()
    people = {message.who for message in talk.said}
    author = people.pop() if len(people) == 1 else ""
    return ParsedDocument(document.title, document.blocks, author=author, date=talk.day)


def _items(thread: Iterable[ChatMessage], day: str) -> Iterable[str]:
    return (f"- {_line(message, day)}".replace("\n", "\n  ") for message in thread)


def _line(message: ChatMessage, day: str) -> str:
    when = message.time if message.day == day else f"{message.day} {message.time}"
    who = f"**{message.who}** to {message.to}" if message.to else f"**{message.who}**"
    return f"{who}{f' in {message.topic}' if message.topic else ''}, {when}: {message.text}"
