"""What the model reads."""

from __future__ import annotations

from datetime import UTC, datetime

from core.answering import prompt, verdict
from core.domain import Passage, Person, Turn
from core.people.preferences import Format, Length, Preferences, Tone


def test_a_model_that_is_not_asked_first_is_told_to_refuse_before_any_wish() -> None:
    plain = prompt.person_block(Preferences())
    told = prompt.person_block(Preferences(), refuse=True)
    assert prompt.NOT_FOUND not in plain
    assert told == f"{prompt.REFUSE} Otherwise: {plain}"


def test_every_setting_changes_what_the_model_reads() -> None:
    variants = [Preferences(length=length) for length in Length]
    variants += [Preferences(tone=tone) for tone in Tone] + [Preferences(format=form) for form in Format]
    blocks = [prompt.person_block(preferences) for preferences in variants]
    assert len(set(blocks)) == 1 + 2 * 3


def test_the_person_stands_last_and_passages_stand_first() -> None:
    ann = Person("test", "w", "ann")
    turn = Turn(ann, "Before?", "Yes.", datetime(2026, 1, 1, tzinfo=UTC))
    passage = Passage("1", "/a", "Travel", ("Visa",), "Fourteen days.", 1, 0, 1, "v")
    messages = prompt.chat(prompt.system_text(verdict.SYSTEM, [passage]), [turn], "Answer briefly.", "Now?")
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert "Travel › Visa\nFourteen days." in messages[0]["content"]
    assert messages[-1]["content"].endswith("(Answer briefly.)")


def test_the_models_own_refusal_is_recognised() -> None:
    assert prompt.says_not_found("I couldn't find that in the documents.")
    assert prompt.says_not_found("I could not find that answer in the documents.")
    assert prompt.says_not_found("I'm sorry, but I couldn't find the wifi password in the documents")
    assert not prompt.says_not_found("You can find that in the documents.")
    assert not prompt.says_not_found("It costs 5 euros. I could not find the tax in the documents.")
