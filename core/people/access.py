"""Who gets in: nobody, until the operator's list, a pairing code or a group on the list lets them.

The list holds names as in `core.readers` (`person:telegram//1234`, `channel:telegram//-100678`,
`workspace:slack/T012`) and Slack's user groups (`group:slack/T012/S345`). A platform says which names somebody answers
to; a guest, say, does not answer to their workspace's. Knows no platform and no store.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from core.domain import Person
from core.errors import ConfigurationError, PairingError
from core.readers import person_reader

CODE_LASTS = timedelta(minutes=30)
TRIES = 5  # codes that a person may get wrong in `TRIES_WITHIN`
TRIES_WITHIN = timedelta(hours=1)

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look like another
_CODE = re.compile(rf"[{_LETTERS}]{{8}}")
_FORMS = {r"\d+": "person:telegram//{}", r"-\d+": "channel:telegram//{}", r"T[A-Z0-9]+": "workspace:slack/{}"}
_NAME = re.compile(r"workspace:[^/\s]+/[^/\s]+|(?:channel|person|group):[^/\s]+/[^/\s]*/[^/\s]+")


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


class Pairings(Protocol):
    """Who was let in by a code, and the codes that are out. Persons are readers' names; codes come hashed."""

    async def save_code(self, code: str, *, operator: bool, lasts: timedelta) -> None:
        """Keep a code for as long as it lasts."""
        ...

    async def take_code(self, code: str) -> bool | None:
        """Use a code up: whether it makes an operator. None where there is none, so that only one person gets in."""
        ...

    async def count_try(self, person: str, *, within: timedelta) -> int:
        """Count one more code of `person`: how many it were since the first, forgotten after `within`."""
        ...

    async def save(self, pairing: Pairing) -> Pairing:
        """Let somebody in, and forget their tries. Returns what they have now: nobody loses a role by it."""
        ...

    async def find(self, person: str) -> Pairing | None:
        """How somebody was let in, if so."""
        ...

    async def all(self) -> list[Pairing]:
        """Everyone who was let in, in no order."""
        ...

    async def remove(self, person: str) -> bool:
        """Let somebody in no longer; False where there was nothing."""
        ...


@dataclass(frozen=True, slots=True)
class AccessLists:
    """The operator's lists: who gets in, and who is an operator besides."""

    allowed: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()


class Access:
    """Decides who is answered."""

    def __init__(self, pairings: Pairings, doors: AccessLists) -> None:
        self._pairings = pairings
        self._doors = doors

    async def admits(self, person: Person, names: Collection[str]) -> bool:
        """Whether `person`, who besides their own name answers to `names`, is answered."""
        listed = self._doors.allowed | self._doors.operators
        own = person_reader(person)
        return own in listed or not listed.isdisjoint(names) or await self._pairings.find(own) is not None

    async def is_operator(self, person: Person) -> bool:
        """Whether `person` may see gaps and usage, and teach everyone."""
        own = person_reader(person)
        if own in self._doors.operators:
            return True
        pairing = await self._pairings.find(own)
        return pairing is not None and pairing.operator

    async def new_code(self, *, operator: bool = False) -> str:
        """A code that lets one person in, once, within `CODE_LASTS`."""
        code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        await self._pairings.save_code(_hashed(code), operator=operator, lasts=CODE_LASTS)
        return f"{code[:4]}-{code[4:]}"

    async def pair(self, person: Person, typed: str, now: datetime) -> Pairing:
        """Let `person` in by the code they typed. Returns what they have now: a plain code takes no role away.

        Raises:
            PairingError: no such code, not any more, or too many tries.
        """
        own = person_reader(person)
        if await self._pairings.count_try(own, within=TRIES_WITHIN) > TRIES:
            raise PairingError("Too many wrong pairing codes. Please try again in an hour.")
        code = re.sub(r"[\s-]", "", typed).upper()
        operator = await self._pairings.take_code(_hashed(code)) if _CODE.fullmatch(code) else None
        if operator is None:
            raise PairingError(
                "That pairing code isn't valid: each works once, within half an hour. Please ask your operator for a "
                "new one."
            )
        return await self._pairings.save(Pairing(own, operator, now))

    async def pairings(self) -> list[Pairing]:
        """Everyone who was let in by a code, in order of their names."""
        return sorted(await self._pairings.all(), key=lambda pairing: pairing.person)

    async def unpair(self, person: str) -> bool:
        """Take back what a code gave; `person` is a reader's name. False where there was nothing."""
        return await self._pairings.remove(person)


def listed_names(text: str, setting: str) -> frozenset[str]:
    """The names that stand in `setting`, separated by commas or white space.

    Raises:
        ConfigurationError: one of them is no name.
    """
    listed = _split(text)
    wrong = next((name for name in listed if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise ConfigurationError(f"{setting} contains '{wrong}', which is not a valid name. {_meant(wrong)}")
    return frozenset(listed)


def sound_names(text: str) -> frozenset[str]:
    """Those of the names in `text` that are some."""
    return frozenset(name for name in _split(text) if _NAME.fullmatch(name))


def _split(text: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", text) if name]


def _meant(wrong: str) -> str:
    """What somebody probably meant, by the form of it."""
    for pattern, meant in _FORMS.items():
        if re.fullmatch(pattern, wrong):
            return f"Did you mean {meant.format(wrong)}?"
    if wrong.startswith("@"):
        return "It takes ids, not user names. Or give that person a pairing code: attune pair"
    return (
        "Write person:telegram//1234, channel:telegram//-100678, workspace:slack/T012, channel:slack/T012/C345, "
        "group:slack/T012/S345 or person:slack/T012/U901."
    )


def _hashed(code: str) -> str:
    """What is kept of a code: whoever reads the store cannot use it."""
    return sha256(code.encode()).hexdigest()
