"""An OpenAI-compatible server over HTTP: one question, one answer or one stream; errors become those of `core.errors`.

Waits and tries again where a server is busy or not there, but never once it has begun to answer. Knows nothing of
prompts or of what is asked.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Self

import aiohttp
from yarl import URL

from core.errors import (
    AttuneError,
    ConfigurationError,
    ModelError,
    ModelUnavailableError,
    PromptTooLongError,
    UnknownModelError,
)
from core.text.words import whole_number

CONNECT_SECONDS = 10.0
WAITS = (0.5, 1.0, 2.0)  # seconds before another try
LONGEST_WAIT = 30.0  # seconds; a server that asks for more gets no other try
_BUSY = {429, 500, 502, 503, 504}
_KEY = {401, 403}
_MOVED = {301, 302, 303, 307, 308}
_NOT_OFFERED = {400, 404, 405, 422, 500, 501}  # how servers say that they do not know a question
_SAID_CHARACTERS = 200  # of a server's own words
_LONGEST_EVENT = 1 << 20  # bytes
_DONE = "[DONE]"
_GIVEN_UP = {"abort", "error"}  # why an answer ends that the server, vLLM for one, did not finish
_TOO_LONG = re.compile(
    r"context.{0,3}(length|size|window)|exceed_context|max_model_len|prompt.{0,20}too long", re.IGNORECASE
)
_NO_MODEL = re.compile(r"model.*(not.?found|not exist)|(invalid|unknown|no such) model", re.IGNORECASE | re.DOTALL)

Json = dict[str, Any]


class _BusyError(ModelUnavailableError):
    """A server says that it is busy where its answer should come: vLLM does, when its queue is full."""


class OpenAIServer:
    """A server at `url`, which ends in /v1 as a rule, as an async context manager.

    `silence` is the seconds it may say nothing. Every method raises an error of `core.errors` whose sentence is safe to
    show: it names the server, never the key.
    """

    def __init__(self, url: str, key: str | None, *, silence: float, waits: tuple[float, ...] = WAITS) -> None:
        self._key = key.strip() if key else ""
        address = URL(url.rstrip("/"))
        self._url = address.with_user(None) if self._key else address
        self._silence = silence
        self._waits = waits

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=self._silence)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @property
    def shown(self) -> str:
        """The address without user and password."""
        return str(self._url.with_user(None))

    async def ask(self, path: str, body: Json) -> Json:
        """POST `body`, and the answer.

        Raises:
            ModelError: the server is down, refuses, or does not speak this language.
            ConfigurationError: the key or the address is wrong.
            PromptTooLongError: the server counts more tokens than it takes.
        """
        response = await self._send("POST", self._url / path, body)
        try:
            await self._check(response, path)
            return await self._read(response)
        finally:
            response.close()

    async def offered(self, path: str, body: Json | None = None, *, beside: bool = False) -> Json | None:
        """The answer to a question that not every server knows: None where it says so.

        Without a `body` it is a GET; `beside` is for a path that stands beside /v1, not under it.
        """
        base = self._url.parent if beside and self._url.name == "v1" else self._url
        response = await self._send("POST" if body else "GET", base / path, body, busy=_BUSY - _NOT_OFFERED)
        try:
            if response.status in _NOT_OFFERED:
                return None
            await self._check(response, path)
            return await self._read(response)
        finally:
            response.close()

    async def stream(self, path: str, body: Json) -> AsyncGenerator[Json, None]:
        """POST `body`, and the chunks of the answer as they come. Closing the generator closes the connection.

        Raises as `ask` does; a stream that ends before its end is a ModelUnavailableError.
        """
        waits = list(self._waits)
        while True:
            response, begun = await self._send("POST", self._url / path, body), False
            try:
                await self._check(response, path)
                async with aclosing(self._chunks(response)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
            except _BusyError:
                if begun or not waits:
                    raise
            else:
                return
            finally:
                response.close()
            await asyncio.sleep(waits.pop(0))

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Json, None]:
        events, data = ServerSentEvents(), ""
        with self._convert_errors():
            async for received in response.content.iter_any():
                for data in events.feed(received):
                    if data.strip() == _DONE:
                        return
                    chunk = self._chunk(data)
                    reason = first_choice(chunk).get("finish_reason")
                    if str(reason) in _GIVEN_UP:
                        raise self._broke_off()
                    yield chunk
                    if reason:  # what is lost from here on is nothing of the answer
                        return
        raise self._broke_off() if data else self._foreign()

    async def _send(
        self, method: str, url: URL, body: Json | None, *, busy: set[int] = _BUSY
    ) -> aiohttp.ClientResponse:
        """A response whose status is known; tried again while the server is busy or not there."""
        for wait in self._waits:
            response = await self._once(method, url, body, must=False)
            if response is not None and response.status not in busy:
                return response
            asked = _retry_after(response) if response else 0.0
            if response:
                response.close()
            if asked > LONGEST_WAIT:
                raise ModelUnavailableError(f"The model server at {self.shown} is busy for another {asked:.0f} s.")
            await asyncio.sleep(max(wait, asked))
        last = await self._once(method, url, body, must=True)
        assert last is not None  # noqa: S101 - it must
        return last

    async def _once(self, method: str, url: URL, body: Json | None, *, must: bool) -> aiohttp.ClientResponse | None:
        """One try; None for a server that is not there, unless it `must` be."""
        with self._convert_errors():
            try:
                return await self._session.request(method, url, json=body, allow_redirects=False)
            except aiohttp.ClientConnectionError as error:
                if must or isinstance(error, TimeoutError):
                    raise
                return None

    async def _check(self, response: aiohttp.ClientResponse, path: str) -> None:
        if response.status in _MOVED:  # what people wrote goes to nobody whom the operator did not name
            raise ConfigurationError(
                f"The model server at {self.shown} redirects to another address. Set ATTUNE_MODEL_URL to that address."
            )
        if response.status != 200:  # noqa: PLR2004
            with self._convert_errors():
                raise self._explained(response.status, await response.text(errors="replace"), path)

    async def _read(self, response: aiohttp.ClientResponse) -> Json:
        with self._convert_errors():
            return self._chunk(await response.text(errors="replace"))

    def _chunk(self, text: str) -> Json:
        """One JSON object; an error in it is raised, since some servers report one in the middle of a stream."""
        try:
            chunk = json.loads(text)
        except ValueError:
            raise self._foreign() from None
        if not isinstance(chunk, dict):
            raise self._foreign()
        if error := chunk.get("error"):
            code = error.get("code") if isinstance(error, dict) else None
            explained = self._explained(code if isinstance(code, int) else 0, text, "")
            raise _BusyError(str(explained)) if isinstance(explained, ModelUnavailableError) else explained
        return chunk

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise self._silent() from None
        except aiohttp.ClientPayloadError:
            raise self._broke_off() from None
        except aiohttp.ClientError as error:
            reason = _line(str(getattr(error, "os_error", error)))
            raise ModelUnavailableError(
                f"The model server at {self.shown} does not respond: {reason}. Start it, or set ATTUNE_MODEL_URL to "
                "where it is."
            ) from None

    def _explained(self, status: int, text: str, path: str) -> AttuneError:
        said = _said(text)
        server = f"The model server at {self.shown}"
        if status in _KEY:
            return ConfigurationError(f"{server} rejects the key. Set ATTUNE_MODEL_KEY to one that it accepts.")
        if _TOO_LONG.search(said):
            return PromptTooLongError(f"{server} says that the prompt is too long: {_line(said)}")
        if status in {0, 400, 404} and _NO_MODEL.search(said):
            return UnknownModelError(
                f"{server} does not have the model: {_line(said)}. Set ATTUNE_MODEL to one that it has."
            )
        if path and status in {404, 405}:
            return ConfigurationError(
                f"{server} has no /{path}. Set ATTUNE_MODEL_URL to its API, which usually ends in /v1."
            )
        if status in _BUSY:
            return ModelUnavailableError(f"{server} cannot answer now (status {status}): {_line(said)}")
        return ModelError(f"{server} refuses the request (status {status}): {_line(said)}")

    def _silent(self) -> ModelUnavailableError:
        return ModelUnavailableError(
            f"The model server at {self.shown} is silent: no connection in {CONNECT_SECONDS:.0f} s, or no word in "
            f"{self._silence:.0f} s. Check its health, or raise ATTUNE_MODEL_TIMEOUT."
        )

    def _broke_off(self) -> ModelUnavailableError:
        return ModelUnavailableError(f"The model server at {self.shown} broke off in the middle of an answer.")

    def _foreign(self) -> ModelError:
        return ModelError(f"What is at {self.shown} is not an OpenAI-compatible server. Set ATTUNE_MODEL_URL to one.")


class ServerSentEvents:
    """Bytes of a text/event-stream, cut anywhere, to the data of its events. Comments and other fields are skipped.

    Lines end in LF or CRLF; nobody sends a bare CR.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, received: bytes) -> Iterator[str]:
        """The data of each event that is whole now.

        Raises:
            ModelError: an event without an end.
        """
        *lines, self._rest = (self._rest + received).split(b"\n")
        if len(self._rest) > _LONGEST_EVENT:
            raise ModelError("The model server sent an event that never ends.")
        for line in lines:
            text = line.removesuffix(b"\r").decode("utf-8", "replace")
            if text.startswith("data:"):
                self._data.append(text.removeprefix("data:").removeprefix(" "))
            elif not text and self._data:
                yield "\n".join(self._data)
                self._data = []


def first_choice(chunk: Json) -> Json:
    """The only choice of a reply or chunk; empty in a chunk of figures."""
    choices = chunk.get("choices")
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Seconds that the server asks to wait; 0 where it names none, or a date."""
    return float(whole_number(response.headers.get("Retry-After")) or 0)


def _said(text: str) -> str:
    """A server's words on what is wrong, with its type and code where it gives them."""
    try:
        error = json.loads(text)
    except ValueError:
        return text
    if isinstance(error, dict):
        error = error.get("error", error)
    if not isinstance(error, dict):
        return str(error)
    words = [error.get("message", error.get("detail", "")), error.get("type", ""), error.get("code", "")]
    return ", ".join(str(word) for word in words if word)


def _line(text: str) -> str:
    """The first words of `text` on one line, without a full stop."""
    return " ".join(text.split())[:_SAID_CHARACTERS].rstrip(". ")
