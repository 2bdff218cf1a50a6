"""Beyond answers: a source is opened, a trace is looked at, and documents are recommended.

What may be seen is decided anew each time, from the index, for whoever looks now: what a trace keeps is only compared
with it, since documents and rights change. Knows nothing of platforms, of sentences or of models.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from core.answering.retrieval import text_of
from core.domain import Document, Hit, Message, Passage, Person
from core.people.feedback import Feedback, Verdict
from core.people.interests import unpacked
from core.people.people import People
from core.people.profile import SHOWN, InterestInWords, Profile, naming
from core.people.traces import PassageWeight, Trace
from core.ports import PassageIndex
from core.readers import alone, audience, may_see, shown_in

RECOMMENDED = 5
NEAR = 0.45  # cosine of an interest and a passage from which it is about it
_LOOKED_AT = 30  # passages near each interest …
_NAMING = 5  # … the nearest of which name it


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A document that was not shown yet, and the interest that it is near to."""

    passage: Passage
    nearness: float  # cosine
    interest: InterestInWords


class SourceAccess:
    """What people may see of documents behind their answers, and beside them."""

    def __init__(self, people: People, index: PassageIndex, dimension: int) -> None:
        """`dimension` is that of a question's vector: an interest of another was learned with another embedder."""
        self._people = people
        self._index = index
        self._dimension = dimension

    async def open(
        self, person: Person, answer: str, number: int, at: datetime, *, looking: Message | None = None
    ) -> Passage | None:
        """The passage behind a source of one of the person's answers, as it stands now, and that they opened it.

        None where there is no such source, where it says something else now, or where they, or the place where they
        are `looking`, may not see it. Without a place no channel of theirs is known.
        """
        trace = await self._people.trace(person, answer)
        found = await self._source(trace, number, audience(looking) if looking else alone(person))
        if found is not None:
            await self._people.hear(Feedback(person, answer, Verdict.OPENED, at, None, number))
        return found

    async def look_at(self, asker: Person, answer: str, number: int, *, looking: Message) -> Passage | None:
        """The same for an answer to somebody else, that was shown in the place of `looking`; nothing is learned."""
        trace = await self._people.trace(asker, answer) if answer else None
        if trace is None or not shown_in(looking.conversation, trace.audience):
            return None
        return await self._source(trace, number, audience(looking))

    async def _source(self, trace: Trace | None, number: int, seen_by: Collection[str]) -> Passage | None:
        said = next((one.passage for one in trace.sources if one.number == number), None) if trace else None
        return await as_it_stands(said, self._index, seen_by) if said else None

    async def read(self, source: str, seen_by: Collection[str]) -> list[Passage]:
        """All passages of a document, in order; none where there is no such document that `seen_by` may see."""
        versions = [one for one in await self._index.documents(source) if may_see(one.readers, seen_by)]
        newest = max(versions, key=lambda one: (one.complete, one.passages), default=None)
        return await whole(newest, self._index) if newest else []

    async def documents(self, seen_by: Collection[str]) -> list[Document]:
        """The documents that `seen_by` may see, in order of their names."""
        seen = {one.source: one for one in await self._index.documents() if may_see(one.readers, seen_by)}
        return [seen[source] for source in sorted(seen)]

    async def explain(self, trace: Trace, looking: Message) -> Trace:
        """`trace` with the places only of what stands there and may be seen where somebody is `looking`."""
        seen: dict[str, set[str]] = {}
        for source in {passage.source for passage in trace.passages}:
            seen[source] = await self._places(source, audience(looking))
        return replace(trace, passages=tuple(_placed(passage, seen) for passage in trace.passages))

    async def _places(self, source: str, seen_by: Collection[str]) -> set[str]:
        """Title and headings of each passage of a document that `seen_by` may see."""
        documents = [one for one in await self._index.documents(source) if may_see(one.readers, seen_by)]
        return {passage.heading_path for one in documents for passage in await whole(one, self._index)}

    async def visible(self, sources: Iterable[str], looking: Message) -> set[str]:
        """Those of the documents `sources` that are there and may be seen where somebody is `looking`."""
        return await self._visible(sources, audience(looking))

    async def _visible(self, sources: Iterable[str], seen_by: Collection[str]) -> set[str]:
        found: set[str] = set()
        for source in sources:
            if any(may_see(one.readers, seen_by) for one in await self._index.documents(source)):
                found.add(source)
        return found

    async def profile(self, person: Person, seen_by: Collection[str]) -> Profile:
        """What is kept of the person, with the names only of documents that `seen_by` may see.

        Interests are told by the titles of what lies near them, unless all that they come from is hidden or gone.
        """
        profile = await self._people.profile(person)
        return await self._named(profile, await self._near(profile, seen_by), seen_by)

    async def _named(self, profile: Profile, near: Sequence[Sequence[Hit]], seen_by: Collection[str]) -> Profile:
        documents = {source for interest in profile.interests for source in interest.documents}
        named = naming(profile, await self._visible(documents, seen_by))
        told = [
            one if known.documents and not one.documents else replace(one, topics=topics_of(hits))
            for known, one, hits in zip(profile.interests, named.interests, near, strict=True)
        ]
        return replace(named, interests=tuple(told))

    async def _near(self, profile: Profile, seen_by: Collection[str]) -> list[list[Hit]]:
        """What `seen_by` may see near each interest, the nearest first."""
        directions = await self._people.directions(profile.person)
        near: list[list[Hit]] = [[] for _ in profile.interests]
        for place, (interest, packed) in enumerate(zip(profile.interests, directions, strict=False)):
            vector = np.asarray(unpacked(packed), np.float32)
            if vector.size == self._dimension:
                text = " ".join(interest.phrases)
                hits = await self._index.search(text, vector, audience=seen_by, limit=_LOOKED_AT)
                near[place] = sorted(hits, key=lambda hit: (-hit.dense, hit.passage.id))
        return near

    async def recommend(self, message: Message) -> list[Recommendation]:
        """The documents nearest to what the person cares about, which no answer of theirs has shown."""
        profile, shown = await self._people.profile(message.person), await self._people.shown(message.person)
        found: dict[str, Recommendation] = {}
        near = await self._near(profile, audience(message))
        told = await self._named(profile, near, audience(message))
        for named, hits in zip(told.interests, near, strict=True):
            for hit in hits:
                nearness = hit.dense * named.weight
                known = found.get(hit.passage.source)
                if hit.passage.source not in shown and (known is None or known.nearness < nearness):
                    found[hit.passage.source] = Recommendation(hit.passage, nearness, named)
        return sorted(found.values(), key=lambda one: (-one.nearness, one.passage.source))[:RECOMMENDED]


