"""The plan of a course: which sections of which documents, and in which order.

Sections are what a search finds, whole, in the order of their headings; a document that leads to another by a link
comes before it. Pure; knows nothing of searching, of people, or of how a step is explained.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from core.domain import Passage, RankedPassage
from core.learning.study import CourseStep, PassageRef
from core.text.growing import without_links

FEWEST, MOST = 3, 7  # steps
DOCUMENTS = 3  # that one course draws on
LEAST_SHARE = 0.02  # of p(d|x), from which a section is on the topic
LEAST_TEXT = 160  # characters, without its links, that a section needs to be worth a step
TOGETHER = 3  # passages of one step; what a section has beyond is another step


@dataclass(frozen=True, slots=True)
class _Section:
    """Passages under the same headings, with what the search thinks of them."""

    passages: tuple[Passage, ...]
    share: float

    @property
    def size(self) -> int:
        """Characters that it says itself: a list of links teaches nothing."""
        return sum(len(without_links(passage.text)) for passage in self.passages)


def sources_for(ranked: Sequence[RankedPassage]) -> list[str]:
    """The documents that a course on what was found draws on, the likeliest first."""
    shares: dict[str, float] = {}
    for one in ranked:
        shares[one.passage.source] = shares.get(one.passage.source, 0.0) + one.probability
    listed = sorted(shares, key=lambda source: (-shares[source], source))
    return [source for source in listed if shares[source] >= LEAST_SHARE][:DOCUMENTS]


def planned(ranked: Sequence[RankedPassage], documents: Mapping[str, Sequence[Passage]]) -> tuple[CourseStep, ...]:
    """The steps of a course on what was found; `documents` has all passages of those that it draws on, in order."""
    shares = {one.passage.id: one.probability for one in ranked}
    sections = [one for passages in documents.values() for one in _sections(passages, shares)]
    worth = [one for one in sections if one.size >= LEAST_TEXT] or sections
    likeliest = sorted(worth, key=lambda one: -one.share)
    chosen = [one for one in likeliest if one.share >= LEAST_SHARE][:MOST]
    chosen += [one for one in likeliest if one not in chosen][: max(FEWEST - len(chosen), 0)]
    order = in_order(documents)
    chosen.sort(key=lambda one: (order.index(one.passages[0].source), one.passages[0].ordinal))
    return tuple(_step(one, chosen) for one in chosen)


def parts_of(passages: Sequence[Passage], name: str, stage: str) -> tuple[CourseStep, ...]:
    """All of `passages`, of one document: one step, or where they are more than fit into it, one for each section.

    A section of few words goes with the next one.
    """
    if len(passages) <= TOGETHER:
        return (CourseStep(name, tuple(map(PassageRef.of, passages)), stage),)
    parts: list[_Section] = []
    for section in _sections(passages, {}):
        short = parts and parts[-1].size < LEAST_TEXT
        parts.append(_Section((*parts.pop().passages, *section.passages), 0.0) if short else section)
    return tuple(_part(part.passages, name, stage) for part in parts)


def _part(passages: Sequence[Passage], name: str, stage: str) -> CourseStep:
    heading = next(iter(passages[-1].headings[-1:]), name)
    return CourseStep(name if heading == name else f"{name}: {heading}", tuple(map(PassageRef.of, passages)), stage)


def in_order(documents: Mapping[str, Sequence[Passage]]) -> list[str]:
    """The documents, those first that lead to others; the rest as they are given."""
    links = {source: leading_to(passages, documents.keys() - {source}) for source, passages in documents.items()}
    led_to = {source: sum(source in targets for targets in links.values()) for source in documents}
    return sorted(documents, key=lambda source: led_to[source] - len(links[source]))


def leading_to(passages: Sequence[Passage], others: Sequence[str] | set[str]) -> set[str]:
    """Those of the documents `others` that the text of one names by their file's name, as links do."""
    text = " ".join(passage.text for passage in passages).lower()
    return {source for source in others if _is_named(PurePosixPath(source).stem.lower(), text)}


def _is_named(stem: str, text: str) -> bool:
    return re.search(rf"/{re.escape(stem)}(?:\.\w+)?/?(?![\w-])", text) is not None


def _sections(passages: Sequence[Passage], shares: Mapping[str, float]) -> list[_Section]:
    found = []
    for _, group in groupby(passages, key=lambda passage: passage.headings):
        listed = list(group)
        for start in range(0, len(listed), TOGETHER):
            part = tuple(listed[start : start + TOGETHER])
            found.append(_Section(part, sum(shares.get(passage.id, 0.0) for passage in part)))
    return found


def _step(section: _Section, sections: Sequence[_Section]) -> CourseStep:
    """The last heading is its name, with the title where several would have the same, and a number still then."""
    first = section.passages[0]
    last = first.headings[-1] if first.headings else first.title
    alike = [one for one in sections if one.passages[0].headings[-1:] == first.headings[-1:]]
    name = last if len(alike) == 1 or last == first.title else f"{first.title}: {last}"
    parts = [one for one in alike if one.passages[0].source == first.source]
    if len(parts) > 1:
        name = f"{name} ({parts.index(section) + 1})"
    return CourseStep(name, tuple(PassageRef.of(passage) for passage in section.passages))
