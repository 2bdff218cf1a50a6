"""The page Documents: what there is, who may see it and what it was good for; adding, other readers, removing.

Knows nothing of how documents are read or kept.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots.operating import SourceRow, seconds_of, source_rows
from bots.web.console import texts
from bots.web.console.desk import Desk
from bots.web.console.gate import Doorkeeper, form_of
from bots.web.console.reading import ReadingDesk, readers_of
from bots.web.console.view import View
from core.answering.sources import whole
from core.documents.remote.addresses import Reach, is_address
from core.documents.remote.keeper import SourceWishes
from core.documents.remote.records import SourceRecord
from core.errors import DocumentError
from core.readers import GUIDES
from core.text.words import whole_number

SHOWN = 200  # documents, or passages of one, on one page
SCHEDULES = ("", "never", "30m", "1h", "6h", "1d")
HERE = "/documents"


class DocumentPages:
    """The page Documents and its parts."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view
        self._library = desk.attune.library
        self._reading = ReadingDesk(desk.attune.library, Reach.PRIVATE if desk.settings.console_private else Reach.OPEN)

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route(HERE, keeper.guarded(self._page), methods=["GET"]),
            Route(f"{HERE}/reading", keeper.guarded(self._progress), methods=["GET"]),
            Route(f"{HERE}/add", keeper.guarded(self._add), methods=["POST"]),
            Route(f"{HERE}/one", keeper.guarded(self._one), methods=["GET"]),
            Route(f"{HERE}/readers", keeper.guarded(self._change_readers), methods=["POST"]),
            Route(f"{HERE}/remove", keeper.guarded(self._confirm), methods=["GET"]),
            Route(f"{HERE}/remove", keeper.guarded(self._remove), methods=["POST"]),
        ]

    async def close(self) -> None:
        """Stop what is being read."""
        await self._reading.close()

    async def _page(self, request: Request) -> Response:
        rows, wanted = await self._rows(), request.query_params.get("q", "").strip()
        own = [row for row in rows if row.readers != (GUIDES,)]
        found = [row for row in own if wanted.lower() in f"{row.title} {row.source} {' '.join(row.readers)}".lower()]
        return await self._view.page(
            request,
            "documents.html",
            rows=found[:SHOWN],
            counts={"all": len(own), "found": len(found), "guides": len(rows) - len(own)},
            wanted=wanted,
            places=await self._places(),
            readers=sorted({name for row in own for name in row.readers}),
            schedules=SCHEDULES,
            job=self._reading.take_done(),
        )

    async def _rows(self) -> list[SourceRow]:
        return source_rows(await self._library.index.documents(), await self._desk.attune.records.usage.uses())

    async def _places(self) -> list[SourceRecord]:
        return await self._library.sources.records() if self._library.sources else []

    async def _progress(self, request: Request) -> Response:
        return await self._view.page(request, "_reading.html", job=self._reading.job)

    async def _add(self, request: Request) -> Response:
        every = form_of(request, "every")
        if every not in SCHEDULES:
            raise DocumentError(texts.NO_SCHEDULE)
        wishes = SourceWishes(
            readers_of(form_of(request, "readers")),
            seconds_of(every) if every else None,
            bool(form_of(request, "site")),
        )
        self._reading.begin(form_of(request, "name"), wishes)
        return RedirectResponse(f"{HERE}#reading", 303)

    async def _one(self, request: Request) -> Response:
        source = request.query_params.get("source", "")
        row = next((row for row in await self._rows() if row.source == source), None)
        if row is None:
            raise DocumentError(texts.NO_DOCUMENT)
        documents = await self._library.index.documents(source)
        passages = [passage for document in documents[:1] for passage in await whole(document, self._library.index)]
        first = whole_number(request.query_params.get("after", ""), len(passages)) or 0
        return await self._view.page(
            request,
            "document.html",
            row=row,
            passages=passages[first : first + SHOWN],
            first=first,
            more=len(passages) > first + SHOWN,
            place=await self._place_of(row),
            taught=self._desk.lessons.lesson_of(source) is not None,
        )

    async def _place_of(self, row: SourceRow) -> str:
        """What is read anew when the readers of a document change: its file, or the source that it is a part of."""
        if GUIDES in row.readers or self._desk.lessons.lesson_of(row.source):
            return ""
        if is_address(row.source):
            covering = [one for one in await self._places() if one.covers(row.source)]
            return max(covering, key=lambda one: one.nearness(row.source)).address if covering else ""
        return row.source if row.changed else ""  # its file is there

    async def _change_readers(self, request: Request) -> Response:
        readers = readers_of(form_of(request, "readers"))
        if readers is None:
            raise DocumentError(texts.NO_READERS)
        self._reading.begin(form_of(request, "name"), SourceWishes(readers))
        return RedirectResponse(f"{HERE}#reading", 303)

    async def _confirm(self, request: Request) -> Response:
        name = request.query_params.get("name", "")
        removal = await self._desk.remover().find([name])
        return await self._view.page(request, "remove.html", name=name, removal=removal, shown=SHOWN)

    async def _remove(self, request: Request) -> Response:
        remover, name = self._desk.remover(), form_of(request, "name")
        await self._reading.remove(name, await remover.find([name]), remover)
        return RedirectResponse(f"{HERE}#reading", 303)
