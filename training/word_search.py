"""What search by words brings for a question: BM25 over the pool, with the product's own words.

    s(x, d) = Σ_w idf(w) · tf(w, d) · (k + 1) / (tf(w, d) + k · (1 - b + b · |d| / mean |d|))

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009). Passages that share a
question's words and do not answer it are what the reader has to tell apart. Knows nothing of items or prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from core.domain import Passage
from core.text.words import content_words, words

_K, _B = 1.2, 0.75


class WordSearch:
    """Searches `passages`, which stay as they are."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._vectorizer = CountVectorizer(analyzer=words)
        counts: Any = self._vectorizer.fit_transform(f"{one.heading_path}\n{one.text}" for one in passages).astype(
            float
        )
        held = np.bincount(counts.indices, minlength=counts.shape[1])  # passages that hold each word
        idf = np.log(1 + (len(passages) - held + 0.5) / (held + 0.5))
        lengths = np.asarray(counts.sum(axis=1)).ravel()
        damping = np.repeat(_K * (1 - _B + _B * lengths / lengths.mean()), np.diff(counts.indptr))
        counts.data = idf[counts.indices] * counts.data * (_K + 1) / (counts.data + damping)
        self._weights = counts  # (passages, words)

    def nearest(self, question: str, count: int) -> list[Passage]:
        """At most `count` passages that share words with `question`, the nearest first."""
        asked = self._vectorizer.transform([" ".join(content_words(question))])
        asked.data[:] = 1
        scores = (self._weights @ asked.T).toarray().ravel()  # (passages,)
        best = np.argsort(-scores, kind="stable")[:count]
        return [self._passages[place] for place in best if scores[place] > 0]

    def misleading(self, question: str, answer: str, source: str, count: int = 12) -> list[Passage]:
        """Of the `count` nearest those of other documents than `source` that seem not to hold `answer`, too."""
        told = content_words(answer)
        return [
            passage
            for passage in self.nearest(question, count)
            if passage.source != source and not (told and told <= content_words(passage.text))
        ]
