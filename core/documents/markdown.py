"""Markdown text → blocks, kept as the Markdown that its author wrote.

Front matter gives title, author, date and language. Template tags (Liquid, Nunjucks, Hugo), attribute lists and
inline HTML are read as a reader of the rendered page would see them. Knows nothing of bytes, files or passages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from core.documents.blocks import Kind, Outline, ParsedDocument, fenced
from core.documents.html import add_html
from core.documents.properties import iso_date, language_tag

_KINDS = {
    "paragraph_open": Kind.PARAGRAPH,
    "bullet_list_open": Kind.LIST,
    "ordered_list_open": Kind.LIST,
    "blockquote_open": Kind.QUOTE,
    "table_open": Kind.TABLE,
    "fence": Kind.CODE,
}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = r"^(?:{})[ \t]*:[ \t]*(.*(?:\n[ \t]+\S.*)*)"
_TEMPLATE_COMMENT = re.compile(r"\{%-?\s*comment\b.{0,5000}?\{%-?\s*endcomment\s*-?%\}|\{#[^}]*?#\}", re.DOTALL)
_TEMPLATE_TAG = r"(?P<into>\(\s*)?(?:\{%-?\s*(?P<name>\w*)(?P<rest>[^{}]*?)%\}|\{\{[<%][^{}]*[>%]\}\})"
_CONTROL = {"assign", "block", "capture", "case", "elif", "elsif", "extends", "for", "if", "set", "unless", "when"}
_ARGUMENT = re.compile(r"""["']([^"']*)["']""")
_FILE_NAME = re.compile(r"/|\.\w{1,5}$")
_CODE_SPAN = r"(?P<fence>(?<!`)`+(?!`)).{1,1000}?(?<!`)(?P=fence)(?!`)"
_ATTRIBUTES = r"(?<=[\w)\]*_`.?! ])\{:?[ ]*[.#][\w.#=\"' -]*\}|^[ \t]*\{:[^}\n]*\}[ \t]*$"
_ANCHOR = r"<a\s[^<>]*?\bhref\s*=\s*[\"'](?P<href>[^\"'<>]*)[\"'][^<>]*>(?P<label>.{0,1000}?)</a\s*>"
_INLINE_HTML = r"</?(?:a|abbr|b|button|em|i|mark|small|span|strong|sub|sup|u|wbr)(?:\s[^<>]*)?/?>|<br\s*/?>"
_BROKEN_TARGET = re.compile(r"(\]\([^()\s]+)\s+\)")
_VARIABLE_IN_TARGET = re.compile(r"\]\(\{\{[^{}]*\}\}(?=/)")
_PADDING = re.compile(r"(?<=\S)[ \t]{2,}|-{4,}")
_HTML_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL | re.IGNORECASE)
_REFERENCE = r"(?<![!\]\\])\[(?P<text>[^\[\]]+)\](?:\[(?P<label>[^\[\]]*)\])?(?![(:\[])"


def parse_markdown(text: str) -> ParsedDocument:
    """Parse `text`, whose lines end in a newline character alone."""
    front = _FRONT_MATTER.match(text)
    fields = (front.group(1) or "") if front else ""
    outline = Outline(_field(fields, "title"))
    if front:
        text = "\n" * front.group().count("\n") + text[front.end() :]
    markdown = MarkdownIt("commonmark").enable("table")
    text = _outside_code_blocks(text, markdown.parse(text), _as_rendered)
    environment: dict[str, Any] = {}
    tokens = markdown.parse(text, environment)
    references = {label: str(target["href"]) for label, target in environment.get("references", {}).items()}
    lines = text.split("\n")
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map:
            _add(outline, token, tokens[index + 1 : index + 2], lines, references)
    return replace(
        outline.document(),
        author=_field(fields, "author"),
        date=iso_date(_field(fields, "updated", "last_modified_at", "lastmod", "date")),
        language=language_tag(_field(fields, "lang", "language", "locale")),
    )


def _add(outline: Outline, token: Token, inside: list[Token], lines: list[str], references: Mapping[str, str]) -> None:
    start, end = token.map or (0, 0)
    source = "\n".join(lines[start:end])
    if token.type == "heading_open":
        outline.heading(int(token.tag[1]), _plain(inside[0]), start + 1)
        outline.add(Kind.PARAGRAPH, _links(inside[0]), start + 1)
    elif token.type == "html_block":
        add_html(outline, source, first_line=start + 1)
    elif token.type == "code_block":
        outline.add(Kind.CODE, fenced(token.content), start + 1)
    elif token.type in _KINDS:
        kind = _KINDS[token.type]
        outline.add(kind, source if kind is Kind.CODE else _tidy(source, kind, references), start + 1)


def _tidy(source: str, kind: Kind, references: Mapping[str, str]) -> str:
    source = _BROKEN_TARGET.sub(
        r"\1)", _VARIABLE_IN_TARGET.sub("](", re.sub(r"(?<! ) $", "", source, flags=re.MULTILINE))
    )
    if kind is Kind.TABLE:
        source = _PADDING.sub(lambda run: "---" if run.group().startswith("-") else " ", source)
    if references:
        source = _outside_code_spans(source, _REFERENCE, lambda match: _link(match, references))
    return source


def _link(match: re.Match[str], references: Mapping[str, str]) -> str:
    target = references.get(normalizeReference(match["label"] or match["text"]))
    return f"[{match['text']}]({target})" if target else match.group()


def _plain(token: Token) -> str:
    """A heading's words, without its markup."""
    return "".join(
        child.content or (" " if child.type in {"softbreak", "hardbreak"} else "") for child in token.children or []
    )


