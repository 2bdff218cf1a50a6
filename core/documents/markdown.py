"""Markdown text → blocks, kept as the Markdown that its author wrote.

Front matter gives title, author, date and language. What is there for programs (`remnants.py`) is read as a reader of
the rendered page would see it. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from html import unescape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from core.documents import remnants
from core.documents.blocks import BlockKind, Outline, ParsedDocument, fenced
from core.documents.html import add_html
from core.documents.properties import iso_date, language_tag
from core.documents.remnants import outside_code_spans, simply

_KINDS = {
    "paragraph_open": BlockKind.PARAGRAPH,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "blockquote_open": BlockKind.QUOTE,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
}
_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?\n)?\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = r"^(?:{})[ \t]*:[ \t]*(.*(?:\n[ \t]+\S.*)*)"
_BROKEN_TARGET = re.compile(r"(\]\([^()\s]++)\s++\)")
_VARIABLE_IN_TARGET = re.compile(r"\]\(\{\{[^{}]*\}\}(?=/)")
_PADDING = re.compile(r"(?<=\S)[ \t]{2,}|-{4,}")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,30}\d{0,2}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_REFERENCE = re.compile(r"(?<![!\]\\])\[(?P<text>[^\[\]]+)\](?:\[(?P<label>[^\[\]]*)\])?(?![(:\[])")
_HEADING_CHARACTERS = 2_000  # whose markup is read: its parser slows down on longer ones
_TARGET_CHARACTERS = 300  # of a link that is named once and used often


def parse_mdx(text: str) -> ParsedDocument:
    """Parse Markdown with components, in which an indent makes no code."""
    return parse_markdown(text, indented_code=False)


def parse_markdown(text: str, *, indented_code: bool = True) -> ParsedDocument:
    """Parse `text`, whose lines end in a newline character alone."""
    said, begin = _front_matter(text)
    outline = Outline(said("title"))
    text = "\n" * text.count("\n", 0, begin) + text[begin:]
    text = remnants.as_markdown(text)
    markdown = MarkdownIt("commonmark").enable("table").disable("inline")  # which only headings are read for
    markdown.disable([] if indented_code else "code")
    rendered = partial(remnants.as_rendered, closed=remnants.components(text))
    text = _outside_code_blocks(text, markdown.parse(text), rendered)
    environment: dict[str, Any] = {}
    tokens = markdown.parse(text, environment)
    lines = text.split("\n")
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map:
            _add(outline, token, tokens[index + 1 : index + 2], lines, environment)
    return replace(
        outline.document(),
        author=said("author", "authors"),
        date=iso_date(said("updated", "last_modified_at", "lastmod", "date")),
        language=language_tag(said("lang", "language", "locale")),
    )


def _front_matter(text: str) -> tuple[Callable[..., str], int]:
    """What looks for the first field of some names, and where the text begins."""
    if toml := _TOML.match(text):
        try:
            fields = tomllib.loads(toml.group(1) or "")
        except tomllib.TOMLDecodeError:
            return partial(_field, (toml.group(1) or "").replace(" = ", ": ")), toml.end()
        return partial(_value, fields), toml.end()
    if text.startswith("{"):
        with suppress(ValueError, RecursionError):
            fields, end = json.JSONDecoder().raw_decode(text)
            if fields and text[end : end + 1] in {"", "\n"}:
                return partial(_value, fields), end
    front = _FRONT_MATTER.match(text)
    return partial(_field, (front.group(1) or "") if front else ""), front.end() if front else 0


def _value(fields: Mapping[str, Any], *names: str) -> str:
    """The value of the first field of these names; a list or a table is none."""
    found = next((fields[name] for name in names if name in fields), "")
    if isinstance(found, date):  # a moment is a date, too
        return found.isoformat()
    return " ".join(found.split()) if isinstance(found, str) else ""


def _add(outline: Outline, token: Token, inside: list[Token], lines: list[str], environment: dict[str, Any]) -> None:
    start, end = token.map or (0, 0)
    source = "\n".join(lines[start:end])
    if token.type == "heading_open":
        words = _inline(inside[0].content, environment)
        outline.heading(int(token.tag[1]), _plain(words), start + 1)
        outline.add(BlockKind.PARAGRAPH, _links(words), start + 1)
    elif token.type == "html_block":
        add_html(outline, source, first_line=start + 1)
    elif token.type == "code_block":
        outline.add(BlockKind.CODE, fenced(token.content), start + 1)
    elif token.type in _KINDS:
        kind = _KINDS[token.type]
        references = environment.get("references", {})
        outline.add(kind, source if kind is BlockKind.CODE else _tidy(source, kind, references), start + 1)


def _inline(text: str, environment: dict[str, Any]) -> list[Token]:
    """The words and the markup of a heading."""
    if len(text) > _HEADING_CHARACTERS:
        return [Token("text", "", 0, content=text)]
    return MarkdownIt("commonmark").parseInline(text, environment)[0].children or []


def _tidy(source: str, kind: BlockKind, references: Mapping[str, Any]) -> str:
    source = _BROKEN_TARGET.sub(
        r"\1)", _VARIABLE_IN_TARGET.sub("](", re.sub(r"(?<! ) $", "", source, flags=re.MULTILINE))
    )
    if kind is BlockKind.TABLE:
        source = _PADDING.sub(lambda run: "---" if run.group().startswith("-") else " ", source)
    if references:
        source = outside_code_spans(source, _REFERENCE, simply(lambda match: _link(match, references)))
    return outside_code_spans(source, _ENTITY, simply(_character)) if "&" in source else source


def _character(entity: re.Match[str]) -> str:
    """What is written as an entity; spaces of any width are spaces, and no line ends."""
    return " ".join(unescape(entity.group()).split()) or " "


def _link(match: re.Match[str], references: Mapping[str, Mapping[str, Any]]) -> str:
    target = str(references.get(normalizeReference(match["label"] or match["text"]), {}).get("href", ""))
    return f"[{match['text']}]({target})" if 0 < len(target) <= _TARGET_CHARACTERS else match.group()


def _plain(words: list[Token]) -> str:
    """A heading's words, without its markup."""
    return "".join(word.content or (" " if word.type in {"softbreak", "hardbreak"} else "") for word in words)


