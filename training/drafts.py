"""An example in words: what the reader is shown, what it is to say, and how much that counts in the loss.

`WEIGHTS` names every kind of example. Most begin with the verdict; some are asked as models are that do not judge
first, so that the reader still understands that. Pure; knows nothing of items, tokens or files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from core.answering.prompt import person_block
from core.answering.retrieval import merge_neighbours
from core.answering.verdict import NO, YES, check_text
from core.domain import Passage, Person, RankedPassage, Turn
from core.people.preferences import Preferences

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "answer": 1.0,
        "answer, several passages": 1.2,  # what an item about several passages asks
        "answer, one of them": 0.8,  # the same, where one of them holds the answer
        "answer, among others": 0.8,
        "short": 0.6,
        "reworded": 1.0,
        "asked in another language": 1.0,
        "follow-up": 1.0,
        "questions": 0.7,
        "text": 1.0,
        "quiz": 1.0,
        "no: search": 0.8,
        "no: search, several": 0.8,
        "no: a neighbour": 0.5,
        "no: near miss": 1.2,
        "no: near miss, how many": 0.6,  # who writes near misses asks for numbers too often
        "no: text": 0.6,
        "no: squad": 0.8,
        "short: squad": 0.6,
        "plain answer": 0.8,
        "plain short": 0.5,
        "plain follow-up": 0.8,
        "plain answer, may refuse": 0.6,
        "plain refusal": 0.5,
        "check: yes": 0.6,
        "check: no": 0.5,
    }
)

_NONE = Preferences()
_WHO, _WHEN = Person("training", "", ""), datetime(2026, 1, 1, tzinfo=UTC)  # never read


@dataclass(frozen=True, slots=True)
class Draft:
    """With a `verdict` it begins with yes or no; without one it is asked as other models are."""

    kind: str
    passages: tuple[Passage, ...]
    question: str
    person: str
    said: str
    verdict: bool | None
    turns: tuple[Turn, ...] = ()

    @property
    def weight(self) -> float:
        """What it counts in the loss."""
        return WEIGHTS[self.kind]


def answered(
    kind: str,
    passages: Sequence[Passage],
    question: str,
    answer: str,
    wishes: Preferences = _NONE,
    *,
    turns: Sequence[Turn] = (),
) -> Draft:
    """The passages hold the answer, for a person with `wishes`."""
    return Draft(kind, tuple(passages), question, person_block(wishes), answer, verdict=True, turns=tuple(turns))


def checked(passages: Sequence[Passage], question: str, *, holds: bool, turns: Sequence[Turn] = ()) -> Draft:
    """The question that models are asked before the question, where they do not judge first."""
    kind, said = ("check: yes", YES) if holds else ("check: no", NO)
    return Draft(kind, tuple(passages), check_text(question), "", said, verdict=None, turns=tuple(turns))


def turn(question: str, answer: str) -> Turn:
    """What was asked and answered before."""
    return Turn(_WHO, question, answer, _WHEN)


def merged(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """`passages` of one document as the product reads them: neighbours in one piece, in the order of the document."""
    ranked = [RankedPassage(passage, 0.0, 0.0, 0.0) for passage in passages]
    pieces = [one.passage for one in merge_neighbours(ranked)]
    return tuple(sorted(pieces, key=lambda passage: (passage.source, passage.ordinal)))
