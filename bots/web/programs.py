"""What a program may ask: an answer, what stands in the documents about something, a document.

All of it for the readers that its key speaks for, in its turn, and nothing is kept of it. Knows nothing of how a
program asks, or of how an answer is made.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from bots.service.slots import ClientLanes
from core.documents.remote.addresses import link_of, name_of
from core.domain import Answer, AnswerEvent, Conversation, Document, Message, Passage, Person, Turn
from core.engine import Engine
from core.errors import PersonError
from core.people.clients import ApiClient

PLATFORM = "api"
FOUND = 20  # passages at most that a search gives
PART = 20_000  # characters of a document that are given at once
COUNTED = 10_000  # characters whose tokens are counted at once: others wait so long

NO_QUESTION = "There is no question. Please write one."
NO_DOCUMENT = "There is no such document. Use a source as `search` or an answer names it."
NO_PART = "The document has {parts} parts. Please ask for one of them."


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands. `source` is the name by which the document can be opened; `address` is a link, if any."""

    source: str
    title: str
    file: str
    address: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class DocumentPart:
    """A part of a document, of so many `parts`, counted from 1."""

    place: Place
    text: str
    part: int
    parts: int


class Programs:
    """The engine, as far as programs may use it, each in its lane."""

    def __init__(self, engine: Engine, lanes: ClientLanes) -> None:
        self._engine = engine
        self._lanes = lanes

    def spend(self, client: ApiClient) -> None:
        """Count one request of a program, before anything is done for it.

        Raises:
            BusyError: it has sent too many.
        """
        self._lanes.spend(client.name)

    async def answer(
        self, client: ApiClient, question: str, turns: Sequence[Turn] = (), *, tokens: int | None = None
    ) -> AsyncGenerator[AnswerEvent, None]:
        """An answer as it grows, after `turns`. Closing it stops the model.

        Raises:
            BusyError: too many requests wait.
            PersonError: there is no question, or it is too long.
        """
        if not question.strip():
            raise PersonError(NO_QUESTION)
        person = person_of(client)
        place = Conversation(PLATFORM, "", client.name)
        message = Message(uuid.uuid4().hex, place, person, question, datetime.now(UTC), private=True)
        async with (
            self._lanes.turn(client.name),
            aclosing(self._engine.consult(message, turns, client.readers, tokens=tokens)) as events,
        ):
            async for event in events:
                yield event

    async def ask(self, client: ApiClient, question: str) -> Answer:
        """A whole answer.

        Raises:
            BusyError: too many requests wait.
            PersonError: there is no question, or it is too long.
        """
        async with aclosing(self.answer(client, question)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return event
        raise AssertionError("an answer ends with an Answer")

    async def search(self, client: ApiClient, query: str, limit: int) -> list[Passage]:
        """The passages that come nearest, the nearest first.

        Raises:
            BusyError: too many requests wait.
            PersonError: there is no query, or it is too long.
        """
        if not query.strip():
            raise PersonError(NO_QUESTION)
        async with self._lanes.turn(client.name, answers=False):
            found = await self._engine.search(query, client.readers)
        return [row.passage for row in found[: max(1, min(limit, FOUND))]]

    async def open(self, client: ApiClient, source: str, part: int = 1) -> DocumentPart:
        """A part of a document.

        Raises:
            BusyError: too many requests wait.
            PersonError: there is no such document that the client may see, or no such part.
        """
        async with self._lanes.turn(client.name, answers=False):
            seen = await self._engine.sources.documents(client.readers)
            named = next((one for one in seen if source in _names(one)), None)
            passages = await self._engine.sources.read(named.source, client.readers) if named else []
        if not passages:
            raise PersonError(NO_DOCUMENT)
        parts = _parts(passages)
        if not 1 <= part <= len(parts):
            raise PersonError(NO_PART, parts=len(parts))
        return DocumentPart(place_of(passages[0]), parts[part - 1], part, len(parts))

    async def count_tokens(self, text: str) -> int:
        """Tokens in `text`, which may be long: counted beside what else is done, in parts."""
        parts = [text[place : place + COUNTED] for place in range(0, len(text), COUNTED)]
        return await asyncio.to_thread(lambda: sum(map(self._engine.count_tokens, parts)))


def person_of(client: ApiClient) -> Person:
    """Nobody in particular, by whom a program asks."""
    return Person(PLATFORM, "", client.name)


def place_of(passage: Passage) -> Place:
    """Where a passage stands, without the folder on this machine that its file lies in."""
    source = passage.source
    return Place(source_id(source), passage.heading_path, name_of(source), link_of(source), passage.page)


def source_id(source: str) -> str:
    """The name of a document for programs: the same as long as it stays where it is."""
    return blake2b(source.encode(errors="replace"), digest_size=8).hexdigest()


def _names(document: Document) -> set[str]:
    """By what a document can be opened."""
    return {source_id(document.source), *filter(None, [link_of(document.source)])}


def _parts(passages: Sequence[Passage]) -> list[str]:
    """A document's text in parts, each of whole passages; where headings change, they are written."""
    parts: list[str] = []
    said: list[str] = []
    length, headings = 0, ""
    for passage in passages:
        heading = "" if passage.heading_path == headings else f"## {passage.heading_path}\n\n"
        text, headings = f"{heading}{passage.text}", passage.heading_path
        if said and length + len(text) > PART:
            parts.append("\n\n".join(said))
            said, length = [], 0
        said.append(text)
        length += len(text)
    return [*parts, "\n\n".join(said)]
