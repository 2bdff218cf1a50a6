"""What is said of answers: refusals, AUROC, the split of the articles."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.answer_scores import Asked, auroc, curve, measures, refusals, refused_of, summary
from evals.answers import draw, split

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def asked(
    name: str,
    *,
    held: float,
    f1: float = 1.0,
    answerable: bool = True,
    cited: tuple[str, ...] = ("p",),
    left_out: tuple[str, ...] = (),
) -> Asked:
    return Asked(name, "p", answerable, "text", held, f1, f1, f1, ("p", "q"), cited, left_out, (held,))


def test_auroc_by_hand() -> None:
    assert auroc([3.0, 2.0], [1.0, 0.0]) == 1
    assert auroc([1.0], [2.0]) == 0
    assert auroc([1.0, 3.0], [2.0]) == auroc([1.0], [1.0]) == 0.5
    assert math.isnan(auroc([], [1.0]))


@given(SCORES, SCORES)
def test_auroc_is_the_same_from_both_sides(positive: list[float], negative: list[float]) -> None:
    assert auroc(positive, negative) == pytest.approx(1 - auroc(negative, positive))


def test_a_refused_question_scores_nothing_and_is_not_cited() -> None:
    one, two = asked("one", held=0.9, f1=0.8), asked("two", held=0.1, cited=("q",))
    scored = measures([one, two], refused_of([one, two], 0.5))
    assert scored["F1, always answering"] == pytest.approx(0.9)
    assert scored["F1, refusing"] == pytest.approx(0.4)
    assert scored["citation precision"] == scored["citation recall"] == scored["found"] == 1


def test_what_was_left_out_is_counted_of_right_and_of_wrong_answers() -> None:
    right = [asked("one", held=0.9), asked("two", held=0.9, left_out=("At 5.",))]
    wrong = [asked("three", held=0.9, f1=0.0, left_out=("At 6.",)), asked("four", held=0.1, f1=0.0)]
    scored = measures([*right, *wrong], refused_of([*right, *wrong], 0.5))
    assert (scored["left out, right"], scored["left out, wrong"]) == (0.5, 1.0)


def test_refusals_are_counted_on_both_sides() -> None:
    able = [asked(str(n), held=held) for n, held in enumerate((0.9, 0.8, 0.2))]
    unable = [asked(f"not {n}", held=held, answerable=False) for n, held in enumerate((0.1, 0.6))]
    counted = refusals([*able, *unable], 0.5)
    assert counted["refused, rightly"] == 0.5
    assert counted["refused, wrongly"] == pytest.approx(1 / 3)
    assert counted["AUROC"] == pytest.approx(5 / 6)
    rising = [point["refused, rightly"] for point in curve([*able, *unable])]
    assert rising == sorted(rising)


def test_the_summary_holds_figures_and_no_text() -> None:
    first = [asked("q", held=0.9), asked("none", held=0.1, answerable=False)]
    summed = summary({"sequence": first, "stuffed": [asked("q", held=0.9, f1=0.5)]}, 0.3, seed=0)
    assert summed["F1 of sequence less that of"]["stuffed"]["mean"] == pytest.approx(0.5)
    assert "text" not in str(summed)


def test_articles_are_split_in_two_and_questions_drawn_from_both_kinds() -> None:
    passages = [{"id": f"p{n}", "title": f"Article {n}"} for n in range(4)]
    questions = [
        {"question": f"{n} {kind} {m}", "passage": f"p{n}", "answerable": kind}
        for n in range(4)
        for kind in (True, False)
        for m in range(5)
    ]
    tune, report = split(questions, passages, "tune"), split(questions, passages, "report")
    assert {question["passage"] for question in tune} == {"p0", "p2"}
    assert {question["passage"] for question in report} == {"p1", "p3"}
    assert split(questions, passages, "all") == questions
    drawn = draw(report, 8, seed=1)
    assert [question["answerable"] for question in drawn].count(True) == 4
    assert drawn == draw(report, 8, seed=1)
