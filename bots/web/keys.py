"""Who asks over HTTP: the client whose key a request carries.

The header is `Authorization: Bearer KEY`, as OpenAI's clients send it. Knows nothing of what is asked, or of how keys
are kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import Headers

from core.errors import PersonError
from core.people.clients import ApiClient, ApiClients

AGAIN = 1.0  # seconds after which it is looked anew whether a key still holds

NO_KEY = "There is no key. Send it in the header: Authorization: Bearer YOUR-KEY"
WRONG_KEY = "This key is not valid, or was removed. Ask whoever runs Attune for another: attune clients add NAME"


class UnknownKeyError(PersonError):
    """A request without a key, or with one that is nobody's."""


@dataclass(slots=True)
class Admission:
    """A client that was let in, and when its key was last looked at."""

    client: ApiClient
    clients: ApiClients
    at: float

    async def renew(self) -> None:
        """Look at the key anew, now and then: whoever loses it while an answer grows hears no more of it.

        Raises:
            UnknownKeyError: it was removed.
        """
        now = asyncio.get_running_loop().time()
        if now - self.at >= AGAIN:
            await self.confirm()

    async def confirm(self) -> None:
        """Look at the key anew.

        Raises:
            UnknownKeyError: it was removed.
        """
        if not await self.clients.knows(self.client):
            raise UnknownKeyError(WRONG_KEY)
        self.at = asyncio.get_running_loop().time()


async def admit(headers: Headers, clients: ApiClients) -> Admission:
    """Whoever sent a request with these headers.

    Raises:
        UnknownKeyError: they have no key, or a wrong one.
        StoreError: what is kept of keys does not answer.
    """
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise UnknownKeyError(NO_KEY)
    client = await clients.find(key.strip())
    if client is None:
        raise UnknownKeyError(WRONG_KEY)
    return Admission(client, clients, asyncio.get_running_loop().time())
