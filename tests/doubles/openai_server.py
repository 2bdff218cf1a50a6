"""An OpenAI-compatible server on loopback: strict, deterministic, and as faulty as it is told to be.

Its tokens are three characters. A question is answered with the text of the first passage, or with what `replies` has
for the first passage. A model that `judges_first` says before whether that passage holds the answer, as sure of it as
`log_odds` has it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from core.answering.prompt import NOT_FOUND
from core.answering.verdict import ANSWERING, NO
from tests.doubles import vllm_rules as vllm

MODEL = "tiny"
KEY = "sesame"
CHARACTERS = 3  # of a token
CHAT_FIELDS = {"model", "messages", "max_tokens", "temperature", "top_p", "seed", "stream", "logprobs", "top_logprobs"}
OVERLOOKED = {"continue_final_message", "add_generation_prompt", "repetition_penalty", "return_tokens_as_token_ids"}


class Flavour(StrEnum):
    """Whose habits the server has."""

    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "ollama"  # before 0.12.11, which takes a wish for log-probabilities and gives none


class Fault(StrEnum):
    """What goes wrong, each time it stands in `faults`."""

    BUSY = "429"
    BROKEN = "500"
    HANG = "says nothing"
    QUEUE = "says in its stream that its queue is full"
    CUT = "closes in the middle of an answer"
    ABRUPT = "drops the connection in the middle of an answer"
    ERROR = "reports an error in the middle of an answer"
    STALL = "falls silent in the middle of an answer"
    ABORT = "gives an answer up in its middle"


@dataclass
class OpenAIDouble:
    """The server's state: set it before a request, read it after."""

    flavour: Flavour = Flavour.VLLM
    key: str = ""
    context: int = 4096
    replies: dict[str, str] = field(default_factory=dict)
    model: str = MODEL
    base: str = ""  # which the model is an adapter of, in vLLM
    token_ids: bool = False  # vLLM's --return-tokens-as-token-ids
    judges_first: bool = False
    log_odds: Callable[[str], float] = lambda _passage: 5.0
    goes_on: bool = True  # from an answer's beginning, where the last message is one
    faults: list[Fault] = field(default_factory=list)
    retry_after: str = "0"
    slice_bytes: int = 0  # a stream is cut into slices of so many bytes; 0: an event a slice
    pace: float = 0.0  # seconds between tokens
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[OpenAIDouble]:
        server = TestServer(self.application())
        await server.start_server(shutdown_timeout=0.1)
        self.url = str(server.make_url("/v1"))
        try:
            yield self
        finally:
            await server.close()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        if self.flavour is Flavour.LLAMA_CPP:
            app.router.add_get("/props", self._props)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return refusal(401, "Invalid API key", "authentication_error")
        if request.method == "POST":
            assert request.content_type == "application/json"
            self.bodies.append(await request.json())
        if self.faults and self.faults[0] in {Fault.BUSY, Fault.BROKEN, Fault.HANG}:
            return await self._fail(self.faults.pop(0))
        self.running += 1
        self.idle.clear()
        try:
            return await handler(request)
        finally:
            self.running -= 1
            if not self.running:
                self.idle.set()

    async def _fail(self, fault: Fault) -> web.Response:
        if fault is Fault.HANG:
            await asyncio.sleep(60)
        busy = web.json_response({"error": {"message": "Try later"}}, status=int(fault.value))
        busy.headers["Retry-After"] = self.retry_after
        return busy

    async def _models(self, _: web.Request) -> web.Response:
        if self.flavour is Flavour.VLLM:
            return web.json_response({"object": "list", "data": vllm.cards(self.model, self.base, self.context)})
        return web.json_response({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def _props(self, _: web.Request) -> web.Response:
        return web.json_response({"default_generation_settings": {"n_ctx": self.context}})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = self.bodies[-1]
        if problem := self._problem(body):
            return problem
        answer = tokens(self.answer(body["messages"]))
        said, limit = answer[: body["max_tokens"]], body["max_tokens"]
        asked = len(tokens("".join(one["content"] for one in body["messages"]))) + limit
        if asked > self.context:
            return vllm.too_long(self.context, asked)
        reason = "stop" if len(answer) <= limit else "length"
        if body.get("stream"):
            return await self._stream(request, said, reason)
        return web.json_response(self._reply(body, said, reason))

    def _reply(self, body: dict[str, Any], said: list[str], reason: str) -> dict[str, Any]:
        likely = self.first_token(body["messages"], said)
        if self.flavour is Flavour.VLLM:
            logprobs = vllm.logprobs_of(likely, vllm.ChatRequest.model_validate(body), as_ids=self.token_ids)
            return vllm.reply(self.model, "".join(said), reason, logprobs)
        choice = {"index": 0, "message": {"role": "assistant", "content": "".join(said)}, "finish_reason": reason}
        if body.get("logprobs") and self.flavour is Flavour.LLAMA_CPP:
            listed = [{"token": word, "logprob": value, "bytes": list(word.encode())} for word, value in likely.items()]
            choice["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
        return {"choices": [choice]}

    async def _stream(self, request: web.Request, words: list[str], reason: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self._send(response, ": keep-alive\r\n\r\n")
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.QUEUE:
            await self._send(response, event(vllm.problem(503, vllm.OVERLOAD, "Service Unavailable")))
            words, chunks, fault = [], [], None
        else:
            chunks = self._chunks(words, reason)
        for place, one in enumerate(chunks):
            if fault and place == len(words) // 2 + 1:
                return await self._break(request, response, fault)
            await asyncio.sleep(self.pace if place else 0)
            await self._send(response, event(one))
        await self._send(response, "data: [DONE]\n\n")
        return response

    def _chunks(self, words: list[str], reason: str) -> list[dict[str, Any]]:
        if self.flavour is Flavour.VLLM:
            return vllm.chunks(self.model, words, reason)
        said = [chunk({"content": word}) for word in words]
        usage = {"choices": [], "usage": {"total_tokens": 7}}
        return [chunk({"role": "assistant", "content": None}), *said, chunk({}, reason), usage]

    async def _break(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        if fault is Fault.STALL:
            await asyncio.sleep(60)
        elif fault is Fault.ERROR:
            await self._send(response, event(vllm.problem(500, "EngineCore died", "InternalServerError")))
        elif fault is Fault.ABORT:
            await self._send(response, event(chunk({"content": ""}, "abort")))
        elif fault is Fault.ABRUPT:
            assert request.transport
            request.transport.abort()
        return response

    async def _send(self, response: web.StreamResponse, text: str) -> None:
        data = text.encode()
        size = self.slice_bytes or len(data)
        for start in range(0, len(data), size):
            await response.write(data[start : start + size])
            await asyncio.sleep(0)

    def _problem(self, body: dict[str, Any]) -> web.Response | None:
        if self.flavour is Flavour.VLLM:
            request = vllm.checked(body)
            if isinstance(request, web.Response):
                return request
            names = {self.model, self.base}
            return None if request.model in names else vllm.unknown_model(request.model, self.base or self.model)
        if unknown := set(body) - CHAT_FIELDS - OVERLOOKED:
            return refusal(400, f"Extra inputs are not permitted: {sorted(unknown)}", "BadRequestError")
        if missing := {"model", "messages"} - set(body):
            return refusal(400, f"Field required: {sorted(missing)}", "BadRequestError")
        if self.flavour is Flavour.OLLAMA and body["model"] != self.model:
            return refusal(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        return ill_formed(body["messages"])

    def answer(self, messages: list[dict[str, str]]) -> str:
        """What the model says: one that is to judge first begins with its verdict."""
        passage = first_passage(messages[0]["content"])
        reply = self.replies.get(passage, passage or NOT_FOUND)
        begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        if not self.judges_first:
            return reply
        if self.goes_on and begun:
            return f"{ANSWERING}{reply}".removeprefix(begun)
        return f"{ANSWERING}{reply}" if self.log_odds(passage) > 0 else NO

    def first_token(self, messages: list[dict[str, str]], said: list[str]) -> dict[str, float]:
        """How likely the first token was, in logarithms: of a verdict in two spellings, or of the one that was said."""
        if not self.judges_first:
            return dict.fromkeys(said[:1], -0.1)
        yes = 1 / (1 + math.exp(-self.log_odds(first_passage(messages[0]["content"]))))
        entries = {"yes": yes / 4, " Yes": yes * 3 / 4, "no": 1 - yes}
        return {word: math.log(share) for word, share in entries.items() if share}


def tokens(text: str) -> list[str]:
    return [text[start : start + CHARACTERS] for start in range(0, len(text), CHARACTERS)]


def first_passage(text: str) -> str:
    """The text under the first heading of the documents."""
    _, _, under = text.partition("### ")
    return under.partition("\n")[2].partition("\n\n")[0]


def ill_formed(messages: list[dict[str, str]]) -> web.Response | None:
    """What a strict server refuses: other roles or fields, empty words, a system message that is not the first."""
    fine = messages and all(
        set(one) == {"role", "content"}
        and one["role"] in {"system", "user", "assistant"}
        and isinstance(one["content"], str)
        and one["content"]
        and (one["role"] != "system" or place == 0)
        for place, one in enumerate(messages)
    )
    return None if fine else refusal(400, "Ill-formed messages", "BadRequestError")


def refusal(status: int, message: str, kind: str = "invalid_request_error") -> web.Response:
    return web.json_response({"error": {"message": message, "type": kind, "code": status}}, status=status)


def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
