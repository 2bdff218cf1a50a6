"""One delivery of Slack's through Bolt, whatever is in it, and what Slack is answered.

Slack sends again what is not confirmed, and turns deliveries off where most fail. So only what should come again is not
confirmed: the store is away, or Slack itself did not answer. Knows nothing of what is done with a delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

from bots.on_slack.errors import ERRORS
from bots.reception import NotUnderstoodError, Reception, plain
from core.errors import StoreError
from core.text.words import whole_number

log = structlog.get_logger(__name__)

LARGEST = 8 * 2**20  # bytes of a delivery
NO_SUCH_LISTENER = 404  # Bolt's word for what nobody listens to, as a button that only opens a link


class Deliveries:
    """Hands deliveries to `app`, which has its own errors answered by `failed`."""

    def __init__(self, app: AsyncApp, reception: Reception) -> None:
        self._app = app
        self._reception = reception

    async def by_socket(self, payload: dict[str, Any]) -> BoltResponse:
        """What to answer to an envelope's payload."""
        return await self._answered(lambda: AsyncBoltRequest(mode="socket_mode", body=payload))

    async def by_post(self, request: web.Request, check: SignatureVerifier) -> web.Response:
        """What to answer to a post: one that Slack did not sign is turned away before it is read."""
        text = (await request.read()).decode("utf-8", "replace")
        if not (
            _is_signed(text, request, check) or "ssl_check=1" in text
        ):  # that carries no signature, and does nothing
            self._reception.not_understood(NotUnderstoodError("no signature"))
            return web.Response(status=401)

        def read() -> AsyncBoltRequest:
            found = AsyncBoltRequest(body=text, query=request.query_string, headers=dict(request.headers))
            found.body = plain(found.body)
            return found

        return await to_aiohttp_response(await self._answered(read))

    async def _answered(self, read: Callable[[], AsyncBoltRequest]) -> BoltResponse:
        try:
            response = await self._app.async_dispatch(read())
        except Exception as error:  # noqa: BLE001 - whatever Bolt makes of a field that is not what it should be
            return failed(error, self._reception)
        return BoltResponse(status=200) if response.status == NO_SUCH_LISTENER else response


def failed(error: Exception, reception: Reception) -> BoltResponse:
    """What Slack is answered when a delivery ended in `error`. What people wrote is in no log."""
    if isinstance(error, (StoreError, *ERRORS)):
        log.warning("event_store_failed", error=type(error).__name__)
        return BoltResponse(status=503)
    reception.not_understood(error)
    return BoltResponse(status=200)


def _is_signed(text: str, request: web.Request, check: SignatureVerifier) -> bool:
    stamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    return whole_number(stamp) is not None and signature.isascii() and check.is_valid(text, stamp, signature)
