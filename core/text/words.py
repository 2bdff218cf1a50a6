"""Words of a text, as far as counting and comparing need them, and whole numbers that come from outside.

No model, no stemming, any script. Knows nothing of who wrote it.
"""

from __future__ import annotations

import re
import unicodedata

from core.text.languages import ENGLISH, SMALL_WORDS, language_of, segmented

MOST = 2**53  # beyond it JSON's numbers are not exact everywhere
_WORD = re.compile(r"\w+(?:[-.'’]\w+)*")


def words_of(line: str) -> frozenset[str]:
    """A set of words written as one line."""
    return frozenset(line.split())


STOP_WORDS = SMALL_WORDS[ENGLISH]
"""Words of English that carry no topic of their own."""

# What asks, and says nothing of what is asked about: "could you tell me about expenses, please".
_ASKED = re.compile(r"^\W*(?:(?:can|could|will|would) you )?(?:please )?tell (?:me|us)\b|\bplease\b", re.IGNORECASE)
_CONTRACTED = re.compile(r"(?:n['’]t|['’]\w+)$")  # what's, don't, you're


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def content_words(text: str) -> set[str]:
    """The words of `text` that carry a topic in its language."""
    small = STOP_WORDS | SMALL_WORDS.get(language_of(text), STOP_WORDS)
    return {word for word in words(segmented(text)) if _CONTRACTED.sub("", word) not in small}


def clean(text: str) -> str:
    """`text` without control characters (tabs and line ends stay) and without the white space around it."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Cn")).strip()


def without_asking(question: str) -> str:
    """`question` without the words that only ask, for whoever would search for them."""
    return _ASKED.sub(" ", question)


def whole_number(text: object, most: int = MOST) -> int | None:
    """The number from 0 to `most` that `text` spells in decimal digits of any script; None where it spells none.

    `isdigit` calls characters digits that `int` refuses (`²`), and `int` refuses what has more than 4,300 of them.
    """
    if not isinstance(text, str) or not text.isdecimal():
        return None
    digits = text.lstrip("0") or "0"
    number = int(digits) if len(digits) <= len(str(most)) else most + 1
    return number if number <= most else None
