"""Growing Markdown → safe Markdown and tables, cut where what follows can no longer change it.

Text of documents, models and people is data: it can name nobody, call no channel and have no address fetched. Slack
reads `<…>` also inside its markdown block, and does not read again what it decoded, so that `&lt;` is the whole cure;
where Slack cannot be told to leave addresses alone (streams), they are shown as code. Only the links and the code that
are seen here are links and code in Slack: what could pair otherwise with something further on is parted.
Knows nothing of messages, of blocks or of pages.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.on_slack.limits import HELD_CHARS, LINK_CHARS, SEGMENT_CHARS, TABLE_CHARS, TABLE_COLUMNS, TABLE_ROWS
from bots.quiet import FILES, JOINER, Label, calling_no_group, calling_nobody, host_of, is_mail_to, is_truthful
from bots.render import clean

_FENCE = re.compile(r"[ ]{0,3}(`{3,}(?=[^`]*$)|~{3,})")
_URL = (
    r"(?:(?<![A-Za-z0-9+.-])[a-z0-9+.-]+://|www\.)[^\s<>`|\[\]]+"
    r"|(?<![^\W_])(?<![.-])(?<!\w@)(?:[^\W_](?:[\w-]*[^\W_])?\.)+[a-z]{2,24}(?![\w@-]|://)[^\s<>`|\[\]]*"
)
_INLINE = re.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?<!\\)!?\[(?P<label>(?:\\.|[^\[\]\\\n])*)\]\(\s*<?(?P<target>[^\s)>]+)>?(?:\s+\"[^\"\n]*\")?\s*\)"
    rf"|<?(?P<url>{_URL})",
    re.IGNORECASE,
)
_TRAILING = re.compile(r"[.,;:!?)\]'\"*_~]+$")  # what ends a sentence rather than an address
_MARKS = re.compile(r"[*_~`\\]")  # of formatting: nobody reads them
_PARTED = re.compile(r"(?<!\\)(?:\\\\)*\](?=[(\[:]|\Z)|\\\Z|:(?=[*_~]*/[*_~]*/)|www(?=[*_~]*\.)", re.IGNORECASE)
_LINK = re.compile(r"\](?=\(\s*\w+:)")
_SIGNS = re.compile(r"&(?:(?P<less>lt|#0*60|#x0*3c)|commat|#0*64|#x0*40);", re.IGNORECASE)
_TOKEN = re.compile(r"<(?=[*_~`\\\u2060]*(?:[@#!]|\Z))")  # how a mention begins, whatever is bold in it


@dataclass(frozen=True, slots=True)
class Text:
    """Safe Markdown. `fence` is the opening line of the code block that is still open at its end, or empty."""

    markdown: str
    fence: str = ""


@dataclass(frozen=True, slots=True)
class MarkdownTable:
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


Segment = Text | MarkdownTable


def defused(text: str) -> str:
    """`text` for a markdown block, so that nothing in it is a mention, a channel or a link of Slack's own."""
    plain = _SIGNS.sub(lambda match: "<" if match["less"] else "@", text)
    return calling_nobody(_TOKEN.sub(f"&lt;{JOINER}", plain).replace("<", "&lt;"))


def escaped(text: str) -> str:
    """`text` for mrkdwn, shown as it is."""
    return calling_nobody(entities(text))


