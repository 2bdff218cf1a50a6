"""What can be chosen with `/prefs`, and what somebody probably meant who mistyped it. Pure."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from bots import texts
from bots.language import voice
from core.domain import Sources
from core.errors import InvalidPreferenceError
from core.people.preferences import Format, Language, Length, Level, Preferences, Tone

PREFERENCES: Mapping[str, type[StrEnum]] = {
    "length": Length,
    "tone": Tone,
    "format": Format,
    "level": Level,
    "language": Language,
    "sources": Sources,
}
_ALSO: Mapping[str, Mapping[str, str]] = {
    "language": {
        "ar": "arabic",
        "zh": "chinese",
        "nl": "dutch",
        "en": "english",
        "fr": "french",
        "de": "german",
        "it": "italian",
        "ja": "japanese",
        "ko": "korean",
        "pl": "polish",
        "pt": "portuguese",
        "ru": "russian",
        "es": "spanish",
        "th": "thai",
        "tr": "turkish",
        "vi": "vietnamese",
        "deutsch": "german",
        "español": "spanish",
        "français": "french",
        "italiano": "italian",
        "português": "portuguese",
    },
}


def changed_preference(preferences: Preferences, name: str, value: str) -> tuple[Preferences, str]:
    """`preferences` with one of them set, and the sentence that says so. An empty value only asks.

    Raises:
        InvalidPreferenceError: no such value.
    """
    values, current = [str(known) for known in PREFERENCES[name]], str(getattr(preferences, name))
    meant = _ALSO.get(name, {}).get(value, value)
    if not meant:
        return preferences, texts.preference_shown(name, current, values)
    if meant not in values:
        raise InvalidPreferenceError(texts.bad_value(name, value, values))
    if meant == current:
        return preferences, texts.preference_unchanged(name, meant)
    change: dict[str, Any] = {name: PREFERENCES[name](meant)}
    return dataclasses.replace(preferences, **change), texts.preference_saved(name, meant)


def spoken_language() -> Language:
    """The language to answer in where the message says nothing of it, as what a button stands for.

    English is left to the model, which then speaks it.
    """
    code = voice().language.lower().partition("-")[0]
    return Language(_ALSO["language"].get(code, Language.AUTO)) if code != "en" else Language.AUTO


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=0.6)), None)
