"""What one person studies: quiz cards with their reviews, and the course they are taking. A value and its changes.

A card is shown and answered in rounds: a button carries the round that it belongs to, so that an old one, or a second
press, finds that its round is over. Pure; knows nothing of stores, of the index, or of how a question is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain import Passage
from core.learning.reviews import Mastery, Review, mastery, reviewed

MOST_CARDS = 200  # of one person; those known best make room
LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class PassageRef:
    """A passage by what it says: it is found again in every version of its document that still says so."""

    source: str
    place: str  # title and headings
    digest: str

    @classmethod
    def of(cls, passage: Passage) -> PassageRef:
        """The reference to `passage`."""
        return cls(passage.source, passage.heading_path, digest_of(passage))


@dataclass(frozen=True, slots=True)
class QuizQuestion:
    """A question with its options; `right` is the place of the right one, from 0."""

    text: str
    options: tuple[str, ...]
    right: int
    why: str


@dataclass(frozen=True, slots=True)
class QuizCard:
    """A question that a person is asked again and again. `round` counts how often it was asked; `open`: not answered.

    `chosen` is the place of the option of the last answer; `right` and `wrong` count answers.
    """

    id: str
    question: QuizQuestion
    passage: PassageRef
    round: int = 0
    open: bool = False
    chosen: int | None = None
    right: int = 0
    wrong: int = 0
    review: Review | None = None

    @property
    def order(self) -> list[int]:
        """The places of the options as they stand in this round: what is learned is the answer, not its letter."""

        def shuffled(place: int) -> bytes:
            return hashlib.sha256(f"{self.id}:{self.round}:{place}".encode()).digest()

        return sorted(range(len(self.question.options)), key=shuffled)

    @property
    def right_letter(self) -> str:
        """The letter of the right option in this round."""
        return LETTERS[self.order.index(self.question.right)]


@dataclass(frozen=True, slots=True)
class CourseStep:
    """One step: passages that stand behind each other, under the name that a person reads.

    `stage` is the step of the team's course that it is, or is a part of; empty in a course of one's own.
    """

    name: str
    passages: tuple[PassageRef, ...]
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A course that a person takes. `at` is the step that was shown last, from 0; -1 before the first.

    `finished` are the steps whose question was answered right, or that have none. `place` is the shared place where it
    was begun, by its reader's name; empty where that was in private.
    """

    id: str
    topic: str
    steps: tuple[CourseStep, ...]
    at: int = -1
    finished: tuple[int, ...] = ()
    cards: tuple[tuple[int, str], ...] = ()  # the card of each step
    place: str = ""
    team: str = ""  # the course of the team that it is

    @property
    def over(self) -> bool:
        """Whether its end was shown, too."""
        return self.at >= len(self.steps)

    @property
    def theme(self) -> tuple[str, str, str]:
        """What it is on, and where."""
        return self.team, "" if self.team else " ".join(self.topic.split()).casefold(), self.place

    @property
    def left(self) -> tuple[str, ...]:
        """The cards that were missed or passed over: they come at the end."""
        return tuple(card for step, card in self.cards if step not in self.finished)

    @property
    def stages(self) -> CourseRecord:
        """How far it got, as a course of the team."""
        shown = {*self.finished, *(step for step, _ in self.cards)}
        begun = {step.stage for number, step in enumerate(self.steps) if number in shown} - {""}
        unfinished = {step.stage for number, step in enumerate(self.steps) if number not in self.finished}
        return CourseRecord(self.team, tuple(sorted(begun)), tuple(sorted(begun - unfinished)))


@dataclass(frozen=True, slots=True)
class CourseRecord:
    """How far somebody got in a course of their team: the stages that were shown to them, and those they finished."""

    id: str
    begun: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """All that one person studies. `asked` is the card that was asked last, `earlier` a course that waits.

    `asked_in` is the shared place where that was, by its reader's name; empty where it was in private.

    `token` is drawn when it is begun: after all of it was forgotten there is another, or none. `records` are of courses
    of the team; an operator may count them if `counted`, which is None until the person was told of it.
    """

    cards: tuple[QuizCard, ...] = ()
    course: Course | None = None
    asked: str = ""
    token: str = ""
    earlier: Course | None = None
    records: tuple[CourseRecord, ...] = ()
    counted: bool | None = None
    asked_in: str = ""

    @property
    def courses(self) -> list[Course]:
        """The course that is taken, and the one that waits."""
        return [one for one in (self.course, self.earlier) if one]

    def record(self, course: str) -> CourseRecord:
        """How far they got in that course of the team."""
        return next((one for one in self.records if one.id == course), CourseRecord(course))

    def card(self, id_: str) -> QuizCard | None:
        """The card of that name."""
        return next((card for card in self.cards if card.id == id_), None)

    def due(self, now: datetime) -> list[QuizCard]:
        """What is due, the longest first."""
        found = [card for card in self.cards if card.review and mastery(card.review, now) is Mastery.DUE]
        return sorted(found, key=lambda card: (card.review.due if card.review else now, card.id))


@dataclass(frozen=True, slots=True)
class Marking:
    """What became of an answer: the card as it is now, and whether it was right.

    None for a round that was over, unless it is the very answer that was marked in it.
    """

    card: QuizCard
    right: bool | None


