"""Socket Mode: a connection to Slack that is seen to stand, and reads every envelope that comes over it.

The SDK connects, pings and connects anew. What it would drop in silence, as an envelope that is no JSON, is handed on
here, so that it is counted and acknowledged. Knows nothing of what is in an envelope.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bots.reception import NotUnderstoodError, Reception, parsed
from core.errors import ReceiverError

log = structlog.get_logger(__name__)

PING_SECONDS = 10.0
CONNECTING = 30.0  # seconds after which the address is asked for anew: it is good for one try
LOST = 30.0  # seconds without a connection after which the client itself is made anew
LOOK = 1.0  # seconds between two looks
CLOSING = 10.0  # seconds

_ENVELOPE = re.compile(r'"envelope_id"\s*:\s*"([^"\\]{1,100})"')

Delivered = Callable[[dict[str, Any]], Awaitable[BoltResponse]]


class Socket(SocketModeClient):
    """One client. `delivered` says what to answer to the payload of an envelope."""

    def __init__(self, app: AsyncApp, token: str, delivered: Delivered, reception: Reception) -> None:
        super().__init__(token, app.logger, app.client, ping_interval=PING_SECONDS)
        self._delivered = delivered
        self._reception = reception
        self._reading: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, and stay connected until cancelled.

        Raises:
            ReceiverError: the connection is gone for good.
        """
        try:
            await self._connected()
            await self._watched()
        finally:
            await self._closed()

    async def process_message(self) -> None:
        """Read what came, beside what comes next: nothing waits for another."""
        raw = await self.message_queue.get()
        task = asyncio.create_task(self._read(str(raw)))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, raw: str) -> None:
        try:
            message = parsed(raw.encode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            self._reception.not_understood(error)
            if (found := _ENVELOPE.search(raw)) is not None:
                await self._acknowledge(found[1], BoltResponse(status=200))
            return
        if isinstance(message, dict) and message.get("type") == "disconnect":
            with suppress(Exception):  # the watch sees whether it is connected
                await self.connect_to_new_endpoint(force=True)
        elif isinstance(message, dict) and isinstance(envelope := message.get("envelope_id"), str):
            await self._acknowledge(envelope, await self._answer(message.get("payload")))
        elif not isinstance(message, dict) or message.get("type") != "hello":
            self._reception.not_understood(NotUnderstoodError("no envelope"))

    async def _answer(self, payload: Any) -> BoltResponse:
        if isinstance(payload, dict):
            return await self._delivered(payload)
        self._reception.not_understood(NotUnderstoodError("no payload"))
        return BoltResponse(status=200)

    async def _acknowledge(self, envelope: str, response: BoltResponse) -> None:
        """Send the response, if it is one: what is not acknowledged comes again."""
        try:
            await send_async_response(self, SocketModeRequest("", envelope, {}), response, time.time())
        except Exception as error:  # noqa: BLE001 - the connection may be another one by now
            log.info("acknowledgement_failed", error=type(error).__name__)

    async def _connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CONNECTING):
                    await self.connect()  # type: ignore[no-untyped-call]
            except TimeoutError:
                log.warning("slack_unreachable")
                self.wss_uri = None
            else:
                return

    async def _watched(self) -> None:
        seen = time.monotonic()
        while time.monotonic() - seen < LOST:
            if any(task is None or task.done() for task in self._tasks()):
                raise ReceiverError("Part of the connection to Slack has stopped.")
            if await self.is_connected():
                seen = time.monotonic()
                self._reception.works()
            else:
                self._reception.fails()
            await asyncio.sleep(LOOK)
        raise ReceiverError("Slack cannot be reached.")

    def _tasks(self) -> list[asyncio.Future[Any] | None]:
        """What the SDK has running: it reads, hands on and looks after the connection."""
        return [self.message_receiver, self.message_processor, self.current_session_monitor]

    async def _closed(self) -> None:
        self._reception.fails()
        running = [task for task in self._tasks() if task is not None]
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self.close()  # type: ignore[no-untyped-call]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.aiohttp_client_session.close()
        if self._reading:
            await asyncio.wait(self._reading, timeout=CLOSING)
