"""What the operator does for other programs: `attune clients` and `attune mcp`.

Keys are made, listed and removed; the MCP server speaks through a pipe to a program on this machine, for the readers
that the command names. Knows nothing of how a key is kept, or of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bots import version_text
from bots.service.slots import ClientLanes
from bots.web.mcp_server import Caller, mcp_server
from bots.web.programs import Programs
from core.bootstrap import open_attune, open_records
from core.engine import Engine
from core.people.clients import ApiClient
from core.readers import Readers
from core.settings import Settings
from core.together import ended

OpenEngine = Callable[[Settings], AbstractAsyncContextManager[Engine]]

LOCAL = "local"  # the program at the other end of a pipe

ADDED = (
    "This is the key of {name}, which sees what is for {readers}. It is shown this once. Remove it with: "
    "attune clients remove {name}"
)
NONE = "No program has a key. Make one with: attune clients add NAME --readers everyone"
REMOVED = "Removed {name}. Its key holds no more."
UNKNOWN = "There is no client named {name}. `attune clients list` shows which there are."


async def add_client(settings: Settings, name: str, readers: Readers) -> int:
    """Make a key and show it, once. Returns the exit code."""
    async with open_records(settings) as records:
        key = await records.clients.add(name, readers, datetime.now(UTC))
    print(key)  # noqa: T201 - alone on its line, for whoever takes it from a pipe
    Console(stderr=True, soft_wrap=True).print(Text(ADDED.format(name=name, readers=", ".join(readers)), style="dim"))
    return 0


async def list_clients(settings: Settings) -> int:
    """Show which programs may ask, and for whom. Returns the exit code."""
    async with open_records(settings) as records:
        clients = await records.clients.all()
    Console().print(_table(clients) if clients else Text(NONE), soft_wrap=True)
    return 0


async def remove_client(settings: Settings, name: str) -> int:
    """Take a key back. Returns the exit code: 1 where there was none."""
    async with open_records(settings) as records:
        known = await records.clients.remove(name)
    said = (REMOVED if known else UNKNOWN).format(name=name)
    Console(soft_wrap=True, stderr=not known).print(Text(said))
    return 0 if known else 1


async def mcp(settings: Settings, readers: Readers, open_engine: OpenEngine | None = None) -> int:
    """Serve MCP over stdin and stdout until the other side is done. Returns the exit code."""
    client = ApiClient(LOCAL, "", readers, datetime.now(UTC))
    async with _opening(settings, open_engine or _engine) as programs:
        await mcp_server(lambda: asyncio.shield(programs), lambda _: Caller(client), version_text()).run_stdio_async()
    return 0


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[Engine]:
    async with open_attune(settings) as attune:
        yield attune.engine


@asynccontextmanager
async def _opening(settings: Settings, open_engine: OpenEngine) -> AsyncIterator[asyncio.Future[Programs]]:
    """The programs' door, open as soon as the models are loaded: the other side does not wait so long for a hello."""
    opened: asyncio.Future[Programs] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        try:
            async with open_engine(settings) as engine:
                opened.set_result(Programs(engine, ClientLanes(minute=settings.api_minute)))
                await asyncio.Event().wait()
        except Exception as error:  # noqa: BLE001 - it is raised where somebody waits for it
            if not opened.done():
                opened.set_exception(error)

    holding = asyncio.create_task(hold())
    try:
        yield opened
    finally:
        await ended(holding)
        if opened.done() and not opened.cancelled():
            opened.exception()  # looked at, where nobody asked for it


def _table(clients: Sequence[ApiClient]) -> Table:
    table = Table("name", "readers", "since", box=None)
    for client in clients:
        table.add_row(Text(client.name), Text(", ".join(client.readers)), f"{client.since:%Y-%m-%d %H:%M}")
    return table
