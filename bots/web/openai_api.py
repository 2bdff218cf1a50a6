"""OpenAI's chat API over Attune: `/v1/models` and `/v1/chat/completions`, whole or as server-sent events.

Errors have OpenAI's shape and the status that its clients act on: 401 for a key that does not hold, 400 for a request
that cannot be answered, 429 for a client that asks too much, 503 where others or a store are in the way. Knows nothing
of how an answer is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bots.web.faults import Fault, RequestError, fault_of
from bots.web.feed import EventStream, Feed, feeding
from bots.web.keys import Admission, admit
from bots.web.openai_shapes import (
    MODEL,
    WAIT,
    ChatRequest,
    Completion,
    complaint_of,
    content_of,
    model_card,
    problem,
    usage,
)
from bots.web.programs import Programs, person_of
from bots.web.server import body_of
from core.answering.cutting import MARK
from core.domain import Answer, AnswerEvent, Outcome, Piece
from core.people.clients import ApiClients

LONGEST_BODY = 2**20  # bytes
READING = 15.0  # seconds that a request may take to come in
LONGEST = 900.0  # seconds that an answer may take, waiting for its turn included
PATIENCE = 10  # beats that a stream waits for a first word, or an error with a status of its own

TOO_LONG = "The request is too long: {limit:,} bytes at most."
TOO_SLOW = "The request did not come in within {seconds:.0f} seconds."
NO_MODEL = "There is no model '{name}'. Use: " + MODEL
NO_PAGE = "There is nothing at this address. See /openapi.json for what there is."

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class OpenAIApi:
    """The two addresses. `since` is when the model card was made."""

    programs: Programs
    clients: ApiClients
    since: int

    def routes(self) -> list[Route]:
        """What is served."""
        return [
            Route("/v1/models", explaining(self._models), methods=["GET"]),
            Route("/v1/models/{name:path}", explaining(self._model), methods=["GET"]),
            Route("/v1/chat/completions", explaining(self._complete), methods=["POST"]),
        ]

    async def _models(self, request: Request) -> Response:
        await admit(request.headers, self.clients)
        return JSONResponse({"object": "list", "data": [model_card(self.since)]})

    async def _model(self, request: Request) -> Response:
        await admit(request.headers, self.clients)
        _check_model(request.path_params["name"])
        return JSONResponse(model_card(self.since))

    async def _complete(self, request: Request) -> Response:
        admission = await admit(request.headers, self.clients)
        self.programs.spend(admission.client)
        asked = _parsed(await _body(request))
        asked.check()
        _check_model(asked.model)
        question, turns = asked.conversation(person_of(admission.client))
        events = self.programs.answer(admission.client, question, turns, tokens=asked.tokens)
        if not asked.stream:
            return await _while_listening(request, self._whole(asked, events, admission))
        return await _while_listening(request, _begun(self._frames(asked, events, admission)))

    async def _whole(
        self, asked: ChatRequest, events: AsyncGenerator[AnswerEvent, None], admission: Admission
    ) -> Response:
        answer: Answer | None = None
        async with feeding(events, longest=LONGEST) as feed, aclosing(_heard(feed, admission)) as heard:
            async for event in heard:
                answer = event if isinstance(event, Answer) else answer
        if answer is None:
            raise AssertionError("an answer ends with an Answer")
        await admission.confirm()
        return JSONResponse(Completion().whole(answer, await self._usage(asked, answer)))

    async def _usage(self, asked: ChatRequest, answer: Answer) -> dict[str, int]:
        count = self.programs.count_tokens
        return usage(await count(asked.sent), await count(content_of(answer)))

    async def _frames(
        self, asked: ChatRequest, events: AsyncGenerator[AnswerEvent, None], admission: Admission
    ) -> AsyncGenerator[str, None]:
        """The answer as server-sent events."""
        said, completion = "", Completion(asked.with_usage)
        async with feeding(events, longest=LONGEST) as feed, aclosing(_heard(feed, admission)) as heard:
            async for event in heard:
                begin = "" if said else completion.begin()
                if event is None:
                    yield WAIT
                elif isinstance(event, Piece):
                    said += event.text
                    yield begin + completion.piece(event.text)
                elif isinstance(event, Answer):
                    await admission.confirm()
                    rest = rest_of(said, event)
                    used = await self._usage(asked, event) if asked.with_usage else None
                    yield begin + (completion.piece(rest) if rest else "") + completion.end(event, used)


def rest_of(said: str, answer: Answer) -> str:
    """What is still to be said of an answer of which a part was said: nothing can be taken back."""
    whole = content_of(answer)
    if whole.startswith(said.strip()):
        return whole[len(said.strip()) :]
    return f"\n\n{whole}" if answer.outcome is Outcome.NOT_FOUND else f" {MARK}"


async def _heard(feed: Feed[AnswerEvent], admission: Admission) -> AsyncGenerator[AnswerEvent | None, None]:
    """What is heard of an answer, as long as the key holds."""
    async with aclosing(feed.next()) as events:
        async for event in events:
            await admission.renew()
            yield event


async def _begun(frames: AsyncGenerator[str, None]) -> Response:
    """The stream, which has begun: an error before its first word has a status, unless that takes too long."""
    first, beats = "", 0
    try:
        while beats < PATIENCE and first in {"", WAIT}:
            first, beats = await anext(frames), beats + 1
    except BaseException:
        await frames.aclose()
        raise
    return EventStream(_continued(first, frames))


async def _continued(first: str, frames: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async with aclosing(frames):
        try:
            yield first
            async for frame in frames:
                yield frame
        except Exception as error:  # noqa: BLE001 - the status is sent already
            yield f"data: {bytes(response_of(fault_of(error)).body).decode()}\n\n"


async def _while_listening(request: Request, work: Awaitable[Response]) -> Response:
    """What `work` gives, which is ended as soon as nobody waits for it."""
    making = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({making, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not making.done():
            raise ClientDisconnect
        return making.result()
    finally:
        for task in (making, leaving):
            task.cancel()
        await asyncio.gather(making, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _check_model(name: str) -> None:
    if name != MODEL:
        raise RequestError(NO_MODEL, status=HTTPStatus.NOT_FOUND, name=name)


def _parsed(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise complaint_of(error) from None


async def _body(request: Request) -> bytes:
    """All of a request's body, as far as that is to be read."""
    try:
        async with asyncio.timeout(READING):
            body = await body_of(request, LONGEST_BODY)
    except TimeoutError:
        raise RequestError(TOO_SLOW, status=HTTPStatus.REQUEST_TIMEOUT, seconds=READING) from None
    if body is None:
        raise RequestError(TOO_LONG, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit=LONGEST_BODY)
    return body


def explaining(handler: Handler) -> Handler:
    """`handler`, whose errors become answers."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        except Exception as error:  # noqa: BLE001 - the program gets a sentence, the log gets the error
            return response_of(fault_of(error))

    return handle


def response_of(fault: Fault) -> JSONResponse:
    """An error in OpenAI's shape, with the status that its clients act on."""
    said = problem(fault.message, fault.kind, fault.code, fault.parameter)
    headers = {} if fault.seconds is None else {"Retry-After": str(round(fault.seconds))}
    return JSONResponse(said, fault.status.value, headers)


async def page_error(_: Request, error: Exception) -> Response:
    """What is answered where there is no page, or none that can be asked that way."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = NO_PAGE if status is HTTPStatus.NOT_FOUND else f"{status.phrase}."
    return response_of(Fault(status, sentence))
