"""Items and passages → drafts of examples.

Each question with an answer is shown with its passage, with that and others, and with what search brings for it that
does not answer it; each near miss with the passage that it misses. `SHARES` says how often a kind is made that is not
made each time. Pure but for its random numbers; knows nothing of tokens or files.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from core.answering.prompt import NOT_FOUND, person_block
from core.domain import Passage, Turn
from core.people.preferences import Format, Length, Level, Preferences
from training.drafts import Draft, answered, checked, merged, turn
from training.item_files import WISHES, Exchange, Item, Question, Rewording
from training.word_search import WordSearch

ASK_AHEAD = "Write questions that a colleague might ask and this answers, one a line."
QUIZ = "Write a quiz question for {level} on this: four options, one of them right, then why."

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "answer, among others": 0.3,
        "no: search, several": 0.15,
        "no: a neighbour": 0.5,
        "no: text": 0.5,
        "plain answer": 0.5,
        "plain short": 0.4,
        "plain answer, may refuse": 0.05,
        "plain refusal": 0.05,
        "check: yes": 0.6,
        "check: no": 0.7,
    }
)

_WITH_NEXT, _WITH_OTHERS = 0.25, 0.2  # of the answers: the passage with what follows it; among up to three others
_ALONE = 0.7  # of the short answers
_LEVELS = {Level.BEGINNER: "a beginner", Level.PRACTITIONER: "a practitioner", Level.EXPERT: "an expert"}
_COUNTED = re.compile(r"(?:and )?how (?:many|much|long|often)", re.IGNORECASE)
_REFUSED_BY = (  # whose questions are refused: the verdict must not depend on a person's wishes
    Preferences(),
    Preferences(),
    Preferences(),
    Preferences(length=Length.SHORT),
    Preferences(length=Length.DETAILED),
    Preferences(format=Format.BULLETS),
)
_SHORT = Preferences(length=Length.SHORT)


class Recipe:
    """Makes drafts over one pool. The same seed and the same items in the same order make the same drafts."""

    def __init__(self, pool: Mapping[str, Passage], seed: int, *, search: bool = True) -> None:
        """Without `search`, questions are refused only where an item says so."""
        self._pool = pool
        self._random = random.Random(seed)
        self._search = WordSearch(tuple(pool.values())) if search and pool else None
        self._places = {(passage.source, passage.ordinal): passage for passage in pool.values()}

    def drafts(self, item: Item) -> Iterator[Draft]:
        """The drafts of an item; none where the pool lacks all of its passages."""
        passages = tuple(self._pool[id_] for id_ in item.ids if id_ in self._pool)
        if passages:
            for question in item.qa:
                yield from self._answered(question, passages)
            yield from self._near_misses(item, passages)
            for rewording in item.x:
                yield from self._reworded(rewording, item.qa[rewording.of], passages)
            yield from self._conversation(item, passages)
            yield from self._written(item, passages)

    def _answered(self, question: Question, passages: tuple[Passage, ...]) -> Iterator[Draft]:
        """A question, its answers, and what search brings for it that does not answer it."""
        others = self._misleading(question.q, question.s, passages[0])
        if len(passages) > 1:
            yield from self._of_several(question, passages, others)
        else:
            yield from self._of_one(question, passages[0], others)
        for other in self._sample(others[:5], 1 if self._random.random() < 0.6 else 2):
            yield self._no("no: search", (other,), question.q)
        if len(others) > 2 and self._makes("no: search, several"):
            yield self._no("no: search, several", self._sample(others[:6], 3), question.q)

    def _of_one(self, question: Question, passage: Passage, others: Sequence[Passage]) -> Iterator[Draft]:
        read = self._company(passage, others[:8])
        yield answered("answer", read, question.q, question.a)
        if question.s:
            alone = self._random.random() < _ALONE
            yield answered("short", (passage,) if alone else read, question.q, question.s, _SHORT)
        yield from self._plain(question, read, passage, others)

    def _of_several(
        self, question: Question, passages: tuple[Passage, ...], others: Sequence[Passage]
    ) -> Iterator[Draft]:
        whole = merged(passages)
        yield answered("answer, several passages", whole, question.q, question.a)
        if question.s:
            yield answered("short", whole, question.q, question.s, _SHORT)
        if len(question.need) == 1:
            for passage in passages:
                if passage.id in question.need:
                    yield answered("answer, one of them", (passage,), question.q, question.a)
                elif self._makes("no: a neighbour"):
                    yield self._no("no: a neighbour", (passage,), question.q)
        if len(others) > 3 and self._makes("answer, among others"):
            yield answered(
                "answer, among others", self._shuffled((*whole, *self._sample(others[:6], 2))), question.q, question.a
            )

    def _plain(
        self, question: Question, read: tuple[Passage, ...], passage: Passage, others: Sequence[Passage]
    ) -> Iterator[Draft]:
        """The same question as it is put to models that do not judge first."""
        refusing = person_block(Preferences(), refuse=True)
        if self._makes("plain answer"):
            yield Draft("plain answer", read, question.q, person_block(Preferences()), question.a, None)
        if question.s and self._makes("plain short"):
            yield Draft("plain short", (passage,), question.q, person_block(_SHORT), question.s, None)
        if self._makes("check: yes"):
            yield checked((passage,), question.q, holds=True)
        if others and self._makes("check: no"):
            yield checked((self._random.choice(others[:4]),), question.q, holds=False)
        if self._makes("plain answer, may refuse"):
            yield Draft("plain answer, may refuse", (passage,), question.q, refusing, question.a, None)
        if others and self._makes("plain refusal"):
            yield Draft("plain refusal", tuple(others[:1]), question.q, refusing, NOT_FOUND, None)

    def _near_misses(self, item: Item, passages: tuple[Passage, ...]) -> Iterator[Draft]:
        whole = merged(passages)
        for question in item.no:
            counted = _COUNTED.match(question)
            yield self._no("no: near miss, how many" if counted else "no: near miss", whole, question)
            if len(passages) == 1 and not counted and self._makes("check: no"):
                yield checked(whole, question, holds=False)

    def _reworded(self, rewording: Rewording, question: Question, passages: tuple[Passage, ...]) -> Iterator[Draft]:
        """An answer in other forms and languages, and what is asked after it."""
        whole = merged(passages)
        others = self._misleading(question.q, question.s, passages[0])
        for way, said in rewording.said.items():
            yield answered("reworded", whole, question.q, said, WISHES[way])
        for language, asked in rewording.asked.items():
            yield answered("asked in another language", whole, asked, rewording.said[language])
            yield checked(whole, asked, holds=True)
            if others:
                yield self._no("no: search", (others[0],), asked)
        if rewording.follow:
            yield from self._followed(question, rewording.follow, whole)

    def _followed(self, before: Question, follow: Exchange, whole: tuple[Passage, ...]) -> Iterator[Draft]:
        turns = (turn(before.q, before.a),)
        yield answered("follow-up", whole, follow.q, follow.a, turns=turns)
        if follow.s:
            yield answered("short", whole, follow.q, follow.s, _SHORT, turns=(turn(before.q, before.s or before.a),))
        yield Draft("plain follow-up", whole, follow.q, person_block(Preferences()), follow.a, None, turns)
        yield checked(whole, follow.q, holds=True, turns=turns)
        for other in self._misleading(f"{before.q} {follow.q}", follow.s, whole[0])[:1]:
            yield self._no("no: search", (other,), follow.q, turns)
            yield checked((other,), follow.q, holds=False, turns=turns)

    def _conversation(self, item: Item, passages: tuple[Passage, ...]) -> Iterator[Draft]:
        """Each message of a conversation but its first, with all that was said before it."""
        whole, turns = merged(passages), tuple(turn(one.q, one.a) for one in item.turns)
        for place in range(1, len(turns)):
            said, before = turns[place], turns[:place]
            yield answered("follow-up", whole, said.question, said.answer, turns=before)
            others = self._misleading(f"{before[-1].question} {said.question}", "", whole[0])
            if others and self._random.random() < 0.5:
                yield self._no("no: search", (others[0],), said.question, before)

    def _written(self, item: Item, passages: tuple[Passage, ...]) -> Iterator[Draft]:
        """Texts and quizzes made from the passages, and questions that they answer."""
        whole = merged(passages)
        for text in item.make:
            person = self._random.choice(("", person_block(Preferences())))
            read = whole if self._random.random() < 0.5 else passages
            yield Draft("text", read, text.ask, person, text.out, verdict=True)
            others = self._misleading(text.ask, "", passages[0], 8)
            if others and self._makes("no: text"):
                yield self._no("no: text", (self._random.choice(others[3:] or others),), text.ask)
        for quiz in item.quiz:
            yield Draft("quiz", whole, QUIZ.format(level=_LEVELS[quiz.level]), "", quiz.text, verdict=True)
        if len(item.qa) > 1:
            yield Draft("questions", whole, ASK_AHEAD, "", "\n".join(question.q for question in item.qa), verdict=True)

    def _company(self, passage: Passage, others: Sequence[Passage]) -> tuple[Passage, ...]:
        """`passage` as search hands it over: alone, with what follows it, or among others."""
        drawn = self._random.random()
        following = self._places.get((passage.source, passage.ordinal + 1))
        if drawn < _WITH_NEXT and following:
            return merged((passage, following))
        if drawn < _WITH_NEXT + _WITH_OTHERS and others:
            return self._shuffled((passage, *self._sample(others, self._random.choice((1, 2, 3)))))
        return (passage,)

    def _no(self, kind: str, passages: tuple[Passage, ...], question: str, turns: tuple[Turn, ...] = ()) -> Draft:
        person = person_block(self._random.choice(_REFUSED_BY))
        return Draft(kind, passages, question, person, "", verdict=False, turns=turns)

    def _misleading(self, question: str, answer: str, passage: Passage, count: int = 12) -> list[Passage]:
        return self._search.misleading(question, answer, passage.source, count) if self._search else []

    def _makes(self, kind: str) -> bool:
        return self._random.random() < SHARES[kind]

    def _sample(self, passages: Sequence[Passage], count: int) -> tuple[Passage, ...]:
        return tuple(self._random.sample(passages, min(count, len(passages))))

    def _shuffled(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        return tuple(self._random.sample(passages, len(passages)))
