"""Keys and values of passages, kept for the next question that reads them.

What stands left of the bar in `[system][passage] | [turns][person][question]` depends on the passage alone, so its
keys and values are computed once and are exact for everybody. The key is the text itself (its tokens), so a changed
passage is another entry and a stale one is never found. Least recently used entries go when the budget is spent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from core.adapters.packed import Row


@dataclass(slots=True)
class CacheStatistics:
    """What the cache has done since the start."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    bytes: int = 0


class PrefixCache:
    """A byte-budgeted cache of prefixes. Used by one thread at a time."""

    def __init__(self, budget: int) -> None:
        """`budget` in bytes; 0 keeps nothing."""
        self._budget = budget
        self._entries: OrderedDict[tuple[int, ...], tuple[Tensor, Tensor]] = OrderedDict()
        self.statistics = CacheStatistics()

    def fill(self, row: Row, prefix: Sequence[int]) -> bool:
        """Begin the empty `row` with `prefix` if that is known; otherwise leave it empty."""
        entry = self._entries.get(tuple(prefix))
        if entry is None:
            self.statistics.misses += 1
            return False
        self._entries.move_to_end(tuple(prefix))
        self.statistics.hits += 1
        row.begin_with(*entry)
        return True

    def keep(self, row: Row, prefix: Sequence[int]) -> None:
        """Remember `row`, which holds exactly `prefix`, unless it is larger than the whole budget."""
        key = tuple(prefix)
        if key in self._entries or not self._budget:
            return
        keys, values = row.copy()
        size = keys.nbytes + values.nbytes
        if size > self._budget:
            return
        self._entries[key] = (keys, values)
        self.statistics.bytes += size
        while self.statistics.bytes > self._budget:
            _, (old_keys, old_values) = self._entries.popitem(last=False)
            self.statistics.bytes -= old_keys.nbytes + old_values.nbytes
            self.statistics.evictions += 1
