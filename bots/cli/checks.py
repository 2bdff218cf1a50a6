"""What `attune doctor` finds, whatever it looked at. Knows nothing of how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    """How a check ended."""

    GOOD = "✓"
    CARE = "!"  # works, or will; worth knowing
    BAD = "✗"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was looked at, what was found, and what to do about it."""

    mark: CheckStatus
    name: str
    found: str
    fix: str = ""
