"""The noun of pairing; `core.access` says what a code is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pairing:
    """Somebody who was let in by a code; `person` is their reader's name."""

    person: str
    operator: bool
    since: datetime
