"""Programs that ask: each has a key of its own, and the readers' names that the key speaks for.

A key is shown once, when it is made; what is kept of it is a hash, from which nobody can make it again. It speaks for
exactly the names that it was given: not even `everyone` comes by itself. Knows no store, and nothing of how a program
asks.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Protocol

from core.errors import ConfigurationError
from core.readers import Readers, checked

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_KEY = re.compile(rf"attune\.(?P<name>{_NAME.pattern})\.[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A program that may ask. `key` is the hash of its key; `readers` are the names that it speaks for."""

    name: str
    key: str
    readers: Readers
    since: datetime


class ClientRecords(Protocol):
    """Which programs there are, by name."""

    async def add(self, client: ApiClient) -> bool:
        """Keep a client; False where there is one of that name."""
        ...

    async def find(self, name: str) -> ApiClient | None:
        """The client of that name."""
        ...

    async def all(self) -> list[ApiClient]:
        """All of them, in no order."""
        ...

    async def remove(self, name: str) -> bool:
        """Forget a client; False where there is none."""
        ...


class ApiClients:
    """Makes keys, and tells whose a key is."""

    def __init__(self, records: ClientRecords) -> None:
        self._records = records

    async def add(self, name: str, readers: Iterable[str], now: datetime) -> str:
        """Let a program ask, for `readers`. Returns its key, which nobody can be told again.

        Raises:
            ConfigurationError: the name is none or taken, or one of `readers` is no reader's name.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"'{name}' is not a name for a client. Use up to 40 letters, digits, - and _, such as open-webui."
            )
        key = f"attune.{name}.{secrets.token_urlsafe(32)}"
        if not await self._records.add(ApiClient(name, _hashed(key), checked(readers), now)):
            raise ConfigurationError(
                f"There is a client named {name} already. Choose another name, or first: attune clients remove {name}"
            )
        return key

    async def find(self, key: str) -> ApiClient | None:
        """Whose key this is, if anybody's."""
        form = _KEY.fullmatch(key)
        client = await self._records.find(form["name"]) if form else None
        return client if client and compare_digest(client.key, _hashed(key)) else None

    async def knows(self, client: ApiClient) -> bool:
        """Whether the key of `client` still holds."""
        return await self._records.find(client.name) == client

    async def all(self) -> list[ApiClient]:
        """All of them, in order of their names."""
        return sorted(await self._records.all(), key=lambda client: client.name)

    async def remove(self, name: str) -> bool:
        """Take a program's key back; False where there is none of that name."""
        return await self._records.remove(name)


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()
