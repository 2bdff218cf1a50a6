"""A cluster's entrance on loopback, with one generator behind it: the words of `lines.py` without Ray."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from aiohttp import web
from aiohttp.test_utils import TestServer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from core.adapters.remote_model.lines import Failure, Line, ModelCard, Question, Reading, Retention
from core.domain import Piece, QueuePosition
from core.errors import PromptTooLongError
from core.ports import Generator


def words() -> str:
    """A tokenizer whose tokens are words."""
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))  # noqa: S106 - a token of text, and no secret
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return str(tokenizer.to_str())


class Trouble(StrEnum):
    """What goes wrong with an answer."""

    BUSY = "busy"
    GONE = "gone"
    FAILED = "failed"
    BROKEN = "the connection breaks"
    SHORT = "the connection is closed before the end"
    CUT = "the connection is closed in the middle of a line"
    FOREIGN = "other words than those of the protocol"


@dataclass
class ClusterDouble:
    """The cluster's state. `troubles` are what becomes of the next answers, after `pieces` of each."""

    generator: Generator
    key: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    pieces: int = 2
    asked: list[Question] = field(default_factory=list)
    retained: list[set[tuple[str, str]]] = field(default_factory=list)
    stopped: int = 0  # answers whose reader went away
    away: int = 0  # how many further requests get `status`
    status: int = 503
    url: str = ""

    @property
    def card(self) -> ModelCard:
        one = self.generator
        return ModelCard(
            name=one.name,
            context_tokens=one.context_tokens,
            protocol=one.protocol,
            says_likelihoods=one.says_likelihoods,
            tokenizer=words(),
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ClusterDouble]:
        app = web.Application(middlewares=[self._guarded])
        app.router.add_get("/model", self._model)
        app.router.add_post("/generate", self._generate)
        app.router.add_post("/read_ahead", self._read_ahead)
        app.router.add_post("/retain", self._retain)
        async with TestServer(app, handler_cancellation=True) as server:
            self.url = str(server.make_url("")).rstrip("/")
            yield self

    @web.middleware
    async def _guarded(self, request: web.Request, handler) -> web.StreamResponse:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.Response(status=401)
        if self.away:
            self.away -= 1
            return web.Response(status=self.status, text="no replica is running")
        return await handler(request)

    async def _model(self, _: web.Request) -> web.Response:
        return web.Response(text=self.card.model_dump_json(), content_type="application/json")

    async def _read_ahead(self, request: web.Request) -> web.Response:
        reading = Reading.model_validate_json(await request.read())
        self.generator.read_ahead(reading.system, reading.passages)
        return web.Response()

    async def _retain(self, request: web.Request) -> web.Response:
        documents = {
            (source, version) for source, version in Retention.model_validate_json(await request.read()).documents
        }
        self.retained.append(documents)
        await self.generator.retain(documents)
        return web.Response()

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        question = Question.model_validate_json(await request.read())
        self.asked.append(question)
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            await self._answer(question, response)
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        except ConnectionResetError:
            self.stopped += 1
        return response

    async def _answer(self, question: Question, response: web.StreamResponse) -> None:
        trouble, pieces = self.troubles.pop(0) if self.troubles else None, 0
        if question.mark != self.card.mark:
            return await response.write(Line(failure=Failure.CHANGED).dumped())
        if trouble is Trouble.BUSY:
            return await response.write(Line(queue=QueuePosition(3), failure=Failure.BUSY).dumped())
        try:
            async with aclosing(self.generator.generate(question.prompt, question.decoding)) as events:
                async for event in events:
                    pieces += isinstance(event, Piece)
                    if trouble and pieces > self.pieces:
                        return await _fail(trouble, response)
                    await response.write(Line.of(event).dumped())
        except PromptTooLongError as error:
            return await response.write(Line(failure=Failure.LONG, sentence=str(error)).dumped())
        return await response.write(Line(end=True).dumped())


async def _fail(trouble: Trouble, response: web.StreamResponse) -> None:
    if trouble is Trouble.BROKEN:
        transport = response._req.transport
        assert transport is not None
        transport.abort()
    elif trouble is Trouble.CUT:
        await response.write(b'\n{"piece":{"te')
    elif trouble is Trouble.FOREIGN:
        await response.write(b"<html>\n")
    elif trouble is not Trouble.SHORT:
        await response.write(Line(failure=Failure(trouble), sentence="The disk is full.").dumped())