def topics_of(hits: Sequence[Hit]) -> tuple[str, ...]:
    """The titles of the nearest of `hits`, which are in that order; the headings where all are of one title.

    Near is what is closer to the nearest than to the median, and not far from both.
    """
    edge = (hits[0].dense + hits[len(hits) // 2].dense) / 2 if hits else 0.0
    near = [hit.passage for hit in hits[:_NAMING] if hit.dense >= max(edge, NEAR)]
    titles = dict.fromkeys(passage.title for passage in near)
    if len(titles) == 1:
        titles = dict.fromkeys(passage.headings[-1] for passage in near if passage.headings) or titles
    return tuple(titles)[:SHOWN]


async def as_it_stands(said: Passage, index: PassageIndex, seen_by: Collection[str]) -> Passage | None:
    """`said`, which an answer showed, as the index has it; None where it is gone, says something else or is not seen.

    An answer may have read several neighbours as one: then all of them have to stand there, one behind the other.
    """
    for document in await index.documents(said.source):
        if not may_see(document.readers, seen_by):
            continue
        if (found := _found(said, await whole(document, index))) is not None:
            return found
    return None


async def whole(document: Document, index: PassageIndex) -> list[Passage]:
    """All passages of a version, in order."""
    found = await index.following([document.before_first], count=document.total)
    return sorted(found, key=lambda passage: passage.ordinal)


def _found(said: Passage, passages: Sequence[Passage]) -> Passage | None:
    for first in range(len(passages)):
        if passages[first].text not in said.text:
            continue
        for end in range(first + 1, len(passages) + 1):
            run = passages[first:end]
            text = text_of(run)
            if text == said.text:
                named = next((part for part in run if part.heading_path == said.heading_path), None)
                if named is not None:
                    return replace(named, text=text)
            if len(text) >= len(said.text):
                break
    return None


def _placed(passage: PassageWeight, seen: dict[str, set[str]]) -> PassageWeight:
    return passage if passage.place in seen[passage.source] else replace(passage, place="")
