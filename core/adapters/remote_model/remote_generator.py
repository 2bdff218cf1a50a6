"""A language model on an OpenAI-compatible server, behind the `Generator` port.

One passage or all in one prompt is an ordinary streamed chat. `sequence` over several passages lets each propose an
answer, then scores every answer under every passage and gives the likeliest; where the server cannot score (see
`prompt_scoring.py`), and for `token`, it is an ordinary chat with all passages, and the pieces say so. Knows nothing of
HTTP, people or search.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

from core.adapters.remote_model.openai_api import Json, OpenAIServer, first_choice
from core.adapters.remote_model.prompt_scoring import Messages, PromptScorer, Scores
from core.answering.decoding import weighed
from core.answering.prompt import GO_ON, chat, system_text
from core.answering.verdict import TOLD_TO_REFUSE, Protocol
from core.domain import CutOff, Decoding, DecodingSummary, Mode, Passage, Piece, Prompt, QueuePosition
from core.errors import PromptTooLongError, UnknownModelError

T = TypeVar("T")

DEFAULT_CONTEXT = 4096  # tokens; Ollama's own default, and it cuts longer prompts without a word
BYTES_PER_TOKEN = 3  # English has four to five and code three, so this errs towards too many tokens
_MOST_NAMES = 10  # of models, in an error
CUT = "length"  # why a server's answer ends where it used up its tokens
_STRAY = 16  # characters between two tokens of an answer, at most


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that one passage gave; `ended` unless it was cut at its limit."""

    text: str
    ended: bool


