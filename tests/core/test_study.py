"""What somebody studies: rounds, marks, reviews and courses, without a store or a model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain import Passage, RankedPassage
from core.learning import course as courses
from core.learning.quiz import fault_of, letter_in, lettered, parsed, written_for
from core.learning.reviews import Mastery, mastery, reviewed
from core.learning.study import (
    LETTERS,
    MOST_CARDS,
    Course,
    CourseStep,
    PassageRef,
    QuizCard,
    QuizQuestion,
    Study,
    answered,
    asking,
    at_step,
    taking,
    with_card,
    without_sources,
)
from core.people.preferences import Level

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEAVE = QuizQuestion(
    "Who approves leave?", ("Your lead", "The board", "Finance team", "Nobody at all"), 0, "It says so."
)
REF = PassageRef("/docs/leave.md", "Leave", "0123")
WRITTEN = "Question: Who approves leave?\nA. Your lead\nB. The board\nC. Finance\nD. Nobody\nRight: A\nWhy: It says so."


def passage(number: int, text: str, headings: tuple[str, ...] = (), source: str = "/docs/leave.md") -> Passage:
    return Passage(f"{source}{number}", source, "Leave", headings, text, 1, number, 9, "v")


def studying(*cards: QuizCard) -> Study:
    return Study(cards)


def answer(study: Study, id_: str, *, right: bool, at: datetime = NOW) -> Study:
    card = study.card(id_)
    assert card is not None
    letter = card.right_letter if right else next(one for one in LETTERS if one != card.right_letter)
    return answered(study, id_, card.round, letter, at)[0]


def test_a_question_is_answered_once_a_round():
    """A second press says what the first one did; another letter, and an earlier round, are over. None counts."""
    study = asking(studying(QuizCard("a", LEAVE, REF)), "a")
    letter = study.cards[0].right_letter
    once, marking = answered(study, "a", 1, letter, NOW)
    assert marking is not None
    assert marking.right
    again, second = answered(once, "a", 1, letter, NOW)
    assert again == once
    assert second is not None
    assert second.right
    unchanged, other = answered(once, "a", 1, next(one for one in LETTERS if one != letter), NOW)
    assert unchanged == once
    assert other is not None
    assert other.right is None
    new = asking(once, "a")
    _, old = answered(new, "a", 1, letter, NOW)
    assert old is not None
    assert old.right is None
    assert new.cards[0].open


@pytest.mark.parametrize("letter", ["", "E", "AB", "1"])
def test_what_is_no_letter_of_an_option_answers_nothing(letter: str):
    """A letter that no option has is no answer."""
    study = asking(studying(QuizCard("a", LEAVE, REF)), "a")
    assert answered(study, "a", 1, letter, NOW) == (study, None)


def test_options_stand_in_another_order_each_round():
    """What is learned is the answer and not its letter; within a round the order stays."""
    card = QuizCard("a", LEAVE, REF)
    orders = [replace(card, round=number).order for number in range(12)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 4
    assert orders == [replace(card, round=number).order for number in range(12)]


def test_what_is_known_comes_later_and_what_was_missed_at_once():
    """A right answer puts the next review off, each time further; a wrong one has it come within minutes."""
    dates, review = [], None
    at = NOW
    for _ in range(5):
        review = reviewed(review, at, right=True)
        dates.append(review.due - at)
        at = review.due
    assert dates == sorted(dates)
    assert dates[-1] > timedelta(days=7)
    assert mastery(review, review.last) is Mastery.KNOWN
    assert mastery(review, review.due) is Mastery.DUE
    missed = reviewed(review, at, right=False)
    assert missed.due - at <= timedelta(minutes=10)
    assert mastery(missed, at) is Mastery.SHAKY


def test_due_cards_come_longest_first():
    """What was never answered is no review, what is due longest comes first."""
    study = studying(QuizCard("a", LEAVE, REF), QuizCard("b", LEAVE, REF), QuizCard("c", LEAVE, REF))
    for id_, hours in (("a", 0), ("b", 3)):
        study = answer(asking(study, id_), id_, right=False, at=NOW - timedelta(hours=hours))
    assert [card.id for card in study.due(NOW + timedelta(hours=1))] == ["b", "a"]


def test_a_question_of_a_course_is_left_until_it_is_right():
    """Passed over or missed; a step is done when its question was answered right last. What is over stays over."""
    course = at_step(Course("c", "leave", (CourseStep("Leave", (REF,)),)), 0, "a")
    study = asking(replace(studying(QuizCard("a", LEAVE, REF)), course=course), "a")
    assert study.course is not None
    assert study.course.left == ("a",)
    missed = answer(study, "a", right=False)
    assert missed.course is not None
    assert (missed.course.left, missed.course.finished) == (("a",), ())
    right = answer(asking(missed, "a"), "a", right=True)
    assert right.course is not None
    assert (right.course.left, right.course.finished) == ((), (0,))
    forgotten = answer(asking(right, "a"), "a", right=False)
    assert forgotten.course is not None
    assert forgotten.course.left == ("a",)
    over = replace(right, course=replace(right.course, at=1))
    assert answer(asking(over, "a"), "a", right=False).course == over.course


@pytest.mark.parametrize("right", [True, False])
def test_an_answer_counts_for_the_course_that_waits(*, right: bool):
    """Its questions are open as long as it waits; what is asked in the course that is taken counts there."""
    steps = (CourseStep("Leave", (REF,)), CourseStep("Sickness", (REF,)))
    first = at_step(Course("c", "leave", steps), 0, "a")
    study = asking(replace(studying(QuizCard("a", LEAVE, REF)), course=first), "a")
    study = answer(taking(study, Course("d", "travel", steps)), "a", right=right)
    assert study.earlier is not None
    assert study.earlier.finished == ((0,) if right else ())
    taken = at_step(Course("d", "travel", steps), 1, "a")
    study = answer(asking(replace(study, course=taken, earlier=first), "a"), "a", right=True)
    assert [one.finished for one in study.courses] == [(1,), ()]


@pytest.mark.parametrize("topic", ["travel", " Travel "])
def test_the_same_course_begun_anew_leaves_the_one_that_waits(topic: str):
    """Asked for twice, or delivered twice; in another place it is another one."""
    steps = (CourseStep("Leave", (REF,)),)
    waiting, taken = Course("c", "leave", steps, at=0), Course("d", "travel", steps, at=0)
    study = Study(course=taken, earlier=waiting)
    again = Course("e", topic, steps)
    assert taking(study, again).courses == [again, waiting]
    elsewhere = replace(again, place="channel:slack/T1/C1")
    assert taking(study, elsewhere).courses == [elsewhere, taken]


def test_a_step_without_a_question_is_done_when_it_was_shown():
    """Nobody is kept from the end of a course by a question that could not be written."""
    assert at_step(Course("c", "leave", (CourseStep("Leave", (REF,)),)), 0).finished == (0,)


def test_documents_take_their_questions_and_steps_along():
    """Nothing of a removed document stays; the other steps keep their numbers."""
    other = PassageRef("/docs/travel.md", "Travel", "4567")
    course = Course("c", "all", (CourseStep("Leave", (REF,)), CourseStep("Travel", (other,))))
    study = Study((QuizCard("a", LEAVE, REF), QuizCard("b", LEAVE, other)), course)
    left = without_sources(study, {"/docs/leave.md"})
    assert [card.id for card in left.cards] == ["b"]
    assert left.course is not None
    assert [step.name for step in left.course.steps] == ["", "Travel"]
    assert without_sources(left, {"/docs/travel.md"}) == Study()


def test_cards_are_bounded_and_the_best_known_goes():
    """A person has at most so many cards."""
    study = studying(*(QuizCard(f"{number:04}", LEAVE, REF) for number in range(MOST_CARDS)))
    study = answer(asking(study, "0007"), "0007", right=True)
    grown = with_card(study, QuizCard("new", LEAVE, REF))
    assert len(grown.cards) == MOST_CARDS
    assert grown.card("0007") is None
    assert grown.card("new")


def test_the_readers_words_become_a_question():
    """What the reader writes is read as it was taught; anything else is no question."""
    assert parsed(WRITTEN) == QuizQuestion(
        "Who approves leave?", ("Your lead", "The board", "Finance", "Nobody"), 0, "It says so."
    )
    assert parsed(WRITTEN.replace("Right: A", "Right: E")) is None
    assert parsed(WRITTEN.replace("\nD. Nobody", "")) is None
    assert parsed("I could not find that in the documents.") is None
    assert written_for(Level.EXPERT).startswith("Write a quiz question for an expert")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, ""),
        ({"options": ("Your lead, who has known you for years", "The board", "Finance", "Nobody")}, "right is longest"),
        ({"options": ("Your lead", "All of the above", "Finance team", "Nobody")}, "options about options"),
        ({"options": ("Your lead", "your lead.", "Finance team", "Nobody")}, "options alike"),
        ({"text": "What does your lead approve?"}, "gives itself away"),
        ({"why": "It takes 14 days."}, "not in the passage"),
        ({"text": "Who? " * 90}, "too long"),
    ],
)
def test_what_is_wrong_with_a_question_is_seen_without_a_model(changes: dict, fault: str):
    """Options that give the answer away, say the same or speak of each other, and facts from nowhere."""
    assert fault_of(replace(LEAVE, **changes), "Your lead approves leave within 10 days.") == fault


def test_letters_are_read_in_whatever_way_they_are_said():
    """A letter counts, with or without what follows; a word that begins like one does not."""
    assert [letter_in(said) for said in ("B", "b.", "(C) The", "Option D", "Because", "The board", "")] == list(
        "BBCD"
    ) + [""] * 3
    assert lettered(LEAVE, [1, 0, 2, 3]).splitlines()[2:4] == ["A. The board", "B. Your lead"]


def test_a_course_follows_the_headings_and_the_links():
    """Steps stand in the order of the document; one that links to another comes before it."""
    long = "word " * 60
    index = [passage(0, f"See [leave](/docs/leave). {long}", ("Start",), "/docs/start.md")]
    leave = [
        passage(number, long, (name,)) for number, name in enumerate(("Kinds", "How to ask", "Carry over", "Sick"))
    ]
    ranked = [
        RankedPassage(leave[2], 0.5, 0.8, 1.0),
        RankedPassage(leave[0], 0.3, 0.7, 1.0),
        RankedPassage(index[0], 0.1, 0.6, 1.0),
        RankedPassage(leave[1], 0.1, 0.6, 1.0),
    ]
    assert courses.sources_for(ranked) == ["/docs/leave.md", "/docs/start.md"]
    steps = courses.planned(ranked, {"/docs/leave.md": leave, "/docs/start.md": index})
    assert [step.name for step in steps] == ["Start", "Kinds", "How to ask", "Carry over"]


def test_a_course_has_three_steps_where_the_documents_have_them_and_never_more_than_seven():
    """A narrow topic is filled up from its document, a wide one is cut."""
    long = "word " * 60
    many = [passage(number, long, (f"Part {number}",)) for number in range(12)]
    narrow = courses.planned([RankedPassage(many[4], 1.0, 0.9, 1.0)], {"/docs/leave.md": many})
    wide = courses.planned([RankedPassage(one, 1 / 12, 0.9, 1.0) for one in many], {"/docs/leave.md": many})
    assert (len(narrow), len(wide)) == (courses.FEWEST, courses.MOST)
    assert "Part 4" in [step.name for step in narrow]


def test_a_list_of_links_is_no_step():
    """However long it is, and well found: it teaches where to read, and nothing else."""
    links = "".join(f"| [How to travel, part {n}](/travel/part-{n}/) | https://example.org/{n} |\n" for n in range(20))
    texts = [links, *("Keep your receipts, and say what they are for. " * 5 for _ in range(3))]
    every = [passage(number, text, (f"Part {number}",)) for number, text in enumerate(texts)]
    ranked = [RankedPassage(one, 0.25, 0.9, 1.0) for one in every]
    steps = courses.planned(ranked, {"/docs/leave.md": every})
    assert [step.name for step in steps] == ["Part 1", "Part 2", "Part 3"]


def test_no_two_steps_have_one_name():
    """A section of many passages makes several steps: they are numbered."""
    every = [passage(number, "Keep your receipts, and say what they are for. " * 5) for number in range(9)]
    steps = courses.planned([RankedPassage(one, 1 / 9, 0.9, 1.0) for one in every], {"/docs/leave.md": every})
    assert [step.name for step in steps] == ["Leave (1)", "Leave (2)", "Leave (3)"]
