"""log p(y | x, d) of a given answer, from a server that returns log-probabilities of its prompt.

The answer's tokens are appended to the tokens of the chat before it, so both are known exactly and the answer is the
same tokens under every passage. Two servers turn a chat into tokens, vLLM (`/tokenize`) and llama.cpp
(`/apply-template`, `/tokenize`); two fields return log-probabilities, `prompt_logprobs` (vLLM) and `echo` with
`logprobs` (the older OpenAI completions). Which of them a server has is found out by asking. Knows nothing of passages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.adapters.remote_model.openai_api import Json, OpenAIServer, first_choice
from core.errors import ModelError

Messages = list[dict[str, str]]
Scores = list[tuple[float, str]]
"""log p of each token given those before it, and the token as text."""

_QUESTION = {"role": "user", "content": "Say yes."}
_ANSWER = {"role": "assistant", "content": "Yes"}
_LEAST = -1e9  # a log-probability that a server gives as null


class Tokenizing(Protocol):
    """How a server turns chats and text into tokens; None where it cannot."""

    async def chat(self, messages: Messages) -> list[int] | None:
        """The tokens of a chat up to where the answer begins."""
        ...

    async def text(self, text: str) -> list[int] | None:
        """The tokens of plain text, without special ones."""
        ...

    async def end(self) -> list[int]:
        """The token that ends an answer; empty where it cannot be told."""
        ...


class VllmTokens:
    """vLLM's `/tokenize`, which applies the chat template."""

    def __init__(self, server: OpenAIServer, model: str) -> None:
        self._server = server
        self._model = model

    async def chat(self, messages: Messages) -> list[int] | None:
        """The tokens of a chat up to where the answer begins."""
        return await self._tokens(messages=messages, add_generation_prompt=True)

    async def text(self, text: str) -> list[int] | None:
        """The tokens of plain text."""
        return await self._tokens(prompt=text, add_special_tokens=False)

    async def end(self) -> list[int]:
        """What the template puts behind an answer that is over, and not behind one that goes on."""
        said = [_QUESTION, _ANSWER]
        over = await self._tokens(messages=said, add_generation_prompt=False)
        going_on = await self._tokens(messages=said, add_generation_prompt=False, continue_final_message=True)
        if not over or not going_on or over[: len(going_on)] != going_on:
            return []
        return over[len(going_on) :][:1]

    async def _tokens(self, **body: Any) -> list[int] | None:
        return _tokens(await self._server.offered("tokenize", {"model": self._model, **body}, beside=True))


class LlamaCppTokens:
    """llama.cpp's `/apply-template` and `/tokenize`."""

    def __init__(self, server: OpenAIServer) -> None:
        self._server = server

    async def chat(self, messages: Messages) -> list[int] | None:
        """The tokens of a chat up to where the answer begins."""
        text = await self._applied(messages)
        return await self._tokens(text, special=True) if text else None

    async def text(self, text: str) -> list[int] | None:
        """The tokens of plain text."""
        return await self._tokens(text, special=False)

    async def end(self) -> list[int]:
        """What the template puts behind an answer when another question follows."""
        begun, over = await self._applied([_QUESTION]), await self._applied([_QUESTION, _ANSWER, _QUESTION])
        answered = f"{begun}{_ANSWER['content']}"
        if not begun or not over or not over.startswith(answered):
            return []
        reply = await self._server.offered(
            "tokenize",
            {"content": over.removeprefix(answered), "add_special": False, "parse_special": True},
            beside=True,
        )
        return (_tokens(reply) or [])[:1]

    async def _applied(self, messages: Messages) -> str:
        reply = await self._server.offered("apply-template", {"messages": messages}, beside=True)
        return str((reply or {}).get("prompt") or "")

    async def _tokens(self, text: str, *, special: bool) -> list[int] | None:
        body = {"content": text, "add_special": special, "parse_special": special}
        return _tokens(await self._server.offered("tokenize", body, beside=True))


