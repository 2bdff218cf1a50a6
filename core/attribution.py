"""Which passages an answer rests on, judged by the words they share.

Pure. Knows nothing of how the answer was made, so that it serves every way of making one.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.domain import Passage, Source
from core.prompt import passage_block
from core.words import content_words

_MIN_NEW_WORDS = 2  # words of the answer that a further passage has to explain
_MIN_NEW_SHARE = 0.15  # and their share of all the answer's words


def cite(answer: str, passages: Sequence[Passage]) -> tuple[Source, ...]:
    """The passages that explain the answer's words, the one that explains most first, numbered from 1.

    Greedy cover: each further passage has to explain words that those before it do not hold.
    """
    said = content_words(answer)
    known = {passage.id: content_words(passage_block(passage)) & said for passage in passages}
    chosen: list[Passage] = []
    explained: set[str] = set()
    left = list(passages)
    while left:
        best = max(left, key=lambda passage: len(known[passage.id] - explained))
        gain = len(known[best.id] - explained)
        if not gain or (chosen and gain < max(_MIN_NEW_WORDS, _MIN_NEW_SHARE * len(said))):
            break
        chosen.append(best)
        left.remove(best)
        explained |= known[best.id]
    return tuple(Source(number, passage) for number, passage in enumerate(chosen, start=1))
