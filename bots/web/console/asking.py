"""The page Ask: a question, its answer as it grows, the sources beside it, and why it is as it is.

An answer goes on in this process whether or not somebody looks, and the page asks how far it is. Knows nothing of how
an answer is made.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bots import texts as spoken
from bots import why_texts
from bots.console_bot import PLATFORM, WORKSPACE, console_person
from bots.dialogue import Dialogue
from bots.language import translated
from bots.replies import AskAgain, CommandReply, Delta, Final, Notice, PersonForgotten, Problem, Reply, Status
from bots.service.observing import WatchedDialogue
from bots.web.console import texts
from bots.web.console.desk import Desk
from bots.web.console.gate import Doorkeeper, form_of
from bots.web.console.view import View
from core.answering.sources import whole
from core.domain import EVERYONE, Conversation, Message, Passage
from core.errors import PersonError
from core.people.traces import Trace
from core.readers import GUIDES, audience, checked, may_see, names_with
from core.together import ended

KEPT = 20  # answers that the page shows
AROUND = 2  # passages before and behind one that is shown in its document
THREAD = "web"


@dataclass(slots=True, eq=False)
class Inquiry:
    """One question and its answer as far as it is there."""

    message: Message
    seen_as: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    status: str = spoken.SEARCHING
    text: str = ""
    problem: str = ""
    final: Final | None = None
    done: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def question(self) -> str:
        """What was asked."""
        return self.message.text

    def take(self, reply: Reply) -> None:
        """What is said next."""
        match reply:
            case Status(said):
                self.status = said
            case Delta(said):
                self.text += said
            case Final():
                self.final, self.text = reply, reply.markdown
            case Notice(said) | PersonForgotten(said):
                self.text = said
            case Problem(said):
                self.problem = said


class LookingDialogue(Dialogue):
    """A dialogue with somebody who looks through the eyes of others: every message is a question, of nobody."""

    async def _said_at_once(self, message: Message) -> CommandReply | None:
        return AskAgain(message.text)


class AskPages:
    """The page Ask and its parts."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk = desk
        self._view = view
        engine, embedder = desk.attune.engine, desk.settings.embedder
        self._own = WatchedDialogue(engine, desk.metrics, embedder=embedder)
        self._others = LookingDialogue(engine, embedder=embedder)
        self._inquiries: dict[str, Inquiry] = {}

    def routes(self, keeper: Doorkeeper) -> list[Route]:
        """The pages with their addresses."""
        return [
            Route("/ask", keeper.guarded(self._page), methods=["GET"]),
            Route("/ask", keeper.guarded(self._ask), methods=["POST"]),
            Route("/ask/{id}", keeper.guarded(self._part), methods=["GET"]),
            Route("/ask/{id}/stop", keeper.guarded(self._stop), methods=["POST"]),
            Route("/ask/{id}/why", keeper.guarded(self._why), methods=["GET"]),
            Route("/ask/{id}/source/{number:int}", keeper.guarded(self._source), methods=["GET"]),
        ]

    async def close(self) -> None:
        """Stop what is being answered."""
        await ended(*(inquiry.task for inquiry in self._inquiries.values() if inquiry.task))

    async def _page(self, request: Request) -> Response:
        documents = await self._desk.attune.library.index.documents()
        names = {name for document in documents for name in document.readers} - {EVERYONE, GUIDES}
        names |= {pairing.person for pairing in await self._desk.attune.records.access.pairings()}
        readers = [(name, texts.as_reader(name)) for name in sorted(names)]
        inquiries = list(reversed(self._inquiries.values()))
        return await self._view.page(request, "ask.html", readers=readers, you=texts.YOU, inquiries=inquiries)

    async def _ask(self, request: Request) -> Response:
        question, seen_as = form_of(request, "question"), form_of(request, "as")
        if not question:
            raise PersonError(texts.NO_QUESTION)
        inquiry = Inquiry(_message(question, seen_as), seen_as)
        await self._keep(inquiry)
        dialogue = self._others if seen_as else self._own
        inquiry.task = asyncio.create_task(_answered(inquiry, dialogue.respond(inquiry.message)))
        return await self._shown(request, inquiry)

    async def _keep(self, inquiry: Inquiry) -> None:
        """Remember it; the oldest go, and stop."""
        self._inquiries[inquiry.id] = inquiry
        for id_ in list(self._inquiries)[:-KEPT]:
            gone = self._inquiries.pop(id_)
            if gone.task:
                await ended(gone.task)

    async def _shown(self, request: Request, inquiry: Inquiry) -> Response:
        if "hx-request" in request.headers:
            return await self._view.page(request, "_inquiry.html", inquiry=inquiry, part=True)
        return RedirectResponse("/ask", 303)

    async def _part(self, request: Request) -> Response:
        return await self._shown(request, self._named(request))

    async def _stop(self, request: Request) -> Response:
        inquiry = self._named(request)
        if inquiry.task:
            await ended(inquiry.task)
        return await self._shown(request, inquiry)

    async def _why(self, request: Request) -> Response:
        inquiry, engine = self._named(request), self._desk.attune.engine
        answer = inquiry.final.answer if inquiry.final else ""
        kept = await engine.people.trace(inquiry.message.person, answer) if answer else None
        if kept is None:
            raise PersonError(texts.GONE)
        trace = await engine.sources.explain(kept, inquiry.message)
        told, hidden = why_texts.why(trace), translated(why_texts.NOT_SHOWN)
        template = "_why.html" if "hx-request" in request.headers else "why.html"
        return await self._view.page(request, template, trace=trace, told=told, hidden=hidden, factors=_tastes(trace))

    async def _source(self, request: Request) -> Response:
        inquiry, number = self._named(request), request.path_params["number"]
        sources = inquiry.final.openable if inquiry.final else ()
        cited = next((one.passage for one in sources if one.number == number), None)
        around = await self._around(cited, audience(inquiry.message)) if cited else []
        if cited is None or not around:
            raise PersonError(texts.SOURCE_GONE)
        template = "_source.html" if "hx-request" in request.headers else "source.html"
        return await self._view.page(request, template, title=cited.heading_path, around=around)

    async def _around(self, cited: Passage, seen_by: frozenset[str]) -> list[tuple[Passage, bool]]:
        """The passages about one, as they stand now, and which of them it is made of."""
        index = self._desk.attune.library.index
        for document in await index.documents(cited.source):
            if may_see(document.readers, seen_by):
                passages = await whole(document, index)
                places = [place for place, one in enumerate(passages) if one.text in cited.text]
                if places:
                    near = range(max(0, places[0] - AROUND), min(len(passages), places[-1] + AROUND + 1))
                    return [(passages[place], place in places) for place in near]
        return []

    def _named(self, request: Request) -> Inquiry:
        inquiry = self._inquiries.get(request.path_params["id"])
        if inquiry is None:
            raise PersonError(texts.GONE)
        return inquiry


def _message(question: str, seen_as: str) -> Message:
    """A message of whoever runs Attune; where it is as others see it, in a conversation of its own."""
    person, now = console_person(), datetime.now(UTC)
    thread = uuid.uuid4().hex if seen_as else THREAD
    place, speaks_for = Conversation(PLATFORM, WORKSPACE, person.user, thread), frozenset[str]()
    if seen_as:
        (name,) = checked([seen_as])
        speaks_for = names_with(name)
    return Message(uuid.uuid4().hex, place, person, question, now, private=True, speaks_for=speaks_for)


async def _answered(inquiry: Inquiry, replies: AsyncGenerator[Reply, None]) -> None:
    try:
        async with aclosing(replies):
            async for reply in replies:
                inquiry.take(reply)
    except asyncio.CancelledError:
        inquiry.problem = texts.STOPPED
        raise
    finally:
        inquiry.done = True


def _tastes(trace: Trace) -> Sequence[float]:
    """How far each passage was moved by what its asker is interested in, as a factor."""
    return [math.exp(trace.scale * passage.taste) for passage in trace.passages]
