"""Beyond answers: a source is opened, and documents are recommended. Asks the index and no model.

What may be seen is decided anew each time, since rights change. Knows nothing of platforms or sentences.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from core.answering.standing import as_it_stands
from core.domain import Passage, Person
from core.people.feedback import Feedback
from core.people.interests import unpacked
from core.people.people import People
from core.people.profile import InterestInWords
from core.people.traces import Trace
from core.ports import PassageIndex

RECOMMENDED = 5
_LOOKED_AT = 30  # passages near each interest


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A document that was not shown yet, and the interest that it is near to."""

    passage: Passage
    nearness: float  # cosine
    interest: InterestInWords


async def open_source(
    people: People, index: PassageIndex, opened: Feedback, seen_by: Collection[str]
) -> Passage | None:
    """The passage of an answer's source; None where there is none, or `seen_by` may not see it any more."""
    trace = await people.trace(opened.person, opened.answer)
    found = await source(trace, index, opened.source, seen_by) if trace else None
    if found is not None:
        await people.hear(opened)
    return found


async def source(trace: Trace, index: PassageIndex, number: int, seen_by: Collection[str]) -> Passage | None:
    """The source of that number, as the index has it now: what the trace keeps of it is only compared."""
    said = next((one.passage for one in trace.sources if one.number == number), None)
    return await as_it_stands(said, index, seen_by) if said else None


async def recommend(
    people: People, index: PassageIndex, person: Person, audience: Collection[str], dimension: int
) -> list[Recommendation]:
    """The documents nearest to what a person cares about, which no answer of theirs has shown.

    An interest whose vector is not of `dimension` was learned with another embedder, and is near to nothing.
    """
    profile, shown = await people.profile(person), await people.shown(person)
    found: dict[str, Recommendation] = {}
    for interest, vector in zip(profile.interests, await people.directions(person), strict=False):
        near = np.asarray(unpacked(vector), np.float32)
        if near.size != dimension:
            continue
        hits = await index.search(" ".join(interest.phrases), near, audience=audience, limit=_LOOKED_AT)
        for hit in sorted(hits, key=lambda hit: (-hit.dense, hit.passage.id)):
            nearness = hit.dense * interest.weight
            known = found.get(hit.passage.source)
            if hit.passage.source not in shown and (known is None or known.nearness < nearness):
                found[hit.passage.source] = Recommendation(hit.passage, nearness, interest)
    return sorted(found.values(), key=lambda one: (-one.nearness, one.passage.source))[:RECOMMENDED]
