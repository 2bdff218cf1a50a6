"""The page Unanswered: what was asked and not found, grouped by meaning; an answer that is added is taught.

Knows nothing of how questions are compared or lessons kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots.console_bot import console_person
from bots.operating import gap_groups
from bots.web.console import texts
from bots.web.console.desk import Desk
from bots.web.console.gate import Doorkeeper, form_of, session_of
from bots.web.console.reading import readers_of
from bots.web.console.view import View
from core.documents.gaps import Gap, GapGroup
from core.domain import EVERYONE
from core.embedder_choice import FOREIGN_SHARE, knows
from core.errors import PersonError

SHOWN = 30
HERE = "/unanswered"


class UnansweredPages:
    """The page Unanswered and its forms."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view
        self._usage = desk.attune.records.usage

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route(HERE, keeper.guarded(self._page), methods=["GET"]),
            Route(f"{HERE}/answer", keeper.guarded(self._answer), methods=["POST"]),
            Route(f"{HERE}/dismiss", keeper.guarded(self._dismiss), methods=["POST"]),
        ]

    async def _groups(self) -> list[GapGroup]:
        return await gap_groups(self._usage, self._desk.attune.library.embedder.embed_questions)

    async def _page(self, request: Request) -> Response:
        groups = await self._groups()
        asked = [gap.question for group in groups for gap in group.gaps]
        return await self._view.page(
            request,
            "unanswered.html",
            groups=[(name_of(group.gaps[0]), group) for group in groups[:SHOWN]],
            more=max(0, len(groups) - SHOWN),
            kept=self._desk.settings.usage,
            foreign=not knows(self._desk.settings.embedder, asked, FOREIGN_SHARE),
            everyone=EVERYONE,
        )

    async def _answer(self, request: Request) -> Response:
        group, title = await self._named(request), form_of(request, "title")
        readers = readers_of(form_of(request, "readers")) or (EVERYONE,)
        text, now = form_of(request, "answer"), datetime.now(UTC)
        lesson = await self._desk.attune.teacher.learn_text(title, text, console_person(), readers, now)
        await self._take_off(group)
        session_of(request).notice = texts.taught(lesson.name.rpartition(".")[0])
        return RedirectResponse(HERE, 303)

    async def _dismiss(self, request: Request) -> Response:
        await self._take_off(await self._named(request))
        session_of(request).notice = texts.DISMISSED
        return RedirectResponse(HERE, 303)

    async def _take_off(self, group: GapGroup) -> None:
        for gap in group.gaps:
            await self._usage.take_back(gap)

    async def _named(self, request: Request) -> GapGroup:
        """The group of the question that a form names, with what came to it meanwhile."""
        name = form_of(request, "group")
        found = next((one for one in await self._groups() if any(name_of(gap) == name for gap in one.gaps)), None)
        if found is None:
            raise PersonError(texts.GROUP_GONE)
        return found


def name_of(gap: Gap) -> str:
    """A name for one question that somebody asked once."""
    return sha256(f"{gap.person}\0{gap.asked_at.isoformat()}\0{gap.question}".encode()).hexdigest()[:16]
