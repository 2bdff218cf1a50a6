"""What was said before, as it still stands: decided anew from the index, for whoever looks now.

A document changes, goes, or gets other readers; somebody leaves a channel. Then the passages that an answer was made
from are shown no more, and the answer is not used for another. Knows nothing of platforms, of sentences or of models.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from core.answering import retrieval
from core.answering.prompt import says_not_found
from core.domain import Document, Passage, RankedPassage, Turn
from core.people.traces import PassageWeight, Trace
from core.ports import PassageIndex
from core.readers import may_see

RESTS = 100  # passages that a turn is known to rest on; of a longer chain of follow-ups the oldest are not followed


def rests_of(rows: Iterable[RankedPassage], heard: Iterable[Turn]) -> tuple[str, ...]:
    """What an answer rests on that was made from `rows`, after the turns `heard`: also what those rest on."""
    read = [_name(part) for row in rows for part in (row.parts or (row.passage,))]
    before = [name for turn in reversed([*heard]) for name in turn.rests or ()]
    return tuple(dict.fromkeys([*read, *before]))[:RESTS]


async def standing(turns: Sequence[Turn], index: PassageIndex, audience: Collection[str]) -> list[Turn]:
    """`turns`, without those answers that `audience` may not see the passages of, or whose passages are others now."""
    ids = {name.partition(":")[0] for turn in turns for name in turn.rests or ()}
    found = await index.passages(sorted(ids)) if ids else {}
    seen = {_name(passage) for passage in found.values() if may_see(passage.readers, audience)}
    return [turn if _stands(turn, seen) else replace(turn, answer="") for turn in turns]


def _stands(turn: Turn, seen: Collection[str]) -> bool:
    if not turn.answer or says_not_found(turn.answer):
        return True
    return turn.rests is not None and all(name in seen for name in turn.rests)


def _name(passage: Passage) -> str:
    """A passage as it is now: its id, and what it says."""
    return f"{passage.id}:{blake2b(passage.text.encode(errors='replace'), digest_size=6).hexdigest()}"


async def as_it_stands(said: Passage, index: PassageIndex, audience: Collection[str]) -> Passage | None:
    """`said`, which an answer showed, as the index has it; None where it is gone, says something else or is not seen.

    An answer may have read several neighbours as one: then all of them have to stand there, one behind the other.
    """
    for document in await index.documents(said.source):
        if not may_see(document.readers, audience):
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
            text = retrieval.text_of(run)
            if text == said.text:
                named = next((part for part in run if part.heading_path == said.heading_path), None)
                if named is not None:
                    return replace(named, text=text)
            if len(text) >= len(said.text):
                break
    return None


async def seen_now(trace: Trace, index: PassageIndex, audience: Collection[str]) -> Trace:
    """`trace` with the places only of those passages that stand there and may be seen; the others have none."""
    seen: dict[str, set[str]] = {}
    for source in {passage.source for passage in trace.passages}:
        seen[source] = await _places(source, index, audience)
    return replace(trace, passages=tuple(_placed(passage, seen) for passage in trace.passages))


def _placed(passage: PassageWeight, seen: dict[str, set[str]]) -> PassageWeight:
    return passage if passage.place in seen[passage.source] else replace(passage, place="")


async def _places(source: str, index: PassageIndex, audience: Collection[str]) -> set[str]:
    """Title and headings of each passage of a document that `audience` may see."""
    documents = [one for one in await index.documents(source) if may_see(one.readers, audience)]
    return {passage.heading_path for document in documents for passage in await whole(document, index)}


async def visible(sources: Iterable[str], index: PassageIndex, audience: Collection[str]) -> set[str]:
    """Those of the documents `sources` that are there and that `audience` may see."""
    found: set[str] = set()
    for source in sources:
        if any(may_see(document.readers, audience) for document in await index.documents(source)):
            found.add(source)
    return found
