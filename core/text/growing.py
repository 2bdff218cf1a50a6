"""The words and sentences of Markdown that is still growing: where one ends, as soon as that is certain.

What is certain stays so, whatever comes behind it. Pure; knows nothing of what is said in them.
"""

from __future__ import annotations

import re

from core.text import numerals
from core.text.amounts import EDGES, bare

_HELD = 400  # characters that a link or a command may have
AHEAD = 2  # words behind a number that say what it counts
_GAP = re.compile(r"[^\S\n]+")
_SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60]"
)
LINK = re.compile(r"\[([^\]\n]*)\]\([ \t]*<?([^\s()>]*(?:\([^\s()]*\)[^\s()>]*)*)>?(?:[ \t][^)\n]*)?\)")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+")
_NO_LINK = re.compile(r"\[[^\]\n]*\][^(]")
CODE = re.compile(r"(?<!`)(`+)(?!`)([^\n]+?)(?<!`)\1(?!`)")
_ENDED = re.compile(r"(?:[.!?…][*_\"'”’»)\]]*|[。！？])$")
_ABBREVIATED = re.compile(
    r"[\W_]*(?:(?:[^\W\d_]\.)*[^\W\d_]|p\.ej|etc|no|nr|vs|cf|approx|ca|fig|incl|inkl|max|min|mr|mrs|ms|dr|st"
    r"|bzw|ggf|evtl|sog|vgl|art|abs|std|tel|jan|feb|mär|apr|jun|jul|aug|sept?|o[ck]t|nov|de[cz]"
    r"|(?-i:Mo|Di|Mi|Do|Fr|Sa|So))\.[\W_]*",
    re.IGNORECASE,
)


def gap_end(text: str, at: int) -> int:
    """Where the blanks that begin at `at` end."""
    found = _GAP.match(text, at)
    return found.end() if found else at


def may_count(text: str) -> bool:
    """Whether `text` may be part of a number or a date, so that the words behind it matter."""
    word = bare(text).split("-")[0]
    is_spelled = numerals.spelled(word) is not None or numerals.month(word) is not None
    return is_spelled or any(character.isdecimal() for character in text)


def word_end(text: str, start: int, *, ended: bool) -> int | None:
    """Where the word that begins at `start` ends; links and code are one. None where that is not known yet."""
    at = start
    while at < len(text) and not text[at].isspace():
        if _SPACELESS.match(text[at]):
            return max(at, start + 1)
        if text[at] in "`[":
            closed = _span_end(text, at, ended=ended)
            if closed is None:
                return None
            at = closed
        else:
            at += 1
    return at if ended or at < len(text) else None


def _span_end(text: str, at: int, *, ended: bool) -> int | None:
    """Where the link or code that begins at `at` ends, or its first sign where it is none."""
    line, newline, _ = text[at : at + _HELD].partition("\n")
    is_all = ended or bool(newline) or len(line) == _HELD
    found = (CODE if text[at] == "`" else LINK).match(line)
    if found and (is_all or found.end() < len(line)):
        return at + found.end()
    if is_all or _NO_LINK.match(line):
        return at + len(line) - len(line.lstrip("`")) if text[at] == "`" else at + 1
    return None


def following(text: str, at: int, *, ended: bool) -> list[str] | None:
    """The words on the line behind `at` that say what a number counts. None where they are not all there yet."""
    found: list[str] = []
    while len(found) < AHEAD:
        start = gap_end(text, at)
        if text[start : start + 1] == "\n" or (ended and start == len(text)):
            break
        end = word_end(text, start, ended=ended)
        if end is None:
            return None
        found.append(text[start:end])
        at = end
    return found


def is_abbreviated(word: str) -> bool:
    """Whether the full stop at the end of `word` is its own, and perhaps no sentence's: "e.g.", "Dr.", "Sept."."""
    return _ABBREVIATED.fullmatch(word) is not None


def ends_sentence(word: str, next_word: str) -> bool:
    """Whether a sentence ends with `word`, with `next_word` behind it."""
    if not _ENDED.search(word):
        return False
    begins = next_word.strip(EDGES)[:1]
    is_date = re.fullmatch(r"\W*\d{1,2}\.", word) and numerals.month(bare(next_word)) is not None
    return word[-1] in "。！？" or not (begins.islower() or is_date or is_abbreviated(word))


def without_links(text: str) -> str:
    """What `text` says itself: without links and their words, bare addresses, and the bars of tables."""
    return " ".join(_ADDRESS.sub(" ", LINK.sub(" ", text)).replace("|", " ").split())
