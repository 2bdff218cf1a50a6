"""Text too long for a passage → pieces that fit, cut where a reader would.

What fits is asked of a function, since only the splitter knows the budget and the headings. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, zip_longest

from core.documents.blocks import Block, BlockKind

Fits = Callable[[str], bool]

_ITEM = r"(?:[-*+]|\d+[.)])[ \t]"
_ITEMS = re.compile(rf"(?<=\n)(?={_ITEM})")
_NESTED_ITEMS = re.compile(rf"(?<=\n)(?=[ \t]*{_ITEM})")
_SENTENCES = re.compile(r"(?<=[.!?…]\s)(?=\S)|(?<=[.!?…][\"'”’)\]*_]\s)(?=\S)|(?<=[。！？])")
_LINES = re.compile(r"(?<=\n)")
_WORDS = re.compile(r"(?<=\s)(?=\S)")
_BAR = re.compile(r"(?<!\\)\|")  # between the cells of a row
_LABEL_CHARACTERS = 100  # of a header, before each of its values
_FRAME_LINES = 8  # of a table's top, among which is the rule below its header: a caption may be above
_CUTS = {
    BlockKind.LIST: (_ITEMS, _NESTED_ITEMS, _SENTENCES, _LINES),
    BlockKind.QUOTE: (re.compile(r"(?<=\n>\n)"), _SENTENCES, _LINES),
}
_RUNNING_TEXT = (_SENTENCES, _LINES)


def pieces(block: Block, fits: Fits) -> Iterator[str]:
    """A list or running text in pieces that fit, not yet packed; joined again they are the block's text."""
    first, *others = _CUTS.get(block.kind, _RUNNING_TEXT)
    for piece in first.split(block.text):
        yield from _sliced(piece, others, fits)


def framed_pieces(block: Block, fits: Fits) -> Iterator[tuple[str, int]]:
    """A table or code in pieces as long as fit, each with the line it begins on.

    Each piece has the header or the fences around it again. Where these alone fill a passage, or a row of a table does,
    code goes without, and each value of a row stands behind its own header.
    """
    above, body, below = _frame(block)

    def framed(text: str) -> str:
        return "\n".join(part for part in (above, text.strip("\n"), below) if part)

    def fits_framed(text: str) -> bool:
        return fits(framed(text))

    offset = above.count("\n") + 1 if above else 0
    if block.kind is BlockKind.TABLE:
        yield from _row_pieces(block, offset, fits)
        return
    if not fits(f"{above}\n{below}" * 2):
        above, body, below, offset = "", block.text, "", 0
    for text in runs(_sliced(body, (_LINES,), fits_framed), fits_framed):
        if text.strip():
            yield framed(text), block.line_at(offset)
        offset += text.count("\n")


def _row_pieces(block: Block, start: int, fits: Fits) -> Iterator[tuple[str, int]]:
    """The rows of a table below its header, as many as fit; a row that does not in pieces of its own."""
    lines = block.text.split("\n")
    above, header = "\n".join(lines[:start]), _cells(lines[start - 2] if start > 1 else "")
    framing = fits(f"{above}\n" * 2)

    def fits_framed(rows: str) -> bool:
        return framing and fits(f"{above}\n{rows}")

    offset = start
    for whole, group in groupby((f"{line}\n" for line in lines[start:]), key=fits_framed):
        rows = list(group)
        if offset == start and not whole:
            top = "\n".join(line for line in lines[:start] if not _is_rule(line))
            yield from ((piece, block.line_at(0)) for piece in runs(_sliced(top, (_LINES,), fits), fits))
        for text in runs(rows, fits_framed) if whole else rows:
            pieces = [f"{above}\n{text}"] if whole else _labelled_pieces(header, _cells(text), fits)
            yield from ((piece.strip("\n"), block.line_at(offset)) for piece in pieces)
            offset += text.count("\n")


def _labelled_pieces(header: Sequence[str], row: Sequence[str], fits: Fits) -> Iterator[str]:
    """A row with each value behind its own header, in pieces that each begin with the first."""
    pairs = [
        f"- {label[:_LABEL_CHARACTERS]}: {cell}\n" if label else f"- {cell}\n"
        for label, cell in zip_longest(header, row, fillvalue="")
        if cell
    ]
    key = pairs[0] if len(pairs) > 1 and fits(pairs[0] * 2) else ""

    def fits_keyed(text: str) -> bool:
        return fits(key + text)

    cut = [piece for pair in pairs[bool(key) :] for piece in _sliced(pair, (_SENTENCES,), fits_keyed)]
    yield from (key + text for text in runs(cut, fits_keyed))


def _cells(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in _BAR.split(line.strip().removeprefix("|").removesuffix("|"))]


def clipped(text: str, fits: Fits) -> str:
    """`text` if it fits, else its first words and an ellipsis."""
    if fits(text):
        return text
    words = [piece for word in _WORDS.split(text) for piece in _word(word, lambda part: fits(f"{part}…"))]
    return next(runs(words, lambda part: fits(f"{part}…")), "").strip() + "…"


def runs(pieces: Sequence[str], fits: Callable[[str], bool]) -> Iterator[str]:
    """Neighbouring pieces joined, as many as fit, at least one; found by doubling, then halving."""
    start = 0
    while start < len(pieces):
        low, high = 1, 2
        while start + high <= len(pieces) and fits("".join(pieces[start : start + high])):
            low, high = high, high * 2
        high = min(high, len(pieces) - start + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits("".join(pieces[start : start + middle])) else (low, middle)
        yield "".join(pieces[start : start + low])
        start += low


def _sliced(text: str, cuts: Sequence[re.Pattern[str]], fits: Fits) -> list[str]:
    """`text` cut at the first of `cuts` where that is enough, else at the next, at last between characters."""
    if fits(text):
        return [text]
    if cuts:
        return [piece for part in cuts[0].split(text) for piece in _sliced(part, cuts[1:], fits)]
    words = [piece for word in _WORDS.split(text) for piece in _word(word, fits)]
    return list(runs(words, fits))


def _word(word: str, fits: Fits) -> Iterator[str]:
    return iter([word]) if fits(word) else runs(word, fits)


def _frame(block: Block) -> tuple[str, str, str]:
    """What is repeated above each piece of a table or of code, the lines between, and what is repeated below."""
    lines = block.text.split("\n")
    if block.kind is BlockKind.TABLE:
        below = next((at for at, line in enumerate(lines[:_FRAME_LINES], 1) if _is_rule(line)), 2)
        return "\n".join(lines[:below]), "\n".join(lines[below:]), ""
    closed = len(lines) > 1 and lines[-1].strip() == lines[0].strip()[: len(lines[-1].strip())]
    if lines[0].startswith(("```", "~~~")) and closed:
        return lines[0], "\n".join(lines[1:-1]), lines[-1]
    return "", block.text, ""


def _is_rule(line: str) -> bool:
    """Whether this is what stands below the header of a table."""
    return "-" in line and not line.strip("-:| \t")
