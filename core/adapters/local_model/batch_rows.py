"""Answers on their way through the batch, each with a row for every passage. See `batching.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.adapters.local_model.packed import CachedRow
from core.adapters.local_model.prefix_cache import Prefix
from core.answering.copying import Copier
from core.answering.decoding import Mixture
from core.answering.verdict import log_odds_of
from core.domain import Verdicts

CHECKED_ROWS = 2  # rows that are asked the check, the first ones; a third changed AUROC by .01 (evals/RESULTS.md)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens that mean something: those that end an answer, and those of a verdict."""

    ends: frozenset[int]
    yes: tuple[int, ...] = ()
    no: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Suffix:
    """What rows read behind their prefix: what check and answer share, then the check, then the rest.

    The check is a detour of the first rows: they are rewound after it. A model that judges first has none: its verdict
    stands behind what is shared, and `ending` is the yes with which its answers go on, fed in the same step. `begun`
    is what was said already of an answer that goes on: it is fed once the rows are judged, to those that are left.
    """

    shared: Sequence[int]
    check: Sequence[int]
    ending: Sequence[int]
    judged_first: bool = False
    begun: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.shared) + max(len(self.check), len(self.ending) + len(self.begun))

    @property
    def looked_at(self) -> int:
        """Behind how many of the last tokens the model's word counts."""
        return 1 + len(self.ending) if self.judged_first else 1


@dataclass(frozen=True, slots=True)
class BatchPosition:
    """An answer waits: `ahead` others come before it."""

    ahead: int


@dataclass(frozen=True, slots=True)
class Token:
    """The next token of an answer; with it p(d | x, u, y) of each prefix, and log p(y | x, u)."""

    id: int
    posterior: tuple[float, ...]
    log_likelihood: float


Said = Verdicts | Token
Event = BatchPosition | Said | Exception | None


@dataclass(slots=True, eq=False)
class DecodingRow:
    """One row: what it has still to be fed, and what it said after the last of it."""

    row: CachedRow
    prefix: Prefix
    pending: list[int]
    looked_at: int = 1  # behind how many of the last tokens of a prompt its word counts
    said: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))  # (positions, vocab)

    def next_tokens(self, room: int) -> list[int]:
        """At most `room` pending tokens, never across the end of a segment, where the row is copied."""
        to_end = next((end - self.row.length for end in self.prefix.ends if end > self.row.length), room)
        count = max(0, min(room, to_end))
        if 0 < len(self.pending) - count < self.looked_at:  # what counts is fed in one step
            count = max(0, len(self.pending) - self.looked_at)
        return self.pending[:count]


class BatchAnswer:
    """One answer: its rows are mixed into tokens, some of which were guessed before."""

    def __init__(
        self,
        prefixes: Sequence[Prefix],
        suffix: Suffix,
        mixture: Mixture,
        vocabulary: Vocabulary,
        tokens: int,
    ) -> None:
        """`tokens`: how many it may say."""
        self.prefixes = prefixes
        self.suffix = suffix
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.lines: dict[int, DecodingRow] = {}  # by the number of the prefix
        self.cancelled = False
        self.done = False
        self._mixture = mixture
        self.reading = list(self.rows)  # rows that are fed; the others wait for the verdicts on these
        self._checking = list(self.rows[:CHECKED_ROWS]) if suffix.check else []
        self._log_odds: dict[int, float] = {}
        if suffix.judged_first:
            self.reading = self._checking = mixture.to_judge({})
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
    def to_begin(self) -> list[int]:
        """The rows that are to be read next and have no line yet."""
        return [] if self.spoke else [place for place in self.reading if place not in self.lines]

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
            self.events.put_nowait(BatchPosition(ahead))

    def begin(self, place: int, row: CachedRow) -> DecodingRow:
        """A line for `row`, which holds the beginning of the prefix of that number."""
        prefix, suffix = self.prefixes[place], self.suffix
        behind = suffix.check if suffix.check and place in self._checking else suffix.ending
        return DecodingRow(row, prefix, [*prefix.tokens, *suffix.shared, *behind][row.length :], suffix.looked_at)

    def guess(self, room: int) -> list[int]:
        """What may come next, at most `room` tokens. They are fed behind what is pending, and checked by `speak`."""
        self._guesses = self._copier.propose(self._said, self._mixture.likeliest, min(room, self._left - 1))
        return self._guesses

    def speak(self) -> Sequence[Said]:
        """What the rows' probabilities say. Runs on the model's thread."""
        if self.suffix.judged_first and self._checking:
            verdicts = self._judge()
            going_on = self._say_on() if verdicts and not self.suffix.begun else []
            return [verdicts, *going_on] if verdicts else []
        if self._checking:
            return [self._check()]
        return self._say_on()

    def _say_on(self) -> list[Token]:
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

    def _check(self) -> Verdicts:
        log_odds = self._yes_or_no(self._checking)
        self._go_on(self._checking, self.suffix.ending, rewound=len(self.suffix.check))
        self._checking = []
        return Verdicts(tuple(log_odds))

    def _judge(self) -> Verdicts | None:
        """The verdicts, as soon as one is clear or all rows are read; None where more rows are to be read first."""
        self._log_odds |= zip(self._checking, self._yes_or_no(self._checking), strict=True)
        for row in self._checking:
            self.lines[row].said = self.lines[row].said[-1:]  # what the answer begins with
        self._checking = self._mixture.to_judge(self._log_odds)
        if self._checking:
            self.reading = self._checking
            return None
        self._mixture.judge(self._log_odds)
        if self.suffix.begun:
            self._feed_begun()
        return Verdicts(tuple(self._log_odds.get(place) for place in range(len(self.prefixes))))

    def _feed_begun(self) -> None:
        """Have what was said already read by the rows that are left; nobody asks what they would have said instead."""
        self.reading = list(self.rows)
        self.lines = {row: self.lines[row] for row in self.rows}
        self._go_on(self.rows, self.suffix.begun, rewound=0)
        for line in self.lines.values():
            line.looked_at = 1

    def _yes_or_no(self, rows: Sequence[int]) -> list[float]:
        said = np.stack([self.lines[row].said[0] for row in rows])  # (rows, vocab)
        yes, no = (said[:, list(tokens)].sum(axis=1) for tokens in (self._vocabulary.yes, self._vocabulary.no))
        return list(map(log_odds_of, yes.tolist(), no.tolist()))

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
            if isinstance(said, Verdicts) or said.id not in self._vocabulary.ends:
                self.events.put_nowait(said)
        self.done = any(isinstance(said, Token) and self._ended(said) for said in spoken[-1:])
        if self.done:
            self.events.put_nowait(None)