def _links(words: list[Token]) -> str:
    """The links of a heading, which its section begins with: the heading itself is words alone."""
    links: list[str] = []
    target, label = "", ""
    for word in words:
        if word.type == "link_open":
            target, label = str(word.attrs.get("href", "")), ""
        elif word.type == "link_close":
            links += [f"[{label}]({target})"] if target and not target.startswith("#") else []
        label += word.content
    return " ".join(links)


def _field(front: str, *names: str) -> str:
    """The value of the first field of these names, read tolerantly: quoted or not, on one line, folded or as a block.

    A list or a mapping is no value.
    """
    matches = (re.search(_FIELD.format(name), front, re.MULTILINE) for name in names)
    found = next((match for match in matches if match), None)
    if not found or found.group(1).lstrip().startswith(("- ", "[", "{")):
        return ""
    value = " ".join(found.group(1).split())
    value = re.sub(r"^[>|][+-]?(?:\s|$)", "", value)
    quoted = re.match(r"""(["'])(.*)\1\s*(?:#.*)?$""", value)
    return quoted.group(2) if quoted else re.sub(r"(?:^|\s)#.*", "", value).strip()


def _outside_code_blocks(text: str, tokens: list[Token], change: Callable[[str], str]) -> str:
    """Apply `change`, which keeps the number of lines, to all that is not a code block."""
    lines = text.split("\n")
    ranges = [token.map for token in tokens if token.type in {"fence", "code_block"} and token.map]
    done, position = [], 0
    for start, end in ranges:
        if start > position:
            done.append(change("\n".join(lines[position:start])))
        done.extend(lines[start:end])
        position = end
    return "\n".join([*done, change("\n".join(lines[position:]))])
