"""Every sentence that a person can read about a discussion that is summed up, on whatever platform.

Replies are Markdown. Knows nothing of how a discussion is read, or of what carries a point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bots.language import counted, translated
from bots.texts import escaped
from core.text.languages import language_of
from core.text.words import words
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
WHAT = "What"
WHO = "Said by"
READING_THREAD = "Reading the messages…"
CATCH_UP_WHERE = (
    "I sum up what people wrote where they write it: in Slack, mention me in a thread with *summarise*, *what was "
    "decided?* or *action items*, or in a channel for which an admin wrote `!catchup on`; in a Telegram group, write "
    "`/catchup`. A single day I can't sum up. What is new in your documents: `/digest`."
)
CATCH_UP_NOTHING = "As far as I've seen, nobody has written here since you last did."
_TOPIC = re.compile(r"([^:.!?]{2,40}): (?=\S)")


def reading_part(number: int, total: int) -> str:
    """How far the reading is."""
    if total == 1:
        return translated(READING_THREAD)
    return translated("Reading the messages, part {number} of {total}…", number=number, total=total)


def minutes_shown(made: Sequence[Minutes], request: ThreadRequest) -> str:
    """The points of each thing that is wanted, each with links to the messages that carry it."""
    return "\n\n".join(_shown(minutes, one) for minutes, one in zip(made, request.each, strict=True))


def _shown(minutes: Minutes, request: ThreadRequest) -> str:
    kind = request.kind
    if not minutes.points:
        return translated(NOTHING[kind])
    if request.table:
        return f"**{translated(TITLES[kind])}**\n\n{_table(minutes.points)}"
    lines = (f"- {_topic_in_bold(escaped(_attributed(point, kind)))}{_links(point)}" for point in minutes.points)
    return "\n".join([f"**{translated(TITLES[kind])}**", "", *lines])


def _table(points: Sequence[Point]) -> str:
    """Points by number, with who said each; below it the links, which no table of Slack's can have."""
    said_by = [", ".join(dict.fromkeys(post.author for post in point.posts)) for point in points]
    rows = [
        f"| {number} | {escaped(point.text)} | {escaped(authors)} |"
        for number, (point, authors) in enumerate(zip(points, said_by, strict=True), start=1)
    ]
    head = f"| # | {translated(WHAT)} | {translated(WHO)} |\n|---|---|---|"
    linked = [f"{number}{links}" for number, point in enumerate(points, start=1) if "](" in (links := _links(point))]
    return "\n".join([head, *rows, *(["", " · ".join(linked)] if linked else [])])


def read_of(discussion: Discussion, made: Sequence[Minutes], request: ThreadRequest) -> str:
    """How much was read, what was left out of what there is, and which wish was not met."""
    people = counted(len(discussion.authors), "{count} person", "{count} people")
    read = counted(made[0].read, "{count} message", "{count} messages")
    middle = len(discussion.posts) - made[0].read + (discussion.unread or 0)
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
    if dropped := sum(minutes.dropped for minutes in made):
        points = counted(dropped, "{count} point", "{count} points")
        said.append(translated("I dropped {points} that no message backs up.", points=points))
    if over := sum(minutes.over for minutes in made):
        points = counted(over, "{count} more point", "{count} more points")
        said.append(translated("I found {points} than you asked for.", points=points))
    written = language_of(" ".join(post.text for post in discussion.posts))
    if any(minutes.translated for minutes in made):
        said.append(translated("I translated the points: the messages have the words as they were written."))
    elif request.language and written and written != request.language:
        said.append(translated("I couldn't translate the points so that their numbers and names stay."))
    return " ".join(said)


def _attributed(point: Point, kind: MinutesKind) -> str:
    """A point of a summary that one person alone said, as theirs."""
    [(author, origin), *others] = dict.fromkeys((post.author, post.origin) for post in point.posts)
    if others or kind is not MinutesKind.SUMMARY or {*words(author)} & {*words(point.text)}:
        return point.text
    speaker = translated("{author}, forwarded from {origin}", author=author, origin=origin) if origin else author
    return f"{speaker}: {point.text}"


def _topic_in_bold(line: str) -> str:
    return _TOPIC.sub(r"**\1:** ", line, count=1) if _TOPIC.match(line) else line


def _links(point: Point) -> str:
    """Who said it, once each, with the way to the message."""
    authors = {post.author: post.link for post in reversed(point.posts)}
    linked = [f"[{escaped(name)}]({link})" if link else escaped(name) for name, link in reversed(authors.items())]
    return f" ({', '.join(linked)})" if linked else ""
