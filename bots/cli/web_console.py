"""`attune console`: opens Attune, serves the web console, and prints the link that opens it once.

Knows nothing of pages.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bots.cli.bars import opened
from bots.cli.doctor import all_checks
from bots.operating import setting_rows
from bots.platform import Check
from bots.service.health import OFF
from bots.service.metrics import Metrics
from bots.service.serving import on_signals, open_everything
from bots.web.console import texts
from bots.web.console.desk import Desk
from bots.web.console.session import links_of
from bots.web.console.site import open_console
from core.bootstrap import Attune, open_inbox
from core.ports import Inbox
from core.settings import Settings

LISTEN = "127.0.0.1:8084"


class WebConsole:
    """The console of these settings; `environ` and `file` are what they were read from."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], file: Path, version: str) -> None:
        self._settings = settings
        self._environ = environ
        self._file = file
        self._version = version

    async def run(self, listen: str = "") -> None:
        """Serve the console alone, until SIGTERM or SIGINT."""
        address, ending = address_of(self._settings, listen), asyncio.Event()
        async with (
            opened(open_everything, self._settings, Console(stderr=True)) as answerer,
            open_inbox(self._settings) as inbox,
        ):
            assert answerer.attune is not None  # noqa: S101 - everything
            with on_signals(ending.set):
                async with self._open(answerer.attune, inbox, Metrics(), address) as url:
                    _say(texts.opened_at(url, link_to(self._settings, url)))
                    await ending.wait()

    @asynccontextmanager
    async def beside(self, attune: Attune, inbox: Inbox, metrics: Metrics) -> AsyncIterator[None]:
        """Serve the console beside what else this process does."""
        async with self._open(attune, inbox, metrics, self._settings.console) as url:
            _say(texts.opened_at(url, link_to(self._settings, url)) if sys.stderr.isatty() else texts.runs_at(url))
            yield

    @asynccontextmanager
    async def _open(self, attune: Attune, inbox: Inbox, metrics: Metrics, address: str) -> AsyncIterator[str]:
        rows = setting_rows(self._settings, self._environ, self._file)
        desk = Desk(self._settings, attune, inbox, metrics, self._version, self._look, rows)
        async with open_console(desk, address) as url:
            yield url

    async def _look(self) -> list[Check]:
        """What `attune doctor` finds. In a thread: some of it reads files for seconds."""
        checks = all_checks(self._environ, self._file, self._version)
        return await asyncio.to_thread(asyncio.run, checks)


def address_of(settings: Settings, listen: str = "") -> str:
    """Where the console listens: where it is told to, or where the settings say, or else here."""
    named = Settings.from_env({"ATTUNE_CONSOLE": listen}).console if listen else settings.console
    return LISTEN if named == OFF else named


def link_to(settings: Settings, url: str) -> str:
    """A new link that opens a console once."""
    return f"{settings.console_url or url}/enter#{links_of(settings).new()}".replace("//enter", "/enter")


def new_link(settings: Settings, listen: str = "") -> str:
    """The same for a console that another process runs."""
    return link_to(settings, f"http://{address_of(settings, listen)}")


def _say(sentence: str) -> None:
    Console(stderr=True, soft_wrap=True).print(Text(sentence))
