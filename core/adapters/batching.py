"""Several answers decoded in the same steps: their rows join and leave the batch whenever they like.

A step feeds the model at most `STEP_TOKENS` tokens: one for each row that is being decoded, and what room is left
goes to the prompts of answers that have just come. Rows are bounded by a memory budget, beyond which answers wait
in the order they came. Knows nothing of passages as text; see `torch_generator.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from core.adapters.packed import PackedModel, Row
from core.adapters.prefix_cache import PrefixCache
from core.decoding import Mixture

STEP_TOKENS = 256  # tokens in a step: as fast a token as more at once, and soon over
_ROOM = 64  # tokens of an answer that a row has room for at once


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer waits: `ahead` others come before it."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Token:
    """The next token of an answer; with it p(d | x, u, y) of each prefix, and log p(y | x, u)."""

    id: int
    posterior: tuple[float, ...]
    log_likelihood: float


Event = Waiting | Token | Exception | None


@dataclass(slots=True, eq=False)
class _Line:
    """One row of an answer: what it has still to be fed, and what it said after the last of it."""

    row: Row
    prefix: Sequence[int]
    pending: list[int]
    said: NDArray[np.float32] | None = None  # (vocab,) probabilities of the next token

    def next_tokens(self, room: int) -> list[int]:
        """At most `room` pending tokens, never across the end of the prefix, where the row is copied."""
        to_bar = len(self.prefix) - self.row.length
        return self.pending[: min(room, to_bar) if to_bar > 0 else room]


@dataclass(slots=True, eq=False)
class _Answer:
    """One answer on its way through the batch."""

    prefixes: Sequence[Sequence[int]]
    suffix: Sequence[int]
    mixture: Mixture
    left: int  # tokens it may still say
    cached: bool
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)
    lines: dict[int, _Line] = field(default_factory=dict)  # by the number of the prefix
    cancelled: bool = False
    ahead: int = 0  # others that come before it

    @property
    def spoke(self) -> bool:
        """Whether every row has been fed all it had."""
        return not any(line.pending for line in self.lines.values())

    @property
    def decodes(self) -> bool:
        """Whether it has begun to speak."""
        return all(len(line.pending) == 1 and line.row.length >= len(line.prefix) for line in self.lines.values())


_Work = list[tuple[_Answer, _Line, list[int]]]


class Batcher:
    """Decodes answers with one model. Model calls run on a thread of their own."""

    def __init__(self, model: PackedModel, ends: set[int], *, cache_bytes: int, batch_bytes: int) -> None:
        self.cache = PrefixCache(cache_bytes)
        self._model = model
        self._ends = ends
        self._budget = batch_bytes
        self._waiting: deque[_Answer] = deque()
        self._active: list[_Answer] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generator")
        self._loop: asyncio.Task[None] | None = None

    async def decode(
        self, prefixes: Sequence[Sequence[int]], suffix: Sequence[int], mixture: Mixture, *, tokens: int, cached: bool
    ) -> AsyncGenerator[Waiting | Token, None]:
        """Decode from rows `prefixes[d] + suffix`, mixed by `mixture`, until a token of the ends or `tokens` of them.

        `cached` keeps the prefixes for later answers. Closing the generator takes the answer out of the batch.
        """
        answer = _Answer(prefixes, suffix, mixture, tokens, cached)
        self._waiting.append(answer)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        try:
            while (event := await answer.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            answer.cancelled = True

    async def close(self) -> None:
        """Let the running step end and free the thread."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self) -> None:
        """Step as long as there is anything to do."""
        try:
            while self._admit():
                work = self._plan()
                said = await asyncio.get_running_loop().run_in_executor(self._thread, self._step, work)
                self._deliver(said)
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait for an answer have to hear of it
            for answer in (*self._active, *self._waiting):
                answer.events.put_nowait(error)
            self._active, self._waiting = [], deque()

    def _admit(self) -> bool:
        """Let go who left, take in who fits; False when nobody is left."""
        self._active = [answer for answer in self._active if not answer.cancelled]
        self._waiting = deque(answer for answer in self._waiting if not answer.cancelled)
        while self._waiting and (not self._active or self._fits(self._waiting[0])):
            answer = self._waiting.popleft()
            self._active.append(answer)
            answer.lines = {place: self._begin(answer, place) for place in answer.mixture.rows}
        for ahead, answer in enumerate(self._waiting, start=1):
            if answer.ahead != ahead:
                answer.ahead = ahead
                answer.events.put_nowait(Waiting(ahead))
        return bool(self._active)

    def _fits(self, answer: _Answer) -> bool:
        held = sum(line.row.nbytes for active in self._active for line in active.lines.values())
        tokens = sum(len(answer.prefixes[place]) + len(answer.suffix) + _ROOM for place in answer.mixture.rows)
        return held + tokens * self._model.bytes_per_token <= self._budget

    def _begin(self, answer: _Answer, place: int) -> _Line:
        row, prefix = Row(self._model, 0), answer.prefixes[place]
        row.reserve(len(prefix) + len(answer.suffix) + _ROOM)  # first, so that what the cache gives is copied once
        known = answer.cached and self.cache.fill(row, prefix)
        return _Line(row, prefix, list(answer.suffix) if known else [*prefix, *answer.suffix])

    def _plan(self) -> _Work:
        """What the next step feeds: a token to each row that speaks, then prompts in the order they came."""
        speaking = [answer for answer in self._active if answer.decodes]
        work = [(answer, line, line.pending) for answer in speaking for line in answer.lines.values()]
        room = (STEP_TOKENS // 2 if work else STEP_TOKENS) - len(work)
        for answer in self._active:
            if answer not in speaking:
                for line in answer.lines.values():
                    tokens = line.next_tokens(room) if room > 0 else []
                    if tokens:
                        work.append((answer, line, tokens))
                        room -= len(tokens)
        return work

    def _step(self, work: _Work) -> list[tuple[_Answer, Token | None]]:
        """Run the model once; the tokens of the answers all of whose rows have spoken, None for an end."""
        lasts = [place for place, (_, line, tokens) in enumerate(work) if len(tokens) == len(line.pending)]
        logits = self._model.step([(line.row, tokens) for _, line, tokens in work], lasts)
        probabilities = torch.softmax(logits, dim=-1).cpu().numpy()  # (lasts, vocab)
        for place, said in zip(lasts, probabilities, strict=True):
            work[place][1].said = said
        for answer, line, tokens in work:
            line.pending = line.pending[len(tokens) :]
            if answer.cached and line.row.length == len(line.prefix):
                self.cache.keep(line.row, line.prefix)
        answers = {id(answer): answer for answer, _, _ in work}.values()
        return [(answer, self._speak(answer)) for answer in answers if answer.spoke]

    def _speak(self, answer: _Answer) -> Token | None:
        """Mix what the rows said into a token, and feed it to those that stay."""
        spoken = [answer.lines[place].said for place in answer.mixture.rows]
        token = answer.mixture.step(np.stack([said for said in spoken if said is not None]))
        answer.left -= 1
        answer.lines = {place: answer.lines[place] for place in answer.mixture.rows}
        for line in answer.lines.values():
            line.pending = [token]
        return None if token in self._ends else Token(token, answer.mixture.posterior, answer.mixture.log_likelihood)

    def _deliver(self, said: list[tuple[_Answer, Token | None]]) -> None:
        for answer, token in said:
            answer.events.put_nowait(token)
            if token is not None and answer.left == 0:
                answer.events.put_nowait(None)
            if token is None or answer.left == 0:
                self._active.remove(answer)
