"""The noun of pairing; `core.people.access` says what a code is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pairing:
    """Somebody who was let in by a code; `person` is their reader's name."""

    person: str
    operator: bool
    since: datetime

    def beside(self, earlier: Pairing | None) -> Pairing:
        """What this code and an earlier one give together: a plain code takes no role away."""
        if earlier is None:
            return self
        return replace(self, operator=self.operator or earlier.operator, since=min(self.since, earlier.since))
