"""Keys and values of passages, kept for the next question that reads them.

What stands left of the bar in `[system][passage] | [turns][person][question]` depends on the instructions and the
passage alone, so its keys and values are computed once and are exact for everybody. A prefix is a chain of segments
(the instructions, then the passage); each is kept under the tokens of all segments up to it, so the instructions are
held once, a changed passage is another entry, and a stale one is never found. Least recently used entries go when the
budget is spent.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor

from core.adapters.local_model.packed import CachedRow
from core.adapters.local_model.prefix_files import Owner, PrefixFiles


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a row reads before the question. The first `kept` segments are worth keeping; the last has an owner."""

    segments: tuple[tuple[int, ...], ...]
    kept: int = 0
    owner: Owner | None = None

    @property
    def tokens(self) -> list[int]:
        """All of it."""
        return [token for segment in self.segments for token in segment]

    @property
    def ends(self) -> list[int]:
        """Where each segment ends, in tokens."""
        return list(accumulate(map(len, self.segments)))

    def names(self) -> Iterator[tuple[str, Owner | None]]:
        """For each kept segment a name, which is a hash of all tokens up to its end, and whose it is."""
        digest = hashlib.sha256()
        for place, segment in enumerate(self.segments[: self.kept], start=1):
            digest.update(array("q", [len(segment), *segment]).tobytes())
            yield digest.hexdigest(), self.owner if place == len(self.segments) else None


@dataclass(slots=True)
class CacheStatistics:
    """What the cache has done since the start. Hits and misses count segments; hits on disk are hits, too."""

    hits: int = 0
    hits_on_disk: int = 0
    misses: int = 0
    evictions: int = 0
    bytes: int = 0
    bytes_on_disk: int = 0


@dataclass(slots=True)
class _Entry:
    keys: Tensor  # (layers, kv_heads, tokens of the segment, head_dim)
    values: Tensor
    owner: Owner | None

    @property
    def nbytes(self) -> int:
        return self.keys.nbytes + self.values.nbytes


class PrefixCache:
    """A byte-budgeted cache of prefixes, with files behind it where there are some. Used by one thread at a time."""

    def __init__(self, budget: int, files: PrefixFiles | None = None) -> None:
        """`budget` in bytes of memory; 0 keeps nothing."""
        self._budget = budget
        self._files = files
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._held = 0  # bytes of all entries
        self._counts = CacheStatistics()

    @property
    def statistics(self) -> CacheStatistics:
        """What the cache has done so far."""
        self._counts.bytes = self._held
        self._counts.bytes_on_disk = self._files.bytes if self._files else 0
        return self._counts

    def fill(self, row: CachedRow, prefix: Prefix) -> None:
        """Begin the empty `row` with as many segments of `prefix` as are known."""
        for key, owner in prefix.names() if self._budget else ():
            entry = self._entries.get(key) or self._from_disk(key, owner, row)
            if entry is None:
                self._counts.misses += 1
                return
            self._counts.hits += 1
            self._entries.move_to_end(key)
            row.append(entry.keys, entry.values)

    def keep(self, row: CachedRow, prefix: Prefix) -> None:
        """Remember the segment of `prefix` that `row` has just come to the end of, if it is worth keeping."""
        if not self._budget or row.length not in prefix.ends[: prefix.kept]:
            return
        place = prefix.ends.index(row.length)
        key, owner = list(prefix.names())[place]
        if key in self._entries:
            return
        entry = _Entry(*row.copy(row.length - len(prefix.segments[place])), owner)
        self._put(key, entry)
        if self._files:
            self._files.write(key, entry.keys, entry.values, owner)

    def holds(self, prefix: Prefix) -> bool:
        """Whether reading `prefix` ahead would be in vain: all worth keeping is at hand, or nothing is kept at all."""
        at_hand = (
            key in self._entries or (self._files is not None and key in self._files) for key, _ in prefix.names()
        )
        return not self._budget or all(at_hand)

    def retain(self, owners: Collection[Owner]) -> None:
        """Drop what belongs to other documents than `owners`, or to other versions of them."""
        for key, entry in list(self._entries.items()):
            if entry.owner is not None and entry.owner not in owners:
                self._held -= self._entries.pop(key).nbytes
        if self._files:
            self._files.retain(owners)

    def _from_disk(self, key: str, owner: Owner | None, row: CachedRow) -> _Entry | None:
        found = self._files.read(key, row.device) if self._files else None
        if found is None:
            return None
        self._counts.hits_on_disk += 1
        entry = _Entry(*found, owner)
        self._put(key, entry)
        return entry

    def _put(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        self._held += entry.nbytes
        while self._held > self._budget:
            _, oldest = self._entries.popitem(last=False)
            self._held -= oldest.nbytes
            self._counts.evictions += 1
