"""SQuAD's questions as drafts, where somebody has them: short answers, and questions that a paragraph does not answer.

Only of the articles that are for tuning, as `evals.answers` splits them: what is reported there was never trained on.
Knows nothing of items.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.answering.prompt import person_block
from core.domain import Passage
from core.people.preferences import Length, Preferences
from evals.answers import split
from evals.common import records, sample
from training.drafts import Draft, answered, checked


def squad_drafts(folder: Path, limit: int, seed: int) -> Iterator[Draft]:
    """Drafts of `limit` questions of `folder`, drawn with `seed`, half of them with the check as well."""
    passages = {passage["id"]: passage for passage in records(folder / "passages.jsonl.gz")}
    questions = split(list(records(folder / "questions.jsonl.gz")), list(passages.values()), "tune")
    drawn = random.Random(seed)
    for question in sample(questions, limit, seed):
        paragraph = passages[question["passage"]]
        read = (Passage(paragraph["id"], "squad", paragraph["title"], (), paragraph["text"], 1, 0, 1, ""),)
        asked, answerable = question["question"], bool(question["answerable"])
        if drawn.random() < 0.5:
            yield checked(read, asked, holds=answerable)
        if answerable:
            usual: str = Counter(question["answers"]).most_common(1)[0][0]
            yield answered("short: squad", read, asked, usual, Preferences(length=Length.SHORT))
        else:
            yield Draft("no: squad", read, asked, person_block(Preferences()), "", verdict=False)
