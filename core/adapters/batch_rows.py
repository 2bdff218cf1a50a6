"""Who is in the batch: answers and probes, each with a row for every passage. See `batching.py`."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.adapters.packed import Row
from core.adapters.prefix_cache import Prefix
from core.copying import Copier
from core.decoding import Mixture


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


Speech = list[Token] | NDArray[np.float32]
"""What a step gave: tokens of an answer, or a probe's probabilities."""


@dataclass(slots=True, eq=False)
class Line:
    """One row: what it has still to be fed, and what it said after the last of it."""

    row: Row
    prefix: Prefix
    pending: list[int]
    said: NDArray[np.float32] | None = None  # (positions, vocab) probabilities of the token after each

    def next_tokens(self, room: int) -> list[int]:
        """At most `room` pending tokens, never across the end of a segment, where the row is copied."""
        to_end = next((end - self.row.length for end in self.prefix.ends if end > self.row.length), room)
        return self.pending[: max(0, min(room, to_end))]


class Asked(ABC):
    """Something that waits, is fed row by row, and speaks when all its rows have been fed."""

    def __init__(self, prefixes: Sequence[Prefix], suffix: Sequence[int]) -> None:
        self.prefixes = prefixes
        self.suffix = suffix
        self.lines: dict[int, Line] = {}  # by the number of the prefix
        self.cancelled = False
        self.done = False
        self._ahead = 0  # others that come first

    @property
    def rows(self) -> Sequence[int]:
        """The numbers of the prefixes that have a row."""
        return range(len(self.prefixes))

    @property
    def fed(self) -> bool:
        """Whether every row has been fed all it had."""
        return not any(line.pending for line in self.lines.values())

    def wait_behind(self, ahead: int) -> None:
        """Hear that `ahead` others come first."""
        self._ahead = ahead

    @abstractmethod
    def speak(self) -> Speech:
        """Say what the rows' probabilities make of it. Runs on the model's thread."""

    @abstractmethod
    def tell(self, speech: Speech) -> None:
        """Hand on what was said. Runs on the event loop."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """Hand on that nothing more will be said."""


class Probe(Asked):
    """Asks each row for its first token's probabilities."""

    def __init__(self, prefixes: Sequence[Prefix], suffix: Sequence[int]) -> None:
        super().__init__(prefixes, suffix)
        self.result: asyncio.Future[NDArray[np.float32]] = asyncio.get_running_loop().create_future()

    def speak(self) -> Speech:
        """See `Asked`."""
        return np.concatenate([line.said for line in self.lines.values() if line.said is not None])

    def tell(self, speech: Speech) -> None:
        """See `Asked`."""
        self.done = True
        if isinstance(speech, np.ndarray) and not self.result.done():
            self.result.set_result(speech)

    def fail(self, error: Exception) -> None:
        """See `Asked`."""
        if not self.result.done():
            self.result.set_exception(error)


class Answer(Asked):
    """An answer on its way: its rows are mixed into tokens, some of which were guessed before."""

    def __init__(
        self, prefixes: Sequence[Prefix], suffix: Sequence[int], mixture: Mixture, ends: set[int], tokens: int
    ) -> None:
        super().__init__(prefixes, suffix)
        self.events: asyncio.Queue[Waiting | Token | Exception | None] = asyncio.Queue()
        self._mixture = mixture
        self._ends = ends
        self._left = tokens  # that it may still say
        self._said: list[int] = []
        self._guesses: list[int] = []
        self._copier = Copier([prefix.segments[-1] for prefix in prefixes])

    @property
    def rows(self) -> Sequence[int]:
        """The prefixes that the mixture has not dropped."""
        return self._mixture.rows

    @property
    def spoke(self) -> bool:
        """Whether it has begun to speak."""
        return bool(self._said)

    def wait_behind(self, ahead: int) -> None:
        """See `Asked`."""
        if ahead != self._ahead:
            self.events.put_nowait(Waiting(ahead))
        super().wait_behind(ahead)

    def guess(self, room: int) -> list[int]:
        """What may come next, at most `room` tokens. They are fed behind what is pending, and checked by `speak`."""
        posterior = self._mixture.posterior
        order = sorted(self.rows, key=lambda row: -posterior[row])
        self._guesses = self._copier.propose(self._said, order, min(room, self._left - 1))
        return self._guesses

    def speak(self) -> Speech:
        """The tokens that the mixture says at the fed positions, up to the first that was guessed wrong."""
        spoken: list[Token] = []
        for place in range(len(self._guesses) + 1):
            spoken.append(self._say(place))
            if self._ended(spoken[-1]) or self._guesses[place : place + 1] != [spoken[-1].id]:
                break
        right = len(spoken) - 1
        self._copier.learn(len(self._guesses), right)
        self.lines = {row: self.lines[row] for row in self.rows}
        for line in self.lines.values():
            line.row.length -= len(self._guesses) - right
            line.pending = [spoken[-1].id]
        self._guesses = []
        return spoken

    def _say(self, place: int) -> Token:
        rows = [said[place] for row in self.rows if (said := self.lines[row].said) is not None]
        token = self._mixture.step(np.stack(rows))
        self._said.append(token)
        self._left -= 1
        return Token(token, self._mixture.posterior, self._mixture.log_likelihood)

    def _ended(self, token: Token) -> bool:
        return token.id in self._ends or self._left == 0

    def tell(self, speech: Speech) -> None:
        """See `Asked`."""
        for token in speech:
            if isinstance(token, Token) and token.id not in self._ends:
                self.events.put_nowait(token)
            self.done = isinstance(token, Token) and self._ended(token)
        if self.done:
            self.events.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """See `Asked`."""
        self.events.put_nowait(error)
