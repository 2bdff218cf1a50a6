"""Answers on their way through the batch, each with a row for every passage. See `batching.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.adapters.packed import Row
from core.adapters.prefix_cache import Prefix
from core.copying import Copier
from core.decoding import Mixture
from core.domain import Checked

CHECKED_ROWS = 2  # rows that are asked the check, the first ones; a third changed AUROC by .01 (docs/decisions.md)
_SMALLEST = 1e-9  # a probability that vanished counts as this much


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens that mean something: those that end an answer, and those a check is answered with."""

    ends: frozenset[int]
    yes: tuple[int, ...] = ()
    no: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Suffix:
    """What rows read behind their prefix: what check and answer share, then the check, then the rest.

    The check is a detour of the first rows: they are rewound after it.
    """

    shared: Sequence[int]
    check: Sequence[int]
    ending: Sequence[int]

    def __len__(self) -> int:
        return len(self.shared) + max(len(self.check), len(self.ending))


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


Said = Checked | Token
Event = Waiting | Said | Exception | None


@dataclass(slots=True, eq=False)
class Line:
    """One row: what it has still to be fed, and what it said after the last of it."""

    row: Row
    prefix: Prefix
    pending: list[int]
    said: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))  # (positions, vocab)

    def next_tokens(self, room: int) -> list[int]:
        """At most `room` pending tokens, never across the end of a segment, where the row is copied."""
        to_end = next((end - self.row.length for end in self.prefix.ends if end > self.row.length), room)
        return self.pending[: max(0, min(room, to_end))]


class Answer:
    """One answer: its rows are mixed into tokens, some of which were guessed before."""

    def __init__(
        self, prefixes: Sequence[Prefix], suffix: Suffix, mixture: Mixture, vocabulary: Vocabulary, tokens: int
    ) -> None:
        """`tokens`: how many it may say."""
        self.prefixes = prefixes
        self.suffix = suffix
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.lines: dict[int, Line] = {}  # by the number of the prefix
        self.cancelled = False
        self.done = False
        self._mixture = mixture
        self._checking = list(self.rows[:CHECKED_ROWS]) if suffix.check else []
        self._vocabulary = vocabulary
        self._left = tokens
        self._said: list[int] = []
        self._guesses: list[int] = []
        self._copier = Copier([prefix.segments[-1] for prefix in prefixes])
        self._ahead = 0  # others that come first

    @property
    def rows(self) -> Sequence[int]:
        """The numbers of the prefixes that the mixture has not dropped."""
        return self._mixture.rows

    @property
    def spoke(self) -> bool:
        """Whether it has begun to speak."""
        return bool(self._said)

    @property
    def fed(self) -> bool:
        """Whether every row has been fed all it had."""
        return not any(line.pending for line in self.lines.values())

    def wait_behind(self, ahead: int) -> None:
        """Tell the reader that `ahead` others come first, where that is news."""
        if ahead != self._ahead:
            self._ahead = ahead
            self.events.put_nowait(Waiting(ahead))

    def begin(self, place: int, row: Row) -> Line:
        """A line for `row`, which holds the beginning of the prefix of that number."""
        prefix = self.prefixes[place]
        behind = self.suffix.check if place in self._checking else self.suffix.ending
        return Line(row, prefix, [*prefix.tokens, *self.suffix.shared, *behind][row.length :])

    def guess(self, room: int) -> list[int]:
        """What may come next, at most `room` tokens. They are fed behind what is pending, and checked by `speak`."""
        self._guesses = self._copier.propose(self._said, self._likeliest(), min(room, self._left - 1))
        return self._guesses

    def _likeliest(self) -> list[int]:
        posterior = self._mixture.posterior
        return sorted(self.rows, key=lambda row: -posterior[row])

    def speak(self) -> Sequence[Said]:
        """What the rows' probabilities say. Runs on the model's thread."""
        if self._checking:
            return [self._check()]
        spoken: list[Token] = []
        for place in range(len(self._guesses) + 1):
            spoken.append(self._say(place))
            if self._ended(spoken[-1]) or self._guesses[place : place + 1] != [spoken[-1].id]:
                break
        right = len(spoken) - 1
        self._copier.learn(len(self._guesses), right)
        self.lines = {row: self.lines[row] for row in self.rows}
        self._go_on(self.rows, [spoken[-1].id], rewound=len(self._guesses) - right)
        self._guesses = []
        return spoken

    def _check(self) -> Checked:
        said = np.stack([self.lines[row].said[-1] for row in self._checking])  # (rows, vocab)
        yes, no = (said[:, list(tokens)].sum(axis=1) for tokens in (self._vocabulary.yes, self._vocabulary.no))
        self._go_on(self._checking, self.suffix.ending, rewound=len(self.suffix.check))
        self._checking = []
        return Checked(tuple(np.log((yes + _SMALLEST) / (no + _SMALLEST)).tolist()))

    def _say(self, place: int) -> Token:
        token = self._mixture.step(np.stack([self.lines[row].said[place] for row in self.rows]))
        self._said.append(token)
        self._left -= 1
        return Token(token, self._mixture.posterior, self._mixture.log_likelihood)

    def _go_on(self, rows: Sequence[int], tokens: Sequence[int], *, rewound: int) -> None:
        for row in rows:
            self.lines[row].row.length -= rewound
            self.lines[row].pending = list(tokens)

    def _ended(self, token: Token) -> bool:
        return token.id in self._vocabulary.ends or self._left == 0

    def tell(self, spoken: Sequence[Said]) -> None:
        """Hand on what was said. Runs on the event loop."""
        for said in spoken:
            if isinstance(said, Checked) or said.id not in self._vocabulary.ends:
                self.events.put_nowait(said)
        last = spoken[-1]
        self.done = isinstance(last, Token) and self._ended(last)
        if self.done:
            self.events.put_nowait(None)