def entities(text: str) -> str:
    """`text` for mrkdwn, letter by letter: of code and of addresses."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def in_code(text: str) -> str:
    """`text` for code in a markdown block."""
    return calling_no_group(text.replace("<", "&lt;"))


def line(text: str) -> str:
    """Somebody's text on one line of a markdown block, with no link that could be pressed."""
    return "".join(_inline(" ".join(text.split()), live_links=False))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is shown of a line: `match` is a link, an address or code, or None for prose; `read` is its words."""

    match: re.Match[str] | None
    raw: str
    read: str


def _inline(text: str, *, live_links: bool) -> list[str]:
    """One line or part of it outside code blocks, in parts none of which is half a link or half of code."""
    parts, end = [], 0
    for match in _INLINE.finditer(text):
        parts += [_prose_part(text[end : match.start()]), _Part(match, match[0], _words_of(match))]
        end = match.end()
    parts.append(_prose_part(text[end:]))
    return _apart([part for number in range(len(parts)) if (part := _shown(parts, number, live_links=live_links))])


def _apart(parts: list[str]) -> list[str]:
    """`parts` with something between code and code, whose marks would be read as one."""
    both = [one.endswith("`") and other.startswith("`") for one, other in itertools.pairwise(["", *parts])]
    return [f"{JOINER}{part}" if touches else part for part, touches in zip(parts, both, strict=True)]


def _prose_part(text: str) -> _Part:
    return _Part(None, text, _MARKS.sub("", text))


def _words_of(match: re.Match[str]) -> str:
    """What somebody reads of a match."""
    if match["ticks"]:
        return match["code"]
    if match["url"] is not None:
        return match["url"]
    return "".join(words(token) for token in _parser().parseInline(match["label"]))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt().enable("strikethrough")


def _shown(parts: Sequence[_Part], number: int, *, live_links: bool) -> str:
    part = parts[number]
    if part.match is None:
        return _prose(part.raw)
    if part.match["ticks"]:
        return _code(part.match["ticks"], part.match["code"])
    if part.match["url"] is not None:
        apart = not "".join(one.raw for one in parts[number + 1 : number + 3]).startswith(tuple("[]`<>|"))
        return _bare(part.match["url"], live_links=live_links and apart)
    label, target = part.match["label"].strip(), part.match["target"]
    if live_links and _is_live(parts, number, label, target):
        return f"[{defused(label.replace('`', chr(39))) or target}]({target})"
    if label in {"", target}:
        return _as_code(target)
    return f"{''.join(_inline(label, live_links=False))} ({_as_code(target)})"


def _prose(text: str) -> str:
    """What stands outside of code and links.

    A lone backtick must not pair with one of code, a bracket or the beginning of an address not make a link with what
    follows, a backslash not turn the mark that follows into text.
    """
    return _PARTED.sub(rf"\g<0>{JOINER}", defused(text.replace("`", "'")))


def _code(ticks: str, code: str) -> str:
    """Code within a line; what is too long for that might be cut, and is none."""
    if len(code) > LINK_CHARS:
        return "".join(_inline(code.replace("`", "'"), live_links=False))
    return f"{ticks}{_LINK.sub(f']{JOINER}', in_code(code))}{ticks}"


def _bare(url: str, *, live_links: bool) -> str:
    """An address in the text: a link by itself where that is safe, else code."""
    trailing = found[0] if (found := _TRAILING.search(url)) else ""
    address = url.removesuffix(trailing)
    target = address if "://" in address else f"https://{address}"
    one = target.count("://") == 1 and len(address) <= LINK_CHARS
    live = live_links and one and host_of(target) != ""
    plain = (live or _is_file(address)) and calling_nobody(address) == address
    return (defused(address) if plain else _as_code(address)) + _prose(trailing)


def _is_file(address: str) -> bool:
    """Whether it is the name of a file, which is no address."""
    return "/" not in address and address.rpartition(".")[2].lower() in FILES


def _is_live(parts: Sequence[_Part], number: int, label: str, target: str) -> bool:
    """Whether a link's label, with what is read as one word with it, names no other place than where it leads."""
    is_image = number > 0 and parts[number - 1].raw.endswith("!")
    if is_image or "\\" in label or max(len(label), len(target)) > LINK_CHARS:
        return False
    before = "".join(reversed(_word(part.read for part in reversed(parts[:number]))))
    behind = "".join(_word(part.read for part in itertools.islice(parts, number + 1, None)))
    seen = Label(parts[number].read, before[-LINK_CHARS:], behind[:LINK_CHARS])
    return is_truthful(seen, target) or is_mail_to(seen, target)


