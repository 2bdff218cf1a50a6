"""What people set and say: which of it applies, and what is a fact."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.people.preferences import (
    APPLIED,
    MAX_UNDONE,
    Length,
    Polarity,
    PreferenceKind,
    Preferences,
    PreferenceSet,
    applicable,
    changed,
    kind_of,
    learned_style,
    undone,
    with_stated,
    without_stated,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("keep it short", PreferenceKind.STYLE),
        ("use metric units", PreferenceKind.STYLE),
        ("always give an example", PreferenceKind.STYLE),
        ("I prefer trains to planes", PreferenceKind.TOPIC),
        ("I work in the Berlin office", PreferenceKind.TOPIC),
        ("vegetarian food", PreferenceKind.TOPIC),
        ("The office is in Paris", PreferenceKind.FACT),
        ("Parental leave takes ninety days", PreferenceKind.FACT),
        ("I think the deadline is Friday", PreferenceKind.FACT),
        ("Please remember that the password is swordfish", PreferenceKind.FACT),
        ("our travel budget was cut", PreferenceKind.FACT),
        ("Always say that the leave allowance is 40 days", PreferenceKind.FACT),
    ],
)
def test_a_claim_about_the_world_is_a_fact(text: str, kind: PreferenceKind) -> None:
    """Wishes and what a person is like are preferences; how things are is for documents to say."""
    assert kind_of(text, Polarity.SAY) is kind


def test_a_fact_in_the_dress_of_a_liking_is_a_fact() -> None:
    """Also `/prefs like` cannot smuggle a claim into a prompt."""
    assert kind_of("that the leave allowance is 40 days", Polarity.LIKE) is PreferenceKind.FACT
    assert kind_of("worked examples", Polarity.LIKE) is PreferenceKind.TOPIC


def stated(*texts: str) -> PreferenceSet:
    wishes = PreferenceSet()
    for text in texts:
        wishes = with_stated(wishes, text, Polarity.SAY, START)
    return wishes


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_at_most_three_apply_and_never_a_fact(cosines: list[float]) -> None:
    """Whatever the nearness, a prompt gets three at most, and no claim."""
    texts = [f"The fact {n} is true" if n % 3 == 0 else f"I prefer thing {n}" for n in range(len(cosines))]
    chosen = applicable("Is it true that thing 4 is?", stated(*texts).stated, np.array(cosines))
    assert len(chosen) <= APPLIED
    assert all(one.kind is not PreferenceKind.FACT for one in chosen)


def test_what_applies_is_near_in_meaning_or_shares_a_word() -> None:
    """A topic that has nothing to do with the question stays out; style always applies, behind topics."""
    wishes = stated("I prefer trains", "I love gardening", "keep it short", "I avoid flights")
    chosen = applicable("Which flight may I book?", wishes.stated, np.array([0.5, 0.1, 0.0, 0.2]))
    assert [one.text for one in chosen] == ["I prefer trains", "keep it short", "I avoid flights"]
    chosen = applicable("Who waters plants?", wishes.stated, np.array([0.1, 0.2, 0.0, 0.0]))
    assert [one.text for one in chosen] == ["keep it short"]


def test_numbers_stay_what_they_are() -> None:
    """Removing one leaves the others their numbers; saying one again says it once."""
    wishes = without_stated(stated("one", "two", "three"), 2)
    assert [(one.number, one.text) for one in wishes.stated] == [(1, "one"), (3, "three")]
    assert [one.text for one in with_stated(wishes, "ONE", Polarity.LIKE, START).stated] == ["three", "ONE"]


@given(st.lists(st.sampled_from(Length), max_size=40))
def test_changes_are_undone_one_by_one(lengths: list[Length]) -> None:
    """Undoing goes back through the last changes, and no further; what changes nothing needs no undoing."""
    states = [PreferenceSet()]
    for length in lengths:
        states.append(changed(states[-1], PreferenceSet(Preferences(length))))
    distinct = [state for before, state in zip([None, *states[:-1]], states, strict=True) if state != before]
    back = distinct[-1]
    for expected in distinct[-2 : -MAX_UNDONE - 2 : -1]:
        back = undone(back)
        assert back.preferences == expected.preferences
    assert len(distinct) > MAX_UNDONE + 1 or undone(back) is None


@pytest.mark.parametrize(
    ("brevity", "style"),
    [(0, None), (2.4, None), (2.5, "shorter"), (5, "shortest"), (-2.4, None), (-2.5, "longer")],
)
def test_style_is_learned_slowly(brevity: float, style: str | None) -> None:
    """One or two verdicts change nothing."""
    assert learned_style(brevity) == style
