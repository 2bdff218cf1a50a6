from __future__ import annotations

import pytest

from core.text.numerals import dates, figures, readings, spelled, times


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("1,200", {1200.0, 1.2}),
        ("1.200", {1200.0, 1.2}),
        ("1'200.50", set()),
        ("1,200.50", {1200.5}),
        ("1.200.000,5", {1_200_000.5}),
        ("3.5", {3.5}),
        ("0,5", {0.5}),
        ("3.11.2", set()),
        ("1,2,3", set()),
    ],
)
def test_digits_are_read_as_either_way_of_writing_has_them(written: str, numbers: set[float]):
    """A point or a comma may part thousands or begin a fraction; what is no number has no reading."""
    assert set(readings(written)) == numbers


@pytest.mark.parametrize(
    ("word", "number"),
    [("twelve", 12), ("fünfundzwanzig", 25), ("siete", 7), ("douze", 12), ("once", None), ("a", None)],
)
def test_numbers_may_be_spelled(word: str, number: int | None):
    """In English, German, Spanish and French; a word that is another in English is none."""
    assert spelled(word) == number


def test_numbers_are_the_same_however_they_are_written():
    """With a word that multiplies, in two words, as an ordinal."""
    assert {5000.0, 1_200_000.0, 25.0, 300.0, 3.0, 12.0} <= figures(
        "5k, 1.2 million, twenty five, three hundred, the third, a dozen"
    ).numbers


def test_a_date_is_a_month_with_a_day_beside_it():
    """In words of four languages or in digits, also several days of one month, but no number that merely follows."""
    english = figures("Nov 3, 2023 at 5pm, the first of May, June 3rd to 7th")
    assert english.days == {(11, 3), (5, 1), (6, 3), (6, 7)}
    assert {(11, 3), (5, 1), (8, 4)} <= figures("3. November, 1 de mayo, le 4 août").days
    assert list(dates("2023-11-03 03.11.2023 11/3/23")) == [(2023, 11, 3), (2023, 3, 11), (2023, 11, 3)]


def test_times_and_durations_are_compared_by_their_length():
    """5 pm is 17:00, two weeks are 14 days, and a year is twelve months."""
    assert set(times("5pm, 9:30")) == set(times("17:00 and 9.30 Uhr"))
    assert figures("2 weeks").durations == figures("14 days").durations
    assert figures("per year").durations == figures("12 months").durations
    assert not figures("2 weeks").durations & figures("a week").durations
