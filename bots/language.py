"""The language in which somebody is spoken to, and the catalogues of what is said.

Every sentence is written in English and is its own key. A platform that knows somebody's language does what it does for
them within `speaking`; outside of it all is English. A sentence with values is looked up where they are put in, one
without where it is shown. Knows no sentence and no platform.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

DOMAIN = "attune"
LANGUAGES = ("de",)  # beside English
LOCALE = Path(__file__).parent / "locale"

_SPOKEN: ContextVar[str] = ContextVar("spoken", default="")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything in `language` (such as `de` or `de-AT`) while open, in this task and in those that it starts."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def translated(sentence: str, **values: object) -> str:
    """`sentence` in the language that is spoken, with what varies put in; what no catalogue knows stays as it is."""
    found = catalogue(_SPOKEN.get()).gettext(sentence) if sentence else ""
    return found.format(**values) if values else found


def counted(count: int, one: str, many: str) -> str:
    """A count with its noun, such as `{count} passage` and `{count} passages`."""
    return catalogue(_SPOKEN.get()).ngettext(one, many, count).format(count=f"{count:,}")


def catalogue(language: str) -> gettext.NullTranslations:
    """The sentences in `language`; English where there are none."""
    code = language.lower().partition("-")[0]
    return _read(code) if code in LANGUAGES else gettext.NullTranslations()


@cache
def _read(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, languages=[code], fallback=True)
