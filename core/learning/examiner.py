"""Whether a quiz question may be shown: the reader wrote it, and the reader has to pass it, with the passage in hand.

It is asked the bare question first: its verdict says whether the passage holds the answer at all. Then it chooses among
the options, once with the right one at each letter: p(letter | passage, order) has to be with the right one every time,
so that no other option is as likely, and no letter is liked for itself. Knows nothing of people, or of stores.
"""

from __future__ import annotations

import math
from asyncio import gather
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from core.answering.verdict import Judging
from core.domain import Decoding, Passage, Piece, Prompt, Verdicts
from core.learning.quiz import fault_of, letter_in, lettered, parsed, written_for
from core.learning.study import LETTERS, QuizQuestion
from core.people.preferences import Level
from core.ports import Generator

WRITING = 220  # tokens of a question with its options
HELD = 0.6  # p(the passage holds the answer), from which a question is about it
CHOSEN = 0.5  # p(the right letter), in every order: no other can be as likely
_CHOICE = Decoding(max_tokens=3)  # a letter and what stands around it
_TRIES = 2  # a question that is written greedily, then one that is drawn
_WARM = 0.7  # temperature of the second


@dataclass(frozen=True, slots=True)
class Examination:
    """How a question stood: why it failed, if it did; p(held), and p(right letter) in the worst order."""

    fault: str
    held: float = 0.0
    chosen: float = 0.0


@dataclass(frozen=True, slots=True)
class _Reply:
    """What the reader said: its verdict, its words, and how likely the letter was that they begin with, if they do."""

    log_odds: float | None
    text: str
    first: float


class Examiner:
    """Has the reader write questions, and take them."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    @property
    def able(self) -> bool:
        """Whether the model was taught to write questions, and says how likely its choices are."""
        return self._generator.protocol.judging is Judging.FIRST and self._generator.says_likelihoods

    async def question(self, passage: Passage, level: Level) -> QuizQuestion | None:
        """A question about `passage` that stands the examination; None where none of a few does."""
        for attempt in range(_TRIES):
            question, examination = await self.attempt(passage, level, attempt)
            if question and not examination.fault:
                return question
        return None

    async def attempt(self, passage: Passage, level: Level, seed: int = 0) -> tuple[QuizQuestion | None, Examination]:
        """A question, and how it stood; seed 0 takes the likeliest words."""
        decoding = Decoding(max_tokens=WRITING, temperature=_WARM if seed else 0.0, top_p=0.9, seed=seed)
        written = await self._ask(passage, written_for(level), decoding)
        question = parsed(written.text)
        if question is None:
            return None, Examination("not a question")
        return question, await self.examine(question, passage)

    async def examine(self, question: QuizQuestion, passage: Passage) -> Examination:
        """Whether `question` may be shown of `passage`."""
        if fault := fault_of(question, passage.text):
            return Examination(fault)
        asked = [self._ask(passage, question.text, Decoding(max_tokens=1))]
        asked += [self._ask(passage, lettered(question, order), _CHOICE) for order in orders(question)]
        bare, *choices = await gather(*asked)  # one batch, which reads the passage once
        calibration = self._generator.protocol.calibration
        held = calibration.held(bare.log_odds) if calibration and bare.log_odds is not None else 0.0
        chosen = min(
            choice.first if is_right(question, order, choice.text) else 0.0
            for order, choice in zip(orders(question), choices, strict=True)
        )
        return Examination(_verdict(held, chosen), held, chosen)

    async def _ask(self, passage: Passage, question: str, decoding: Decoding) -> _Reply:
        prompt = Prompt(self._generator.protocol.system, (passage,), (1.0,), (), "", question)
        log_odds, text, first = None, "", 0.0
        async with aclosing(self._generator.generate(prompt, decoding)) as events:
            async for event in events:
                if isinstance(event, Verdicts):
                    log_odds = event.log_odds[0]
                elif isinstance(event, Piece):
                    if letter_in(event.text) and not text.strip():
                        first = math.exp(event.log_likelihood)
                    text += event.text
        return _Reply(log_odds, text, first)


def _verdict(held: float, chosen: float) -> str:
    """What is wrong, if anything."""
    if held < HELD:
        return "not held"
    if chosen == 0.0:
        return "answered otherwise"
    return "" if chosen >= CHOSEN else "not sure"


def is_right(question: QuizQuestion, order: Sequence[int], reply: str) -> bool:
    """Whether a reply chooses the right option, in this order."""
    letter = letter_in(reply)
    return bool(letter) and order[LETTERS.index(letter)] == question.right


def orders(question: QuizQuestion) -> list[Sequence[int]]:
    """Orders of the options in which the right one stands at each place once."""
    places = range(len(question.options))
    return [[(question.right + place - shift) % len(places) for place in places] for shift in places]
