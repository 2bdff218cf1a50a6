"""An answer that used up its tokens: where it ends, and where it goes on when somebody wants more.

It ends with its last whole sentence, list item or table row, and a mark. Pure text; knows nothing of tokens or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MARK = "…"
_LEAST = 0.5  # share of an answer that whole sentences have to keep; where they keep less it ends with a whole word
_SENTENCE = re.compile(r"[.!?]+[\"'”’)\]*_`]*(?=\s|$)")
_NO_SENTENCE = re.compile(
    r"(?:^|\n)\s*\w{1,3}\.$|\b(?:e\.g|i\.e|etc|approx|no|vs|z\. ?b|d\. ?h|bzw|ca|nr)\.$", re.IGNORECASE
)
_BLOCK = re.compile(r"[-*+|#>]|\d+[.)]|```")  # what begins a line of its own
_FENCE = re.compile(r"^\s*```", re.MULTILINE)


def cut_short(text: str) -> str:
    """`text`, which ended anywhere, up to the end of something whole, and the mark."""
    end = max((end for end in _ends(text) if not _in_code(text[:end])), default=0)
    if end < _LEAST * len(text):
        end = text.rfind("\n") if _in_code(text) else max(text.rfind(" "), text.rfind("\n"))
    kept = text[:end].rstrip() if end > 0 else text
    kept += "\n```" if _in_code(kept) else ""
    return f"{kept}\n\n{MARK}" if _last_line(kept).startswith(("|", "```")) else f"{kept} {MARK}"


def is_cut(answer: str) -> bool:
    """Whether there is more of `answer`."""
    return answer.rstrip().endswith(MARK)


def begun(answer: str) -> str:
    """What was said of an answer before it was cut."""
    return answer.rstrip().removesuffix(MARK).rstrip()


def joined(first: str, further: str) -> str:
    """An answer and how it went on."""
    return f"{first}\n{further}" if _BLOCK.match(further) else f"{first} {further}"


def _ends(text: str) -> Iterator[int]:
    """Where something whole ends: a sentence, or a line before another."""
    for found in _SENTENCE.finditer(text):
        so_far = text[: found.end()]
        if not (_NO_SENTENCE.search(so_far) or _last_line(so_far).startswith("|")):
            yield found.end()
    yield from (place for place, character in enumerate(text) if character == "\n")


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :].lstrip()


def _in_code(text: str) -> bool:
    return len(_FENCE.findall(text)) % 2 == 1
