"""The port for what documents were good for and what they lack; `core/ports.py` has the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.domain import Person, Use
from core.gaps import Gap


class Usage(Protocol):
    """What documents were good for, and what they lack: for the operator, never for a prompt."""

    async def note_cited(self, sources: Sequence[str], at: datetime) -> None:
        """Count one answer for each of the documents `sources`."""
        ...

    async def uses(self) -> Mapping[str, Use]:
        """How often each source was cited, and when last; sources that are gone may be among them."""
        ...

    async def forget_documents(self, sources: Sequence[str]) -> None:
        """Drop what is counted of the documents `sources`."""
        ...

    async def note_gap(self, gap: Gap) -> None:
        """Keep a question that went unanswered; the oldest beyond the kept number go."""
        ...

    async def gaps(self) -> list[Gap]:
        """The questions that went unanswered, oldest first."""
        ...

    async def close_gaps(self, questions: Sequence[str]) -> None:
        """Drop all gaps with one of these questions."""
        ...

    async def take_back(self, gap: Gap) -> None:
        """Drop this very gap, and no other of the same question."""
        ...

    async def forget(self, person: Person) -> None:
        """Drop what the person asked."""
        ...