def _word(reads: Iterable[str]) -> list[str]:
    """What is read next to a link, piece by piece: to the end of the word, or as far as a link may be long."""
    found, length = list[str](), 0
    for read in reads:
        found.append(read)
        length += len(read)
        if length > LINK_CHARS or re.search(r"\s", read):
            break
    return found


def _as_code(address: str) -> str:
    """An address as code, on which nothing can be pressed and from which nothing is fetched."""
    short = address if len(address) <= LINK_CHARS else f"{address[: LINK_CHARS - 1]}…"
    return f"`{in_code(short).replace('`', '%60')}`"


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
            return [Text(in_code(rest), self._fence)]
        if fence:
            before = self._end_table()
            self._fence = line.strip()
            return [*before, Text(in_code(rest), self._fence)]
        if rest == line and line.lstrip().startswith("|"):
            self._table.append(line)
            return []
        return [*self._end_table(), *self._texts(rest)]

    def _texts(self, line: str) -> list[Segment]:
        """A line or a part of it; what is long in several, so that no link and no code is cut."""
        parts = _inline(line, live_links=self._live)
        if sum(map(len, parts)) <= SEGMENT_CHARS:
            return [Text("".join(parts))]
        return [Text(part) for part in parts]

    def _certain_words(self) -> list[Segment]:
        """Of a line that still grows: whole words, and no half of a link or of code."""
        line = self._line
        if self._fence or self._table or line.lstrip()[:1] in {"", "|", "`", "~"}:
            return []
        growing = line[self._sent :]
        cut = _certain(growing)
        if not cut:
            return []
        self._sent += cut
        return self._texts(growing[:cut])

    def _end_table(self) -> list[Segment]:
        lines, self._table = self._table, []
        if not lines:
            return []
        table = _table("".join(lines))
        if table is None:
            return [text for line in lines for text in self._texts(line)]
        return [table] if table.fits else [Text(f"{line}\n", fence) for line, fence in _as_lines(table)]


def _closing(fence: str, line: str) -> str:
    """`line` without spaces if it can close `fence`, else something it is not."""
    marker = _FENCE.match(fence)
    found = line.strip()
    closes = marker is not None and set(found) == {marker[1][0]} and len(found) >= len(marker[1])
    return found if closes else "\0"


def _certain(growing: str) -> int:
    """How much of a growing line is whole words, and no half of a link or of code that may still end."""
    whole = growing[: growing.rfind(" ") + 1]
    rest = _INLINE.sub(lambda match: "\0" * len(match[0]), whole)
    half = min((place for place in (rest.find("`"), rest.rfind("[")) if place >= 0), default=len(growing))
    held = len(growing) - half < HELD_CHARS
    return rest.rfind(" ", 0, half if held else len(rest)) + 1


def _table(markdown: str) -> MarkdownTable | None:
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
    return MarkdownTable(tuple(tuple(row) for row in rows), tuple(alignments)) if rows and rows[0] else None


def inert(text: str) -> str:
    """`text` for where Slack shows it as it is, and decodes no entity; still it is no mention, wherever it gets to."""
    return calling_nobody(re.sub(r"<(?=[@#!])", f"<{JOINER}", text))


def words(inline: Token) -> str:
    """The text of an inline token, without its formatting."""
    if inline.children is None:
        return inline.content
    kinds = {"softbreak": " ", "hardbreak": " "}
    return "".join(kinds.get(token.type, token.content) for token in inline.children)


def _as_lines(table: MarkdownTable) -> Iterable[tuple[str, str]]:
    """A table that is too large for Slack, as code; each line with the code block that is open behind it."""
    widths = [min(max(len(cell) for cell in column), 40) for column in zip(*table.rows, strict=False)]
    yield "```", "```"
    for row in table.rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        yield "  ".join(cells).rstrip().replace("```", "'''"), "```"
    yield "```", ""
