"""A message that only wants the last answer in another form is told from one that asks something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answering.rewording import Rewording, is_of_the_answer, is_rewording, wish_of
from core.people.preferences import Format, Language, Length, Level, Tone

SHORT, DETAILED = {"length": Length.SHORT}, {"length": Length.DETAILED}
BULLETS, STEPS, PROSE = {"format": Format.BULLETS}, {"format": Format.STEPS}, {"format": Format.PROSE}
SIMPLE, EXPERT = {"level": Level.BEGINNER}, {"level": Level.EXPERT}
FORMAL = {"tone": Tone.FORMAL}
GERMAN, SPANISH = {"language": Language.GERMAN}, {"language": Language.SPANISH}

QUESTIONS = [
    "and for contractors?",
    "what is Tock",
    "I forgot my password, what now?",
    "Tell me more about contractors",
    "list them",
    "how long?",
    "Wie lang?",
    "is it simple?",
    "who speaks German?",
    "do you speak German?",
    "what are the steps?",
    "What is the list",
    "as email is down, what do I do?",
    "How do I put it in the calendar",
    "How do I write in English?",
    "make that work on Slack",
    "translate this document",
    "steps for a new hire",
    "next steps",
    "why?",
    "no",
    "not in German",
    "in Germany?",
    "and in Poland?",
    "use the German form",
    "who translates it?",
    "is half as long allowed?",
    "half a day off",
    "twice a year?",
    "how professional must emails be?",
    "professional development budget",
    "can I write an email to HR about it?",
    "in the report?",
    "for messages?",
    "for managers?",
    "write an email to all staff about it when?",
    "Wie kurz?",
    "so lange wie möglich krank",
    "Sprechen Sie Deutsch?",
    "Soll ich das übersetzen?",
    "write an email to Anna about laptops",
    "show me the checklist for onboarding",
    "Explain the table in the travel guide",
    "Put the ticket in Jira",
    "Put the report in the folder",
    "Send a reminder to the team",
    "Send an email to HR",
    "Erkläre die Checkliste für neue Mitarbeiter",
    "Show me the agenda for tomorrow",
    "Show the report for Q3",
    "Rewrite the job ad for the Berlin office",
    "Create a ticket for IT",
    "Make a list for IT",
    "Write a ticket to IT support",
    "Erklär mir die Tabelle in der Reiserichtlinie",
    "Summarise the FAQ for customers",
    "Fasst du den Leitfaden zusammen?",
    "Summarise the report",
    "Stell die Präsentation für Montag vor",
    "ok",
    "",
    "?",
]


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("make that shorter", SHORT),
        ("Shorter, please!", SHORT),
        ("TL;DR", SHORT),
        ("that's too long", SHORT),
        ("in one sentence", SHORT),
        ("kürzer", SHORT),
        ("kannst du das kürzer fassen?", SHORT),
        ("Das ist zu lang", SHORT),
        ("more detail", DETAILED),
        ("too short", DETAILED),
        ("und mehr Details bitte", DETAILED),
        ("as a list", BULLETS),
        ("als Liste", BULLETS),
        ("without bullets", PROSE),
        ("in steps", STEPS),
        ("as a numbered list", STEPS),
        ("Schritt für Schritt", STEPS),
        ("simpler", SIMPLE),
        ("explain it like I'm five", SIMPLE),
        ("in einfachen Worten", SIMPLE),
        ("zu technisch", SIMPLE),
        ("more technical please", EXPERT),
        ("more formal", {"tone": Tone.FORMAL}),
        ("not so formal", {"tone": Tone.FRIENDLY}),
        ("in Spanish please", SPANISH),
        ("en español por favor", SPANISH),
        ("translate that into German", GERMAN),
        ("auf Deutsch bitte", GERMAN),
        ("no, in German", GERMAN),
        ("日本語で", {"language": Language.JAPANESE}),
        ("a short list in German", SHORT | BULLETS | GERMAN),
        ("say that again", {}),
        ("Übersetze das ins Deutsche", GERMAN),
        ("uebersetz mir das bitte ins deutsche", GERMAN),
        ("Könnten Sie das bitte ins Deutsche übersetzen?", GERMAN),
        ("would you mind translating that to German?", GERMAN),
        ("tranlate that to german", GERMAN),
        ("could you translate the answer to Spanish?", SPANISH),
        ("make it more professional", FORMAL),
        ("Make it sound more profesional please", FORMAL),
        ("Formulieren Sie das bitte höflicher", FORMAL),
        ("Könntest du das etwas förmlicher formulieren?", FORMAL),
        ("less professional", {"tone": Tone.FRIENDLY}),
        ("Fass das zusammen", SHORT),
        ("Fassen Sie das bitte zusammen", SHORT),
        ("Könnten Sie das bitte zusammenfassen?", SHORT),
        ("kuerzer", SHORT),
        ("fasst das mal zusammen", SHORT),
        ("fass das mal eben zusammen", SHORT),
        ("Übersetze das mal eben ins Englische", {"language": Language.ENGLISH}),
        ("ich hätte das gern etwas kürzer", SHORT),
        ("so kurz wie möglich", SHORT),
        ("as short as possible", SHORT),
        ("auf 100 Wörter kürzen", SHORT),
        ("use simpler language", SIMPLE),
        ("Vereinfache das bitte", SIMPLE),
        ("in 3 bullets", BULLETS),
    ],
)
def test_a_wish_for_form_is_one_of_the_preferences(message: str, form: dict[str, str]) -> None:
    assert wish_of(message) == Rewording(form)


@pytest.mark.parametrize(
    ("message", "form", "times"),
    [
        ("half as long", SHORT, 0.5),
        ("cut it in half please", SHORT, 0.5),
        ("halb so lang", SHORT, 0.5),
        ("Kürze das auf die Hälfte", SHORT, 0.5),
        ("twice as long", DETAILED, 2.0),
        ("doppelt so lang bitte", DETAILED, 2.0),
        ("shorter", SHORT, 0.0),
    ],
)
def test_a_wish_may_say_how_many_times_as_long(message: str, form: dict[str, str], times: float) -> None:
    assert wish_of(message) == Rewording(form, times=times)


@pytest.mark.parametrize(
    "message", ["tell me more", "More please", "go on", "weiter", "Erzähl mir mehr dazu", "the rest"]
)
def test_more_is_wanted_in_detail_or_of_what_was_cut(message: str) -> None:
    assert wish_of(message) == Rewording(DETAILED, more=True)


@pytest.mark.parametrize(
    "message",
    [
        "put it in a table",
        "Can you write that as an email to my team?",
        "for a slack message",
        "explain that",
        "polish it a bit",
        "rewrite it for new hires",
        "als Tabelle",
        "schreib das als E-Mail",
        "Übersetze das ins Schwedische",
        "mach daraus eine Mail an das Team",
        "make a checklist out of it",
        "write an email about it",
        "schreib eine Mail an das Team",
        "Write an email to my manager",
        "rewrite the email for managers",
        "put the list into a table",
        "rewrite the announcement",
        "PUT IT IN A TABLE",
        "Create a ticket for it",
    ],
)
def test_what_no_preference_has_a_word_for_is_known_to_be_about_the_answer(message: str) -> None:
    assert wish_of(message) is None
    assert is_of_the_answer(message)


@pytest.mark.parametrize("message", QUESTIONS)
def test_a_question_is_no_rewording(message: str) -> None:
    assert not is_rewording(message)


@pytest.mark.parametrize("language", [language for language in Language if language is not Language.AUTO])
def test_every_language_can_be_asked_for(language: Language) -> None:
    assert wish_of(f"in {language.value.title()} please") == Rewording({"language": language})


@given(st.sampled_from(["", "please ", "can you make that ", "und "]), st.text(max_size=40))
def test_one_word_that_is_not_known_makes_it_something_else(asking: str, word: str) -> None:
    """However it is wrapped, a wish with a topic beside it is no mere wish."""
    assert wish_of(f"{asking}shorter xylophones{word}") is None


@pytest.mark.parametrize(
    ("message", "form"),
    [
        ("もっと短く", {"length": Length.SHORT}),
        ("英語で答えて", {"language": Language.ENGLISH}),
        ("日本語で答えて。", {"language": Language.JAPANESE}),
        ("请用英语回答", {"language": Language.ENGLISH}),
        ("详细一点", {"length": Length.DETAILED}),
    ],
)
def test_a_wish_may_be_written_without_spaces(message: str, form: dict[str, str]) -> None:
    """In Japanese and Chinese the common ones are known whole."""
    wish = wish_of(message)
    assert wish is not None
    assert wish.form == form
