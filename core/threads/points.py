"""The points that a model made of a discussion, and the posts that carry each: what none carries is left out.

A point is carried by up to three posts that share its words, and deny what it denies; every number, date, address and
name in it stands in one of these. Pure; knows nothing of models or of what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
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
_CLAUSES = re.compile(
    r"[.!?;\n]+(?:\s+|$)|\b(?:but|however|instead|aber|sondern|jedoch)\b"
    r"|,\s*(?=(?:(?:and |und )?(?:not|nicht|kein\w*)|if|unless|because|wenn|falls|weil)\b)"
    r"|(?<!\bok)(?<!okay)(?<!\bno)(?<!\byes)(?<!good)(?<!fine)(?<!\bgut)(?<!nein)(?<!\bja)(?:,|\band|\bund)\s+"
    r"(?=(?:so\s+)?(?:I|we|they|he|she|ich|wir|er|sie)(?:\b|['’]))",
    re.IGNORECASE,
)
_OPINION = re.compile(r"\b(think|believe|glaube(?: nicht)?|denke(?: nicht)?),", re.IGNORECASE)
_ANSWER = re.compile(
    r"^\W*(?:no|nope|nein)\b(?:[,:;!.]|(?= (?:we|i|let|it|that|the|wir|ich|das|der|die)\b))", re.IGNORECASE
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|nicht|nie|niemals|niemand|nichts|kein\w*|weder)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-ZÄÖÜ][a-zäöüß]+\b")
_DIGITS = re.compile(r"\d+")
_CAPITALS = re.compile(r"\b[A-ZÄÖÜ]\w+")


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


def clauses_of(text: str) -> list[str]:
    """What a text says, one thing after the other."""
    return [clause for part in _CLAUSES.split(_OPINION.sub(r"\1", text)) if (clause := part.strip(" ,–-"))]


def denies(clause: str) -> bool:
    """Whether something is not so, in English and German; a "no" that only answers is no denial."""
    return _NEGATION.search(_ANSWER.sub("", clause)) is not None


def stems_of(text: str) -> set[str]:
    """The words with a meaning, as far as it stands in their first letters; whole where there is a digit in them."""
    parts = [part for word in content_words(text) for part in re.findall(r"\w+", re.sub(r"['’]s$", "", word))]
    return {part if re.search(r"\d", part) else part[:_STEM] for part in parts}


def carried(line: str, posts: Sequence[Post], people: Collection[str]) -> Point | None:
    """`line` with the posts that carry it; None where they do not, or a name in it is not theirs."""
    wanted = stems_of(line)
    if not wanted or len(words(line)) > MOST_WORDS:
        return None
    shared = {post.id: stems_of(post.line) & wanted for post in posts}
    most = max(map(len, shared.values()), default=0)
    if most < TELLING * len(wanted):
        return None
    for first in (post for post in posts if len(shared[post.id]) == most):
        chosen = _with_others(first, posts, shared, wanted)
        told = set[str]().union(*(shared[post.id] for post in chosen))
        if len(told) >= CARRIED * len(wanted) and _agree(line, chosen) and _holds(line, _said(chosen), people):
            return Point(line, tuple(sorted(chosen, key=lambda post: post.at)))
    return None


def keeps_facts(point: Point, line: str) -> bool:
    """Whether `line`, in another language, has the numbers of a point, and the names of those who wrote its posts."""
    people = {word for post in point.posts for word in words(post.author)}
    said, told = {*words(point.text)}, {*words(line)}
    return sorted(_DIGITS.findall(point.text)) == sorted(_DIGITS.findall(line)) and said & people <= told


def distinct(points: Sequence[Point]) -> list[Point]:
    """Of points that say the same, what was said last."""
    kept: list[int] = []
    for place in sorted(range(len(points)), key=lambda place: (points[place].posts[-1].at, place), reverse=True):
        if not any(_same(points[place], points[other]) for other in kept):
            kept.append(place)
    return [points[place] for place in sorted(kept)]


def _with_others(first: Post, posts: Sequence[Post], shared: Mapping[str, set[str]], wanted: set[str]) -> list[Post]:
    """`first`, and those that have most of the words that are still missing."""
    chosen, missing = [first], wanted - shared[first.id]
    while missing and len(chosen) < CARRIERS:
        best = max(posts, key=lambda post: len(shared[post.id] & missing))
        if not shared[best.id] & missing:
            break
        chosen.append(best)
        missing -= shared[best.id]
    return chosen


def _agree(line: str, posts: Sequence[Post]) -> bool:
    """Whether what `line` says or denies is said or denied in the clauses that are nearest to it."""
    said = [(denies(clause), stems_of(clause)) for post in posts for clause in clauses_of(post.text)]
    for clause in clauses_of(line):
        stems = stems_of(clause)
        most = max((len(stems & other) for _, other in said), default=0)
        if most and denies(clause) not in {negated for negated, other in said if len(stems & other) == most}:
            return False
    return True


def _same(one: Point, other: Point) -> bool:
    """Whether they share most of their words, and neither has a fact, a name or a denial that the other has not."""
    stems, others = stems_of(one.text), stems_of(other.text)
    if len(stems & others) < ALIKE * min(len(stems), len(others)) or denies(one.text) != denies(other.text):
        return False
    people = {post.author for post in (*one.posts, *other.posts)}
    return all(
        _holds(a, [b], people) and {*map(_whole, _CAPITALS.findall(a))} <= {*map(_whole, re.findall(r"\w+", b))}
        for a, b in ((one.text, other.text), (other.text, one.text))
    )


def _said(posts: Sequence[Post]) -> list[str]:
    return [post.line for post in posts]


def _holds(line: str, said: Sequence[str], people: Collection[str]) -> bool:
    """Whether every fact and every name of `line` was said."""
    facts, spoken = Facts(said), line.split()
    known = {_whole(word) for text in said for word in words(text)}
    theirs = {name[:_STEM] for person in people for name in words(person)}
    names = {word for word in words(line) if word[:_STEM] in theirs}
    if language_of(line) == ENGLISH:
        names |= {*_NAME.findall(line)}
    return all(
        facts.hold(word, spoken[:place], spoken[place + 1 : place + 3]) for place, word in enumerate(spoken)
    ) and all(_whole(name) in known for name in names)


def _whole(name: str) -> str:
    """A name without the ending of its genitive."""
    return name.lower().rstrip("s'’")
