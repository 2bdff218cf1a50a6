"""Guessing what comes next by copying: an answer that repeats three words of a passage may well repeat the fourth.

The continuation of the answer's last tokens in a passage is proposed, and the model checks several guesses in one
step; what it would have said differently is thrown away, so the answer is the same with and without (Saxena, "Prompt
Lookup Decoding", 2023; Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023).
Pure; knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence

_NGRAM = 2  # tokens of the answer that have to stand in a passage
_LONGEST = 8  # guesses at once
_STEP = 15  # what a step costs before its first row, in rows (measured: evals/RESULTS.md)
_FADING = 0.9  # of what was learned, at each step: after misses it is tried again some words later


class Copier:
    """Proposes the continuation of one answer, as far as its hits so far make worth checking."""

    def __init__(self, sources: Sequence[Sequence[int]]) -> None:
        """`sources`: the passages' tokens."""
        self._sources = sources
        self._places: list[dict[tuple[int, ...], int]] | None = None  # of each source: where an n-gram ends first
        self._hits = self._tries = 0.0

    def propose(self, said: Sequence[int], order: Sequence[int], room: int) -> list[int]:
        """At most `room` tokens that may follow `said`, from the first of the sources in `order` that has an idea.

        Each of the sources in `order` has a row, which checks every guess.
        """
        self._hits, self._tries = self._hits * _FADING, self._tries * _FADING
        if len(said) < _NGRAM or room < 1:
            return []
        if self._places is None:
            self._places = [_places(source) for source in self._sources]
        tail = tuple(said[-_NGRAM:])
        for number in order:
            place = self._places[number].get(tail)
            if place is not None:
                return list(self._sources[number][place : place + min(room, self._worth(len(order)))])
        return []

    def learn(self, proposed: int, right: int) -> None:
        """Hear how many of the proposed tokens were right: all up to the first wrong one."""
        self._hits += right
        self._tries += min(right + 1, proposed)

    def _worth(self, rows: int) -> int:
        """The number of guesses that gives the most tokens for what a step of so many rows costs with them.

        With each guess right with probability a, k of them give (1 - a^(k+1)) / (1 - a) tokens (Leviathan et al.).
        """
        rate = (self._hits + 1) / (self._tries + 2)

        def tokens_for_cost(guesses: int) -> float:
            return (1 - rate ** (guesses + 1)) / (1 - rate) / (_STEP + rows * (guesses + 1))

        return max(range(_LONGEST + 1), key=tokens_for_cost)


def _places(source: Sequence[int]) -> dict[tuple[int, ...], int]:
    places: dict[tuple[int, ...], int] = {}
    for end in range(_NGRAM, len(source)):
        places.setdefault(tuple(source[end - _NGRAM : end]), end)
    return places
