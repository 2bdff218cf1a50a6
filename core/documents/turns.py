"""Work on folders takes turns where one lies in the other, and goes side by side where not.

Knows nothing of the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    places: tuple[Path, ...]
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, other: _Turn) -> bool:
        return any(
            one.is_relative_to(another) or another.is_relative_to(one)
            for one in self.places
            for another in other.places
        )


class Turns:
    """Who comes first goes first."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    @asynccontextmanager
    async def of(self, places: Iterable[Path]) -> AsyncIterator[None]:
        """Have these files and folders to oneself."""
        turn = _Turn(tuple(place.absolute() for place in places))
        before = [other for other in self._turns if other.meets(turn)]
        self._turns.append(turn)
        try:
            for other in before:
                await other.over.wait()
            yield
        finally:
            self._turns.remove(turn)
            turn.over.set()
