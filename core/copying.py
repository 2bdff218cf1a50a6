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


class Copier:
    """Proposes the continuation of one answer, and learns from its hits how far to go."""

    def __init__(self, sources: Sequence[Sequence[int]]) -> None:
        """`sources`: the passages' tokens."""
        self._sources = sources
        self._places: list[dict[tuple[int, ...], int]] | None = None  # of each source: where an n-gram ends first
        self._length = _LONGEST

    def propose(self, said: Sequence[int], order: Sequence[int], room: int) -> list[int]:
        """At most `room` tokens that may follow `said`, from the first of the sources in `order` that has an idea."""
        if len(said) < _NGRAM or room < 1:
            return []
        if self._places is None:
            self._places = [_places(source) for source in self._sources]
        tail = tuple(said[-_NGRAM:])
        for number in order:
            place = self._places[number].get(tail)
            if place is not None:
                return list(self._sources[number][place : place + min(room, self._length)])
        return []

    def learn(self, proposed: int, right: int) -> None:
        """Go further after guesses that were all right, less far after others."""
        if proposed:
            self._length = min(_LONGEST, self._length + 2) if right == proposed else max(1, right + 1)


def _places(source: Sequence[int]) -> dict[tuple[int, ...], int]:
    places: dict[tuple[int, ...], int] = {}
    for end in range(_NGRAM, len(source)):
        places.setdefault(tuple(source[end - _NGRAM : end]), end)
    return places
