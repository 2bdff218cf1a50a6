"""reStructuredText → blocks, through docutils.

Directives and roles that docutils does not know (Sphinx has many) keep their text. Knows nothing of bytes,
files or passages.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable

from docutils import nodes

from core.documents.blocks import BlockKind, Outline, ParsedDocument, fenced
from core.documents.rst_parser import doctree
from core.documents.tables import Cell, add_table, grid

_ERROR_LEVEL = 3  # docutils: 1 info, 2 warning, 3 error, 4 severe
_UNKNOWN_ROLE = re.compile(r"(?<![\w:+.-]):[\w:+.-]+:`~?!?([^`<]*+)(?:<[^>`]*+>)?`")
_DIRECTIVE = re.compile(r"\A\s*\.\. (?:\|[^|]*\| )?([\w:+.-]+)::[ \t]*(.*)(?:\n|\Z)((?:.|\n)*)\Z")
_OPTIONS = re.compile(r"\A(?:[ \t]*:[\w-]+:.*\n?)+(?:[ \t]*\n|\Z)")
_NAVIGATION = {"toctree", "index", "contents"}
_SKIPPED = (
    *(nodes.comment, nodes.substitution_definition, nodes.target, nodes.raw, nodes.pending, nodes.meta),
    *(nodes.decoration, nodes.Invisible),
)
_ADMONITIONS = (
    *(nodes.attention, nodes.caution, nodes.danger, nodes.error, nodes.hint),
    *(nodes.important, nodes.note, nodes.tip, nodes.warning),
)
_LISTS = (nodes.bullet_list, nodes.enumerated_list, nodes.definition_list, nodes.field_list, nodes.option_list)


def parse_rst(text: str) -> ParsedDocument:
    """Parse `text`; a lone top heading is the title."""
    outline = Outline()
    _Walk(outline, 0).children(doctree(text), 1)
    return outline.document()


class _Walk:
    """One walk through a tree, adding blocks to an outline."""

    def __init__(self, outline: Outline, lines_above: int) -> None:
        self._outline = outline
        self._lines_above = lines_above
        self._line = lines_above + 1

    def children(self, node: nodes.Node, level: int) -> None:
        for child in node.children:
            self._line = _line_of(child) + self._lines_above or self._line
            self._block(child, level)

    def _block(self, node: nodes.Node, level: int) -> None:
        if isinstance(node, nodes.system_message):
            self._message(node, level)
        elif isinstance(node, nodes.title | nodes.subtitle | nodes.rubric):
            depth = level if isinstance(node, nodes.title) else level + 1
            self._outline.heading(depth, _plain(node), self._line)
        elif isinstance(node, nodes.section):
            self.children(node, level + 1)
        elif not isinstance(node, _SKIPPED):
            self._content(node, level)

    def _content(self, node: nodes.Node, level: int) -> None:
        found = next((block for types, block in _BLOCKS if isinstance(node, types)), None)
        if isinstance(node, nodes.table):
            self._table(node)
        elif found:
            kind, text_of = found
            self._outline.add(kind, text_of(node), self._line)
        else:
            self.children(node, level)

    def _message(self, node: nodes.system_message, level: int) -> None:
        """What docutils could not read it quotes in its message; that text is the author's and stays."""
        quoted = [child for child in node.children if isinstance(child, nodes.literal_block)]
        if not quoted or node["level"] < _ERROR_LEVEL:
            return
        source = quoted[0].astext()
        directive = _DIRECTIVE.match(source)
        if not directive:
            self._outline.add(BlockKind.CODE, fenced(source), self._line)
        elif directive.group(1) not in _NAVIGATION:
            body = _OPTIONS.sub("", textwrap.dedent(directive.group(3)))
            self._outline.add(BlockKind.PARAGRAPH, _without_roles(directive.group(2)), self._line)
            if body.strip():
                _Walk(self._outline, self._line).children(doctree(textwrap.dedent(body)), level)

    def _table(self, table: nodes.table) -> None:
        caption = " ".join(_plain(title) for title in table.children if isinstance(title, nodes.title))
        heads = sum(len(head.children) for head in table.findall(nodes.thead))
        rows = [
            [_cell(entry) for entry in row.children if isinstance(entry, nodes.entry)]
            for row in table.findall(nodes.row)
        ]
        add_table(self._outline, [(row, self._line) for row in grid(rows)], headers=heads or None, caption=caption)


