"""The webhook: Telegram posts one update after the other, and sends again what is not confirmed.

Until then nothing else comes. So whatever carries the secret is confirmed, unless the store is away. Knows nothing of
what is in an update.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from telegram.error import BadRequest, NetworkError, RetryAfter

from bots.listening import listening
from bots.on_telegram.api import Bot
from bots.on_telegram.updates import ALLOWED_UPDATES
from bots.reception import NotUnderstoodError, Reception, parsed
from core.errors import ConfigurationError, StoreError

log = structlog.get_logger(__name__)

PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before Telegram is told the address once more
LARGEST = 8 * 2**20  # bytes of an update: Telegram's are a few thousand

Take = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram delivers: its public address, and where that arrives on this machine."""

    url: str
    secret: str
    host: str = "127.0.0.1"
    port: int = 8081


class Listening:
    """Takes deliveries in. `take` returns when an update is dealt with, and raises `StoreError` where it must wait."""

    def __init__(self, bot: Bot, webhook: Webhook, take: Take, reception: Reception) -> None:
        self._bot = bot
        self._webhook = webhook
        self._take = take
        self._reception = reception

    async def run(self) -> None:
        """Listen until cancelled."""
        pages = web.Application(client_max_size=LARGEST)
        path = urlsplit(self._webhook.url).path.rstrip("/")
        pages.add_routes([web.post(address, self._delivered) for address in {path or "/", f"{path}/"}])
        async with listening(pages, self._webhook.host, self._webhook.port) as served:
            await self._announce()
            await served.watched(self._reception.works)

    async def _announce(self) -> None:
        """Tell Telegram the address; one connection, so that updates come in their order."""
        pause = PAUSE
        while True:
            try:
                await self._bot.set_webhook(
                    self._webhook.url,
                    secret_token=self._webhook.secret,
                    allowed_updates=ALLOWED_UPDATES,
                    max_connections=1,
                )
            except BadRequest as error:
                raise ConfigurationError(
                    f"Telegram refuses ATTUNE_TELEGRAM_WEBHOOK: {error}. It must be an https address that can be "
                    "reached from the internet; docs/telegram.md says more."
                ) from None
            except (NetworkError, RetryAfter) as error:
                log.warning("webhook_setup_failed", error=type(error).__name__)
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _delivered(self, request: web.Request) -> web.Response:
        token = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._webhook.secret.encode()):
            self._reception.not_understood(NotUnderstoodError("no secret"))
            return web.Response(status=403)
        try:
            await self._take(parsed(await request.read()))
        except (StoreError, TimeoutError) as error:
            log.warning("event_store_failed", error=type(error).__name__)
            return web.Response(status=503)
        except (ValueError, RecursionError, web.HTTPRequestEntityTooLarge) as error:
            self._reception.not_understood(NotUnderstoodError(type(error).__name__))
        return web.Response()


def new_webhook(url: str, secret: str | None, listen: str) -> Webhook:
    """A webhook as the settings have it; without a secret, one for this start."""
    host, _, port = listen.rpartition(":")
    return Webhook(url, secret or secrets.token_urlsafe(32), host.strip("[]"), int(port))
