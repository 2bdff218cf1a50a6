"""Attune's own generator on a Ray cluster, behind the `Generator` port: exact mixture, verdicts and all.

Speaks JSON over HTTP with `deploy/ray_serve.py` (`lines.py` has the words), so nothing of Ray is needed here. An answer
whose replica dies is asked for again, and what was passed on of it is not passed on twice. Knows nothing of replicas or
of which one answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Self

import aiohttp
from pydantic import BaseModel
from tokenizers import Tokenizer
from yarl import URL

from core.adapters.remote_model.lines import Event, Failure, Line, ModelCard, Question, Reading, Retention
from core.answering.verdict import Protocol
from core.domain import CutOff, Decoding, Passage, Piece, Prompt, QueuePosition, Verdicts
from core.errors import AttuneError, ConfigurationError, ModelError, ModelUnavailableError, PromptTooLongError
from core.together import ended

SCHEME = "ray+"  # before http:// or https:// of ATTUNE_MODEL_URL
CONNECT_SECONDS = 10.0
TRIES = 5  # of one answer, where replicas die or cannot be reached
PAUSE = 0.5  # seconds before the second try, twice as long before each further one
LONGEST_PAUSE = 5.0  # seconds between two tries
BROKE_OFF = "broke off in the middle of an answer."
FULL = "has more questions than it takes. Add replicas."
CHANGED = "has another model than a moment ago. Ask again."
SHOWN = 200  # characters of what the cluster says
OK, UNAUTHORIZED, TOO_MANY, SERVER_ERROR = 200, 401, 429, 500


class _AgainError(Exception):
    """Worth another try: `own` where it counts as one of `TRIES`, with what to say where it was the last."""

    def __init__(self, error: ModelError, *, own: bool = True) -> None:
        super().__init__(str(error))
        self.error = error
        self.own = own


class _OtherWordsError(Exception):
    """A further try does not say what was said before."""


class RayGenerator:
    """The deployment at `url` (http:// or https://), as an async context manager that opens and closes the connection.

    `silence` is the seconds it may say nothing, and the most that an answer waits while all replicas are busy.
    """

    obstacle = ""  # of its judging: the reader's own generator runs there

    def __init__(self, url: str, key: str | None, *, silence: float, pause: float = PAUSE) -> None:
        self._key = key.strip() if key else ""
        address = URL(url.rstrip("/"))
        self._url = address.with_user(None) if self._key else address
        self._server = f"The model's cluster at {self._url.with_user(None)}"
        self._silence = silence
        self._pause = pause
        self._tasks: set[asyncio.Task[None]] = set()
        self._card: ModelCard
        self._tokenizer: Tokenizer

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=self._silence)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        try:
            await self._look()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(*self._tasks)
        await self._session.close()

    @property
    def name(self) -> str:
        """The model's name on the cluster."""
        return self._card.name

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._card.context_tokens

    @property
    def protocol(self) -> Protocol:
        """How it is to be asked."""
        return self._card.protocol

    @property
    def says_likelihoods(self) -> bool:
        """As the model there does."""
        return self._card.says_likelihoods

    def count_tokens(self, text: str) -> int:
        """Tokens in `text`, by the model's own tokenizer."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def read_ahead(self, system: str, passages: Sequence[Passage]) -> None:
        """Have each passage read where questions about it will go; a cluster that is away reads nothing."""
        task = asyncio.create_task(self._have_read(Reading(system=system, passages=list(passages))))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def retain(self, documents: Collection[tuple[str, str]]) -> None:
        """Have every replica forget what it read of other documents.

        Raises:
            ModelUnavailableError: the cluster is away, or not all have forgotten.
        """
        await self._fetched("POST", "retain", Retention(documents=sorted(documents)))

    async def generate(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Event, None]:
        """Stream the answer to `prompt`; see the port."""
        progress, tries, waited = _Progress(), 0, 0.0
        while True:
            try:
                asked, limits = progress.rest(prompt, decoding, self.count_tokens)
                async with aclosing(self._events(asked, limits)) as events:
                    async for event in events:
                        if (fresh := progress.fresh(event)) is not None:
                            yield fresh
                if not progress.ends():
                    raise self._away(BROKE_OFF).error
            except _OtherWordsError:
                progress.go_on()
            except _AgainError as again:
                tries += again.own
                if tries >= TRIES or waited > self._silence:
                    raise again.error from None
                waited += await self._rest(tries) * (not again.own)
            else:
                return

    async def _events(self, prompt: Prompt, decoding: Decoding) -> AsyncGenerator[Event, None]:
        """One try."""
        question = Question(prompt=prompt, decoding=decoding, mark=self._card.mark)
        async with self._asked("generate", question) as lines:
            async for line in lines:
                if line.end:
                    return
                if line.event is not None:
                    yield line.event
                if line.failure:
                    await self._explain(line.failure, line.sentence)
        raise self._away(BROKE_OFF)

    async def _explain(self, failure: Failure, sentence: str) -> None:
        """Raise what a failure means; where the model was changed, learn which one it is now."""
        match failure:
            case Failure.BUSY:
                raise self._away(FULL, own=False)
            case Failure.GONE:
                raise self._away(BROKE_OFF)
            case Failure.CHANGED:
                before = self._card
                await self._look()
                if before.prompting == self._card.prompting:  # as while another adapter is rolled out
                    raise self._away(CHANGED, own=False)
                raise ModelUnavailableError(f"{self._server} {CHANGED}")
            case Failure.LONG:
                raise PromptTooLongError(sentence)
        raise ModelError(f"{self._server} failed: {sentence}")

    async def _look(self) -> None:
        """Learn which model it is."""
        body = await self._fetched("GET", "model")
        try:
            self._card = ModelCard.model_validate_json(body)
        except ValueError:
            raise self._foreign() from None
        self._tokenizer = Tokenizer.from_str(self._card.tokenizer)
        self._tokenizer.encode_special_tokens = True  # as letters: what somebody wrote is no control token

    async def _have_read(self, reading: Reading) -> None:
        with suppress(AttuneError):
            await self._fetched("POST", "read_ahead", reading)

    async def _fetched(self, method: str, path: str, body: BaseModel | None = None) -> bytes:
        for tries in range(TRIES):
            try:
                async with self._sent(method, path, body) as response:
                    return await response.read()
            except _AgainError as again:
                if tries == TRIES - 1:
                    raise again.error from None
                await self._rest(tries)
        raise AssertionError

    async def _rest(self, tries: int) -> float:
        """Wait before another try; the seconds that it took."""
        seconds = min(self._pause * 2.0**tries, LONGEST_PAUSE)
        await asyncio.sleep(seconds)
        return seconds

    @asynccontextmanager
    async def _asked(self, path: str, body: BaseModel) -> AsyncIterator[AsyncGenerator[Line, None]]:
        async with self._sent("POST", path, body) as response, aclosing(self._lines(response)) as lines:
            yield lines

    async def _lines(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Line, None]:
        async for received in response.content:
            if not received.endswith(b"\n"):
                raise self._away(BROKE_OFF)
            if not received.strip():
                continue
            try:
                yield Line.model_validate_json(received)
            except ValueError:
                raise self._foreign() from None

    @asynccontextmanager
    async def _sent(self, method: str, path: str, body: BaseModel | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response of the cluster; leaving closes it, and what it was still to say is not made any more."""
        data = body.model_dump_json().encode() if body else None
        with self._convert_errors():
            response = await self._session.request(method, self._url / path, data=data, allow_redirects=False)
            try:
                if response.status != OK:
                    raise self._refused(response.status, (await response.text(errors="replace")).strip())
                yield response
            finally:
                response.close()

    @contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise self._away("is silent. Check its health, or raise ATTUNE_MODEL_TIMEOUT.") from None
        except aiohttp.ClientPayloadError:
            raise self._away(BROKE_OFF) from None
        except aiohttp.ClientError as error:
            reason = getattr(error, "os_error", error)
            raise self._away(f"does not respond: {reason}. Start it, or set ATTUNE_MODEL_URL.") from None

    def _refused(self, status: int, said: str) -> Exception:
        if status == UNAUTHORIZED:
            return ConfigurationError(f"{self._server} rejects the key. Set ATTUNE_MODEL_KEY to the one it was given.")
        if status == TOO_MANY:
            return self._away(FULL, own=False)
        if status >= SERVER_ERROR:
            return self._away(f"cannot answer now (status {status}): {said[:SHOWN]}")
        return self._foreign()

    def _away(self, what: str, *, own: bool = True) -> _AgainError:
        return _AgainError(ModelUnavailableError(f"{self._server} {what}"), own=own)

    def _foreign(self) -> ConfigurationError:
        return ConfigurationError(
            f"What is at {self._url.with_user(None)} is not Attune's deployment on Ray. Set ATTUNE_MODEL_URL to where "
            "it is (docs/growing.md)."
        )


class _Progress:
    """What was passed on of one answer, so that another try repeats none of it."""

    def __init__(self) -> None:
        self._said = ""  # passed on
        self._begun = ""  # the part of it that the model is to go on from, where a try said other words
        self._left = ""  # what this try has to repeat first
        self._judged = False
        self._cut = False

    def rest(self, prompt: Prompt, decoding: Decoding, count: Callable[[str], int]) -> tuple[Prompt, Decoding]:
        """What to ask for now. The same question has the same answer, so it is asked anew as long as that holds."""
        self._left = self._said.removeprefix(self._begun)
        tokens = max(1, decoding.max_tokens - count(self._begun)) if self._begun else decoding.max_tokens
        return replace(prompt, begun=prompt.begun + self._begun), replace(decoding, max_tokens=tokens)

    def go_on(self) -> None:
        """From now on, have only the rest of the answer said."""
        self._begun = self._said

    def ends(self) -> bool:
        """Whether the answer is whole where this try has ended: one that was to go on, and said nothing, may be half.

        Raises:
            _OtherWordsError: this try ends before it has said what the one before did.
        """
        if self._left:
            raise _OtherWordsError
        return self._cut or not self._begun or self._said != self._begun

    def fresh(self, event: Event) -> Event | None:
        """What of an event is new to whoever asked.

        Raises:
            _OtherWordsError: this try says something else than the one before.
        """
        match event:
            case Piece(text):
                return self._fresh_piece(event, text)
            case Verdicts():
                judged, self._judged = self._judged, True
                return None if judged else event
            case QueuePosition() if self._said:
                return None
            case CutOff():
                if self._left:
                    raise _OtherWordsError
                self._cut = True
        return event

    def _fresh_piece(self, piece: Piece, text: str) -> Piece | None:
        if self._left.startswith(text):
            self._left = self._left[len(text) :]
            return None
        if not text.startswith(self._left):
            raise _OtherWordsError
        new, self._left = text[len(self._left) :], ""
        self._said += new
        return replace(piece, text=new)
