"""What every document format is parsed into: a title, and blocks under headings, in order.

Knows nothing of files, suffixes or any format; parsers fill an `Outline`, the splitter reads the result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

HEADING_CHARACTERS = 300  # all that is below a heading carries it: a longer one stands whole at the top of its section
DEEPEST = 8  # level of a heading; those below count as it
_PADDING = 4  # times as many cells as a table has are filled up, so that its rows are as long as each other


class BlockKind(StrEnum):
    """What a block is, as far as splitting cares."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document that stands by itself, as readable Markdown.

    `headings` are those above it, outermost first, without the title; a heading's own path ends with itself.
    `line` is its first line in the file and `page` its page, slide or cell, counted from 1, or 0 where there is none.
    Code is fenced; a table starts with its caption, if it has one, and its header row. `lines` are the file's lines of
    each line of the text, where these do not simply follow each other.
    """

    kind: BlockKind
    text: str
    headings: tuple[str, ...]
    line: int
    page: int = 0
    lines: tuple[int, ...] = ()

    def line_at(self, offset: int) -> int:
        """The line in the file of a line of the text, counted from 0; 0 where the format has none."""
        if self.lines:
            return self.lines[min(offset, len(self.lines) - 1)]
        return self.line + offset if self.line else 0


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document as a reader sees it. `notes` say what was guessed on the way, as whole sentences.

    What a document says of itself is empty where it says nothing: `author`, `date` (ISO 8601, a day or a moment),
    `language` (such as en or pt-BR).
    """

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()
    author: str = ""
    date: str = ""
    language: str = ""


class Outline:
    """Collects blocks and keeps track of the headings above them.

    A first heading of level 1 is the title, unless another title is known: then only one that repeats it is.
    """

    def __init__(self, title: str = "") -> None:
        self._title = title
        self._blocks: list[Block] = []
        self._open: list[tuple[int, str]] = []  # (level, text) of the headings above, outermost first
        self._headings = 0

    def heading(self, level: int, text: str, line: int, page: int = 0) -> None:
        """Open a section; sections of the same or a deeper level end."""
        whole = " ".join(text.split())
        if not whole:
            return
        text = whole if len(whole) <= HEADING_CHARACTERS else f"{whole[: HEADING_CHARACTERS - 1].rstrip()}…"
        self._headings += 1
        if self._headings == 1 and self._is_title(level, text):
            self._title = text
        else:
            level = min(level, DEEPEST)
            self._open = [above for above in self._open if above[0] < level]
            self._open.append((level, text))
        self._blocks.append(Block(BlockKind.HEADING, text, self._path(), line, page))
        if text != whole:
            self.add(BlockKind.PARAGRAPH, whole, line, page)

    def table(self, rows: Sequence[Sequence[str]], lines: Sequence[int], page: int = 0, caption: str = "") -> None:
        """Add a table whose rows stand on `lines` of the file, the first one its header; its caption stands above."""
        above = f"{caption}\n\n" if caption else ""
        if text := pipe_table(rows):
            first = (lines[0],) * (above.count("\n") + 1)
            self._blocks.append(Block(BlockKind.TABLE, above + text, self._path(), lines[0], page, (*first, *lines)))

    def code(self, code: str, language: str, line: int) -> None:
        """Add code that begins on `line` of the file, where no fence stands around it."""
        line += len(code) - len(code.lstrip("\n"))
        text = fenced(code, language)
        if text:
            lines = range(line, line + text.count("\n") - 1)
            self._blocks.append(Block(BlockKind.CODE, text, self._path(), line, 0, (line, *lines, lines[-1])))

    def add(self, kind: BlockKind, text: str, line: int, page: int = 0) -> None:
        """Add a block under the open headings; blank text adds nothing."""
        if not text.strip():
            return
        line += len(text) - len(text.lstrip("\n")) if line else 0
        text = text.strip("\n").rstrip() if kind is BlockKind.CODE else text.strip()
        self._blocks.append(Block(kind, text, self._path(), line, page))

    def document(self) -> ParsedDocument:
        """Everything collected; the title is empty where the document names none."""
        return ParsedDocument(self._title, tuple(self._blocks))

    def _is_title(self, level: int, text: str) -> bool:
        return text.casefold() == self._title.casefold() if self._title else level == 1

    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._open)


def fenced(code: str, language: str = "") -> str:
    """`code` as a fenced block; the fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    body = code.strip("\n")
    return f"{fence}{language}\n{body}\n{fence}" if body.strip() else ""


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """`rows` as a Markdown table, the first one its header; cells become one line each."""
    width = max((len(row) for row in rows), default=0)
    if not any(cell.strip() for row in rows for cell in row):
        return ""
    ragged = width * len(rows) > _PADDING * (sum(map(len, rows)) + 1000)  # one wide row among thousands of short ones
    filled = [row if ragged and at else [*row, *[""] * (width - len(row))] for at, row in enumerate(rows)]
    lines = [_table_row(row) for row in filled]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def _table_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