def _cell(entry: nodes.Element) -> Cell:
    rows, columns = (int(entry.get(more, 0)) + 1 for more in ("morerows", "morecols"))
    return Cell(" ".join(_text_of(entry).split()), rows, columns)


def _line_of(node: nodes.Node) -> int:
    """Docutils counts a heading's line at its underline, and knows none for many nodes."""
    if isinstance(node, nodes.title) and node.line:
        return max(1, node.line - 1)
    if node.line:
        lines_after_first = node.rawsource.rstrip().count("\n") if isinstance(node, nodes.Element) else 0
        return max(1, node.line - (lines_after_first if isinstance(node, nodes.literal_block) else 0))
    return next((found.line for found in node.findall() if found.line), 0)


def _inline(node: nodes.Node) -> str:
    """Running text with its line breaks; links, code and emphasis as Markdown."""
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, nodes.image):
        return str(node.get("alt", ""))
    if isinstance(node, (*_SKIPPED, nodes.system_message)):
        return ""
    inside = _without_roles(node.astext()) if isinstance(node, nodes.problematic) else _join(node.children)
    if isinstance(node, nodes.literal):
        return f"`{inside}`"
    if isinstance(node, nodes.strong):
        return f"**{inside}**"
    target = node.get("refuri") if isinstance(node, nodes.reference) else None
    return f"[{inside}]({target})" if target and target not in {inside, f"mailto:{inside}"} else inside


def _join(children: Iterable[nodes.Node]) -> str:
    return "".join(_inline(child) for child in children)


def _plain(node: nodes.Node) -> str:
    return _without_roles(node.astext())


def _without_roles(text: str) -> str:
    return _UNKNOWN_ROLE.sub(lambda role: role[1].rstrip(), text)


def _text_of(node: nodes.Node) -> str:
    """The blocks inside a node as one text."""
    inner = Outline("\0")  # no heading in here is the title of anything
    _Walk(inner, 0).children(node, 1)
    return "\n\n".join(block.text for block in inner.document().blocks)


def _list_lines(node: nodes.Node) -> list[str]:
    """One item after the other; what an item holds beside its first line stands indented under it."""
    lines = []
    for number, item in enumerate(
        node.children, start=int(node.get("start", 1)) if isinstance(node, nodes.Element) else 1
    ):
        mark = f"{number}. " if isinstance(node, nodes.enumerated_list) else "- "
        inner = [line for line in _item_text(item).split("\n") if line.strip()]
        lines += [mark + line if at == 0 else "  " + line for at, line in enumerate(inner)]
    return lines


def _item_text(item: nodes.Node) -> str:
    """An item, or the term and the description that an entry of a definition, field or option list has."""
    if isinstance(item, nodes.list_item):
        return _text_of(item)
    *terms, description = item.children
    return f"**{', '.join(_plain(term) for term in terms)}**: {_text_of(description)}"


def _labelled(node: nodes.Node) -> str:
    return f"**{node.__class__.__name__.capitalize()}:** {_text_of(node)}"


_BLOCKS: tuple[tuple[tuple[type[nodes.Node], ...], tuple[BlockKind, Callable[[nodes.Node], str]]], ...] = (
    (
        (nodes.literal_block, nodes.doctest_block, nodes.math_block),
        (BlockKind.CODE, lambda node: fenced(node.astext())),
    ),
    (_LISTS, (BlockKind.LIST, lambda node: "\n".join(_list_lines(node)))),
    ((nodes.block_quote,), (BlockKind.QUOTE, lambda node: textwrap.indent(_text_of(node), "> ", lambda _: True))),
    (_ADMONITIONS, (BlockKind.PARAGRAPH, _labelled)),
    ((nodes.TextElement, nodes.image), (BlockKind.PARAGRAPH, _inline)),
)
"""What a node becomes; the first that fits."""