def _links(token: Token) -> str:
    """The links of a heading, which its section begins with: the heading itself is words alone."""
    links, children = [], token.children or []
    for at, child in enumerate(children):
        target = str(child.attrs.get("href", "#"))
        if child.type == "link_open" and not target.startswith("#"):
            label = "".join(part.content for part in takewhile(lambda part: part.type != "link_close", children[at:]))
            links.append(f"[{label}]({target})")
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


def _as_rendered(text: str) -> str:
    """What a template engine and a browser would leave of `text`; as many lines as before."""
    text = _TEMPLATE_COMMENT.sub(_newlines, text)
    text = _outside_code_spans(text, _TEMPLATE_TAG, _argument)
    text = _outside_code_spans(text, _ATTRIBUTES, lambda _: "")
    text = _outside_code_spans(text, _ANCHOR, lambda match: f"[{match['label']}]({match['href']})")
    text = _outside_code_spans(text, _INLINE_HTML, lambda match: " " if "br" in match.group().lower() else "")
    return _HTML_TABLE.sub(_without_blank_lines, text)


def _outside_code_spans(text: str, pattern: str, change: Callable[[re.Match[str]], str]) -> str:
    either = re.compile(f"{_CODE_SPAN}|{pattern}", re.DOTALL | re.MULTILINE)
    return either.sub(lambda match: match.group() if match["fence"] else change(match), text)


def _newlines(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _argument(match: re.Match[str]) -> str:
    """What a tag names is what a reader would see of it: a link's target, a channel, a box's heading."""
    into = match["into"] or ""
    named = _ARGUMENT.search(match["rest"] or "")
    shown = named.group(1) if named and match["name"] not in _CONTROL else ""
    if not into and _FILE_NAME.search(shown):  # an image or an included file
        shown = ""
    return into + shown + "\n" * (match.group().count("\n") - into.count("\n"))


def _without_blank_lines(match: re.Match[str]) -> str:
    """A blank line would end the HTML block in the middle of its table."""
    return re.sub(r"(?<=\n)[ \t]*(?=\n)", "<!-- -->", match.group())
