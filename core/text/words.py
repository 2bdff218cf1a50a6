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
# What asks, and says nothing of what is asked about: "could you tell me about expenses, please".
_ASKED = re.compile(r"^\W*(?:(?:can|could|will|would) you )?(?:please )?tell (?:me|us)\b|\bplease\b", re.IGNORECASE)
_CONTRACTED = re.compile(r"(?:n['’]t|['’]\w+)$")  # what's, don't, you're


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def content_words(text: str) -> set[str]:
    """The words of `text` that carry a topic."""
    return {word for word in words(text) if _CONTRACTED.sub("", word) not in STOP_WORDS}


def clean(text: str) -> str:
    """`text` without control characters (tabs and line ends stay) and without the white space around it."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cn")).strip()


def without_asking(question: str) -> str:
    """`question` without the words that only ask, for whoever would search for them."""
    return _ASKED.sub(" ", question)
