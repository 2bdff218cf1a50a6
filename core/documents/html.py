"""HTML → blocks: what a reader sees of a page, with its headings, lists, tables and code kept as Markdown.

Scripts, styles, navigation and hidden parts are left out. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from core.documents.blocks import BlockKind, Outline, ParsedDocument, fenced
from core.documents.html_repair import declared_charset, repair
from core.documents.html_tables import add_html_table, boxes, is_layout
from core.documents.html_tree import Element, parse_tree
from core.documents.page_parts import main_part, take_out_unseen
from core.documents.properties import iso_date, language_tag
from core.documents.text import decode

_NO_TITLE = "\0"  # that no heading repeats
_LEFT_OUT = {"iframe", "button", "select", "rt", "rp"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_TARGET_CHARACTERS = 300  # a longer address, such as a sign-on's, is no use to a reader and would fill passages
_CODE = ["code", "kbd", "samp", "tt"]
_STRUCK = {"del", "s", "strike"}
_CODE_LINES = ("div", "p", "li")
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "caption", "center", "col", "colgroup", "dd", "details"),
    *("dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "frameset", "h1", "h2"),
    *("h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "listing", "main", "menu", "nav"),
    *("noframes", "ol", "optgroup", "option", "p", "plaintext", "pre", "search", "section", "summary", "table"),
    *("tbody", "td", "textarea", "tfoot", "th", "thead", "tr", "ul", "video", "xmp", ""),
}
"""What begins a line of its own; everything else is part of one, as in browsers."""

Node = Element | str


def parse_page(data: bytes) -> ParsedDocument:
    """Parse the bytes of a page, in the encoding that it says it has if that holds."""
    text, notes = decode(data, declared_charset(data))
    document = parse_html(text)
    return replace(document, notes=(*notes, *document.notes))


def parse_html(text: str, *, is_titled: bool = False) -> ParsedDocument:
    """Parse a page; its one `<h1>`, or one of class `title`, is the title, or else its `<title>`.

    `is_titled`: what it stands in has a title, so none of its headings is one.
    """
    page = parse_tree(text)
    inside = repair(page)
    title, html = page.find("title"), page.find("html")
    named = " ".join(title.text().split()) if title else ""
    metas = list(page.iter("meta"))
    root, notes = main_part(page)
    tops = list(root.iter("h1"))
    is_named = len(tops) == 1 or any("title" in top.attributes.get("class", "").split() for top in tops[:1])
    outline = Outline(_NO_TITLE if is_titled else "" if is_named else named or _NO_TITLE)
    _add(outline, root, lines_above=0)
    document = outline.document()
    return replace(
        document,
        title=document.title.strip(_NO_TITLE) or named,
        notes=(*notes, f"Pages shown inside were not read: {', '.join(inside)}.") if inside else notes,
        author=_meta(metas, "author"),
        date=iso_date(_meta(metas, "article:modified_time", "article:published_time", "dcterms.modified", "date")),
        language=language_tag(html.attributes.get("lang", "") if html else ""),
    )


def add_html(outline: Outline, fragment: str, *, first_line: int) -> None:
    """Add the blocks of an HTML fragment that begins on `first_line` of its file."""
    root = parse_tree(fragment)
    take_out_unseen(root)
    _add(outline, root, lines_above=first_line - 1)


def _add(outline: Outline, root: Element, *, lines_above: int) -> None:
    blocks: set[int] = set()
    _look_through(root, blocks)
    _Page(outline, lines_above, blocks).walk(root)


def _look_through(element: Element, blocks: set[int]) -> bool:
    """Take out what nobody sees, and note the ids of those that are no running text; whether this is running text."""
    element.children = [child for child in element.children if isinstance(child, str) or child.name not in _LEFT_OUT]
    inside = [_look_through(child, blocks) for child in element.children if isinstance(child, Element)]
    inline = element.name not in _BLOCKS and all(inside)
    if not inline:
        blocks.add(id(element))
    return inline


class _Page:
    """One walk through a tree, adding blocks to an outline. `blocks` are the ids of what is no running text."""

    def __init__(self, outline: Outline, lines_above: int, blocks: set[int]) -> None:
        self._outline = outline
        self._lines_above = lines_above
        self._blocks = blocks
        self._line = lines_above + 1

    def walk(self, parent: Element) -> None:
        """Runs of inline elements are paragraphs; blocks speak for themselves."""
        run: list[Node] = []
        for child in parent.children:
            if isinstance(child, str) or id(child) not in self._blocks:
                run.append(child)
            else:
                self._paragraph(run)
                run = []
                self._line = child.line + self._lines_above
                self.block(child)
        self._paragraph(run)

    def block(self, element: Element) -> None:
        if element.name in _HEADINGS:
            self._outline.heading(_HEADINGS[element.name], element.text(), self._line)
        elif element.name in {"ul", "ol", "dl", "menu"}:
            self._outline.add(BlockKind.LIST, "\n".join(self._list_lines(element)), self._line)
        elif element.name == "pre":
            self._outline.add(BlockKind.CODE, fenced(_preformatted(element)), self._line)
        elif element.name == "blockquote":
            self._outline.add(BlockKind.QUOTE, self._quote(element), self._line)
        elif element.name == "table" and is_layout(element):
            for box in boxes(element):
                self.walk(box)
        elif element.name == "table":
            add_html_table(self._outline, element, self._line, lambda inside: _inline(inside.children))
        else:
            self.walk(element)

    def _paragraph(self, run: list[Node]) -> None:
        if run:
            self._outline.add(BlockKind.PARAGRAPH, _inline(run), self._line)

    def _quote(self, quote: Element) -> str:
        inner = Outline()
        _Page(inner, 0, self._blocks).walk(quote)
        text = "\n\n".join(block.text for block in inner.document().blocks)
        return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""

    def _list_lines(self, parent: Element) -> list[str]:
        """One line an item; what an item holds beside its first line, and what stands between, is indented."""
        lines: list[str] = []
        number = 0
        for child in parent.children:
            item = child if isinstance(child, Element) else Element("", 0, {}, [child])
            inner, indent = self._item_lines(item), "  " * (item.name == "dd")
            if item.name in {"li", "dt", "dd"}:
                number += 1
                mark = f"{number}. " if parent.name == "ol" else "- "
                lines += [indent + mark + line for line in inner[:1]]
                inner = inner[1:]
            lines += [f"{indent}  {line}" for line in inner]
        return lines

    def _item_lines(self, item: Element) -> list[str]:
        inner = Outline("\0")  # no heading inside an item is the title of anything
        page = _Page(inner, 0, self._blocks)
        if item.name in {"ul", "ol", "dl", "menu"}:
            page.block(item)
        else:
            page.walk(item)
        return [line for block in inner.document().blocks for line in block.text.split("\n")]


def _meta(metas: Iterable[Element], *names: str) -> str:
    """What the first of these names says in the page's head."""
    said: dict[str, str] = {}
    for attributes in (meta.attributes for meta in metas):
        for kind in ("name", "property"):
            said.setdefault(attributes.get(kind, ""), attributes.get("content", ""))
    return next((" ".join(said[name].split()) for name in names if said.get(name)), "")


