"""OpenAI's chat API over Attune: `/v1/models` and `/v1/chat/completions`, whole or as server-sent events.

Errors have OpenAI's shape and the status that its clients act on: 401 for a key that does not hold, 400 for a request
that cannot be answered, 429 for a client that asks too much, 503 where others or a store are in the way. Knows nothing
of how an answer is made.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bots import texts
from bots.web.feed import EventStream, Feed, feeding
from bots.web.keys import Admission, UnknownKeyError, admit
from bots.web.openai_shapes import (
    MODEL,
    WAIT,
    ChatRequest,
    Completion,
    UnusableRequestError,
    complaint_of,
    content_of,
    model_card,
    problem,
)
from bots.web.programs import Programs, person_of
from core.answering.cutting import MARK
from core.domain import Answer, AnswerEvent, Outcome, Piece
from core.errors import BusyError, ModelUnavailableError, PersonError, StoreError
from core.people.clients import ApiClients

log = structlog.get_logger(__name__)

LONGEST_BODY = 2**20  # bytes
READING = 15.0  # seconds that a request may take to come in
LONGEST = 900.0  # seconds that an answer may take, waiting for its turn included
DOWN = 5.0  # seconds after which it is worth a try whether what was away is there again
PATIENCE = 10  # beats that a stream waits for a first word, or an error with a status of its own

TOO_LONG = "The request is too long: {limit:,} bytes at most."
TOO_SLOW = "The request did not come in within {seconds:.0f} seconds."
NO_MODEL = "There is no model '{name}'. Use: " + MODEL
NO_PAGE = "There is nothing at this address. See /openapi.json for what there is."
TOOK_TOO_LONG = "The answer took longer than {seconds:.0f} seconds."

_MISSING = HTTPStatus.NOT_FOUND

Handler = Callable[[Request], Awaitable[Response]]


class _RequestError(PersonError):
    """A request that cannot be read, or names what is not there; with the status that says so."""

    def __init__(self, status: HTTPStatus, sentence: str, **values: object) -> None:
        super().__init__(sentence, **values)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error on its way to a client; worth a try in `seconds`, where that is known."""

    status: HTTPStatus
    message: str
    kind: str = "invalid_request_error"
    code: str | None = None
    seconds: float | None = None
    parameter: str | None = None

    def response(self) -> JSONResponse:
        headers = {} if self.seconds is None else {"Retry-After": str(round(self.seconds))}
        said = problem(self.message, self.kind, self.code, self.parameter)
        return JSONResponse(said, self.status.value, headers)


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
        asked = _parsed(await _body(request))
        asked.check()
        _check_model(asked.model)
        question, turns = asked.conversation(person_of(admission.client))
        events = self.programs.answer(admission.client, question, turns, tokens=asked.tokens)
        sent = "\n".join(message.text for message in asked.messages)
        completion = Completion(self.programs.count_tokens(sent), asked.with_usage)
        if not asked.stream:
            return await _while_listening(request, self._whole(completion, events, admission))
        frames = self._frames(completion, events, admission)
        return await _while_listening(request, _begun(frames))

    async def _whole(
        self, completion: Completion, events: AsyncGenerator[AnswerEvent, None], admission: Admission
    ) -> Response:
        answer: Answer | None = None
        async with feeding(events, longest=LONGEST) as feed, aclosing(_heard(feed, admission)) as heard:
            async for event in heard:
                answer = event if isinstance(event, Answer) else answer
        if answer is None:
            raise AssertionError("an answer ends with an Answer")
        await admission.confirm()
        return JSONResponse(completion.whole(answer, self.programs.count_tokens(content_of(answer))))

    async def _frames(
        self, completion: Completion, events: AsyncGenerator[AnswerEvent, None], admission: Admission
    ) -> AsyncGenerator[str, None]:
        """The answer as server-sent events."""
        said = ""
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
                    last = completion.end(event, self.programs.count_tokens(content_of(event)))
                    yield begin + (completion.piece(rest) if rest else "") + last


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
            yield f"data: {bytes(explained(error).body).decode()}\n\n"


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
        raise _RequestError(HTTPStatus.NOT_FOUND, NO_MODEL, name=name)


def _parsed(body: bytes) -> ChatRequest:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise complaint_of(error) from None


async def _body(request: Request) -> bytes:
    """All of a request's body, as far as that is to be read."""
    body = bytearray()
    try:
        async with asyncio.timeout(READING):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LONGEST_BODY:
                    raise _RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG, limit=LONGEST_BODY)
    except TimeoutError:
        raise _RequestError(HTTPStatus.REQUEST_TIMEOUT, TOO_SLOW, seconds=READING) from None
    return bytes(body)


def explaining(handler: Handler) -> Handler:
    """`handler`, whose errors become answers."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=499)  # nobody reads it
        except Exception as error:  # noqa: BLE001 - the program gets a sentence, the log gets the error
            return explained(error)

    return handle


def explained(error: Exception) -> JSONResponse:
    """What a program is told of an error: a sentence and a status, and no more of the inside than a code."""
    match error:
        case UnknownKeyError():
            fault = _Fault(HTTPStatus.UNAUTHORIZED, str(error), code="invalid_api_key")
        case BusyError(own=True):
            fault = _Fault(HTTPStatus.TOO_MANY_REQUESTS, str(error), "requests", "rate_limit_exceeded", error.seconds)
        case BusyError():
            fault = _Fault(HTTPStatus.SERVICE_UNAVAILABLE, str(error), "server_error", "overloaded", error.seconds)
        case UnusableRequestError():
            fault = _Fault(HTTPStatus.BAD_REQUEST, str(error), parameter=error.parameter)
        case _RequestError():
            fault = _Fault(error.status, str(error), code="model_not_found" if error.status == _MISSING else None)
        case PersonError():
            fault = _Fault(HTTPStatus.BAD_REQUEST, str(error), parameter="messages")
        case TimeoutError():
            sentence = TOOK_TOO_LONG.format(seconds=LONGEST)
            fault = _Fault(HTTPStatus.SERVICE_UNAVAILABLE, sentence, "server_error", "timeout")
        case _:
            fault = _unexpected(error)
    return fault.response()


def _unexpected(error: Exception) -> _Fault:
    error_id = secrets.token_hex(4)
    log.error("request_failed", error_id=error_id, exc_info=error)
    if not isinstance(error, StoreError | ModelUnavailableError):
        return _Fault(HTTPStatus.INTERNAL_SERVER_ERROR, texts.unexpected(error_id), "server_error")
    sentence = texts.store_down(error_id) if isinstance(error, StoreError) else texts.model_down(error_id)
    return _Fault(HTTPStatus.SERVICE_UNAVAILABLE, sentence, "server_error", "unavailable", DOWN)


async def page_error(_: Request, error: Exception) -> Response:
    """What is answered where there is no page, or none that can be asked that way."""
    status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = NO_PAGE if status is HTTPStatus.NOT_FOUND else f"{status.phrase}."
    return _Fault(status, sentence).response()
