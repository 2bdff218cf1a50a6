"""The points that a model made of a discussion, and the posts that carry each: what none carries is left out.

A point is carried by up to three posts that share its words; every number, date, address and name in it stands in one
of these. Pure; knows nothing of models or of what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from core.answering.facts import Facts
from core.text.languages import ENGLISH, language_of
from core.text.words import content_words, words
from core.threads.posts import Post

CARRIERS = 3  # posts that may carry one point
CARRIED = 0.8  # share of a point's words that have to stand in them
TELLING = 0.4  # … and in one of them: words from here and there say nothing
ALIKE = 0.8  # share of a point's words from which it says what another said
MOST_WORDS = 60  # of a point: what is longer is no point
_STEM = 5
_BULLET = re.compile(r"^\s*(?:[-*+•–]|\d{1,2}[.)])\s+")
_MARKS = re.compile(r"[*_`#>]+")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-ZÄÖÜ][a-zäöüß]+\b")


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was said, and the posts that say it."""

    text: str
    posts: tuple[Post, ...]


def lines_of(text: str) -> list[str]:
    """The points that a model wrote as a list; without one, its sentences."""
    lines = [line for line in text.splitlines() if line.strip()]
    bullets = [_BULLET.sub("", line) for line in lines if _BULLET.match(line)]
    said = bullets or re.split(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ])", " ".join(lines))
    return [plain for line in said if (plain := _MARKS.sub("", line).strip(" -–")) and not plain.endswith(":")]


def carried(line: str, posts: Sequence[Post], people: Collection[str]) -> Point | None:
    """`line` with the posts that carry it; None where they do not, or a name in it is not theirs."""
    wanted = _stems(line)
    if not wanted or len(words(line)) > MOST_WORDS:
        return None
    chosen: list[Post] = []
    missing = set(wanted)
    known = {post.id: _stems(post.line) for post in posts}
    while missing and len(chosen) < CARRIERS:
        best = max(posts, key=lambda post: len(known[post.id] & missing), default=None)
        if best is None or not known[best.id] & missing:
            break
        chosen.append(best)
        missing -= known[best.id]
    told = len(known[chosen[0].id] & wanted) / len(wanted) if chosen else 0.0
    if told < TELLING or 1 - len(missing) / len(wanted) < CARRIED or not _holds(line, chosen, people):
        return None
    return Point(line, tuple(sorted(chosen, key=lambda post: post.at)))


def distinct(points: Iterable[Point]) -> list[Point]:
    """Of points that say the same, the first."""
    kept: list[Point] = []
    for point in points:
        stems = _stems(point.text)
        if not any(
            len(stems & _stems(other.text)) >= ALIKE * min(len(stems), len(_stems(other.text))) for other in kept
        ):
            kept.append(point)
    return kept


def _holds(line: str, posts: Sequence[Post], people: Collection[str]) -> bool:
    """Whether every fact and every name of `line` stands in `posts`."""
    said = [post.line for post in posts]
    facts, spoken = Facts(said), line.split()
    known = {word[:_STEM] for text in said for word in words(text)}
    names = {name for person in people for name in words(person)} & set(words(line))
    if language_of(line) == ENGLISH:
        names |= {name.lower() for name in _NAME.findall(line)}
    return all(
        facts.hold(word, spoken[:place], spoken[place + 1 : place + 3]) for place, word in enumerate(spoken)
    ) and all(name[:_STEM] in known for name in names)


def _stems(text: str) -> set[str]:
    return {part[:_STEM] for word in content_words(text) for part in re.findall(r"\w+", word)}
