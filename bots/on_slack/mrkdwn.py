"""Markdown → mrkdwn, which Slack's sections and context lines speak: modals and the home tab know nothing else.

Made from the syntax tree. Whatever is shown is escaped, so that no text can name a person, a channel or everybody.
Knows nothing of what is shown where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.on_slack.limits import LINK_CHARS, SECTION_CHARS
from bots.on_slack.markdown import entities, escaped
from bots.on_slack.render import Block
from bots.quiet import Label, calling_no_group, is_mail_to, is_truthful
from bots.render import clean

_ATOMS = re.compile(r"&(?:amp|lt|gt);|<[^>\n]*>|.", re.DOTALL)
_MARKS = {"strong": "*", "em": "_", "s": "~"}


def sections(markdown: str, *, limit: int) -> list[Block]:
    """At most `limit` sections; what does not fit is left out, with a sign that something is."""
    texts = _packed(mrkdwn(markdown).split("\n"))
    if len(texts) > limit:
        texts = [*texts[: limit - 1], f"{texts[limit - 1][: SECTION_CHARS - 6].rstrip()}\n…"]
    return [section(text) for text in texts]


def section(mrkdwn_text: str) -> Block:
    """One section of mrkdwn, in which Slack is not to look for addresses or names by itself."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn_text, "verbatim": True}}


def mrkdwn(markdown: str) -> str:
    """`markdown` as mrkdwn, of any length."""
    parser = MarkdownIt().enable("strikethrough").enable("table")
    writer = _Writer()
    for token in parser.parse(clean(markdown)):
        writer.write(token)
    return "\n".join(writer.lines).strip("\n")


class _Writer:
    """Tokens → lines: one or more a block, an empty one between top-level blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._markers: list[int | None] = []  # of the lists that are open: the next number, or None for bullets
        self._item = ""
        self._quotes = 0
        self._bold = False
        self._cells: list[str] = []
        self._in_cell = False

    def write(self, token: Token) -> None:
        """Add what `token` shows."""
        name, _, edge = token.type.rpartition("_")
        if edge in {"open", "close"}:
            self._edge(name, token, opens=edge == "open")
        elif token.type == "inline":
            self._said(_inline(token))
        elif token.type in {"fence", "code_block"}:
            code = _in_code(token.content).replace("```", "'''").rstrip()
            self.lines += f"```{code}```".split("\n")
        elif token.type == "hr":
            self.lines.append("———")
        if token.level == 0 and token.nesting <= 0 and token.type != "inline":
            self.lines.append("")

    def _edge(self, name: str, token: Token, *, opens: bool) -> None:
        match name:
            case "bullet_list" | "ordered_list" if opens:
                self._markers.append(int(token.attrs.get("start", 1)) if name == "ordered_list" else None)
            case "bullet_list" | "ordered_list":
                self._markers.pop()
            case "list_item" if opens:
                self._item = self._marker()
            case "blockquote":
                self._quotes += 1 if opens else -1
            case "heading":
                self._bold = opens
            case "th" | "td":
                self._in_cell = opens
            case "tr" if not opens:
                self.lines.append(" · ".join(self._cells))
                self._cells = []

    def _marker(self) -> str:
        number = self._markers[-1]
        if number is not None:
            self._markers[-1] = number + 1
        return "    " * (len(self._markers) - 1) + ("• " if number is None else f"{number}. ")

    def _said(self, text: str) -> None:
        if self._in_cell:
            self._cells.append(text)
            return
        for line in (f"*{_unmarked(text)}*" if self._bold and text else text).split("\n"):
            self.lines.append(f"{'> ' * bool(self._quotes)}{self._item}{line}")
            self._item = " " * len(self._item)
        self._item = ""


def _unmarked(said: str) -> str:
    """A heading is bold as a whole: marks inside it would end that."""
    return said.replace("*", "")


def _inline(token: Token) -> str:
    children = _flat(token.children or [])
    read = [_read(child) for child in children]
    out: list[str] = []
    links: list[str] = []
    for place, child in enumerate(children):
        linked = bool(links and links[-1])
        match child.type:
            case "strong_open" | "strong_close" | "em_open" | "em_close" | "s_open" | "s_close":
                out.append("" if linked else _MARKS[child.type.partition("_")[0]])  # the label of a link is plain
            case "code_inline":
                out.append(f"`{_in_code(child.content).replace('`', chr(39))}`")
            case "softbreak" | "hardbreak":
                out.append(" " if linked else "\n")
            case "link_open":
                links.append(_address(children, read, place))
                out.append(f"<{entities(links[-1])}|" if links[-1] else "")
            case "link_close":
                out.append(">" if links.pop() else _shown_beside(children, read, place))
            case _:
                shown = escaped(child.content)
                out.append(shown.replace("|", "¦").replace("\n", " ") if linked else shown)
    return "".join(out)


def _flat(children: Sequence[Token]) -> list[Token]:
    """`children` without links in the labels of links, which the parser makes of `[<https://…>](https://…)`."""
    kept, depth = list[Token](), 0
    for child in children:
        depth -= child.type == "link_close"
        if not depth or child.type not in {"link_open", "link_close"}:
            kept.append(child)
        depth += child.type == "link_open"
    return kept


def _read(child: Token) -> str:
    """What somebody reads of a part of a line."""
    return " " if child.type in {"softbreak", "hardbreak"} else child.content


def _in_code(text: str) -> str:
    return calling_no_group(entities(text))


def _address(children: Sequence[Token], read: Sequence[str], place: int) -> str:
    """Where the link that opens at `place` leads; empty where what is read there names another place."""
    href = str(children[place].attrs.get("href", ""))
    if len(href) > LINK_CHARS:
        return ""
    end = _end(children, place)
    label = Label("".join(read[place:end]), "".join(read[:place])[-LINK_CHARS:], "".join(read[end:])[:LINK_CHARS])
    return href if is_truthful(label, href) or is_mail_to(label, href) else ""


def _end(children: Sequence[Token], start: int) -> int:
    """Where the link that opens at `start` closes: these links hold no links."""
    return next(place for place in range(start, len(children)) if children[place].type == "link_close")


def _shown_beside(children: Sequence[Token], read: Sequence[str], end: int) -> str:
    """The address of a link that is none, as code behind its label; nothing where that says it, or it is no page."""
    start = next(place for place in range(end, -1, -1) if children[place].type == "link_open")
    href = str(children[start].attrs.get("href", ""))
    web = href.lower().startswith(("http://", "https://"))
    if not web or len(href) > LINK_CHARS or "".join(read[start:end]) == href:
        return ""
    return f" (`{_in_code(href).replace('`', chr(39))}`)"


def _packed(lines: Sequence[str]) -> list[str]:
    """Lines in texts of at most `SECTION_CHARS`; a code block that is cut is closed and opened again."""
    texts, current, code = [], "", False
    for line in (piece for whole in lines for piece in _pieces(whole)):
        if current and len(current) + 1 + len(line) > SECTION_CHARS - 6:
            texts.append(f"{current}```" if code else current)
            current = f"```{line}" if code else line
        else:
            current = f"{current}\n{line}" if current else line
        code ^= bool(line.count("```") % 2)
    texts.append(current)
    return [text for text in texts if text.strip()]


def _pieces(line: str) -> Iterator[str]:
    """`line` in pieces that fit a section, not cut inside an entity or a link."""
    limit = SECTION_CHARS - 16
    if len(line) <= limit:
        yield line
        return
    piece = ""
    for atom in _ATOMS.findall(line):
        if len(piece) + len(atom) > limit:
            yield piece
            piece = ""
        piece += atom
    yield piece
