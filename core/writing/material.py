"""What is read for a text: a whole document or section where its request names one, else the passages that fit best.

A document is named by its title or its file's name, a section by its heading, among what the search found: so only what
the readers of the text may see. Knows nothing of models, or of what is made of what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePath

from core.answering.retrieval import with_following
from core.domain import Passage, RankedPassage
from core.ports import PassageIndex
from core.text.words import content_words, words_of
from core.writing.requests import TextRequest

MOST = 6  # passages that are read where no document is named …
LEAST = 3  # … and those that are, however unlikely
LIKELY = 0.02  # p(d|x) of any further one
FOLLOWING = 2  # passages behind the likeliest one
LOOSELY = -1  # as a depth: a document that is named by a part of its title
LONGEST = 100  # passages of a named document that are read; of a longer one the best are
_DOCUMENT = words_of("guide page document doc handbook file seite dokument handbuch leitfaden")
_NAMES_NOTHING = _DOCUMENT | words_of(
    "policy policie rule section chapter md pdf docx html txt whole entire new current our all process guideline "
    "information info richtlinie richtlinien regel regeln abschnitt kapitel neue neuen ganze unsere"
)


async def material(
    wanted: TextRequest, found: Sequence[RankedPassage], about: Sequence[RankedPassage], index: PassageIndex
) -> list[RankedPassage]:
    """What to read of what was `found`, each document's passages in its order; of no named one, what is `about` it.

    Who tells somebody of a document needs what is to be told, and not all that it says.
    """
    if wanted.is_survey:
        named = [await _named(topic, found, index) for topic in wanted.topics]
        if all(named):
            return _in_order([passage for part in named for passage in part])
    likely = [one for place, one in enumerate(about[:MOST]) if place < LEAST or one.probability >= LIKELY]
    behind = await index.following([likely[0].passage], count=FOLLOWING)
    return _in_order(with_following(likely, behind, found))


def is_named(wanted: TextRequest, passage: Passage) -> bool:
    """Whether the request names the document or a section that `passage` is of."""
    return wanted.is_survey and any(_depth(topic, passage) is not None for topic in wanted.topics)


async def _named(topic: str, found: Sequence[RankedPassage], index: PassageIndex) -> list[RankedPassage]:
    """All of the document or section that `topic` names; nothing where it names none, or one that is too long."""
    named = [(depth, one.passage) for one in found if (depth := _depth(topic, one.passage)) is not None]
    if not named:
        return []
    depth, passage = min(named, key=lambda pair: (pair[0] == LOOSELY, pair[0] > 0))  # the first of the best kind
    return await _whole(passage, found, index, depth=max(depth, 0))


def _depth(topic: str, passage: Passage) -> int | None:
    """How many headings down what `topic` names has its own: 0 for the document, LOOSELY for one of a longer title."""
    wanted, document = _name(topic), (_name(passage.title), _name(PurePath(passage.source).stem))
    if not wanted:
        return None
    if wanted in document:
        return 0
    for depth, heading in enumerate(passage.headings, start=1):
        if wanted == _name(heading):
            return depth
    calls_it_one = not _DOCUMENT.isdisjoint(_parts(topic))  # "the travel page": "Travel Guide Table of Contents"
    return LOOSELY if calls_it_one and any(wanted <= name for name in document) else None


async def _whole(
    passage: Passage, found: Sequence[RankedPassage], index: PassageIndex, *, depth: int
) -> list[RankedPassage]:
    """The document of `passage`, or the section under the first `depth` of its headings."""
    known = {one.passage.id: one for one in found}
    before = replace(passage, ordinal=-1)
    every = await index.following([before], count=passage.total)
    under = [one for one in every if one.headings[:depth] == passage.headings[:depth]]
    return [known.get(one.id, RankedPassage(one, 0.0, -1.0, 0.0)) for one in under] if len(under) <= LONGEST else []


def _in_order(passages: Sequence[RankedPassage]) -> list[RankedPassage]:
    """Documents in the order in which they were found, each once, its passages as they stand in it."""
    places = {source: place for place, source in enumerate(dict.fromkeys(one.passage.source for one in passages))}
    once = {one.passage.id: one for one in passages}
    return sorted(once.values(), key=lambda one: (places[one.passage.source], one.passage.ordinal))


@lru_cache(maxsize=1024)
def _name(text: str) -> frozenset[str]:
    """What tells one document's name from another's."""
    return frozenset(_parts(text)) - _NAMES_NOTHING


def _parts(text: str) -> Iterator[str]:
    for word in content_words(text.replace("_", " ")):
        yield from (part.removesuffix("s") for part in re.findall(r"[^\W_]+", word))
