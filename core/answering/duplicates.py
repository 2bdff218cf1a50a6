"""Which passages say the same in nearly the same words: copies of a page must not fill all places that are read.

Two passages are copies if they are near each other in meaning and their words agree, numbers and negations to the last
one. The same sentence under other headings may be about something else, so nearness counts even for equal words. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.text.words import words

NEAR = 0.98  # cosine of copies that differ in some words
NEAR_EQUAL = 0.9  # cosine of copies that agree in all words: only what stands above them differs
SHARED = 0.9  # share of the words of two copies that both have
_NEGATIONS = frozenset(("no", "not", "never", "nor", "without", "cannot", "except", "unless"))


def first_copies(texts: Sequence[str], vectors: NDArray[np.float32]) -> list[int]:
    """For each text the place of the first one that it copies; its own where there is none.

    `vectors` (n, dimension) are of unit length. Copies of a copy count only if they are copies of the first.
    """
    said = [words(text) for text in texts]
    near = vectors @ vectors.T  # (n, n)
    firsts: list[int] = []
    for place in range(len(texts)):
        own = [first for first in dict.fromkeys(firsts) if _are_copies(said[first], said[place], near[first, place])]
        firsts.append(own[0] if own else place)
    return firsts


def _are_copies(one: Sequence[str], other: Sequence[str], cosine: float) -> bool:
    if cosine < NEAR_EQUAL:
        return False
    if one == other:
        return True
    first, second = set(one), set(other)
    shared = len(first & second) / max(len(first | second), 1)
    return cosine >= NEAR and shared >= SHARED and not any(map(_decides, first ^ second))


def _decides(word: str) -> bool:
    """Whether a word may turn what a text says: a number, a code, a negation."""
    return word in _NEGATIONS or word.endswith(("n't", "n’t")) or any(letter.isdigit() for letter in word)
