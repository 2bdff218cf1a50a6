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

from core.adapters.packed import Row
from core.adapters.prefix_files import Owner, PrefixFiles


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

    def keys(self) -> Iterator[str]:
        """A name for each kept segment in its place: a hash of all tokens up to its end."""
        digest = hashlib.sha256()
        for segment in self.segments[: self.kept]:
            digest.update(array("q", [len(segment), *segment]).tobytes())
            yield digest.hexdigest()


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
        self._counts = CacheStatistics()

    @property
    def statistics(self) -> CacheStatistics:
        """What the cache has done so far."""
        self._counts.bytes = sum(entry.nbytes for entry in self._entries.values())
        self._counts.bytes_on_disk = self._files.bytes if self._files else 0
        return self._counts

    def fill(self, row: Row, prefix: Prefix) -> None:
        """Begin the empty `row` with as many segments of `prefix` as are known."""
        for key in prefix.keys() if self._budget else ():
            entry = self._entries.get(key) or self._from_disk(key, prefix, row)
            if entry is None:
                self._counts.misses += 1
                return
            self._counts.hits += 1
            self._entries.move_to_end(key)
            row.append(entry.keys, entry.values)

    def keep(self, row: Row, prefix: Prefix) -> None:
        """Remember the segment of `prefix` that `row` has just come to the end of, if it is worth keeping."""
        for place, (key, end) in enumerate(zip(prefix.keys(), prefix.ends, strict=False)):
            if end == row.length and key not in self._entries and self._budget:
                owner = prefix.owner if place + 1 == len(prefix.segments) else None
                entry = _Entry(*row.copy(end - len(prefix.segments[place])), owner)
                self._put(key, entry)
                if self._files:
                    self._files.write(key, entry.keys, entry.values, owner)

    def holds(self, prefix: Prefix) -> bool:
        """Whether all that is worth keeping of `prefix` is at hand."""
        kept = list(prefix.keys())
        return all(key in self._entries or (self._files is not None and key in self._files) for key in kept)

    def retain(self, owners: Collection[Owner]) -> None:
        """Drop what belongs to other documents than `owners`, or to other versions of them."""
        for key, entry in list(self._entries.items()):
            if entry.owner is not None and entry.owner not in owners:
                del self._entries[key]
        if self._files:
            self._files.retain(owners)

    def _from_disk(self, key: str, prefix: Prefix, row: Row) -> _Entry | None:
        found = self._files.read(key, row.device) if self._files else None
        if found is None:
            return None
        self._counts.hits_on_disk += 1
        entry = _Entry(*found, prefix.owner)
        self._put(key, entry)
        return entry

    def _put(self, key: str, entry: _Entry) -> None:
        self._entries[key] = entry
        held = sum(entry.nbytes for entry in self._entries.values())
        while held > self._budget:
            _, oldest = self._entries.popitem(last=False)
            held -= oldest.nbytes
            self._counts.evictions += 1
