"""The app that programs speak to: OpenAI's API and its description, and MCP.

Knows nothing of where it is served, or of what stands behind the keys.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from bots import version_text
from bots.service.health import OFF
from bots.service.slots import ClientLanes
from bots.watching import Watcher
from bots.web.mcp_server import mcp_route
from bots.web.openai_api import OpenAIApi, page_error
from bots.web.openapi import description_routes
from bots.web.programs import Programs
from bots.web.server import CountedApp, is_loopback, served
from core.engine import Engine
from core.people.clients import ApiClients
from core.settings import Settings

log = structlog.get_logger(__name__)

DOOR = "api"  # in the figures


@asynccontextmanager
async def program_app(programs: Programs, clients: ApiClients, release: str) -> AsyncIterator[Starlette]:
    """Everything that is served to programs, as long as this is open."""
    api = OpenAIApi(programs, clients, int(time.time()))
    async with mcp_route(programs, clients, release) as mcp:
        routes = [*api.routes(), mcp, *description_routes(release)]
        yield Starlette(routes=routes, exception_handlers={HTTPException: page_error})


@asynccontextmanager
async def programs_served(
    settings: Settings, engine: Engine, clients: ApiClients, watcher: Watcher
) -> AsyncIterator[str | None]:
    """Serve programs at the address of the settings, if there is one; gives where that is.

    Raises:
        ConfigurationError: nothing can be served there.
    """
    if settings.api == OFF:
        yield None
        return
    programs = Programs(engine, ClientLanes(minute=settings.api_minute))
    async with (
        program_app(programs, clients, version_text()) as app,
        served(CountedApp(app, watcher, DOOR), settings.api, "ATTUNE_API") as address,
    ):
        log.info("api_started", address=address)
        if not is_loopback(address):
            log.warning("api_open_wide", address=address, advice="put a proxy with TLS before it: keys travel in clear")
        yield address
