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
from contextlib import suppress

import torch

from core.adapters.local_model import on_torch_thread
from core.adapters.local_model.batch_rows import BatchAnswer, BatchPosition, DecodingRow, Said, Suffix, Vocabulary
from core.adapters.local_model.packed import CachedRow, PackedModel
from core.adapters.local_model.prefix_cache import Prefix, PrefixCache
from core.adapters.local_model.prefix_files import Owner
from core.answering.decoding import Mixture

STEP_TOKENS = 256  # tokens in a step: as fast a token as more at once, and soon over
IDLE_TOKENS = 32  # tokens of a step that reads ahead: who asks meanwhile waits for it
GUESSED_ROWS = 16  # rows and guesses of a step: up to here a further one costs little
_ROOM = 64  # tokens of an answer that a row has room for at once

Work = list[tuple[DecodingRow, list[int], int]]
"""What a step feeds: lines, their tokens, and after how many of the last of them logits are wanted."""


class Batcher:
    """Decodes answers with one model. Model calls run on the torch thread."""

    def __init__(
        self, model: PackedModel, vocabulary: Vocabulary, cache: PrefixCache, *, batch_bytes: int, copying: bool = True
    ) -> None:
        """`copying`: whether to guess ahead; answers are the same without."""
        self.cache = cache
        self._model = model
        self._vocabulary = vocabulary
        self._budget = batch_bytes
        self._copying = copying
        self._waiting: deque[BatchAnswer] = deque()
        self._active: list[BatchAnswer] = []
        self._ahead: deque[Prefix] = deque()
        self._reading: DecodingRow | None = None
        self._loop: asyncio.Task[None] | None = None

    async def decode(
        self,
        prefixes: Sequence[Prefix],
        suffix: Suffix,
        mixture: Mixture,
        *,
        tokens: int,
    ) -> AsyncGenerator[BatchPosition | Said, None]:
        """Decode from rows `prefixes[d] + suffix`, mixed by `mixture`, until an end or `tokens` of them.

        Closing the generator takes the answer out of the batch.
        """
        answer = BatchAnswer(prefixes, suffix, mixture, self._vocabulary, tokens)
        self._waiting.append(answer)
        self._wake()
        try:
            while (event := await answer.events.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            answer.cancelled = True

    def read_ahead(self, prefixes: Iterable[Prefix]) -> None:
        """Read `prefixes` into the cache when nobody asks; replaces what was to be read."""
        self._ahead = deque(prefixes)
        self._wake()

    async def retain(self, owners: Collection[Owner]) -> None:
        """Drop what the cache holds of other documents or versions than `owners`."""
        await on_torch_thread(self.cache.retain, owners)

    async def close(self) -> None:
        """Let the running step end."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
        await on_torch_thread(lambda: None)

    def _wake(self) -> None:
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Step as long as there is anything to do."""
        try:
            while True:
                if self._admit():
                    for answer, spoken in await on_torch_thread(self._step):
                        answer.tell(spoken)
                elif not await on_torch_thread(self._read_on) and not (self._waiting or self._ahead):
                    return  # whoever came during the last step was looked for
        except Exception as error:  # noqa: BLE001  # whatever it is, those who wait for an answer have to hear of it
            for answer in (*self._active, *self._waiting):
                answer.events.put_nowait(error)
            self._active, self._waiting, self._reading = [], deque(), None
            self._ahead.clear()

    def _admit(self) -> bool:
        """Let go who left or is done, take in who fits; False when nobody is left."""
        self._active = [answer for answer in self._active if not (answer.cancelled or answer.done)]
        self._waiting = deque(answer for answer in self._waiting if not answer.cancelled)
        while self._waiting and (not self._active or self._fits(self._waiting[0])):
            self._active.append(self._waiting.popleft())
        for ahead, answer in enumerate(self._waiting, start=1):
            answer.wait_behind(ahead)
        return bool(self._active)

    def _fits(self, answer: BatchAnswer) -> bool:
        return sum(map(self._bytes, (*self._active, answer))) <= self._budget

    def _bytes(self, answer: BatchAnswer) -> int:
        begun = sum(line.row.nbytes for line in answer.lines.values())
        to_begin = [place for place in answer.rows if place not in answer.lines]
        tokens = sum(answer.prefixes[place].ends[-1] + len(answer.suffix) + _ROOM for place in to_begin)
        return begun + tokens * self._model.bytes_per_token

    def _step(self) -> list[tuple[BatchAnswer, Sequence[Said]]]:
        """Run the model once; what those say all of whose rows have been fed."""
        for answer in self._active:
            for place in answer.to_begin:
                answer.lines[place] = self._begin(answer, place)
        self._feed(self._plan())
        return [(answer, answer.speak()) for answer in self._active if answer.fed]

    def _begin(self, answer: BatchAnswer, place: int) -> DecodingRow:
        prefix = answer.prefixes[place]
        row = CachedRow(self._model, prefix.ends[-1] + len(answer.suffix) + _ROOM)
        self.cache.fill(row, prefix)
        return answer.begin(place, row)

    def _plan(self) -> Work:
        """What the next step feeds: those who speak first, then prompts in the order they came."""
        speaking = [answer for answer in self._active if answer.spoke]
        work: Work = []
        rows = sum(len(answer.lines) for answer in speaking)
        for answer in speaking:
            guesses = answer.guess(GUESSED_ROWS // rows - 1) if self._copying else []
            work += [(line, [*line.pending, *guesses], 1 + len(guesses)) for line in answer.lines.values()]
        room = STEP_TOKENS // 2 if work else STEP_TOKENS
        for line in [line for answer in self._active if not answer.spoke for line in answer.lines.values()]:
            tokens = line.next_tokens(room)
            if tokens:
                work.append((line, tokens, line.looked_at if len(tokens) == len(line.pending) else 0))
                room -= len(tokens)
        return work

    def _feed(self, work: Work) -> None:
        logits = self._model.step([(line.row, tokens) for line, tokens, _ in work], [wanted for _, _, wanted in work])
        probabilities = torch.softmax(logits, dim=-1).cpu().numpy()  # (wanted of all, vocab)
        for line, tokens, wanted in work:
            line.said, probabilities = probabilities[:wanted], probabilities[wanted:]  # (wanted, vocab)
            line.pending = line.pending[len(tokens) :]
            self.cache.keep(line.row, line.prefix)

    def _read_on(self) -> bool:
        """A small step of reading ahead; False when all is read."""
        if self._reading is None:
            prefix = next((prefix for prefix in iter(self._next_ahead, None) if not self.cache.holds(prefix)), None)
            if prefix is None:
                return False
            row = CachedRow(self._model, prefix.ends[-1])
            self.cache.fill(row, prefix)
            self._reading = DecodingRow(row, prefix, prefix.tokens[row.length :])
        self._feed([(self._reading, self._reading.next_tokens(IDLE_TOKENS), 0)])
        if not self._reading.pending:
            self._reading = None
        return True

    def _next_ahead(self) -> Prefix | None:
        return self._ahead.popleft() if self._ahead else None
