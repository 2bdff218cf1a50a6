"""Whether text is what a person wrote, or what a broken font made of it: shifted letters, or signs that are no words.

A letter is followed by some letters often and by others hardly ever, in any language that is written in Latin letters:
240 pairs are nine of ten in each, and five of ten where letters stand for others. Knows nothing of documents.
"""

from __future__ import annotations

import re
import unicodedata

_FOLLOWERS = (
    "aabcdfghijklmnoprstuvwyz baeioru caehikoru daeiosu eabcdeghiklmnoprstuvwyz faior gaehiloru haeiortu "
    "iabcdegijklmnopqrstvz jaeiou kaehiorsu ladeilostu mabeiou nacdegijknostuy oacdefgijklmnoprstuv paeioru qu "
    "rabdegiklmnorstu sacehiklopstu taehiorstuw uabcdegiklmnprstv vaeio waeio yaeo zaeiu"
)
_PAIRS = frozenset(letters[0] + second for letters in _FOLLOWERS.split() for second in letters[1:])
_SHARE = 0.66  # of the pairs of letters, that a text of some length has among these, at least …
_SHORT_SHARE = 0.5  # … and a short one
_LONG, _SHORT = 120, 30  # pairs
_SIGNS = 40  # without which nothing can be said
_WORD = re.compile(r"(?<![\w])[^\W\d_]{2,}(?![\w])")
_ACRONYM = 4  # letters
_LEADERS = re.compile(r"[\s._…·•|=*–—-]+")  # that fill the lines of a table of contents, or draw a table
_BROKEN = {"Co", "Cn", "Cc", "Cs"}  # no letters for anybody: private, unassigned, control
_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})


def is_garbled(text: str, unmapped: int = 0) -> bool:
    """Whether nobody can read `text`, of which so many signs more are not even letters."""
    signs = _LEADERS.sub("", text)
    if len(signs) + unmapped >= _SHORT:
        broken = unmapped + sum(unicodedata.category(sign) in _BROKEN or sign == "\ufffd" for sign in signs)
        if broken * 4 > len(signs) + unmapped:
            return True
    if len(signs) >= _SIGNS and sum(map(str.isalnum, signs)) * 5 < 2 * len(signs):
        return True
    return _is_foreign_to_itself(signs) or _is_shifted(text)


def _is_foreign_to_itself(signs: str) -> bool:
    """Whether most letters are Latin ones with accents, as Cyrillic or Greek becomes in another encoding."""
    latin = [sign for sign in signs if sign.isalpha() and sign < "\u0250"]
    return len(latin) >= _SHORT and sum(not sign.isascii() for sign in latin) * 5 > 3 * len(latin)


def _is_shifted(text: str) -> bool:
    """Whether letters stand beside each other that do so in no language."""
    words = [word for word in set(_WORD.findall(text)) if len(word) > _ACRONYM or not word.isupper()]
    pairs = [pair for word in words for pair in _pairs(word)]
    known = sum(pair in _PAIRS for pair in pairs)
    return known < (_SHARE if len(pairs) >= _LONG else _SHORT_SHARE) * len(pairs) and len(pairs) >= _SHORT


def _pairs(word: str) -> list[str]:
    plain = unicodedata.normalize("NFD", word.lower().translate(_FOLDED))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found = [letters[at : at + 2] for at in range(len(letters) - 1)]
    return [pair for pair in found if pair.isascii()]
