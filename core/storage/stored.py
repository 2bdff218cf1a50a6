"""The form in which records are kept: JSON objects that say which version of it they have.

One rule for all (`docs/operate.md`, "Two versions, one store"). Fields may be added, each with a default: that leaves
the version as it is, and whoever does not know a field leaves it where it stands. Anything else makes the
version one higher, and whoever does not know that version leaves the whole record alone. What has no version was
written before there was one, and counts as 1. Pure; knows nothing of stores, or of what is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from core.domain import Person

VERSION = "version"
BROKEN = "it is not a JSON object"
OTHER = "fields are missing or unknown"

T = TypeVar("T")

_PERSON = TypeAdapter(Person)
_OWNER = re.compile(rb'"(?:person|author)"\s*:\s*(\{[^{}]*\})')


class UnreadableRecordError(ValueError):
    """A record that this version of Attune cannot read; the text says why, and nothing of what is in it."""


class RecordForm(Generic[T]):
    """How records of one kind are written and read."""

    def __init__(self, kind: type[T], version: int = 1) -> None:
        self._adapter = TypeAdapter(kind)
        self._version = version

    def dump_json(self, value: T, over: bytes | None = None) -> bytes:
        """`value` as it is kept, in place of the record `over`, whose fields that are unknown here stay."""
        written = b'{"%s":%d,%s' % (VERSION.encode(), self._version, self._adapter.dump_json(value)[1:])
        if over is None:
            return written
        return to_json(with_unknown(from_json(written), values_of(over)))

    def validate_json(self, stored: bytes | str) -> T:
        """What was kept.

        Raises:
            UnreadableError: it is broken, or of a version that is unknown here.
        """
        return self.of(self.values(stored))

    def values(self, stored: bytes | str) -> dict[str, Any]:
        """The fields of a record of a known version.

        Raises:
            UnreadableError: it is broken, or of a version that is unknown here.
        """
        values = values_of(stored)
        version = values.pop(VERSION, 1)
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise UnreadableRecordError(OTHER)
        if version > self._version:
            raise UnreadableRecordError(f"a newer Attune wrote it, in version {version} of its format")
        return values

    def of(self, values: Mapping[str, Any]) -> T:
        """What these fields make.

        Raises:
            UnreadableError: they make nothing of this kind.
        """
        try:
            return self._adapter.validate_python(values)
        except (ValidationError, OverflowError):  # whose text quotes what a person wrote
            raise UnreadableRecordError(OTHER) from None


def values_of(stored: bytes | str) -> dict[str, Any]:
    """The fields of a record of whatever version.

    Raises:
        UnreadableError: it has none.
    """
    try:
        values = from_json(stored)
    except (ValueError, TypeError):  # which it calls a text with half a surrogate pair
        raise UnreadableRecordError(BROKEN) from None
    if not isinstance(values, dict):
        raise UnreadableRecordError(BROKEN)
    return values


def with_unknown(new: Any, old: Any) -> Any:
    """`new` with what `old` has beside it: fields of objects, also of the same objects in a list."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {**old, **{name: with_unknown(value, old.get(name)) for name, value in new.items()}}
    if isinstance(new, list) and isinstance(old, list):
        return [with_unknown(one, next((other for other in old if _covers(other, one)), None)) for one in new]
    return new


def may_be_of(person: Person, stored: bytes) -> bool:
    """Whether a record that cannot be read may be about `person`: all of which nobody can tell may be."""
    named = _OWNER.search(stored)
    try:
        return named is None or _PERSON.validate_json(named[1]) == person
    except ValidationError:
        return True


def _covers(whole: Any, part: Any) -> bool:
    """Whether `whole` says all that `part` says."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and _covers(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(_covers, whole, part))
    return bool(whole == part)
