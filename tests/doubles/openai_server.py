"""An OpenAI-compatible server on loopback: strict, deterministic, and as faulty as it is told to be.

Its tokens are three characters. A question is answered with the text of the first passage, or with what `replies` has
for the first passage. log p of an answer's token is what `log_probability` says of the passage and the token.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from core.answering.prompt import NOT_FOUND

MODEL = "tiny"
KEY = "sesame"
START, END = 1, 2  # special tokens: an answer begins; it ends
CHARACTERS = 3  # of a token
CHAT_FIELDS = {"model", "messages", "max_tokens", "temperature", "top_p", "seed", "stream"}
COMPLETION_FIELDS = {"model", "prompt", "max_tokens", "temperature"}


class Flavour(StrEnum):
    """Whose habits the server has."""

    VLLM = "vllm"
    LLAMA_CPP = "llama.cpp"
    LLAMA_CPP_ECHO = "llama.cpp with echo"  # as its open pull request 15189 has it
    OLLAMA = "ollama"


class Fault(StrEnum):
    """What goes wrong, each time it stands in `faults`."""

    BUSY = "429"
    BROKEN = "500"
    HANG = "says nothing"
    CUT = "closes in the middle of an answer"
    ABRUPT = "drops the connection in the middle of an answer"
    ERROR = "reports an error in the middle of an answer"
    STALL = "falls silent in the middle of an answer"


@dataclass
class OpenAIDouble:
    """The server's state: set it before a request, read it after."""

    flavour: Flavour = Flavour.VLLM
    key: str = ""
    context: int = 4096
    replies: dict[str, str] = field(default_factory=dict)
    log_probability: Callable[[str, str], float] = lambda _passage, _token: -1.0
    faults: list[Fault] = field(default_factory=list)
    retry_after: str = "0"
    slice_bytes: int = 0  # a stream is cut into slices of so many bytes; 0: an event a slice
    pace: float = 0.0  # seconds between tokens
    asked: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    running: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    vocabulary: list[str] = field(default_factory=lambda: ["", "<start>", "<end>"])
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
        app.router.add_post("/v1/completions", self._completions)
        if self.flavour is not Flavour.OLLAMA:
            app.router.add_post("/tokenize", self._tokenize)
        if self.flavour in {Flavour.LLAMA_CPP, Flavour.LLAMA_CPP_ECHO}:
            app.router.add_post("/apply-template", self._apply_template)
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
        entry: dict[str, Any] = {"id": MODEL, "object": "model"}
        if self.flavour is Flavour.VLLM:
            entry["max_model_len"] = self.context
        return web.json_response({"object": "list", "data": [entry]})

    async def _props(self, _: web.Request) -> web.Response:
        return web.json_response({"default_generation_settings": {"n_ctx": self.context}})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = self.bodies[-1]
        if problem := self._problem(body, CHAT_FIELDS, {"model", "messages"}) or ill_formed(body["messages"]):
            return problem
        answer = self.tokens(self.reply(body["messages"]))
        said, limit = answer[: body["max_tokens"]], body["max_tokens"]
        tokens = len(self.chat_tokens(body["messages"]))
        if tokens + limit > self.context:
            return refusal(400, f"This model's maximum context length is {self.context} tokens.", "BadRequestError")
        reason = "stop" if len(answer) <= limit else "length"
        if not body.get("stream"):
            message = {"role": "assistant", "content": self.text(said)}
            return web.json_response({"choices": [{"index": 0, "message": message, "finish_reason": reason}]})
        return await self._stream(request, [self.vocabulary[token] for token in said], reason)

    async def _stream(self, request: web.Request, words: list[str], reason: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self._send(response, ": keep-alive\r\n\r\n" + event(chunk({"role": "assistant", "content": None})))
        fault = self.faults.pop(0) if self.faults else None
        for place, word in enumerate(words):
            if fault and place == len(words) // 2:
                return await self._break(request, response, fault)
            await asyncio.sleep(self.pace)
            await self._send(response, event(chunk({"content": word})))
        await self._send(response, event(chunk({}, reason)) + event({"choices": [], "usage": {"total_tokens": 7}}))
        await self._send(response, "data: [DONE]\n\n")
        return response

    async def _break(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        if fault is Fault.STALL:
            await asyncio.sleep(60)
        elif fault is Fault.ERROR:
            await self._send(response, event({"error": {"message": "EngineCore died", "code": 500}}))
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

    async def _completions(self, _: web.Request) -> web.Response:
        body = self.bodies[-1]
        known = {Flavour.VLLM: {"prompt_logprobs"}, Flavour.OLLAMA: set()}.get(self.flavour, {"echo", "logprobs"})
        if self.flavour in {Flavour.LLAMA_CPP, Flavour.LLAMA_CPP_ECHO}:
            known |= {"prompt_logprobs"}  # taken and ignored
        if problem := self._problem(body, COMPLETION_FIELDS | known, {"model", "prompt"}):
            return problem
        if self.flavour is Flavour.OLLAMA:
            return refusal(400, "json: cannot unmarshal array into field prompt of type string")
        return web.json_response(
            {"choices": [{"index": 0, "text": "x", "finish_reason": "length"} | self._scored(body)]}
        )

    def _scored(self, body: dict[str, Any]) -> dict[str, Any]:
        ids: list[int] = body["prompt"]
        begin = len(ids) - ids[::-1].index(START) if START in ids else len(ids)
        passage = first_passage(self.text(ids[:begin]))
        scores = [None, *(-0.5 for _ in ids[1:begin])]
        scores += [self.log_probability(passage, self.vocabulary[token]) for token in ids[begin:]]
        if self.flavour is Flavour.VLLM:
            rows = [row and {str(token): row} for token, row in zip(ids, map(self._row, ids, scores), strict=True)]
            return {"prompt_logprobs": rows, "logprobs": None}
        if "logprobs" not in body:
            return {"logprobs": None}
        if self.flavour is Flavour.LLAMA_CPP:
            return {"logprobs": {"content": [{"id": 79, "token": "x", "logprob": -1.2}]}}
        texts = [self.vocabulary[token] for token in ids]
        return {"logprobs": {"tokens": [*texts, "x"], "token_logprobs": [*scores, -1.2]}}

    def _row(self, token: int, score: float | None) -> dict[str, Any] | None:
        return None if score is None else {"logprob": score, "rank": 1, "decoded_token": self.vocabulary[token]}

    async def _tokenize(self, _: web.Request) -> web.Response:
        body = self.bodies[-1]
        if self.flavour is not Flavour.VLLM:
            text = body.get("content", "")
            return web.json_response({"tokens": self.tokens(text, special=body.get("parse_special", False))})
        if "prompt" in body:
            if problem := self._problem(body, {"model", "prompt", "add_special_tokens"}, {"prompt"}):
                return problem
            tokens = self.tokens(body["prompt"])
        else:
            fields = {"model", "messages", "add_generation_prompt", "continue_final_message"}
            if problem := self._problem(body, fields, {"messages"}) or ill_formed(body["messages"]):
                return problem
            tokens = self.chat_tokens(body["messages"], begin=body.get("add_generation_prompt", True))
            if body.get("continue_final_message"):
                tokens = tokens[: len(tokens) - tokens[::-1].index(END) - 1]
        return web.json_response({"count": len(tokens), "max_model_len": self.context, "tokens": tokens})

    async def _apply_template(self, _: web.Request) -> web.Response:
        return web.json_response({"prompt": template(self.bodies[-1]["messages"])})

    def _problem(self, body: dict[str, Any], known: set[str], needed: set[str]) -> web.Response | None:
        if unknown := set(body) - known:
            return refusal(400, f"Extra inputs are not permitted: {sorted(unknown)}", "BadRequestError")
        if missing := needed - set(body):
            return refusal(400, f"Field required: {sorted(missing)}", "BadRequestError")
        if self.flavour in {Flavour.VLLM, Flavour.OLLAMA} and body.get("model", MODEL) != MODEL:
            return refusal(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
        return None

    def reply(self, messages: list[dict[str, str]]) -> str:
        passage = first_passage(messages[0]["content"])
        return self.replies.get(passage, passage or NOT_FOUND)

    def chat_tokens(self, messages: list[dict[str, str]], *, begin: bool = True) -> list[int]:
        return self.tokens(template(messages, begin=begin), special=True)

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        tokens: list[int] = []
        while text:
            marks = [mark for mark in ("<start>", "<end>") if special and mark in text]
            cut = min([text.index(mark) for mark in marks], default=len(text))
            word = text[: min(CHARACTERS, cut)] or next(mark for mark in marks if text.startswith(mark))
            if word not in self.vocabulary:
                self.vocabulary.append(word)
            tokens.append(self.vocabulary.index(word))
            text = text[len(word) :]
        return tokens

    def text(self, tokens: list[int]) -> str:
        return "".join(self.vocabulary[token] for token in tokens)


def template(messages: list[dict[str, str]], *, begin: bool = True) -> str:
    """The chat as text; `begin` opens an answer."""
    said = [f"{'<start>' if one['role'] == 'assistant' else ''}{one['content']}<end>\n" for one in messages]
    return "".join(said) + ("<start>" if begin else "")


def first_passage(text: str) -> str:
    """The text under the first heading of the documents."""
    _, _, under = text.partition("### ")
    return under.partition("\n")[2].partition("\n\n")[0].partition("<end>")[0]


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
