"""Every sentence that a person can read about a discussion that is summed up, on whatever platform.

Replies are Markdown. Knows nothing of how a discussion is read, or of what carries a point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bots.language import counted, translated
from bots.texts import escaped
from core.threads.minutes import Minutes
from core.threads.points import Point
from core.threads.posts import Discussion
from core.threads.requests import MinutesKind, ThreadRequest

TITLES: Mapping[MinutesKind, str] = {
    MinutesKind.SUMMARY: "In short",
    MinutesKind.DECISIONS: "Decided",
    MinutesKind.ACTIONS: "To do",
}
NOTHING: Mapping[MinutesKind, str] = {
    MinutesKind.SUMMARY: "I found nothing in these messages that I could sum up.",
    MinutesKind.DECISIONS: "I found no decision in these messages.",
    MinutesKind.ACTIONS: "I found nothing to do in these messages.",
}
READING_THREAD = "Reading the messages…"
CATCH_UP_WHERE = (
    "I sum up what people wrote where they write it: in Slack, mention me in a thread with *summarise*, *what was "
    "decided?* or *action items*; in a Telegram group, write `/catchup`. What is new in your documents: `/digest`."
)
CATCH_UP_NOTHING = "As far as I've seen, nobody has written here since you last did."
_TOPIC = re.compile(r"([^:.!?]{2,40}): (?=\S)")


def reading_part(number: int, total: int) -> str:
    """How far the reading is."""
    if total == 1:
        return translated(READING_THREAD)
    return translated("Reading the messages, part {number} of {total}…", number=number, total=total)


def minutes_shown(minutes: Minutes, request: ThreadRequest) -> str:
    """The points, each with links to the messages that carry it."""
    if not minutes.points:
        return translated(NOTHING[request.kind])
    lines = (f"- {_topic_in_bold(escaped(point.text))}{_links(point)}" for point in minutes.points)
    return "\n".join([f"**{translated(TITLES[request.kind])}**", "", *lines])


def read_of(discussion: Discussion, minutes: Minutes) -> str:
    """How much was read, and what was left out of what there is."""
    people = counted(len(discussion.authors), "{count} person", "{count} people")
    read = counted(minutes.read, "{count} message", "{count} messages")
    middle = len(discussion.posts) - minutes.read + (discussion.unread or 0)
    left_out = [
        translated("{count} of mine", count=discussion.own) if discussion.own else "",
        translated("{count} without words", count=discussion.empty) if discussion.empty else "",
        translated("{count} from the middle", count=middle) if middle else "",
    ]
    said = [translated("I read {messages} by {people}.", messages=read, people=people)]
    if discussion.unread is None:
        said.append(translated("There are more, which I didn't read."))
    if any(left_out):
        said.append(translated("Left out: {what}.", what=", ".join(filter(None, left_out))))
    if minutes.dropped:
        dropped = counted(minutes.dropped, "{count} point", "{count} points")
        said.append(translated("I dropped {points} that no message backs up.", points=dropped))
    return " ".join(said)


def _topic_in_bold(line: str) -> str:
    return _TOPIC.sub(r"**\1:** ", line, count=1) if _TOPIC.match(line) else line


def _links(point: Point) -> str:
    """Who said it, once each, with the way to the message."""
    authors = {post.author: post.link for post in reversed(point.posts)}
    linked = [f"[{escaped(name)}]({link})" if link else escaped(name) for name, link in reversed(authors.items())]
    return f" ({', '.join(linked)})" if linked else ""
