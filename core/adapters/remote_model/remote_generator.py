"""A language model on an OpenAI-compatible server, behind the `Generator` port.

A model that judges first, on a server that gives log-probabilities, is asked for one token a passage: its verdict. Then
it answers from the passages that hold the answer. Any other model gets one prompt with all of them. Several passages in
one prompt are no mixture, and the pieces say so. Knows nothing of HTTP, people or search.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Self

import structlog

from core.adapters.remote_model.openai_api import Json, OpenAIServer, first_choice
from core.answering.decoding import Mixture
from core.answering.prompt import GO_ON, chat, everything, system_text
from core.answering.verdict import ANSWERING, NO, TOLD_TO_REFUSE, YES, Judging, Protocol, log_odds_of
from core.domain import CutOff, Decoding, DecodingSummary, Mode, Passage, Piece, Prompt, QueuePosition, Verdicts
from core.errors import ModelError, ModelUnavailableError, PromptTooLongError, UnknownModelError
from core.together import together

Messages = list[dict[str, str]]

DEFAULT_CONTEXT = 4096  # tokens; Ollama's own default, and it cuts longer prompts without a word
BYTES_PER_TOKEN = 3  # English has four to five and code three, so this errs towards too many tokens
CUT = "length"  # why a server's answer ends where it used up its tokens
_MOST_NAMES = 10  # of models, in an error
_GREETING = "Hello"
# vLLM takes what is not said from the model's configuration or its own, and Qwen's has a penalty on what it copies
_AS_IT_IS = {"repetition_penalty": 1.0, "return_tokens_as_token_ids": False}
_FIRST_TOKEN = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}  # no server gives more than 20
_CONTINUING = {"continue_final_message": True, "add_generation_prompt": False}  # so vLLM; llama.cpp and Ollama just do
_MAYBE_VERDICT = re.compile(r"\s*(?:y(?:es?)?|no?)?[ \t]*", re.IGNORECASE)  # what may be one, as far as it came
_VERDICT = re.compile(r"\s*(?:yes|no)[ \t]*\n", re.IGNORECASE)

log = structlog.get_logger(__name__)


class RemoteGenerator:
    """The model called `model` on `server`, as an async context manager that opens and closes the server.

    `protocol` is how a model of that name is asked where the server lists it. A server's tokenizer is not here, so
    tokens are estimated from bytes, on the safe side.
    """

    def __init__(self, server: OpenAIServer, model: str, protocol: Protocol = TOLD_TO_REFUSE) -> None:
        self._server = server
        self._model = model
        self._protocol = protocol
        self._context = DEFAULT_CONTEXT
        self._obstacle = ""

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
        """How it is asked: it judges first if it learned to, and the server gives log-probabilities."""
        return self._protocol

    @property
    def obstacle(self) -> str:
        """Why a model that could judge first is asked as any other, in a sentence; empty where it is not."""
        return self._obstacle

    @property
    def says_likelihoods(self) -> bool:
        """No: of an answer, servers give its words."""
        return False

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Nothing: the server's cache is its own."""

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Nothing: the server's cache is its own."""

    def count_tokens(self, text: str) -> int:
        """Tokens in `text` at most, as a rule: one for each three bytes of UTF-8, rounded up."""
        return -(-len(text.encode()) // BYTES_PER_TOKEN)

    async def generate(
        self, prompt: Prompt, decoding: Decoding
    ) -> AsyncGenerator[Piece | QueuePosition | Verdicts | CutOff, None]:
        """Stream the answer to `prompt`; see the port."""
        self._check_room(prompt, decoding)
        stuffed = decoding.mode is Mode.STUFFED or not prompt.passages
        groups = [prompt.passages] if stuffed else [(passage,) for passage in prompt.passages]
        if self._judges_first:
            mixture = Mixture([1.0] if stuffed else prompt.priors, decoding, self._protocol.calibration)
            log_odds = await self._judge(prompt, groups, mixture)
            verdicts = tuple(log_odds.get(place) for place in range(len(groups)))
            yield Verdicts(verdicts * len(prompt.passages) if stuffed else verdicts)
            mixture.judge(log_odds)
            groups, posterior = [groups[row] for row in mixture.likeliest], mixture.posterior
        else:
            posterior = (1.0,) if len(groups) == 1 else ()
        shared = DecodingSummary.JUDGED if self._judges_first else DecodingSummary.APPROXIMATED
        plain = Piece("", () if stuffed else posterior, decoded=shared if len(groups) > 1 else DecodingSummary.EXACT)
        read = [passage for group in groups for passage in group]
        async with aclosing(self._answer(prompt, read, decoding)) as answer:
            async for said in answer:
                yield said if isinstance(said, CutOff) else replace(plain, text=said)

    @property
    def _judges_first(self) -> bool:
        return self._protocol.judging is Judging.FIRST

    async def _judge(self, prompt: Prompt, groups: Sequence[Sequence[Passage]], mixture: Mixture) -> dict[int, float]:
        """The model's log-odds of yes against no, having read one group of passages, of each that has to be read."""
        log_odds: dict[int, float] = {}
        while rows := mixture.to_judge(log_odds):
            found = await together(*[self._verdict(_messages(prompt, groups[row])) for row in rows])
            log_odds |= zip(rows, found, strict=True)
        return log_odds

    async def _verdict(self, messages: Messages) -> float:
        words = _first_words(await self._server.ask("chat/completions", self._first_token(messages)))
        if words is None:
            raise ModelError(
                f"The model server at {self._server.shown} no longer says how sure the model is of yes and no. "
                "Restart Attune."
            )
        return log_odds_of(words.get(YES, 0.0), words.get(NO, 0.0))

    def _first_token(self, messages: Messages) -> Json:
        return {"model": self._model, "messages": messages, **_FIRST_TOKEN, **_AS_IT_IS}

    def _answer(
        self, prompt: Prompt, passages: Sequence[Passage], decoding: Decoding
    ) -> AsyncGenerator[str | CutOff, None]:
        messages = _messages(prompt, passages)
        body = {
            "model": self._model,
            "messages": messages,
            "max_tokens": decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            "seed": decoding.seed,
            "stream": True,
        }
        if self._judges_first:
            messages.append({"role": "assistant", "content": ANSWERING + prompt.begun})
            return _without_verdict(self._continued(body | _CONTINUING | _AS_IT_IS))
        if prompt.begun:  # few servers go on from the beginning of an answer
            messages += [{"role": "assistant", "content": prompt.begun}, {"role": "user", "content": GO_ON}]
        return self._streamed(body)

    async def _continued(self, body: Json) -> AsyncGenerator[str | CutOff, None]:
        """The answer to `body`, whose last message is its beginning; where the server breaks off, it is to go on.

        As long as each try brings something: a piece is a token at least, so `max_tokens` ends it.
        """
        *asked, begun = body["messages"]
        pieces: list[str] = []
        while len(pieces) < body["max_tokens"]:
            known = len(pieces)
            so_far = {**begun, "content": begun["content"] + "".join(pieces)}
            rest = body | {"messages": [*asked, so_far], "max_tokens": body["max_tokens"] - known}
            try:
                async with aclosing(self._streamed(rest)) as answer:
                    async for event in answer:
                        pieces += [event] if isinstance(event, str) else []
                        yield event
            except ModelUnavailableError as error:
                if len(pieces) == known or _begins_anew("".join(pieces)):
                    raise
                log.warning("model_server_broke_off", error=str(error), pieces=len(pieces))
            else:
                return
        yield CutOff()

    async def _streamed(self, body: Json) -> AsyncGenerator[str | CutOff, None]:
        async with aclosing(self._server.stream("chat/completions", body)) as chunks:
            async for chunk in chunks:
                if text := _delta(chunk):
                    yield text
                if first_choice(chunk).get("finish_reason") == CUT:
                    yield CutOff()

    def _check_room(self, prompt: Prompt, decoding: Decoding) -> None:
        """Before the server sees it, since some cut a long prompt without a word."""
        tokens = sum(map(self.count_tokens, everything(prompt)))
        if tokens + decoding.max_tokens > self._context:
            raise PromptTooLongError(
                f"About {tokens} + {decoding.max_tokens} tokens exceed the model server's {self._context}."
            )

    async def _look(self) -> None:
        """Find the model among those that the server lists, how many tokens it takes, and how it is to be asked."""
        data = (await self._server.offered("models") or {}).get("data") or []
        listed = [entry for entry in data if isinstance(entry, dict) and entry.get("id")]
        names = {self._model, f"{self._model}:latest"}  # Ollama's tag
        mine = [entry for entry in listed if names & {entry["id"], *(entry.get("aliases") or ())}]
        if not mine:
            await self._try([str(entry["id"]) for entry in listed])
        entry = mine[0] if mine else listed[0] if len(listed) == 1 else {}
        base = next((other for other in listed if other["id"] == entry.get("parent")), entry)  # of an adapter in vLLM
        told = base.get("max_model_len") or (entry.get("meta") or {}).get("n_ctx")  # vLLM; llama.cpp
        self._context = int(told or await self._props())
        if self._judges_first:
            self._obstacle = await self._find_obstacle() if mine else f"The server does not list {self._model}."
        if self._obstacle:
            log.warning("model_cannot_judge", server=self._server.shown, model=self._model, reason=self._obstacle)
        if self._obstacle or not self._judges_first:
            self._protocol = TOLD_TO_REFUSE

    async def _find_obstacle(self) -> str:
        """What the server does not do: say how probable yes and no are as the first token, and go on from a yes."""
        messages = chat(system_text(self._protocol.system, ()), (), "", _GREETING)
        words = _first_words(await self._server.offered("chat/completions", self._first_token(messages)) or {})
        if words is None:
            return "The server gives no log-probabilities (logprobs, the 20 likeliest tokens)."
        if not words.keys() & {YES, NO}:
            return f"{self._model} says neither yes nor no first: the server may lack the adapter."
        messages.append({"role": "assistant", "content": ANSWERING})
        body = {"model": self._model, "messages": messages, "max_tokens": 1, **_CONTINUING, **_AS_IT_IS}
        if await self._server.offered("chat/completions", body) is None:
            return "The server does not go on from the beginning of an answer (continue_final_message)."
        return ""

    async def _props(self) -> int:
        """The context of one slot of an older llama.cpp server."""
        props = await self._server.offered("props", beside=True) or {}
        return int((props.get("default_generation_settings") or {}).get("n_ctx") or DEFAULT_CONTEXT)

    async def _try(self, names: list[str]) -> None:
        """Ask for one token of a model that is not listed: llama.cpp takes any name, Ollama names without a tag."""
        messages = [{"role": "user", "content": _GREETING}]
        try:
            await self._server.ask("chat/completions", {"model": self._model, "messages": messages, "max_tokens": 1})
        except UnknownModelError:
            has = ", ".join(names[:_MOST_NAMES]) or "none"
            raise UnknownModelError(
                f"The model server at {self._server.shown} has no model {self._model}. Set ATTUNE_MODEL to one that it "
                f"has: {has}."
            ) from None


async def _without_verdict(answer: AsyncGenerator[str | CutOff, None]) -> AsyncGenerator[str | CutOff, None]:
    """`answer` behind its yes, also where the server did not go on from there and says it again; empty behind a no."""
    begun = ""  # what may still become a verdict
    decided = False
    async with aclosing(answer):
        async for said in answer:
            if isinstance(said, CutOff) or decided:
                if begun and not _is_no(begun):
                    yield begun
                begun, decided = "", True
                yield said
                continue
            begun += said
            if _MAYBE_VERDICT.fullmatch(begun):
                continue
            verdict = _VERDICT.match(begun)
            if verdict and _is_no(verdict[0]):
                return
            if text := begun[verdict.end() if verdict else 0 :]:
                yield text
            begun, decided = "", True
    if begun and not _is_no(begun):
        yield begun


def _begins_anew(said: str) -> bool:
    """Whether an answer may say its verdict again, so that one which goes on from `said` might say all again."""
    return bool(_MAYBE_VERDICT.fullmatch(said) or _VERDICT.match(said))


def _is_no(begun: str) -> bool:
    return begun.strip().lower() == NO


def _messages(prompt: Prompt, passages: Sequence[Passage]) -> Messages:
    return chat(system_text(prompt.system, passages), prompt.turns, prompt.person, prompt.question)


def _delta(chunk: Json) -> str:
    delta = first_choice(chunk).get("delta")
    return str(delta.get("content") or "") if isinstance(delta, dict) else ""


def _first_words(reply: Json) -> dict[str, float] | None:
    """How probable the likeliest first tokens are, in small letters; None where the reply does not say it."""
    found: dict[str, float] = {}
    try:
        for entry in first_choice(reply)["logprobs"]["content"][0]["top_logprobs"]:
            word = str(entry["token"]).strip().lower()
            found[word] = found.get(word, 0.0) + math.exp(min(0.0, entry["logprob"]))
    except (LookupError, TypeError):
        return None
    return found
