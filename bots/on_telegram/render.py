"""Markdown → what Telegram shows: text, and entities that say what is bold, code or a link.

Telegram gets no markup to parse, so it can refuse none. Headings become bold, tables that are too wide for a phone
become lists; HTML and images stay text. Text of documents and models is data: `defusing` takes from it what would act.
`pages` cuts the whole into messages. Knows nothing of the network, of buttons or of when something is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bots import texts
from bots.language import translated
from bots.on_telegram.defusing import defused, plainly
from bots.on_telegram.pages import TEXT_UNITS, EntityStyle, MessagePage, Run, pages, units
from bots.render import ANSWER_CHARS, clean, footer
from bots.replies import Final

TABLE_COLUMNS = 34  # characters of a monospaced line on a narrow phone
CODE_LANGUAGE = re.compile(r"[A-Za-z0-9+#._-]{1,32}")

_WEB = re.compile(r"https?://[^\s/]+", re.IGNORECASE)
_STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_BULLETS = ("•", "◦", "▪")


def telegram(markdown: str) -> list[MessagePage]:
    """`markdown` as the messages that show it; none where it shows nothing."""
    return pages(defused(_runs(markdown)))


def growing(markdown: str) -> list[MessagePage]:
    """`markdown` that is not whole yet, with a sign that more is to come."""
    drawn = telegram(closed(markdown))
    if not drawn or drawn[-1].text.endswith("…") or units(drawn[-1].text) > TEXT_UNITS - 2:
        return drawn
    return [*drawn[:-1], MessagePage(f"{drawn[-1].text} …", drawn[-1].entities)]


def closed(markdown: str) -> str:
    """`markdown` that was cut off anywhere, with what was opened closed, so that no marks are seen."""
    if markdown.count("```") % 2:
        return f"{markdown}\n```"
    for mark in ("`", "**"):
        if markdown.replace("```", "").count(mark) % 2:
            markdown = markdown.removesuffix(mark) if markdown.endswith(mark) else markdown + mark
    return markdown


def answer_pages(final: Final) -> list[MessagePage]:
    """An answer with its sources, or with the nearest sections where nothing was found."""
    return pages([*defused(_runs(final.markdown)), *_footer(final)])


def plain_pages(page: MessagePage) -> MessagePage:
    """The same text without entities: the last resort."""
    return MessagePage(plainly(page.text), ())


def _footer(final: Final) -> Iterator[Run]:
    under = footer(final)
    if under.note:
        yield from defused([Run(f"\n\n{under.note}", (EntityStyle("italic"),))])
    if under.heading:
        yield Run("\n\n")
        yield Run(under.heading, (EntityStyle("bold"),))
    for line in under.lines if under.heading else ():  # each by itself: two may lead to the same page
        marks = (EntityStyle("text_link", url=line.link),) if line.link else ()
        parts = Run(f"\n{clean(line.before)}"), Run(clean(line.label), marks), Run(clean(line.behind))
        yield from defused(parts)


def _runs(markdown: str) -> list[Run]:
    text = clean(markdown).strip("\n")
    text = text if len(text) <= ANSWER_CHARS else text[:ANSWER_CHARS] + translated(texts.CUT)
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return list(_Walk().children(SyntaxTreeNode(parser.parse(text)), ()))


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk over a syntax tree. `depth` counts the lists around, `tight` is how near blocks stand to each other."""

    depth: int = 0
    tight: bool = False

    def children(self, node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
        """The blocks of `node`, with room between them."""
        first = True
        for child in node.children:
            runs = list(self.block(child, marks))
            if not any(run.text.strip() for run in runs):
                continue
            if not first:
                yield Run("\n" if self.tight else "\n\n", marks)
            first = False
            yield from runs

    def block(self, node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
        """One block."""
        match node.type:
            case "heading":
                yield from self.inlines(node, _with(marks, EntityStyle("bold")))
            case "fence" | "code_block":
                yield from _code(node, marks)
            case "blockquote":
                yield from _Walk(self.depth).children(node, _with(marks, EntityStyle("blockquote")))
            case "bullet_list" | "ordered_list":
                yield from self._list(node, marks)
            case "table":
                yield from _table(node, marks)
            case "hr":
                yield Run("———", marks)
            case _:
                yield from self.inlines(node, marks)

    def inlines(self, node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
        """What stands in a paragraph, a heading or a cell."""
        for child in node.children:
            match child.type:
                case "text":
                    yield Run(clean(child.content), marks)  # Markdown can write a character as `&#x202E;`
                case "softbreak" | "hardbreak":
                    yield Run("\n" if child.type == "hardbreak" else " ", marks)
                case "code_inline":
                    yield Run(clean(child.content), _with(marks, EntityStyle("code")))
                case "link":
                    yield from self._link(child, str(child.attrs.get("href", "")), marks)
                case "image":
                    yield from _image(child, marks)
                case _:
                    style = _STYLES.get(child.type)
                    yield from self.inlines(child, _with(marks, EntityStyle(style)) if style else marks)

    def _link(self, node: SyntaxTreeNode, address: str, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
        """A link to the web; another kind of address (tg://user calls somebody) is only shown."""
        if _WEB.match(address):
            yield from self.inlines(node, _with(marks, EntityStyle("text_link", url=address)))
            return
        runs = list(self.inlines(node, marks))
        yield from runs
        shown = "".join(run.text for run in runs)
        if address and address.removeprefix("mailto:") != shown:
            yield Run(clean(f" ({address})"), marks)

    def _list(self, node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
        start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else 0
        indent = "\N{NO-BREAK SPACE}" * (3 * self.depth)  # plain spaces at the start of a line would be taken off
        within = _Walk(self.depth + 1, tight=True)
        for number, item in enumerate(node.children):
            sign = f"{start + number}." if node.type == "ordered_list" else _BULLETS[min(self.depth, 2)]
            yield Run("\n" * bool(number) + f"{indent}{sign} ", marks)
            yield from within.children(item, marks)


def _with(marks: tuple[EntityStyle, ...], mark: EntityStyle) -> tuple[EntityStyle, ...]:
    """`marks` and one more, as far as Telegram lets them stand in each other."""
    kinds = {held.kind for held in marks}
    if mark.kind in kinds or (mark.kind == "code" and "text_link" in kinds):
        return marks
    if mark.kind in {"code", "pre"}:
        return (*(held for held in marks if held.kind == "blockquote"), mark)
    return (*marks, mark)


def _code(node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
    language = next(iter(node.info.split()), "") if node.type == "fence" else ""
    named = language if CODE_LANGUAGE.fullmatch(language) else ""
    yield Run(clean(node.content).strip("\n"), _with(marks, EntityStyle("pre", language=named)))


def _image(node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
    address, label = str(node.attrs.get("src", "")), clean(node.content).strip() or "🖼"
    yield Run(label, _with(marks, EntityStyle("text_link", url=address)) if _WEB.match(address) else marks)


def _table(node: SyntaxTreeNode, marks: tuple[EntityStyle, ...]) -> Iterator[Run]:
    """A table: in columns where a phone has room for them, else an entry a row, with the headers as labels."""
    rows = [
        [list(_Walk().inlines(cell, marks)) for cell in row.children] for part in node.children for row in part.children
    ]
    plain = [["".join(run.text for run in cell).replace("\n", " ").strip() for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in plain) for i in range(len(plain[0]))]
    if sum(widths) + 2 * (len(widths) - 1) <= TABLE_COLUMNS:
        yield Run(_columns(plain, widths), _with(marks, EntityStyle("pre")))
        return
    yield from _entries(plain[0], rows[1:], plain[1:], marks)


def _columns(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def _entries(
    headers: Sequence[str],
    rows: Sequence[Sequence[Sequence[Run]]],
    plain: Sequence[Sequence[str]],
    marks: tuple[EntityStyle, ...],
) -> Iterator[Run]:
    if not rows:
        yield Run(" · ".join(headers), _with(marks, EntityStyle("bold")))
    for number, (row, words) in enumerate(zip(rows, plain, strict=True)):
        yield Run("\n\n" * bool(number), marks)
        yield Run(words[0] or "–", _with(marks, EntityStyle("bold")))
        for header, cell, said in zip(headers[1:], row[1:], words[1:], strict=True):
            if said:
                yield Run(f"\n• {header}: " if header else "\n• ", marks)
                yield from cell
