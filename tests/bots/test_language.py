"""What is said to people: all translated, with the same gaps, and the files that are read as new as their sources."""

from __future__ import annotations

import re
import string

import pytest

from bots import texts
from bots.command_table import COMMANDS
from bots.language import LANGUAGES, command, counted, speaking, translated
from core.errors import LessonError
from tests import write_catalogues
from tests.write_catalogues import sentences


def gaps(sentence: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(sentence) if name})


def commands(sentence: str) -> set[str]:
    """What has to be typed as it stands."""
    return {code for code in re.findall(r"(?:/|{cmd})[a-z]+\b|`[^`]+`", sentence) if not code.startswith("`{")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language: str):
    """Each sentence has a translation with the same values and the same commands in it, in each of its forms."""
    made = write_catalogues.catalogue(language)
    for sentence in sentences():
        forms = (sentence,) if isinstance(sentence, str) else sentence
        translated = made[forms[0]].string
        for form, words in zip(forms, (translated,) if isinstance(translated, str) else translated, strict=True):
            assert words, sentence
            assert gaps(words) == gaps(form)
            assert commands(words) == commands(form)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_as_new_as_the_sentences(language: str):
    """`python -m tests.write_catalogues` has been run: both files are what it writes."""
    made = write_catalogues.catalogue(language)
    assert write_catalogues.place(language, "po").read_bytes() == write_catalogues.po(made)
    assert write_catalogues.place(language, "mo").read_bytes() == write_catalogues.mo(made)


def test_what_is_said_where_it_stands_is_found():
    """Sentences in calls, also within others and with a count, are among those to translate."""
    found = sentences()
    assert "what you asked" in found
    assert ("{count} passage", "{count} passages") in found


def test_numbers_are_written_as_in_the_language():
    """In counts as in sentences."""

    def said():
        return counted(1024, "{count} point", "{count} points"), translated(texts.QUOTE_CUT, count=4000)

    assert "1,024 points" in said()
    assert "4,000" in said()[1]
    with speaking("de-AT"):
        assert "1.024 Punkte" in said()
        assert "4.000" in said()[1]


def test_an_error_is_translated_with_what_is_put_into_it():
    """It carries its sentence and the values apart; as text, it is whole and English."""
    error = LessonError("{name} contains no text to learn.", name="{cmd} a.md")
    assert str(error) == "{cmd} a.md contains no text to learn."
    with speaking("de"):
        assert translated(error.sentence, **error.values) == "{cmd} a.md enthält keinen Text, den ich lernen könnte."


def test_an_unknown_language_is_english():
    """Somebody whose language is not here reads English; a region of one that is here reads that one."""
    for language, said in (("fr", "Stopped."), ("", "Stopped."), ("de-AT", "Gestoppt.")):
        with speaking(language):
            assert translated(texts.STOPPED) == said


def test_sentences_are_in_the_language_that_is_spoken():
    """What all platforms say is English, unless a platform speaks another language to somebody."""
    with speaking("de"):
        assert texts.reading_passages(1, ["Urlaub"]) == "Ich lese 1 Abschnitt: Urlaub…"
        assert texts.reading_passages(4, ["Urlaub"]) == "Ich lese 4 Abschnitte: Urlaub…"
        assert translated(texts.SEARCHING) == "Ich suche in deinen Dokumenten…"
        assert translated("Nobody translated this.") == "Nobody translated this."
        assert translated("") == ""  # gettext would give the head of its file
    assert texts.reading_passages(1_024, ["Leave"]) == "Reading 1,024 passages: Leave…"
    assert translated(texts.SEARCHING) == texts.SEARCHING


def test_commands_are_named_as_they_can_be_typed():
    """A sentence that names a command has the platform's sign before it, with values and without."""
    with speaking(prefix="!"):
        assert translated("Ask me something, and then `{cmd}why`.") == "Ask me something, and then `!why`."
        assert translated("`{cmd}open {number}`", number=1) == "`!open 1`"
        assert command("prefs undo") == "!prefs undo"
    assert command("prefs undo") == "/prefs undo"


def test_values_are_text():
    """A name with marks in it is shown with them."""
    assert texts.escaped("a_b*c`d[e](f)") == "a\\_b\\*c\\`d\\[e\\](f)"


def test_commands_keep_telegrams_rules():
    """Names and summaries of commands fit Telegram's menu in every language."""
    for one in COMMANDS:
        assert re.fullmatch(r"[a-z0-9_]{1,32}", one.name)
        for language in ("", *LANGUAGES):
            with speaking(language):
                assert 1 <= len(translated(one.summary)) <= 256
