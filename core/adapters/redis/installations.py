"""`RedisInstallations`: the tokens of the Slack workspaces that installed the app, encrypted; who is installing.

Whoever reads the store cannot use the tokens without the key, which stands in the settings only.
Knows nothing of Slack's pages or of what tokens are for.
"""

from __future__ import annotations

import secrets

from cryptography.fernet import Fernet, InvalidToken
from redis.asyncio import Redis

from core.adapters.redis.memory import translated
from core.errors import ConfigurationError

TOKENS = "attune:slack:tokens"
USED = "attune:slack:state:"
STATE_SECONDS = 600
NONCE_BYTES = 16


class RedisInstallations:
    """Tokens by workspace. Whoever made the client closes it."""

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        try:
            self._cipher = Fernet(key)
        except ValueError:
            raise ConfigurationError("ATTUNE_SLACK_KEY is not a key. `attune slack key` makes one.") from None

    async def token_of(self, team: str) -> str | None:
        """The token of this workspace, if it installed the app.

        Raises:
            ConfigurationError: it was encrypted with another key.
        """
        with translated():
            sealed = await self._client.hget(TOKENS, team)
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed).decode()
        except InvalidToken:
            raise ConfigurationError(
                f"The token of the Slack workspace {team} was encrypted with another ATTUNE_SLACK_KEY. "
                "Put that key back, or have the workspace install the app again."
            ) from None

    async def save(self, team: str, token: str) -> None:
        """Keep the token of a workspace that installed the app."""
        with translated():
            await self._client.hset(TOKENS, team, self._cipher.encrypt(token.encode()))

    async def remove(self, team: str) -> None:
        """Forget a workspace that removed the app."""
        with translated():
            await self._client.hdel(TOKENS, team)

    async def new_state(self) -> str:
        """A word that comes back from Slack once, within `STATE_SECONDS`, and proves that the installation began here.

        Nothing is kept of it: the word itself says when it was made, sealed with the key.
        """
        return self._cipher.encrypt(secrets.token_bytes(NONCE_BYTES)).decode()

    def made(self, state: str) -> bool:
        """Whether this word was made here, and not too long ago."""
        return self._opened(state) is not None

    async def take_state(self, state: str) -> bool:
        """Whether an installation began with this word; it is used up, which is remembered as long as it would last."""
        nonce = self._opened(state)
        if nonce is None:
            return False
        with translated():
            return bool(await self._client.set(f"{USED}{nonce.hex()}", b"1", ex=STATE_SECONDS, nx=True))

    def _opened(self, state: str) -> bytes | None:
        try:
            nonce = self._cipher.decrypt(state.encode(), ttl=STATE_SECONDS)
        except (InvalidToken, ValueError):
            return None
        return nonce if len(nonce) == NONCE_BYTES else None  # else it is a token that this key sealed
