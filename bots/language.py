"""How somebody is spoken to: in which language, with which sign before commands; and the catalogues of what is said.

Every sentence is written in English and is its own key; `{cmd}` in it stands for the sign. A platform says everything
within `speaking`; outside of it all is English, with `/`. A sentence is translated once, where it is said. Knows no
sentence and no platform.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

DOMAIN = "attune"
LANGUAGES = ("de",)  # beside English
LOCALE = Path(__file__).parent / "locale"
_GROUPING = {"de": "."}  # between thousands; in English a comma


class Voice(NamedTuple):
    """A language, such as `de` or `de-AT`, and what stands before a command that can be typed."""

    language: str = ""
    prefix: str = "/"


_VOICE: ContextVar[Voice] = ContextVar("voice", default=Voice())  # noqa: B039 - a tuple never changes


@contextmanager
def speaking(language: str = "", prefix: str = "/") -> Iterator[None]:
    """Say everything this way while open, in this task and in those that it starts."""
    before = _VOICE.set(Voice(language, prefix))
    try:
        yield
    finally:
        _VOICE.reset(before)


def voice() -> Voice:
    """How is spoken here."""
    return _VOICE.get()


def translated(sentence: str, **values: object) -> str:
    """`sentence` as it is said here, with what varies put in; what no catalogue knows stays as it is."""
    voice = _VOICE.get()
    found = catalogue(voice.language).gettext(sentence) if sentence else ""
    return _NUMBERS.format(found, cmd=voice.prefix, **values) if values else found.replace("{cmd}", voice.prefix)


def command(line: str) -> str:
    """A command, such as `prefs undo`, as it can be typed here."""
    return f"{_VOICE.get().prefix}{line}"


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun, such as `{count} passage` and `{count} passages`."""
    return catalogue(_VOICE.get().language).ngettext(one, many, count).format(count=grouped(count))


def grouped(count: int) -> str:
    """A count as it is written here: 1,024 or 1.024."""
    return f"{count:,}".replace(",", _GROUPING.get(_code(_VOICE.get().language), ","))


class _Numbers(Formatter):
    """Puts numbers into a sentence as they are written in its language."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return grouped(value) if format_spec == "," else str(super().format_field(value, format_spec))


_NUMBERS = _Numbers()


def catalogue(language: str) -> gettext.NullTranslations:
    """The sentences in `language`; English where there are none."""
    code = _code(language)
    return _read(code) if code in LANGUAGES else gettext.NullTranslations()


def _code(language: str) -> str:
    return language.lower().partition("-")[0]


@cache
def _read(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, languages=[code], fallback=True)


def plural(count: int, noun: str) -> str:
    """`count` with its noun: 1 passage, 2 passages, 1,024 passages."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
