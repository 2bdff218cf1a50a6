"""Growing Markdown → safe Markdown and tables, cut where what follows can no longer change it.

Text of documents, models and people is data: it can name nobody, call no channel and have no address fetched. Slack
reads `<…>` also inside its markdown block, and does not read again what it decoded, so that `&lt;` is the whole cure;
where Slack cannot be told to leave addresses alone (streams), they are shown as code.
Knows nothing of messages, of blocks or of pages.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.on_slack.limits import HELD_CHARS, TABLE_CHARS, TABLE_COLUMNS, TABLE_ROWS
from bots.render import clean

_GROUPS = re.compile(r"@(?=(?:here|channel|everyone|group)\b)", re.IGNORECASE)
_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
_URL = r"(?:(?:https?|ftp|slack)://|www\.|(?:[a-z0-9-]+\.)+[a-z]{2,}/)[^\s<>`|\[]+"
_INLINE = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|!?\[(?P<label>[^\]\n]*)\]\(\s*<?(?P<target>[^\s)>]+)>?(?:\s+\"[^\"\n]*\")?\s*\)"
    rf"|<?(?P<url>{_URL})",
    re.IGNORECASE,
)
_TRAILING = re.compile(r"[.,;:!?)\]'\"*_~]+$")  # what ends a sentence rather than an address
_LIVE = re.compile(r"(?:https?://|mailto:)[^\s<>|`]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Safe Markdown. `fence` is the opening line of the code block that is still open at its end, or empty."""

    markdown: str
    fence: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, the header first."""

    rows: tuple[tuple[str, ...], ...]
    alignments: tuple[str, ...]

    @property
    def chars(self) -> int:
        """Characters of all cells."""
        return sum(len(cell) for row in self.rows for cell in row)

    @property
    def fits(self) -> bool:
        """Whether Slack takes it as a table."""
        columns = max(len(row) for row in self.rows)
        return len(self.rows) <= TABLE_ROWS and columns <= TABLE_COLUMNS and self.chars <= TABLE_CHARS


Segment = Text | Table


def defused(text: str) -> str:
    """`text` for a markdown block, so that nothing in it is a mention, a channel or a link of Slack's own."""
    return _GROUPS.sub("@\u2060", text.replace("<", "&lt;"))