def with_card(study: Study, card: QuizCard) -> Study:
    """`study` with `card`, in place of the one of its name; beyond `MOST_CARDS` the one known best goes."""
    cards = [one for one in study.cards if one.id != card.id]
    if len(cards) >= MOST_CARDS:
        cards.remove(max(cards, key=lambda one: (one.review.stability if one.review else 0.0, one.id)))
    return replace(study, cards=(*cards, card))


def asking(study: Study, id_: str, place: str = "") -> Study:
    """`study` when that card is asked once more, in that place."""
    card = study.card(id_)
    if card is None:
        return study
    return replace(
        with_card(study, replace(card, round=card.round + 1, open=True, chosen=None)), asked=id_, asked_in=place
    )


def answered(study: Study, id_: str, round_: int, letter: str, at: datetime) -> tuple[Study, Marking | None]:
    """`study` after an answer by its letter, and what became of it; None where there is no such card."""
    card = study.card(id_)
    if card is None or letter not in set(LETTERS[: len(card.question.options)]):
        return study, None
    chosen = card.order[LETTERS.index(letter)]
    right = chosen == card.question.right
    if not card.open or card.round != round_:
        again = card.round == round_ and card.chosen == chosen  # pressed twice, or delivered twice
        return study, Marking(card, right if again else None)
    marked = replace(
        card,
        open=False,
        chosen=chosen,
        right=card.right + right,
        wrong=card.wrong + (not right),
        review=reviewed(card.review, at, right=right),
    )
    return _progressed(with_card(study, marked), id_, right=right), Marking(marked, right)


def _progressed(study: Study, id_: str, *, right: bool) -> Study:
    """`study` when a card of the course that is taken was answered, or else of the one that waits."""
    asking = next((one for one in study.courses if id_ in dict(one.cards).values()), None)
    return changing(study, asking.id, lambda course: _answered_step(course, id_, right=right)) if asking else study


def changing(study: Study, id_: str, change: Callable[[Course], Course]) -> Study:
    """`study` with that course changed, whether it is taken or waits."""
    course, earlier = (change(one) if one and one.id == id_ else one for one in (study.course, study.earlier))
    return replace(study, course=course, earlier=earlier)


def _answered_step(course: Course, id_: str, *, right: bool) -> Course:
    if course.over:
        return course
    step = next(step for step, card in course.cards if card == id_)
    others = set(course.finished) - {step}
    return replace(course, finished=tuple(sorted(others | {step} if right else others)))


def taking(study: Study, course: Course) -> Study:
    """`study` with a course to go on with; another one waits, unless nothing of it was shown, or nothing is left.

    One on the same in the same place is that course begun anew.
    """
    others = [one for one in study.courses if one.theme != course.theme and one.at >= 0 and not one.over]
    return replace(study, course=course, earlier=others[0] if others else None)


def at_step(course: Course, step: int, card: str = "") -> Course:
    """`course` when that step is shown, with the card of its question; one that has none is finished by that."""
    cards = tuple(one for one in course.cards if one[0] != step)
    if card:
        return replace(course, at=step, cards=(*cards, (step, card)))
    return replace(course, at=step, cards=cards, finished=tuple(sorted({*course.finished, step})))


def recorded(study: Study) -> Study:
    """`study` with what its courses say of how far somebody got, where they are of the team."""
    for course in study.courses:
        study = _with_record(study, course) if course.team else study
    return study


def _with_record(study: Study, course: Course) -> Study:
    before, far = study.record(course.team), course.stages
    now = CourseRecord(
        course.team,
        tuple(sorted({*before.begun, *far.begun})),
        tuple(sorted({*before.finished, *far.finished})),
    )
    return replace(study, records=(*(one for one in study.records if one.id != course.team), now))


def without_sources(study: Study, sources: Collection[str]) -> Study:
    """`study` without what comes from the documents `sources`: questions quote them. A course keeps its other steps."""
    cards = tuple(card for card in study.cards if card.passage.source not in sources)
    course, earlier = _without_steps(study.course, sources), _without_steps(study.earlier, sources)
    return replace(study, cards=cards, course=course, earlier=earlier)


def without_passages(study: Study, gone: Collection[PassageRef]) -> Study:
    """`study` without the cards about what is said no more."""
    return replace(study, cards=tuple(card for card in study.cards if card.passage not in gone))


def _without_steps(course: Course | None, sources: Collection[str]) -> Course | None:
    """Steps keep their numbers, so that buttons still mean the same: those that are gone have no passages."""
    if course is None or sources_in(course).isdisjoint(sources):
        return course
    steps = tuple(
        CourseStep("", ()) if any(ref.source in sources for ref in step.passages) else step for step in course.steps
    )
    return replace(course, steps=steps) if any(step.passages for step in steps) else None


def sources_of(study: Study) -> set[str]:
    """The documents that it names."""
    return {card.passage.source for card in study.cards}.union(*map(sources_in, study.courses))


def sources_in(course: Course) -> set[str]:
    """The documents that its steps are of."""
    return {ref.source for step in course.steps for ref in step.passages}


def digest_of(passage: Passage) -> str:
    """What a passage says, in 16 characters."""
    return hashlib.sha256(passage.text.encode()).hexdigest()[:16]
