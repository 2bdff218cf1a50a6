"""Whether a text is in another language than English, told without a model.

Any script but Latin says so; of Latin letters those passages that are written as sentences, which in English never lack
its small words, whatever the other language may be. Of a few words only what cannot be English says so: names and
terms that English has from others are none. Knows nothing of embedders, or of which language it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from core.text.languages import ENGLISH, SMALL_WORDS, UNDIVIDED, language_of
from core.text.words import words_of

_MOST = 4_000  # characters of a text that are looked at
_FEW = 8  # words, with fewer of which there is no telling by shares
_HINTS = 2  # that make a phrase foreign
_PROSE = re.compile(r"(?:[^\W\d_]+(?:['’-][^\W\d_]+)*,? ){5,}[^\W\d_]+")  # six words and nothing between them
_ENGLISH_SHARE = 0.05  # of the words of sentences, that are small words of English alone: it has a third
_A_WORD = 3  # characters of what is written without spaces
_LETTERS = re.compile(r"[^\W\d_]+")
_MARKUP = re.compile(
    r"<(style|script|head)\b.*?(?:</\1\s*>|\Z)|<[^>]*>|```.*?(?:```|\Z)|`[^`\n]*`"
    r"|\bhttps?://\S+|\S+@\S+|[A-Za-z]*\d[A-Za-z\d.+-]*",
    re.IGNORECASE | re.DOTALL,
)
# Small words of other languages that people who write English use, too: in names, in terms, or as words of English.
_IN_NAMES = words_of(
    "al av da dal dans de del della den der des di do dos du e el et het la las le les los o os san são ten van "
    "vom von y zu à"
)
_IN_TERMS = words_of(
    "ad am bin comment das dat dem die dig du en era es ha has hat hem her hun i is ist ja maar mac mais man mas mat "
    "me mein men met mi mit mot na nun ob om or per plus pour qui sa se sein si son sous sur te tes tot tout tu uit um "
    "un una under up ut uw via vid war was wat we were wie zum"
)
_OTHERS = [small - SMALL_WORDS[ENGLISH] - _IN_NAMES for language, small in SMALL_WORDS.items() if language != ENGLISH]
_OF_ENGLISH_ALONE = SMALL_WORDS[ENGLISH] - frozenset[str]().union(
    *(small for language, small in SMALL_WORDS.items() if language != ENGLISH)
)


def is_foreign(text: str) -> bool:
    """Whether `text` is in another language than English; markup, code and addresses are in none."""
    plain = _MARKUP.sub(" ", text[: 4 * _MOST])[:_MOST]
    if _is_in_another_script(plain):
        return True
    words = _LETTERS.findall(plain.lower())
    if len(words) < _FEW:
        return _is_foreign_phrase(words)
    return language_of(plain) != ENGLISH or _lacks_small_words(plain)


def _is_in_another_script(text: str) -> bool:
    counts = Counter[bool]()
    for word in _LETTERS.findall(text):
        for letter in word:
            counts[unicodedata.name(letter, "").startswith("LATIN")] += 1
    undivided = sum(map(len, UNDIVIDED.findall(text)))
    return counts[False] + (_A_WORD - 1) * undivided > counts[True]


def _lacks_small_words(text: str) -> bool:
    words = [word for passage in _PROSE.findall(text) for word in _LETTERS.findall(passage.lower())]
    return len(words) >= _FEW and sum(word in _OF_ENGLISH_ALONE for word in words) < _ENGLISH_SHARE * len(words)


def _is_foreign_phrase(words: list[str]) -> bool:
    """Whether a few words have a small word that is in no English phrase, or two hints, and none of English."""
    if not _OF_ENGLISH_ALONE.isdisjoint(words):
        return False
    told = [2 * len(small.intersection(words) - _IN_TERMS) + len(small.intersection(words)) for small in _OTHERS]
    accented = sum(not word.isascii() for word in words)
    return max(told) + min(accented, 1) >= _HINTS or accented > _HINTS