def _prompt_logprobs(choice: Json, ids: Sequence[int]) -> Scores | None:
    rows = choice.get("prompt_logprobs")
    if not isinstance(rows, list) or len(rows) != len(ids):
        return None
    entries: list[Json] = [(row or {}).get(str(token)) or {} for token, row in zip(ids[1:], rows[1:], strict=True)]
    if not all(entries):
        return None
    return [(_number(entry.get("logprob")), str(entry.get("decoded_token") or "")) for entry in entries]


def _echoed(choice: Json, ids: Sequence[int]) -> Scores | None:
    logprobs = choice.get("logprobs") or {}
    values, texts = logprobs.get("token_logprobs") or [], logprobs.get("tokens") or []
    if min(len(values), len(texts)) < len(ids):  # llama.cpp ignores `echo` and returns those of the new token
        return None
    return [(_number(value), str(text)) for value, text in zip(values, texts, strict=False)][1 : len(ids)]


@dataclass(frozen=True, slots=True)
class Way:
    """A field that asks for log-probabilities of the prompt, and where they are in the answer."""

    body: Json
    read: Callable[[Json, Sequence[int]], Scores | None]


WAYS = (Way({"prompt_logprobs": 1}, _prompt_logprobs), Way({"echo": True, "logprobs": 1}, _echoed))


class PromptScorer:
    """Scores answers on a server that can; `available` says whether it can."""

    def __init__(self, server: OpenAIServer, model: str) -> None:
        self._server = server
        self._model = model
        self._looked = asyncio.Lock()
        self._found: tuple[Tokenizing, Way, list[int]] | None = None
        self._known = False

    async def available(self) -> bool:
        """Whether the server can; asked once, and remembered unless the server did not answer."""
        async with self._looked:
            if not self._known:
                self._found = await self._look()
                self._known = True
        return self._found is not None

    async def prefix(self, messages: Messages) -> list[int]:
        """The tokens of a chat up to where the answer begins."""
        tokens, _, _ = self._able()
        return _had(await tokens.chat(messages))

    async def tokens(self, answer: str, *, ended: bool) -> list[int]:
        """The tokens of an answer; with the one that ends it, where the model `ended` it of its own."""
        tokens, _, end = self._able()
        return [*_had(await tokens.text(answer)), *(end if ended else [])]

    async def score(self, prefix: list[int], answer: list[int]) -> Scores:
        """The scores of each token of `answer` behind `prefix`."""
        _, way, _ = self._able()
        scores = await self._scores(way, prefix + answer, must=True)
        return _had(scores)[-len(answer) :]

    async def _look(self) -> tuple[Tokenizing, Way, list[int]] | None:
        kinds: tuple[Tokenizing, ...] = (VllmTokens(self._server, self._model), LlamaCppTokens(self._server))
        for tokens in kinds:
            if ids := await tokens.chat([_QUESTION]):
                for way in WAYS:
                    if await self._scores(way, ids, must=False):
                        return tokens, way, await tokens.end()
        return None

    async def _scores(self, way: Way, ids: list[int], *, must: bool) -> Scores | None:
        body = {"model": self._model, "prompt": ids, "max_tokens": 1, "temperature": 0, **way.body}
        ask = self._server.ask if must else self._server.offered
        return way.read(first_choice(await ask("completions", body) or {}), ids)

    def _able(self) -> tuple[Tokenizing, Way, list[int]]:
        if self._found is None:
            raise ModelError("The model server returns no log-probabilities of its prompt.")
        return self._found


def _tokens(reply: Json | None) -> list[int] | None:
    """The tokens of a reply; llama.cpp answers a question it does not understand with an empty list."""
    return (reply or {}).get("tokens") or None


def _number(value: float | None) -> float:
    return _LEAST if value is None else float(value)


def _had(value: list[Any] | None) -> list[Any]:
    if value is None:
        raise ModelError("The model server no longer returns what it returned before. Restart Attune.")
    return value
