"""All passages of one index copied to another as they are, while others go on with the first: until nothing differs.

Each round compares all passages by their marks, copies what is missing or another in the second index, and drops what
the first has no more; so a move that was cut off goes on where it was, and what is written meanwhile comes along. Until
it is done, the second index stands for the origin of an unfinished move, which nobody opens; where it stands for
another all at once, somebody else began with it, and no more is written to it. Knows nothing of where indexes are.
"""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from typing import Protocol

import numpy as np

from core.domain import Hit, Passage, Vector, VectorOrigin
from core.errors import MoveError
from core.readers import GUIDES
from core.storage.backup import StoredIndex
from core.storage.copies import MarkPage, PassageCopy, unlike
from core.storage.origin import is_unfinished, unfinished

BATCH = 256  # passages that are copied together
ROUNDS = 20  # after which the first index is written faster than it is copied
SAMPLE = 64  # passages whose vectors are compared
SEARCHES = 16  # of them that are searched for
LIMIT = 10  # passages that each search asks for by meaning, and by words
ALIKE = 0.9  # share of the places that the first index's searches fill which the second's have to fill as well
CLOSE = 1e-4  # of a number of a unit vector, and of a cosine
ROUGHLY = 0.1  # share of a score by words
NOTHING = (
    "There is nothing to move: the index of the settings holds no documents of yours. Are QDRANT_URL and "
    "QDRANT_COLLECTION those of the index that you mean?"
)