class RemoteGenerator:
    """The model called `model` on `server`, as an async context manager that opens and closes the server.

    A server's tokenizer is not here, so tokens are estimated from bytes, on the safe side.
    """

    def __init__(self, server: OpenAIServer, model: str) -> None:
        self._server = server
        self._model = model
        self._scorer = PromptScorer(server, model)
        self._context = DEFAULT_CONTEXT

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        try:
            await self._look()
        except BaseException:
            await self._server.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.__aexit__()

    @property
    def name(self) -> str:
        """The model's name on the server."""
        return self._model

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together, as the server says; 4096 where it does not."""
        return self._context

    @property
    def protocol(self) -> Protocol:
        """No verdicts: not every server gives the probabilities that they take."""
        return TOLD_TO_REFUSE

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Nothing: the server's cache is its own."""

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Nothing: the server's cache is its own."""

    def count_tokens(self, text: str) -> int:
        """Tokens in `text` at most, as a rule: one for each three bytes of UTF-8, rounded up."""
        return -(-len(text.encode()) // BYTES_PER_TOKEN)

    async def can_rescore(self) -> bool:
        """Whether the server returns what `sequence` needs."""
        return await self._scorer.available()

    async def generate(
        self, prompt: Prompt, decoding: Decoding
    ) -> AsyncGenerator[Piece | QueuePosition | CutOff, None]:
        """Stream the answer to `prompt`; see the port. A rescored answer comes at once, when all is scored."""
        messages = _messages(prompt, prompt.passages)
        self._check_room(messages, decoding)
        if decoding.mode is Mode.STUFFED or len(prompt.passages) <= 1:
            alone = decoding.mode is not Mode.STUFFED and len(prompt.passages) == 1
            plain = Piece("", (1.0,) if alone else ())
        elif decoding.mode is Mode.SEQUENCE and await self.can_rescore():
            for event in await self._rescored(prompt, decoding):
                yield event
            return
        else:
            plain = Piece("", decoded=DecodingSummary.APPROXIMATED)
        async with aclosing(self._server.stream("chat/completions", self._body(messages, decoding))) as chunks:
            async for chunk in chunks:
                if text := _delta(chunk):
                    yield Piece(text, plain.posterior, decoded=plain.decoded)
                if first_choice(chunk).get("finish_reason") == CUT:
                    yield CutOff()

    async def _rescored(self, prompt: Prompt, decoding: Decoding) -> list[Piece | CutOff]:
        """argmax_y log Σ_d p(d|x,u) p(y|x,d,u) over the answers that each passage alone gives."""
        chats = [_messages(prompt, (passage,)) for passage in prompt.passages]
        prefixes = await _together([self._scorer.prefix(messages) for messages in chats])
        proposed = await _together([self._propose(messages, decoding) for messages in chats])
        candidates = [candidate for candidate in dict.fromkeys(proposed) if candidate.text]
        if not candidates:
            return []
        answers = await _together([self._weighed(candidate, prefixes, prompt.priors) for candidate in candidates])
        best = max(range(len(answers)), key=lambda place: answers[place][-1].log_likelihood)
        return [*answers[best], *([] if candidates[best].ended else [CutOff()])]

    async def _propose(self, messages: Messages, decoding: Decoding) -> Candidate:
        text, reason = "", ""
        async with aclosing(self._server.stream("chat/completions", self._body(messages, decoding))) as chunks:
            async for chunk in chunks:
                text += _delta(chunk)
                reason = first_choice(chunk).get("finish_reason") or reason
        return Candidate(text, ended=reason == "stop")

    async def _weighed(self, candidate: Candidate, prefixes: list[list[int]], priors: Sequence[float]) -> list[Piece]:
        """The candidate in pieces, with the posterior behind each: what an exact decoder would have said of it."""
        answer = await self._scorer.tokens(candidate.text, ended=candidate.ended)
        rows: list[Scores] = await _together([self._scorer.score(prefix, answer) for prefix in prefixes])
        posteriors, likelihoods = weighed(priors, np.array([[score for score, _ in row] for row in rows]))
        return [
            Piece(text, tuple(posteriors[place].tolist()), float(likelihoods[place]), DecodingSummary.RESCORED)
            for text, place in parts(candidate.text, [token for _, token in rows[0]])
        ]

    def _body(self, messages: Messages, decoding: Decoding) -> Json:
        return {
            "model": self._model,
            "messages": messages,
            "max_tokens": decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "seed": decoding.seed,
            "stream": True,
        }

    def _check_room(self, messages: Messages, decoding: Decoding) -> None:
        """Before the server sees it, since some cut a long prompt without a word."""
        tokens = sum(self.count_tokens(message["content"]) for message in messages)
        if tokens + decoding.max_tokens > self._context:
            raise PromptTooLongError(
                f"About {tokens} + {decoding.max_tokens} tokens exceed the model server's {self._context}."
            )

    async def _look(self) -> None:
        """Find the model among those that the server lists, and how many tokens it takes."""
        data = (await self._server.offered("models") or {}).get("data") or []
        listed = [entry for entry in data if isinstance(entry, dict) and entry.get("id")]
        mine = [entry for entry in listed if self._model in (entry["id"], *(entry.get("aliases") or ()))]
        if not mine:
            await self._try([str(entry["id"]) for entry in listed])
        entry = mine[0] if mine else listed[0] if len(listed) == 1 else {}
        told = entry.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx")  # vLLM; llama.cpp
        self._context = int(told or await self._props())

    async def _props(self) -> int:
        """The context of one slot of an older llama.cpp server."""
        props = await self._server.offered("props", beside=True) or {}
        return int((props.get("default_generation_settings") or {}).get("n_ctx") or DEFAULT_CONTEXT)

    async def _try(self, names: list[str]) -> None:
        """Ask for one token of a model that is not listed: llama.cpp takes any name, Ollama names without a tag."""
        messages = [{"role": "user", "content": "Hello"}]
        try:
            await self._server.ask("chat/completions", {"model": self._model, "messages": messages, "max_tokens": 1})
        except UnknownModelError:
            has = ", ".join(names[:_MOST_NAMES]) or "none"
            raise UnknownModelError(
                f"The model server at {self._server.shown} has no model {self._model}. Set ATTUNE_MODEL to one that it "
                f"has: {has}."
            ) from None


def parts(text: str, tokens: Sequence[str]) -> list[tuple[str, int]]:
    """`text` cut at its `tokens` as a server spells them, each part with the place of the token that ends it.

    A spelling may lack its space or be half a letter; what cannot be found goes with the next part, and the last part
    goes to the last token, which may be the unwritten end of the answer.
    """
    found: list[tuple[str, int]] = []
    start = 0
    for place, token in enumerate(tokens):
        end = _end(text, token.strip("\N{REPLACEMENT CHARACTER}"), start)
        if end > start:
            found.append((text[start:end], place))
            start = end
    *before, (last, _) = found or [("", 0)]
    return [*before, (last + text[start:], len(tokens) - 1)]


def _end(text: str, token: str, start: int) -> int:
    """Where `token` ends if it is found in `text` soon after `start`, else `start`."""
    if text.startswith(token, start):
        return start + len(token)
    letters = token.strip()
    at = text.find(letters, start, start + len(letters) + _STRAY) if letters else -1
    return at + len(letters) if at >= 0 else start


def _messages(prompt: Prompt, passages: Sequence[Passage]) -> Messages:
    """An answer that goes on is asked for: few servers take the beginning of one."""
    messages = chat(system_text(prompt.system, passages), prompt.turns, prompt.person, prompt.question)
    if prompt.begun:
        messages += [{"role": "assistant", "content": prompt.begun}, {"role": "user", "content": GO_ON}]
    return messages


def _delta(chunk: Json) -> str:
    delta = first_choice(chunk).get("delta")
    return str(delta.get("content") or "") if isinstance(delta, dict) else ""


async def _together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; at the first error the others are cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
