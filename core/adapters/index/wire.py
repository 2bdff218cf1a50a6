"""What `SharedIndex` and the index service say to each other: JSON, with vectors as base64 of float32.

A vector of 384 numbers is 2 kB this way and takes microseconds; as a list of numbers it is 8 kB.
Does no I/O.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, PlainSerializer, PlainValidator, TypeAdapter

from core.domain import Document, Hit, Passage, Vector
from core.storage.copies import PassageCopy

NAME = "index"  # of the service's socket, locks and log
ORIGIN = "Attune-Origin"  # the header that says for vectors of which origin a call stands, by its mark


def _pack(vector: Vector) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def _unpack(value: str | Vector) -> Vector:
    if isinstance(value, np.ndarray):
        return value
    return np.frombuffer(base64.b64decode(value), "<f4").astype(np.float32)


Packed = Annotated[Vector, PlainValidator(_unpack), PlainSerializer(_pack, return_type=str)]


class Upsert(BaseModel):
    """Passages and as many vectors."""

    passages: list[Passage]
    vectors: list[Packed]


class Search(BaseModel):
    """A question by its words and its vector, and who may read what is found."""

    text: str
    vector: Packed
    audience: list[str]
    limit: int


class Ids(BaseModel):
    """Passages that are wanted, or their vectors."""

    ids: list[str]


class Following(BaseModel):
    """Passages whose next ones are wanted."""

    passages: list[Passage]
    count: int


class Remove(BaseModel):
    """A document, and the version of it that stays."""

    source: str
    keep_version: str | None


class Documents(BaseModel):
    """The one document that is wanted; None: all."""

    source: str | None


class SetOrigin(BaseModel):
    """By what the vectors were made: the fields of an `Origin`."""

    embedder: str
    digest: str
    form: str


class Reset(BaseModel):
    """An empty index is to take the place of what there is, for vectors of this length and origin, if that is known."""

    dimension: int
    origin: SetOrigin | None


class Page(BaseModel):
    """From which passage on marks are wanted; None: from the first."""

    after: str | None


class PackedMarks(BaseModel):
    """The marks of some passages by id, and where those behind them begin."""

    marks: dict[str, str]
    following: str | None


class PackedCopy(NamedTuple):
    """A passage as it is copied."""

    id: str
    fields: dict[str, Any]
    vector: Packed
    words: dict[int, float]


class Copies(BaseModel):
    """Passages to be kept as they are."""

    copies: list[PackedCopy]


class Ask(BaseModel):
    """A request that says nothing more."""


class PackedHit(NamedTuple):
    """A hit as it travels."""

    passage: Passage
    vector: Packed
    dense: float
    sparse: float


HITS = TypeAdapter(list[PackedHit])
VECTORS = TypeAdapter(dict[str, Packed])
PASSAGES = TypeAdapter(list[Passage])
DOCUMENTS = TypeAdapter(list[Document])
COUNT = TypeAdapter(int)
ORIGINS = TypeAdapter(SetOrigin | None)
MARKS = TypeAdapter(dict[str, str])
MARK_PAGE = TypeAdapter(PackedMarks)
COPIES = TypeAdapter(list[PackedCopy])
NOTHING = TypeAdapter(None)


def pack_hits(hits: Iterable[Hit]) -> list[PackedHit]:
    """Hits as they travel."""
    return [PackedHit(hit.passage, hit.vector, hit.dense, hit.sparse) for hit in hits]


def unpack_hits(hits: Iterable[PackedHit]) -> list[Hit]:
    """Hits as they arrived."""
    return [Hit(*hit) for hit in hits]


def pack_copies(copies: Iterable[PassageCopy]) -> list[PackedCopy]:
    """Copies as they travel."""
    return [PackedCopy(one.id, dict(one.fields), one.vector, dict(one.words)) for one in copies]


def unpack_copies(copies: Iterable[PackedCopy]) -> list[PassageCopy]:
    """Copies as they arrived."""
    return [PassageCopy(*one) for one in copies]
