"""A small page for machines while serving: /metrics, /healthz and /readyz.

`/healthz` says that the process runs; `/readyz` that its stores answer and its platforms are heard, too.
Knows nothing of what is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from bots.service.metrics import Metrics
from core.errors import StoreError
from core.ports import Inbox

log = structlog.get_logger(__name__)

PATIENCE = 3.0  # seconds for one check
OFF = "off"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Check = Callable[[], Awaitable[object]]


class HealthPage:
    """What the three addresses answer."""

    def __init__(
        self, metrics: Metrics, inbox: Inbox, checks: Mapping[str, Check], figures: Callable[[], Mapping[str, float]]
    ) -> None:
        self._metrics = metrics
        self._inbox = inbox
        self._checks = {"inbox": inbox.depth, **checks}
        self._figures = figures

    @asynccontextmanager
    async def served(self, address: str) -> AsyncIterator[None]:
        """Serve at `address`, host:port; `off` serves nothing, and neither does an address that is taken."""
        app = web.Application()
        app.add_routes(
            [web.get("/metrics", self._page), web.get("/healthz", _healthy), web.get("/readyz", self._ready)]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            if address != OFF:
                host, _, port = address.rpartition(":")
                await _started(runner, host, int(port))
            yield
        finally:
            await runner.cleanup()

    async def _page(self, _: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(PATIENCE):
                depth = await self._inbox.depth()
        except (StoreError, TimeoutError):
            depth = None
        return web.Response(body=self._metrics.page(depth, self._figures()), headers={"Content-Type": CONTENT_TYPE})

    async def _ready(self, _: web.Request) -> web.Response:
        states = dict(zip(self._checks, await asyncio.gather(*map(_answers, self._checks.values())), strict=True))
        return web.json_response(states, status=200 if all(states.values()) else 503)


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _answers(check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, this part does not work
        log.info("readiness_check_failed", error=type(error).__name__)
        return False
    return True


async def _started(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:  # several workers on one machine: people are answered without figures, too
        log.warning("metrics_unavailable", address=f"{host}:{port}", reason=error.strerror, setting="ATTUNE_METRICS")
