"""Whether a word, a command or a table row of an answer states a fact that stands nowhere in what was read.

Facts are numbers, dates and times (core/text/amounts.py), addresses (URL, host, path, file, e-mail), channels, handles,
commands and rows of tables, however they are written; other words are never doubted. Pure; knows nothing of how an
answer comes, or of what becomes of a sentence that fails.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from urllib.parse import unquote

from core.text.amounts import EDGES, Amounts, WordContext
from core.text.words import content_words

_TAIL = r"[^\s<>`\"“”|\]]*[^\s<>`\"“”|\].,;:!?)*_'’]"
_URL = re.compile(rf"(?:[a-z][a-z+.-]*://|www\.){_TAIL}", re.IGNORECASE)
_ADDRESS = re.compile(
    rf"{_URL.pattern}|:[a-z_]+:"  # and the name of an emoji
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|(?<![\w/&])[@#][\w.-]*[^\W\d_][\w-]*"  # a handle, a channel
    rf"|(?<![\w./)~>])(?:~|\.\.?)?/(?:[\w.]{_TAIL}|\w)"  # a path, or a command
    r"|\b[a-z]:\\\S+"
    rf"|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,24}}\b(?:/{_TAIL})?"  # a host, a file
    r"|(?<![\w-])--[a-z][\w-]*"  # a flag
    r"|\b[^\W_]+(?:_[^\W_]+)+\b",  # a name of programs
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # e.g, z.B, U.S
_SENTENCES = re.compile(r"[^\W\d_]+\.[A-ZÄÖÜ][^\W\d_]+")  # the blank between two is missing
_BREAKS = re.compile(r"[\s=:,;\"'()\[\]{}|<>$]+")
_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}|\.\.\.|…|\b(?:your|my|dein|mein)[-_][\w-]+", re.IGNORECASE)
_STEM = 5  # letters of a word that say which it is
_MIN_CARRIED = 0.4  # share of a row's words that have to stand in what was read
_MIN_SHARED = 0.35  # share of an answer's words under which its language is another than that of what was read


class Facts:
    """The facts of what was `read`, and of the question that was `asked`."""

    def __init__(self, read: Iterable[str], asked: str = "") -> None:
        text = unicodedata.normalize("NFKC", "\n".join([*read, asked]))
        self._flat = _flat(text)
        self._words = frozenset(re.findall(r"\w+", self._flat))
        self._stems = frozenset(word[:_STEM] for word in self._words)
        self._amounts = Amounts(text, asked)

    def hold(
        self, word: str, before: Sequence[str] = (), after: Sequence[str] = (), said: Collection[float] = ()
    ) -> bool:
        """Whether `word` states nothing new, between `before` and `after`; `said` are the numbers just said."""
        word = unicodedata.normalize("NFKC", word)
        rest = _ADDRESS.sub(" ", word)
        if not all(self._has_address(found[0]) for found in _ADDRESS.finditer(word)):
            return False
        return not rest.strip(EDGES + " ") or self._amounts.hold(rest, WordContext.of(rest, before, after, said))

    def hold_code(self, code: str) -> bool:
        """Whether every part of a command is known."""
        plain = _PLACEHOLDER.sub(" ", code)
        addresses = all(self._has_address(found[0]) for found in _URL.finditer(plain))
        return addresses and all(self._has_code(part) for part in _BREAKS.split(_URL.sub(" ", plain)))

    def hold_target(self, target: str) -> bool:
        """Whether a link's address is known."""
        return self._has(_flat(target).strip(" <>").rstrip("/"))

    def carry(self, row: str, said: str) -> bool:
        """Whether a fair share of a row's words is known, unless `said` shows that the answer's language is another."""
        if _share(re.findall(r"\w+", _flat(said)), self._words) < _MIN_SHARED:
            return True
        stems = [word[:_STEM] for part in content_words(row) for word in re.findall(r"\w+", part)]
        return _share(stems, self._stems) >= _MIN_CARRIED

    def _has(self, part: str, edge: str = r"\w-") -> bool:
        """Whether `part` stands there as a whole; `edge` are the characters that it may not go on to the left with."""
        return not part or re.search(rf"(?<![{edge}]){re.escape(part)}(?![\w-]|\.\w)", self._flat) is not None

    def _has_address(self, address: str) -> bool:
        if address[0] == ":" or _ABBREVIATION.fullmatch(address) or _SENTENCES.fullmatch(address):
            return True
        plain = re.sub(r"['’]s?$", "", _flat(address).strip()).rstrip("/.")
        if "@" in plain[1:]:
            return self._has(plain, edge=r"\w.+-")
        if plain[:1] == "#" and re.search(r"[-_]", plain) and self._has(plain[1:]):  # a channel named without its sign
            return True
        return self._has(plain, edge=r"\w-" if plain[0].isalnum() else r"\w")

    def _has_code(self, part: str) -> bool:
        plain = _flat(part).strip(" .!?`*\\")
        if not re.search(r"\w", plain) or plain in self._words or self._has(plain):
            return True
        if plain[0].isdecimal():
            return self._amounts.hold(plain, WordContext())
        parts = re.findall(r"\w+", plain)
        return plain[0] != "-" and "_" not in plain and len(parts) > 1 and self._words.issuperset(parts)


def _flat(text: str) -> str:
    """`text` in one way of writing, and addresses without what may be left away."""
    plain = html.unescape(unquote(unicodedata.normalize("NFKC", text))).lower().replace("\\_", "_")
    return re.sub(r"https?://(?:www\.)?|\bwww\.|mailto:", " ", re.sub(r"\s+", " ", plain))


def _share(words: Collection[str], known: Collection[str]) -> float:
    return sum(word in known for word in words) / len(words) if words else 1.0