def _preformatted(element: Element) -> str:
    """Code as it is shown: where its lines are elements, each is a line."""
    for line in reversed(list(element.iter("br", *_CODE_LINES))):  # the inner ones first
        if line.name == "br" or not line.text().endswith("\n"):
            line.children = [*line.children, "\n"]
    return element.text()


def _inline(nodes: Iterable[Node]) -> str:
    """Running text; links, code and line breaks are kept as Markdown."""
    lines = "".join(_inline_one(node) for node in nodes).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def _inline_one(node: Node) -> str:
    if isinstance(node, str):
        return re.sub(r"\s+", " ", node)
    if node.name in {"br", "img"}:
        return "\n" if node.name == "br" else node.attributes.get("alt", "")
    inside = "".join(_inline_one(child) for child in node.children)
    if node.name in _CODE and inside.strip() and "`" not in inside:
        return f"`{inside}`"
    if node.name == "a":
        return _link(inside, node.attributes.get("href", ""))
    if node.name in _STRUCK and inside.strip():
        return f"~~{inside.strip()}~~ " if inside[-1:].isspace() else f"~~{inside.strip()}~~"
    return f" {inside} " if node.name in _BLOCKS or "-" in node.name else inside


def _link(text: str, target: str) -> str:
    follows = target and not target.startswith(("#", "javascript:", "data:")) and text.strip()
    return f"[{text.strip()}]({target})" if follows and len(target) <= _TARGET_CHARACTERS else text
