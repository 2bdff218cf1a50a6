"""`NoUsage`: keeps nothing of what is asked, for evaluations and for teams that want no such record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from core.documents.gaps import Gap
from core.domain import Person, Use


class NoUsage:
    """The port `Usage`, empty for ever."""

    async def note_cited(self, sources: Sequence[str], at: datetime) -> None:
        """Keep nothing."""

    async def uses(self) -> Mapping[str, Use]:
        """Nothing."""
        return {}

    async def forget_documents(self, sources: Sequence[str], titles: Collection[str] = ()) -> None:
        """Nothing is counted of any."""

    async def note_gap(self, gap: Gap) -> None:
        """Keep nothing."""

    async def gaps(self) -> list[Gap]:
        """None."""
        return []

    async def close_gaps(self, questions: Sequence[str]) -> None:
        """There is none to close."""

    async def take_back(self, gap: Gap) -> None:
        """It was not kept."""

    async def forget(self, person: Person) -> None:
        """Nothing is known of anybody."""
