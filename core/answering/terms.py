"""What a text is searched by beside its plain words: identifiers, acronyms, and words as they may have been meant.

BM25's tokenizer cuts at every sign and drops stop words: to it `v2.13.0` and `v2.0.13` are the same three words,
`e-mail` and `email` are not one, the IT department is "it", and HR has nothing to do with Human Resources. Terms are
words added to a text to make up for this, alike for passages and questions. Pure; knows nothing of BM25 or an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from core.text.languages import segmented
from core.text.words import STOP_WORDS, words

TERMS_VERSION = 2
"""Raised whenever the same text gets other terms, so that documents are stored anew."""

_MARK = "ː"  # a letter to every tokenizer, and in no text
_COMPOUND = re.compile(r"[^\W_]+(?:[-_./:\\@#+&]+[^\W_]+)+")
_SIGNS = re.compile(r"[\W_]+")
_VERSION = re.compile(r"v(?=\d)")
_SHOUTED = re.compile(r"\b[A-Z]{2,4}\b")
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][\w'’]*[a-zß-öø-ÿ]"
_NAME = re.compile(rf"\b{_CAPITALISED}(?: (?:(?:of|and|for|on) )?{_CAPITALISED}){{1,4}}\b")
_UMLAUT = re.compile(r"\w*[äöüÄÖÜ]\w*")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LENGTHS = range(4, 25)  # letters of a word that is spelled otherwise
_SLIPS = 5  # words of one question that are: a question of gibberish must not search for thousands


def with_terms(text: str) -> str:
    """`text`, where it has no spaces cut into neighbours, and, on a line of their own, its terms."""
    return f"{segmented(text)}\n{' '.join([*_pairs(text), *_shouted(text), *_initials(text), *_written_out(text)])}"


def _pairs(text: str) -> Iterator[str]:
    """Neighbours of a compound as one word, so that order counts and parts are found: AB-1042/X has ab1042, 1042x."""
    for compound in _COMPOUND.findall(text):
        parts = _SIGNS.split(_VERSION.sub("", compound.lower()))
        for first, second in pairwise(parts):
            between = _MARK if first[-1].isdigit() and second[0].isdigit() else ""  # 2.13 is not 21.3
            yield f"{first}{between}{second}"


def _shouted(text: str) -> Iterator[str]:
    """IT, US, WHO: stop words but for their capitals."""
    return (f"{word.lower()}{_MARK}" for word in _SHOUTED.findall(text) if word.lower() in STOP_WORDS)


def _initials(text: str) -> Iterator[str]:
    """What a name of several words may be called: Human Resources is hr.

    Without its first word, too, which may only begin the sentence.
    """
    for name in _NAME.findall(text):
        initials = "".join(word[0] for word in name.split() if word[0].isupper()).lower()
        yield from (short for short in (initials, initials[1:]) if len(short) > 1)


def _written_out(text: str) -> Iterator[str]:
    """Umlauts as who has no key for them writes them: München is muenchen."""
    return (word.lower().translate(_UMLAUTS) for word in _UMLAUT.findall(text))


def misspelled(question: str, known: str) -> list[str]:
    """The first few words of `question` that may be slips of the finger: letters only, and nowhere in `known`."""
    text = known.lower()
    asked = dict.fromkeys(word for word in words(question) if word.isalpha() and len(word) in _LENGTHS)
    return [word for word in asked if word not in STOP_WORDS and word not in text][:_SLIPS]


def spellings(word: str) -> set[str]:
    """`word` with one letter left out, added, changed or swapped with the next; the first one is seldom wrong."""
    cuts = [(word[:at], word[at:]) for at in range(1, len(word) + 1)]
    shorter = {head + tail[1:] for head, tail in cuts}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    changed = {head + letter + tail[1:] for head, tail in cuts if tail for letter in _LETTERS}
    longer = {head + letter + tail for head, tail in cuts for letter in _LETTERS}
    return (shorter | swapped | changed | longer) - {word}
