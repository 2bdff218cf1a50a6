"""Words of a text, as far as counting and comparing need them. No model, no stemming, any script."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+(?:[-.'’]\w+)*")


def words_of(line: str) -> frozenset[str]:
    """A set of words written as one line."""
    return frozenset(line.split())


# Words of English that carry no topic of their own.
STOP_WORDS = words_of(
    "a about an and any are as at be been but by can could did do does for from get had has have how i if in into "
    "is it its me my no not of on or our should so some than that the their them then there these they this those "
    "to us was we were what when where which who whom whose why will with would you your"
)


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def content_words(text: str) -> set[str]:
    """The words of `text` that carry a topic."""
    return {word for word in words(text) if word not in STOP_WORDS}


def clean(text: str) -> str:
    """`text` without control characters (tabs and line ends stay) and without the white space around it."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cn")).strip()
