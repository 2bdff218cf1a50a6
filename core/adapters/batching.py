"""Several answers decoded in the same steps: their rows join and leave the batch whenever they like.

A step feeds the model at most `STEP_TOKENS` tokens: the next of each row that is being decoded, with guesses behind it
where a few rows leave room for them, and the prompts of answers that have just come. Rows are bounded by a memory
budget, beyond which answers wait in the order they came. When nobody asks, passages are read ahead in small steps.
Knows nothing of passages as text; see `torch_generator.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray

from core.adapters.batch_rows import Answer, Asked, Line, Probe, Speech, Token, Waiting
from core.adapters.packed import PackedModel, Row
from core.adapters.prefix_cache import Prefix, PrefixCache
from core.adapters.prefix_files import Owner
from core.decoding import Mixture

STEP_TOKENS = 256  # tokens in a step: as fast a token as more at once, and soon over
IDLE_TOKENS = 32  # tokens of a step that reads ahead: who asks meanwhile waits for it
GUESSED_ROWS = 16  # rows and guesses of a step: up to here a further one costs little
_ROOM = 64  # tokens of an answer that a row has room for at once

Work = list[tuple[Line, list[int], int]]
"""What a step feeds: a line, its tokens, and after how many of the last of them logits are wanted."""


class Batcher:
    """Decodes answers with one model. Model calls run on a thread of their own."""

    def __init__(
        self, model: PackedModel, ends: set[int], cache: PrefixCache, *, batch_bytes: int, copying: bool = True
    ) -> None:
        """`ends`: tokens that end an answer; `copying`: whether to guess ahead (the answers are the same)."""
        self.cache = cache
        self._model = model
        self._ends = ends
        self._budget = batch_bytes
        self._copying = copying
        self._waiting: deque[Asked] = deque()
        self._active: list[Asked] = []
        self._ahead: deque[Prefix] = deque()
        self._reading: Line | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generator")
        self._loop: asyncio.Task[None] | None = None

    async def decode(
        self, prefixes: Sequence[Prefix], suffix: Sequence[int], mixture: Mixture, *, tokens: int
    ) -> AsyncGenerator[Waiting | Token, None]:
        """Decode from rows `prefixes[d] + suffix`, mixed by `mixture`, until a token of the ends or `tokens` of them.

        Closing the generator takes the answer out of the batch.
        """
        answer = Answer(prefixes, suffix, mixture, self._ends, tokens)
        self._enter(answer)
        try:
            while (event := await answer.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            answer.cancelled = True

    async def probe(self, prefixes: Sequence[Prefix], suffix: Sequence[int]) -> NDArray[np.float32]:
        """The probabilities (rows, vocab) of the first token that each row `prefixes[d] + suffix` would say."""
        probe = Probe(prefixes, suffix)
        self._enter(probe)
        try:
            return await probe.result
        finally:
            probe.cancelled = True

    def read_ahead(self, prefixes: Iterable[Prefix]) -> None:
        """Read `prefixes` into the cache when nobody asks; replaces what was to be read."""
        self._ahead = deque(prefixes)
        self._wake()

    async def retain(self, owners: Collection[Owner]) -> None:
        """Drop what the cache holds of other documents or versions than `owners`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self.cache.retain, owners)

    async def close(self) -> None:
        """Let the running step end and free the thread."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
        await asyncio.to_thread(self._thread.shutdown)

    def _enter(self, asked: Asked) -> None:
        self._waiting.append(asked)
        self._wake()

    def _wake(self) -> None:
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Step as long as there is anything to do."""
        executor = asyncio.get_running_loop().run_in_executor
        try:
            while True:
                if self._admit():
                    for asked, speech in await executor(self._thread, self._step):
                        self._deliver(asked, speech)
                elif not await executor(self._thread, self._read_on) and not (self._waiting or self._ahead):
                    return  # whoever came during the last step was looked for
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait for an answer have to hear of it
            for asked in (*self._active, *self._waiting):
                asked.fail(error)
            self._active, self._waiting, self._reading = [], deque(), None
            self._ahead.clear()

    def _admit(self) -> bool:
        """Let go who left, take in who fits; False when nobody is left."""
        self._active = [asked for asked in self._active if not asked.cancelled]
        self._waiting = deque(asked for asked in self._waiting if not asked.cancelled)
        while self._waiting and (not self._active or self._fits(self._waiting[0])):
            self._active.append(self._waiting.popleft())
        for ahead, asked in enumerate(self._waiting, start=1):
            asked.wait_behind(ahead)
        return bool(self._active)

    def _fits(self, asked: Asked) -> bool:
        return sum(map(self._bytes, (*self._active, asked))) <= self._budget

    def _bytes(self, asked: Asked) -> int:
        if asked.lines:
            return sum(line.row.nbytes for line in asked.lines.values())
        tokens = sum(asked.prefixes[place].ends[-1] + len(asked.suffix) + _ROOM for place in asked.rows)
        return tokens * self._model.bytes_per_token

    def _begin(self, asked: Asked, place: int) -> Line:
        prefix = asked.prefixes[place]
        row = Row(self._model, prefix.ends[-1] + len(asked.suffix) + _ROOM)
        self.cache.fill(row, prefix)
        return Line(row, prefix, [*prefix.tokens, *asked.suffix][row.length :])

    def _plan(self) -> Work:
        """What the next step feeds: those who speak first, then prompts in the order they came."""
        speaking = [asked for asked in self._active if isinstance(asked, Answer) and asked.spoke]
        work: Work = []
        rows = sum(len(answer.lines) for answer in speaking)
        for answer in speaking:
            guesses = answer.guess(GUESSED_ROWS // rows - 1) if self._copying else []
            work += [(line, [*line.pending, *guesses], 1 + len(guesses)) for line in answer.lines.values()]
        room = STEP_TOKENS // 2 if work else STEP_TOKENS
        for asked in self._active:
            if asked not in speaking:
                for line in asked.lines.values():
                    tokens = line.next_tokens(room)
                    if tokens:
                        work.append((line, tokens, int(len(tokens) == len(line.pending))))
                        room -= len(tokens)
        return work

    def _step(self) -> list[tuple[Asked, Speech]]:
        """Run the model once; what those say all of whose rows have been fed."""
        for asked in self._active:
            asked.lines = asked.lines or {place: self._begin(asked, place) for place in asked.rows}
        self._feed(self._plan())
        return [(asked, asked.speak()) for asked in self._active if asked.fed]

    def _feed(self, work: Work) -> None:
        logits = self._model.step([(line.row, tokens) for line, tokens, _ in work], [wanted for _, _, wanted in work])
        probabilities = torch.softmax(logits, dim=-1).cpu().numpy()  # (wanted of all, vocab)
        for line, tokens, wanted in work:
            line.said, probabilities = probabilities[:wanted], probabilities[wanted:]
            line.pending = line.pending[len(tokens) :]
            self.cache.keep(line.row, line.prefix)

    def _deliver(self, asked: Asked, speech: Speech) -> None:
        asked.tell(speech)
        if asked.done:
            self._active.remove(asked)

    def _read_on(self) -> bool:
        """A small step of reading ahead; False when all is read."""
        if self._reading is None:
            prefix = next((prefix for prefix in iter(self._next_ahead, None) if not self.cache.holds(prefix)), None)
            if prefix is None:
                return False
            row = Row(self._model, prefix.ends[-1])
            self.cache.fill(row, prefix)
            self._reading = Line(row, prefix, prefix.tokens[row.length :])
        self._feed([(self._reading, self._reading.next_tokens(IDLE_TOKENS), 0)])
        if not self._reading.pending:
            self._reading = None
        return True

    def _next_ahead(self) -> Prefix | None:
        return self._ahead.popleft() if self._ahead else None
