"""Which passages an answer rests on.

Where decoding gave posteriors, they say it: a passage is cited if it carried a sentence, that is, if its posterior at
the sentence's end is high enough. Otherwise shared words have to. Pure; knows nothing of models or of search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from core.answering.prompt import passage_block
from core.domain import DecodingSummary, Passage, Piece, Source
from core.text.words import content_words

MIN_POSTERIOR = 0.25  # a passage less probable than this did not carry the sentence
_SENTENCE_END = re.compile(r"[.!?:]\s*$|\n\s*$")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_MIN_SENTENCE_SHARE = 0.4  # of a sentence's words that its passage has to hold
_MIN_NEW_WORDS = 2  # words of the answer that a further passage has to explain
_MIN_NEW_SHARE = 0.15  # and their share of all the answer's words


def cite(said: Sequence[Piece], passages: Sequence[Passage]) -> tuple[Source, ...]:
    """The passages that the answer `said` rests on, numbered from 1."""
    if tells_words_apart(said):
        return cite_by_posterior(said, passages)
    read = [passage for passage, share in zip(passages, said[-1].posterior, strict=False) if share] or passages
    return cite_by_words("".join(piece.text for piece in said), read)


def tells_words_apart(said: Sequence[Piece]) -> bool:
    """Whether the posteriors say which passage carried which words, and not only which were read."""
    return bool(said and said[-1].posterior) and said[-1].decoded is not DecodingSummary.JUDGED


def sentence_posteriors(said: Sequence[Piece]) -> list[tuple[str, tuple[float, ...]]]:
    """The sentences of an answer, each with p(d | x, u, y) at its end."""
    sentences: list[tuple[str, tuple[float, ...]]] = []
    text = ""
    for piece in said:
        text += piece.text
        if _SENTENCE_END.search(text):
            sentences.append((text, piece.posterior))
            text = ""
    if text.strip():
        sentences.append((text, said[-1].posterior))
    return sentences


def impersonal(said: Sequence[Piece], before: Sequence[float], after: Sequence[float]) -> list[Piece]:
    """`said` as priors `before` would have had it, where it was decoded with priors `after`.

    A posterior is prior times likelihood: the one prior is divided out, the other put in. What is 0 stays 0.
    """
    ratios = [old / new if new > 0 else 0.0 for old, new in zip(before, after, strict=True)]
    return [replace(piece, posterior=_reweighed(piece.posterior, ratios)) for piece in said]


def _reweighed(posterior: Sequence[float], ratios: Sequence[float]) -> tuple[float, ...]:
    if not posterior:
        return ()
    weights = [share * ratio for share, ratio in zip(posterior, ratios, strict=True)]
    total = sum(weights)
    return tuple(weight / total for weight in weights) if total > 0 else tuple(posterior)


def cite_by_posterior(said: Sequence[Piece], passages: Sequence[Passage]) -> tuple[Source, ...]:
    """The passages that carried a sentence, in the order of the sentences."""
    carried: dict[int, None] = {}
    for _, posterior in sentence_posteriors(said):
        for place in sorted(range(len(passages)), key=lambda place: -posterior[place]):
            if posterior[place] >= MIN_POSTERIOR:
                carried[place] = None
    return tuple(Source(number, passages[place]) for number, place in enumerate(carried, start=1))


def cite_by_sentences(text: str, passages: Sequence[Passage], *, most: int) -> tuple[Source, ...]:
    """The passages that explain a sentence or line of `text` better than the others do, at most so many, by sentence.

    A text is longer than an answer, and each passage explains less of all its words.
    """
    known = [content_words(passage_block(passage)) for passage in passages]
    carried: dict[int, None] = {}
    for said in map(content_words, _SENTENCES.split(text)):
        best = max(range(len(passages)), key=lambda place: len(known[place] & said), default=0)
        if len(said) >= _MIN_NEW_WORDS and len(known[best] & said) >= _MIN_SENTENCE_SHARE * len(said):
            carried[best] = None
    chosen = [passages[place] for place in carried][:most]
    return tuple(Source(number, passage) for number, passage in enumerate(chosen, start=1))


def cite_by_words(answer: str, passages: Sequence[Passage]) -> tuple[Source, ...]:
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
