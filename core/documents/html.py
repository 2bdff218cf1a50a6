"""HTML → blocks: what a reader sees of a page, with its headings, lists, tables and code kept as Markdown.

Scripts, styles, navigation and hidden parts are left out. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from bs4 import BeautifulSoup, PageElement, Tag
from bs4.element import PreformattedString

from core.documents.blocks import Kind, Outline, ParsedDocument, fenced, pipe_table
from core.documents.properties import iso_date, language_tag

_LEFT_OUT = "script, style, nav, noscript, template, svg, iframe, object, head, button, select, [hidden], .headerlink"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_TARGET_CHARACTERS = 300  # a longer address, such as a sign-on's, is no use to a reader and would fill passages
_CODE = ["code", "kbd", "samp", "tt"]
_INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"),
    *("input", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"),
    *("time", "tt", "u", "var", "wbr"),
}


def parse_html(text: str) -> ParsedDocument:
    """Parse a page; its one `<h1>` is the title, or else its `<title>`."""
    soup = BeautifulSoup(text, "html.parser")
    named = soup.title.get_text(" ", strip=True) if soup.title else ""
    headings = soup.find_all("h1")
    outline = Outline("" if len(headings) == 1 else named)
    _Page(outline, 0).add(soup.main or soup.body or soup)
    document = outline.document()
    return replace(
        document,
        title=document.title or named,
        author=_meta(soup, "author"),
        date=iso_date(_meta(soup, "article:modified_time", "article:published_time", "dcterms.modified", "date")),
        language=language_tag(str(soup.html.get("lang") or "") if soup.html else ""),
    )


def add_html(outline: Outline, fragment: str, *, first_line: int) -> None:
    """Add the blocks of an HTML fragment that begins on `first_line` of its file."""
    _Page(outline, first_line - 1).add(BeautifulSoup(fragment, "html.parser"))


class _Page:
    """One walk through a tree, adding blocks to an outline."""

    def __init__(self, outline: Outline, lines_above: int) -> None:
        self._outline = outline
        self._lines_above = lines_above
        self._line = lines_above + 1

    def add(self, root: Tag) -> None:
        for unseen in root.select(_LEFT_OUT):
            unseen.decompose()
        self._walk(root)

    def _walk(self, parent: Tag) -> None:
        """Runs of inline elements are paragraphs; blocks speak for themselves."""
        run: list[PageElement] = []
        for child in parent.children:
            if _is_inline(child):
                run.append(child)
            elif isinstance(child, Tag):
                self._paragraph(run)
                run = []
                self._line = (child.sourceline or 0) + self._lines_above or self._line
                self._block(child)
        self._paragraph(run)

    def _block(self, tag: Tag) -> None:
        if tag.name in _HEADINGS:
            self._outline.heading(_HEADINGS[tag.name], tag.get_text(), self._line)
        elif tag.name in {"ul", "ol", "dl", "menu"}:
            self._outline.add(Kind.LIST, "\n".join(_list_lines(tag)), self._line)
        elif tag.name == "pre":
            self._outline.add(Kind.CODE, fenced(tag.get_text()), self._line)
        elif tag.name == "blockquote":
            self._outline.add(Kind.QUOTE, _quote(tag), self._line)
        elif tag.name == "table" and not tag.find("table"):
            self._table(tag)
        else:
            self._walk(tag)

    def _paragraph(self, run: list[PageElement]) -> None:
        self._outline.add(Kind.PARAGRAPH, _inline(run), self._line)

    def _table(self, table: Tag) -> None:
        if table.caption:
            self._outline.add(Kind.PARAGRAPH, _inline(table.caption.children), self._line)
        cells = [row.find_all(["td", "th"]) for row in table.find_all("tr")]
        if all(len(row) <= 1 for row in cells):  # a box around text
            for row in cells:
                for cell in row:
                    self._walk(cell)
            return
        rows = [row for row in ([_cell(cell) for cell in row] for row in cells) if any(row)]
        if any(len(row) > 2 for row in rows) or table.find("thead"):  # noqa: PLR2004 - a key and its value
            self._outline.add(Kind.TABLE, pipe_table(rows), self._line)
        else:
            items = [": ".join(cell for cell in row if cell) for row in rows]
            self._outline.add(Kind.LIST, "\n".join(f"- {item}" for item in items if item), self._line)


def _meta(soup: BeautifulSoup, *names: str) -> str:
    """What the first of these names says in the page's head."""
    for name in names:
        found = soup.find("meta", attrs={"name": name}) or soup.find("meta", attrs={"property": name})
        if isinstance(found, Tag) and found.get("content"):
            return " ".join(str(found["content"]).split())
    return ""


def _is_inline(node: PageElement) -> bool:
    if not isinstance(node, Tag):
        return True
    return node.name in _INLINE and all(_is_inline(child) for child in node.children)


def _inline(nodes: Iterable[PageElement]) -> str:
    """Running text; links, code and line breaks are kept as Markdown."""
    lines = "".join(_inline_one(node) for node in nodes).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def _inline_one(node: PageElement) -> str:
    if not isinstance(node, Tag):
        # comments and declarations are preformatted strings
        return "" if isinstance(node, PreformattedString) else re.sub(r"\s+", " ", str(node))
    if node.name in {"br", "img"}:
        return "\n" if node.name == "br" else str(node.get("alt") or "")
    inside = "".join(_inline_one(child) for child in node.children)
    if node.name in _CODE and inside.strip() and "`" not in inside:
        return f"`{inside}`"
    if node.name == "a":
        return _link(inside, str(node.get("href") or ""))
    return inside if node.name in _INLINE else f" {inside} "


def _link(text: str, target: str) -> str:
    follows = target and not target.startswith(("#", "javascript:", "data:")) and text.strip()
    return f"[{text.strip()}]({target})" if follows and len(target) <= _TARGET_CHARACTERS else text


def _cell(cell: Tag) -> str:
    return " ".join(_inline(cell.children).split())


def _quote(tag: Tag) -> str:
    inner = Outline()
    _Page(inner, 0).add(tag)
    text = "\n\n".join(block.text for block in inner.document().blocks)
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""


def _list_lines(tag: Tag, depth: int = 0) -> list[str]:
    """One line an item; what an item holds beside its first line stands indented under it."""
    lines = []
    for number, item in enumerate(tag.find_all(["li", "dt", "dd"], recursive=False), start=1):
        mark = f"{number}. " if tag.name == "ol" else "- "
        level = depth + (item.name == "dd")
        inner = _item_lines(item)
        lines += ["  " * level + mark + line if at == 0 else "  " * (level + 1) + line for at, line in enumerate(inner)]
    return lines


def _item_lines(item: Tag) -> list[str]:
    inner = Outline("\0")  # no heading inside an item is the title of anything
    _Page(inner, 0).add(item)
    return [line for block in inner.document().blocks for line in block.text.split("\n")]
