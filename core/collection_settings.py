"""The settings of a collection on a Qdrant server, which `core/settings.py` reads with all others.

Knows nothing of where a setting comes from, or of how a server is told.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from core.serving_settings import ServingSettings
from core.storage.layout import CollectionLayout

_PARTS = {part.name: f"qdrant_{part.name}" for part in fields(CollectionLayout)}  # of a layout → their settings


class CollectionSettings(ServingSettings):
    """The settings of the collection that `QDRANT_URL` leads to. What is unset is left to the server."""

    qdrant_collection: str = Field(
        "attune", min_length=1, alias="QDRANT_COLLECTION", description="the collection on the Qdrant server"
    )
    qdrant_shards: int | None = Field(
        None,
        ge=1,
        le=1024,
        alias="QDRANT_SHARDS",
        description="shards of a new collection; unset: the server's choice",
    )
    qdrant_replicas: int | None = Field(
        None,
        ge=1,
        le=64,
        alias="QDRANT_REPLICAS",
        description="copies of each shard of a new collection, on as many machines; unset: one",
    )
    qdrant_write_consistency: int | None = Field(
        None,
        ge=1,
        le=64,
        alias="QDRANT_WRITE_CONSISTENCY",
        description="copies that have to have a change before it counts as made; unset: one",
    )
    qdrant_quantisation: Literal["none", "scalar", "binary"] | None = Field(
        None,
        alias="QDRANT_QUANTISATION",
        description="what vectors are searched by before the likeliest are compared in full: none, scalar (8 bits) or "
        "binary (1 bit, for vectors of 1,000 numbers and more); unset: as the collection has it",
    )
    qdrant_on_disk: bool | None = Field(
        None,
        alias="QDRANT_ON_DISK",
        description="whether vectors are read from the disk, and only quantised ones held in memory; unset: as the "
        "collection has it",
    )

    @field_validator("qdrant_write_consistency")
    @classmethod
    def _no_more_than_there_are(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value > (info.data.get("qdrant_replicas") or 1):
            raise ValueError("it cannot be more than QDRANT_REPLICAS, the copies that there are")
        return value

    def as_laid_out(self) -> Self:
        """The same, but for a collection that is to stay as it is laid out."""
        return self.model_copy(update=dict.fromkeys(_PARTS.values()))

    @property
    def qdrant_layout(self) -> CollectionLayout:
        """How the collection is to be laid out."""
        return CollectionLayout(**{part: getattr(self, setting) for part, setting in _PARTS.items()})
