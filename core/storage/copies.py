"""Passages as an index keeps them, with all that they are found by: so one index is copied to another as it is.

Knows nothing of what a passage's fields mean, of indexes, or of when something is copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain import Vector

PAGE = 1_000  # passages whose marks are asked for together


@dataclass(frozen=True, slots=True, eq=False)
class PassageCopy:
    """A passage with all its fields, its vector, shape (dimension,), and its words: BM25 weights by number."""

    id: str
    fields: Mapping[str, Any]
    vector: Vector
    words: Mapping[int, float]

    @property
    def mark(self) -> str:
        """What `mark_of` makes of its fields."""
        return mark_of(self.fields)


@dataclass(frozen=True, slots=True)
class MarkPage:
    """The marks of some passages, by id; `following` asks for those behind them, None behind the last."""

    marks: Mapping[str, str]
    following: str | None


def mark_of(fields: Mapping[str, Any]) -> str:
    """A short name of all that the fields of a passage say: where two are the same, so are the fields."""
    said = json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def unlike(wished: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The ids in `wished` that are not `there`, or not with the same mark."""
    return [id_ for id_, mark in wished.items() if there.get(id_) != mark]
