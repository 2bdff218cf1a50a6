"""What `attune doctor` looks at of the two addresses that others may ask: that of programs, and the web console.

Asks each whether it answers, and whether it is Attune that does. Knows nothing of what is served there.
"""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator

from bots.cli import doctor_texts as say
from bots.platform import Check, CheckStatus
from core.bootstrap import open_records
from core.errors import AttuneError, ConfigurationError
from core.settings import Settings

OFF = "off"
PATIENCE = 0.5  # seconds that an address may take
PROGRAMS, CONSOLE = "programs", "web console"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened at, but asked


async def endpoint_checks(settings: Settings) -> AsyncIterator[Check]:
    """Programs, then the console."""
    if settings.api == OFF:
        yield Check(CheckStatus.GOOD, PROGRAMS, say.API_OFF)
    else:
        yield await _programs(settings)
    if settings.console == OFF:
        yield Check(CheckStatus.GOOD, CONSOLE, say.CONSOLE_OFF)
    else:
        yield await _console(settings)


async def _programs(settings: Settings) -> Check:
    from bots.web.server import is_loopback  # noqa: PLC0415 - a server's libraries take a while

    address = settings.api
    found, wrong = await _answers(address, "/v1/models", "Authorization: Bearer")
    if wrong:
        return Check(CheckStatus.BAD, PROGRAMS, found, say.fix_taken("ATTUNE_API"))
    try:
        async with open_records(settings) as records:
            clients = len(await records.clients.all())
    except AttuneError as error:
        return Check(CheckStatus.CARE, PROGRAMS, found, str(error))
    found = f"{found}, {say.keys(clients)}"
    if not is_loopback(address):
        return Check(CheckStatus.CARE, PROGRAMS, f"{found}; {say.WIDE}", say.FIX_WIDE)
    return Check(CheckStatus.GOOD if clients else CheckStatus.CARE, PROGRAMS, found, "" if clients else say.FIX_NO_KEY)


async def _console(settings: Settings) -> Check:
    from bots.web.console.session import entrance_of  # noqa: PLC0415 - as above
    from bots.web.server import is_loopback  # noqa: PLC0415

    wide = not is_loopback(settings.console)
    try:
        entrance_of(settings, wide=wide)
    except ConfigurationError as error:
        return Check(CheckStatus.BAD, CONSOLE, settings.console, str(error))
    found, wrong = await _answers(settings.console, "/enter", "Attune")
    if wrong:
        return Check(CheckStatus.BAD, CONSOLE, found, say.fix_taken("ATTUNE_CONSOLE"))
    if wide and not (settings.console_url or "").startswith("https://"):
        return Check(CheckStatus.CARE, CONSOLE, f"{found}; {say.WIDE}", say.FIX_WIDE_CONSOLE)
    return Check(CheckStatus.GOOD, CONSOLE, found)


async def _answers(address: str, path: str, sign: str) -> tuple[str, bool]:
    """What is to be said of an address, and whether something else than Attune answers there."""
    try:
        said = await asyncio.wait_for(asyncio.to_thread(_page, address, path), 2 * PATIENCE)
    except (OSError, http.client.HTTPException, TimeoutError):
        return say.silent(address), False
    return (say.answers(address), False) if sign in said else (say.taken(address), True)


def _page(address: str, path: str) -> str:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    line = http.client.HTTPConnection(_WILDCARDS.get(host, host), int(port), timeout=PATIENCE)
    try:
        line.request("GET", path)
        return line.getresponse().read(100_000).decode(errors="replace")
    finally:
        line.close()
