"""How a collection is laid out on a Qdrant server: what is wished for, what there is, and where they differ.

Knows nothing of Qdrant's words for it, or of passages.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum


class Quantisation(StrEnum):
    """What vectors are searched by; the likeliest are compared once more in full. Servers know further ways."""

    NONE = "none"
    SCALAR = "scalar"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class CollectionLayout:
    """Shards, copies of each, copies that a write waits for, quantisation, whether vectors are read from the disk.

    None: as the server has it by itself.
    """

    shards: int | None = None
    replicas: int | None = None
    write_consistency: int | None = None
    quantisation: str | None = None
    on_disk: bool | None = None

    def differences(self, there: CollectionLayout) -> list[LayoutDifference]:
        """Where a collection is not as it is wished for; what a server does not tell is no difference."""
        pairs = {one.name: (getattr(self, one.name), getattr(there, one.name)) for one in fields(self)}
        return [
            LayoutDifference(name, _said(wished), _said(found))
            for name, (wished, found) in pairs.items()
            if wished is not None and found is not None and wished != found
        ]


@dataclass(frozen=True, slots=True)
class LayoutDifference:
    """One part of a layout, by its field's name, as it is wished for and as it is."""

    part: str
    wished: str
    found: str


@dataclass(frozen=True, slots=True)
class CollectionState:
    """A collection as it is beside what was `wished`. `fewest` are the copies of the shard that has fewest in use.

    None where the server does not tell. `unindexed` are fields that searches filter by without an index.
    """

    name: str
    wished: CollectionLayout
    there: CollectionLayout
    fewest: int | None
    unindexed: Collection[str]


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
