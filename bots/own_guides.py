"""Attune's own README and guides, kept in the index so that questions about Attune itself have an answer.

Which questions those are is said by `core.answering.guides`. Knows nothing of how files are read or where passages are
kept.
"""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from core.bootstrap import Library
from core.documents.ingest import ReportProgress
from core.domain import Document
from core.errors import OperatorError
from core.readers import GUIDES, Readers
from core.together import ended

log = structlog.get_logger(__name__)

FOR_DEVELOPERS = ("decisions.md", "licences.md", "platforms.md")
PAUSE = 30.0  # seconds after the start, in which the first questions are answered rather than guides embedded

_READERS: Readers = (GUIDES,)


class OwnGuides:
    """Keeps the index in step with the guides `files`."""

    def __init__(self, library: Library, files: Sequence[Path] | None = None) -> None:
        self._library = library
        self._files = own_documents() if files is None else list(files)

    async def urgent(self) -> bool:
        """Whether no question should be answered before `keep`.

        The index holds nothing at all, or it has the guides for everyone, as Attune kept them once.
        """
        documents = await self._library.index.documents()
        sources = {file.as_posix() for file in self._files}
        astray = any(document.source in sources and not is_guide(document) for document in documents)
        return bool(self._files) and (astray or not documents)

    async def keep(self, report: ReportProgress = lambda _: None) -> int:
        """Bring the index in step, at once. Returns how many files that are."""
        if self._files:
            await self._library.ingester.ingest(self._files, report, readers=_READERS)
            await self._drop_old()
        return len(self._files)

    @asynccontextmanager
    async def kept(self, *, pause: float = PAUSE) -> AsyncIterator[None]:
        """Bring the index in step while other things are done, beginning after `pause` seconds."""
        task = asyncio.create_task(self._keep_slowly(pause))
        try:
            yield
        finally:
            await ended(task)

    async def _keep_slowly(self, pause: float) -> None:
        """File by file, since a question that comes meanwhile waits for what is being embedded."""
        await asyncio.sleep(pause)
        try:
            for file in self._files:
                await self._library.ingester.ingest([file], readers=_READERS)
            await self._drop_old()
        except OperatorError as error:  # the next start goes on
            log.warning("guide_ingestion_failed", error=type(error).__name__)

    async def _drop_old(self) -> None:
        """Remove guides that are no more, such as those of a checkout that was moved."""
        sources = {file.as_posix() for file in self._files}
        for document in await self._library.index.documents():
            if sources and is_guide(document) and document.source not in sources:
                await self._library.index.remove(document.source)


def is_guide(document: Document) -> bool:
    """Whether this is one of Attune's own guides, rather than a team's document."""
    return document.readers == _READERS


def shown(documents: Sequence[Document]) -> list[Document]:
    """The team's documents; the guides only where there are no others."""
    return [document for document in documents if not is_guide(document)] or list(documents)


def own_documents() -> list[Path]:
    """Attune's README and guides, of its checkout or as its wheel put them; not what only those need who work on it."""
    checkout = Path(__file__).resolve().parents[1]
    installed = Path(sysconfig.get_path("data"), "share", "attune")
    root = checkout if (checkout / "pyproject.toml").is_file() else installed
    guides = [path for path in sorted((root / "docs").glob("*.md")) if path.name not in FOR_DEVELOPERS]
    return [path for path in (root / "README.md", *guides) if path.exists()]
