"""Telegram's sentences: all translated, with the same gaps, and the files that are read as new as their sources."""

from __future__ import annotations

import re
import string

import pytest

from bots.on_telegram import texts as say
from bots.on_telegram.texts import LANGUAGES, Words, sentences
from tests import write_catalogues


def gaps(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated(language: str):
    """Each sentence has a translation with the same values and the same commands in it."""
    made = write_catalogues.catalogue(language)
    for sentence in sentences():
        translated = str(made[sentence].string)
        assert translated, sentence
        assert gaps(translated) == gaps(sentence)
        assert set(re.findall(r"/[a-z]+\b|`[^`]+`", translated)) == set(re.findall(r"/[a-z]+\b|`[^`]+`", sentence))


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogues_are_as_new_as_the_sentences(language: str):
    """`python -m tests.write_catalogues` has been run: both files are what it writes."""
    made = write_catalogues.catalogue(language)
    assert write_catalogues.place(language, "po").read_bytes() == write_catalogues.po(made)
    assert write_catalogues.place(language, "mo").read_bytes() == write_catalogues.mo(made)


def test_an_unknown_language_is_english():
    """Somebody whose language is not here reads English; a region of one that is here reads that one."""
    assert Words("fr")(say.STOPPED) == Words("")(say.STOPPED) == "Stopped."
    assert Words("de-AT")(say.STOPPED) == "Angehalten."


def test_values_are_text():
    """A name with marks in it is shown with them."""
    said = Words("en")(say.READING, name="a_b*c`d[e](f)")
    assert said == "Reading *a\\_b\\*c\\`d\\[e\\](f)*…"
    assert Words("en").plain(say.REMOVE_BUTTON, label="a_b") == "✕ a_b"


def test_commands_keep_telegrams_rules():
    """Names and summaries of commands fit Telegram's menu in every language."""
    for name, summary in {**say.COMMANDS, **say.OPERATOR_COMMANDS}.items():
        assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
        assert all(1 <= len(Words(language).plain(summary)) <= 256 for language in ("", *LANGUAGES))