def escaped(text: str) -> str:
    """`text` for mrkdwn, shown as it is."""
    return _GROUPS.sub("@\u2060", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _inline(text: str, *, live_links: bool) -> str:
    """One line or part of it outside code blocks."""
    parts, end = [], 0
    for match in _INLINE.finditer(text):
        parts += [_prose(text[end : match.start()], live_links=live_links), _shown(match, live_links=live_links)]
        end = match.end()
    return "".join([*parts, _prose(text[end:], live_links=live_links)])


def _prose(text: str, *, live_links: bool) -> str:
    """What stands outside of code and links. A lone backtick must not pair with one that makes an address code."""
    return defused(text if live_links else text.replace("`", "'"))


def _shown(match: re.Match[str], *, live_links: bool) -> str:
    if match["ticks"]:
        return f"{match['ticks']}{defused(match['code'])}{match['ticks']}"
    if (url := match["url"]) is not None:
        trailing = found[0] if (found := _TRAILING.search(url)) else ""
        address = url.removesuffix(trailing)
        return (defused(address) if live_links else _as_code(address)) + defused(trailing)
    label, target = match["label"].strip(), match["target"]
    if live_links and _LIVE.fullmatch(target):
        return f"[{defused(label) or target}]({target})"
    return f"{_inline(label, live_links=False)} ({_as_code(target)})" if label not in {"", target} else _as_code(target)


def _as_code(address: str) -> str:
    return f"`{defused(address)}`"


class Flow:
    """Growing Markdown, cut into segments that what follows can no longer change."""

    def __init__(self, *, live_links: bool) -> None:
        self._live = live_links
        self._line = ""  # the last line, as far as it came
        self._sent = 0  # characters of it that are out
        self._fence = ""
        self._table: list[str] = []

    def add(self, text: str) -> list[Segment]:
        """What became certain with `text`."""
        *lines, last = (self._line + clean(text)).split("\n")
        out: list[Segment] = []
        for line in lines:
            self._line = line
            out += self._whole_line(f"{line}\n")
        self._line = last
        return out + self._certain_words()

    def finish(self) -> list[Segment]:
        """What is left."""
        rest = self._whole_line(self._line) if self._line else []
        self._line = ""
        return rest + self._end_table()

    def _whole_line(self, line: str) -> list[Segment]:
        rest, self._sent = line[self._sent :], 0
        fence = _FENCE.match(line)
        if self._fence:
            if fence and line.strip() == _closing(self._fence, line):
                self._fence = ""
            return [Text(defused(rest), self._fence)]
        if fence:
            before = self._end_table()
            self._fence = line.strip()
            return [*before, Text(defused(rest), self._fence)]
        if rest == line and line.lstrip().startswith("|"):
            self._table.append(line)
            return []
        return [*self._end_table(), Text(_inline(rest, live_links=self._live))]

    def _certain_words(self) -> list[Segment]:
        """Of a line that still grows: whole words, and no half of a link or of code."""
        line = self._line
        if self._fence or self._table or line.lstrip()[:1] in {"", "|", "`", "~"}:
            return []
        growing = line[self._sent :]
        cut = growing.rfind(" ") + 1
        if (half := _half(growing[:cut])) is not None and len(growing) - half < HELD_CHARS:
            cut = half
        if not cut:
            return []
        self._sent += cut
        return [Text(_inline(growing[:cut], live_links=self._live))]

    def _end_table(self) -> list[Segment]:
        lines, self._table = self._table, []
        if not lines:
            return []
        table = _table("".join(lines))
        if table is None:
            return [Text(_inline(line, live_links=self._live)) for line in lines]
        return [table] if table.fits else [Text(f"{line}\n", fence) for line, fence in _as_lines(table)]


def _closing(fence: str, line: str) -> str:
    """`line` without spaces if it can close `fence`, else something it is not."""
    marker = _FENCE.match(fence)
    found = line.strip()
    closes = marker is not None and set(found) == {marker[1][0]} and len(found) >= len(marker[1])
    return found if closes else "\0"


def _half(text: str) -> int | None:
    """Where a link or code begins that may not have ended yet."""
    rest = _INLINE.sub(lambda match: " " * len(match[0]), text)
    found = [place for place in (rest.find("`"), rest.rfind("[")) if place >= 0]
    return min(found, default=None)


def _table(markdown: str) -> Table | None:
    """The table that `markdown` is, or None."""
    tokens = MarkdownIt().enable("table").parse(markdown)
    if not tokens or tokens[0].type != "table_open" or tokens[-1].type != "table_close":
        return None
    rows: list[list[str]] = []
    alignments = []
    for token, inside in itertools.pairwise(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            rows[-1].append(inert(words(inside).strip()) or "\u00a0")
            if token.type == "th_open":
                alignments.append(str(token.attrs.get("style", "")).rpartition(":")[2] or "left")
    return Table(tuple(tuple(row) for row in rows), tuple(alignments)) if rows and rows[0] else None


def inert(text: str) -> str:
    """`text` for where Slack shows it as it is, and decodes no entity; still it is no mention, wherever it gets to."""
    return _GROUPS.sub("@\u2060", re.sub(r"<(?=[@#!])", "<\u2060", text))


def words(inline: Token) -> str:
    """The text of an inline token, without its formatting."""
    if inline.children is None:
        return inline.content
    kinds = {"softbreak": " ", "hardbreak": " "}
    return "".join(kinds.get(token.type, token.content) for token in inline.children)


def _as_lines(table: Table) -> Iterable[tuple[str, str]]:
    """A table that is too large for Slack, as code; each line with the code block that is open behind it."""
    widths = [min(max(len(cell) for cell in column), 40) for column in zip(*table.rows, strict=False)]
    yield "```", "```"
    for row in table.rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(cells).rstrip().replace("```", "'''"), "```"
    yield "```", ""