class MovableIndex(StoredIndex, Protocol):
    """An index whose passages can be read and written as they are."""

    async def page(self, after: str | None) -> MarkPage:
        """The marks of some passages, from `after` on."""
        ...

    async def marks(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The marks of those of these ids that exist."""
        ...

    async def copies(self, ids: Sequence[str]) -> Sequence[PassageCopy]:
        """Those of these passages that exist."""
        ...

    async def put(self, copies: Sequence[PassageCopy]) -> None:
        """Add or replace passages; durable when it returns."""
        ...

    async def drop(self, ids: Sequence[str]) -> None:
        """Remove passages."""
        ...


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """`seen` of about `total` passages were compared in this round, the first of which copies most."""

    round: int
    seen: int
    total: int


@dataclass(frozen=True, slots=True)
class MoveReport:
    """What was moved, and what the check found: in `found` of `searched` places a search is as good as before."""

    passages: int
    copied: int
    rounds: int
    vectors: int
    searched: int
    found: int
    resumed: bool


ReportMove = Callable[[MoveProgress], None]
Check = Callable[[], Awaitable[None]]


async def _unchecked() -> None: ...


async def move(
    source: MovableIndex, target: MovableIndex, origin: VectorOrigin, report: ReportMove, *, replace: bool = False
) -> MoveReport:
    """Make `target` hold what `source` does, whose vectors are those of `origin`; `replace` empties it first.

    Raises:
        MoveError: there is nothing to move, the target holds something else, or is not the same afterwards.
        StoreError: one of them does not answer; move again to go on.
    """
    if is_unfinished(origin):
        raise MoveError("The index that is to be moved is itself the unfinished target of a move. Finish that first.")
    if all(GUIDES in document.readers for document in await source.documents()):
        raise MoveError(NOTHING)
    resumed = await _begin(source, target, origin, replace=replace)
    check = await _still_ours(target)
    rounds, copied = await keep_up(source, target, report, check)
    if (kept := await source.origin()) is not None and not kept.compares(origin):
        raise MoveError("The index was rebuilt with another embedder meanwhile. Move it again with --replace.")
    sample = await _sample(source)
    vectors = await _compare_vectors(source, target, sample)
    searched, found = await _compare_searches(source, target, sample[:SEARCHES])
    count = await target.count()
    await target.clear_away()
    await check()
    await target.set_origin(origin)
    return MoveReport(count, copied, rounds, vectors, searched, found, resumed)


async def keep_up(
    source: MovableIndex, target: MovableIndex, report: ReportMove, check: Check = _unchecked
) -> tuple[int, int]:
    """Copy and drop until a round finds nothing to do; the rounds that it took, and how many were copied.

    Before each writing comes the `check`, which raises where the target is to be left alone.

    Raises:
        MoveError: the source is written all the time.
    """
    copied = 0
    for number in range(1, ROUNDS + 1):
        some = await _copy_missing(source, target, number, report, check)
        dropped = await _drop_others(source, target, check)
        copied += some
        if not some and not dropped and await source.documents() == await target.documents():
            return number, copied
    raise MoveError(
        "The index is written faster than it is copied. Stop attune ingest, then move it again: it goes on from here."
    )


async def _begin(source: MovableIndex, target: MovableIndex, origin: VectorOrigin, *, replace: bool) -> bool:
    """See that the target may be filled, and empty it; True where a move to it goes on that was cut off."""
    dimension, mark = await source.dimension(), unfinished(origin)
    there = await target.origin()
    same = there is not None and there.compares(mark) and await target.dimension() == dimension
    if same and not replace:
        return True
    if not replace:
        await _refuse_used(target, there)
    elif await target.count():
        await _refuse_itself(source, target, there)
    await target.reset(dimension or 0, mark)
    return False


async def _still_ours(target: MovableIndex) -> Check:
    """A check that the target is as this move began it: rebuilt, or finished by another move, it may be in use."""
    begun = await target.origin()

    async def check() -> None:
        if await target.origin() != begun:  # a server before Qdrant 1.16 says nothing either time
            raise MoveError(
                "The new index was rebuilt meanwhile, or another move has finished it. This move wrote no more to it; "
                "look at what is there before you move again."
            )

    return check


async def _refuse_used(target: MovableIndex, there: VectorOrigin | None) -> None:
    documents = await target.documents()
    if there is not None and is_unfinished(there) and documents:
        raise MoveError(
            "An unfinished move of an index of another embedder is there already. Add --replace to empty it, or, on a "
            "server, name another collection."
        )
    if any(GUIDES not in document.readers for document in documents):
        raise MoveError(
            f"There are {sum(document.passages for document in documents):,} passages there already. Add "
            "--replace to empty it first, or, on a server, name another collection."
        )


async def _refuse_itself(source: MovableIndex, target: MovableIndex, there: VectorOrigin | None) -> None:
    """See that the index that is emptied is not the one that is moved, under another name.

    Only a name in its origin is another meanwhile: nobody is kept from an index in use, also if this is cut off.
    """
    trial = dataclasses.replace(
        there or VectorOrigin("", ""), embedder=f"{there.embedder if there else ''} {uuid.uuid4()}"
    )
    before = await source.origin()
    await target.set_origin(trial)
    seen = await source.origin() == trial
    kept = await target.origin() == trial  # a server before Qdrant 1.16 keeps none
    if seen and before:
        await source.set_origin(before)
    if seen or (not kept and await source.documents() == await target.documents()):
        raise MoveError("Both names lead to the same index, or to two that are the same: there is nothing to move.")


async def _copy_missing(
    source: MovableIndex, target: MovableIndex, number: int, report: ReportMove, check: Check
) -> int:
    total, after, seen, copied = await source.count(), None, 0, 0
    while True:
        page = await source.page(after)
        missing = unlike(page.marks, await target.marks([*page.marks]))
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            if some := await source.copies(batch):  # else they are gone since
                await check()
                await target.put(some)
            copied += len(some)
            report(MoveProgress(number, seen + start, total))
        seen += len(page.marks)
        report(MoveProgress(number, seen, total))
        if (after := page.following) is None:
            return copied


async def _drop_others(source: MovableIndex, target: MovableIndex, check: Check) -> int:
    after, dropped = None, 0
    while True:
        page = await target.page(after)
        known = await source.marks([*page.marks])
        if gone := [id_ for id_ in page.marks if id_ not in known]:
            await check()
            await target.drop(gone)
        dropped += len(gone)
        if (after := page.following) is None:
            return dropped


async def _sample(source: MovableIndex) -> list[Passage]:
    """Some passages from all over the index: an id says nothing of where its passage is from."""
    documents = await source.documents()
    chosen = random.Random(0).sample(documents, min(SAMPLE, len(documents)))  # noqa: S311 - the same each time
    found: list[Passage] = []
    for document in chosen:
        found += (await source.following([document.before_first], count=1))[:1]
    return found


async def _compare_vectors(source: MovableIndex, target: MovableIndex, sample: Sequence[Passage]) -> int:
    ids = [passage.id for passage in sample]
    ours, theirs = await source.vectors(ids), await target.vectors(ids)
    both = ours.keys() & theirs.keys()  # others went away meanwhile
    if any(not np.allclose(_unit(ours[id_]), _unit(theirs[id_]), atol=CLOSE) for id_ in both):
        raise MoveError("Vectors are not what they were. Do not use the new index; move again with --replace.")
    return len(both)


async def _compare_searches(source: MovableIndex, target: MovableIndex, sample: Sequence[Passage]) -> tuple[int, int]:
    """How many places the source's searches fill, and how many of these the target's fill as well."""
    vectors, searched, found = await source.vectors([passage.id for passage in sample]), 0, 0
    for passage in sample:
        if passage.id not in vectors:
            continue
        text, row, readers = passage.text, vectors[passage.id], passage.readers
        ours = await source.search(text, row, audience=readers, limit=LIMIT)
        theirs = await target.search(text, row, audience=readers, limit=LIMIT)
        some, as_good = places(ours, theirs)
        searched, found = searched + some, found + as_good
    if found < ALIKE * searched:
        raise MoveError(
            f"Of {searched} places that searches of the index fill, the new one's fill {found} as well. Wait until the "
            "server has indexed what it has, then move again: nothing is copied twice."
        )
    return searched, found


def places(ours: Sequence[Hit], theirs: Sequence[Hit]) -> tuple[int, int]:
    """How many places by meaning and by words there are, and in how many `theirs` are as good.

    Scores are compared, since passages with the same may come in any order; those by words, of which each shard counts
    for itself how rare they are, roughly.
    """
    searched = found = 0
    for score, room in ((attrgetter("dense"), 0.0), (attrgetter("sparse"), ROUGHLY)):
        best, others = (sorted(map(score, hits), reverse=True)[:LIMIT] for hits in (ours, theirs))
        pairs = [(one, other) for one, other in zip_longest(best, others, fillvalue=0.0) if one > 0]
        searched += len(pairs)
        found += sum(other >= one * (1 - room) - CLOSE for one, other in pairs)
    return searched, found


def _unit(vector: Vector) -> Vector:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
